import Cluster
import EventModel
import Membership
import SansIO
import Simulation
import Testing

/// The driver over simulated ports: datagrams, links and clocks of machines in one world.
@Suite struct MembershipDriverTests {
    private final class Node: SimulatedNode, HTTPRequestHandler {
        let driver: MembershipDriver
        unowned let machine: Machine
        var events: [MembershipEvent] = []

        init?(_ machine: Machine, _ crypto: SimulatedCrypto, accounts: [AccountID]) {
            guard let identity = machine.nodeIdentity,
                let instance = SWIMInstance(
                    identity: identity,
                    description: NodeDescription(gossip: machine.endpoint, peer: machine.endpoint, accounts: accounts),
                    trustDomain: "example.com",
                    crypto: crypto,
                    now: machine.now
                )
            else { return nil }
            self.machine = machine
            driver = MembershipDriver(
                instance: instance,
                clock: machine,
                datagrams: machine.datagrams,
                links: machine.links,
                seed: UInt64(machine.index)
            )
        }

        func start() {
            _ = driver.observe { [unowned self] event in events.append(event) }
            machine.requestHandler = self
            driver.start(seeds: machine.index == 0 ? [] : [NodeEndpoint(host: "10.0.0.1", port: 7946)])
        }

        func leave() { driver.leave {} }

        func handle(_ request: HTTPRequest, _ reply: any HTTPReply) {
            guard let identity = request.connection.clientIdentity, request.target == MembershipSync.path,
                case .answer(let body) = driver.answerSync(request.body, from: identity)
            else { return reply.send(HTTPResponse(status: 403)) }
            reply.send(HTTPResponse(status: 200, body: body))
        }
    }

    private final class Scene {
        let world: World
        let account: AccountID

        init(_ count: Int, seed: UInt64) throws {
            world = World(seed: seed)
            account = try #require(AccountID("100000000001"))
            let authority = SimulatedAuthority(world: world, trustDomain: "example.com")
            for index in 0..<count {
                let machine = world.addMachine(
                    name: "n\(index)",
                    endpoint: NodeEndpoint(host: "10.0.0.\(index + 1)", port: 7946),
                    certificate: world.network.certificates.issue(
                        CertificateIdentity(
                            uris: ["spiffe://example.com/cell/c\(index)/node/n\(index)"],
                            dnsNames: ["*.account.example.com"]
                        )
                    )
                )
                machine.boot = { [world, account] machine in
                    let crypto = SimulatedCrypto(
                        machine: machine,
                        authority: authority,
                        ring: SimulatedKeyRing(world: world)
                    )
                    guard let node = Node(machine, crypto, accounts: machine.index == 1 ? [account] : []) else {
                        preconditionFailure("no node on \(machine.name)")
                    }
                    return node
                }
                machine.start()
            }
            world.run(for: .seconds(5))
        }

        func node(_ index: Int) throws -> Node { try #require(world.machines[index].node as? Node) }
    }

    @Test func nodesFindEachOtherAndObserversHearOfIt() throws {
        let scene = try Scene(4, seed: 61)
        for index in 0..<4 {
            let node = try scene.node(index)
            #expect(node.driver.presentCount == 4)
            #expect(node.driver.members.map(\.identity.node) == ["n0", "n1", "n2", "n3"])
            #expect(node.driver.directory.entry(for: scene.account)?.cell.cell == "c1")
        }
        let heard = try scene.node(0).events.contains { event in
            if case .directory(let change) = event { return change.hosted == [scene.account] }
            return false
        }
        #expect(heard)
    }

    @Test func aCrashIsHeardAndTheDirectoryForgetsTheNode() throws {
        let scene = try Scene(4, seed: 62)
        scene.world.machines[1].crash()
        scene.world.run(for: .seconds(15))
        for index in [0, 2, 3] {
            let node = try scene.node(index)
            #expect(
                node.events.contains { if case .died(let member) = $0 { member.identity.node == "n1" } else { false } }
            )
            #expect(node.driver.directory.entry(for: scene.account) == nil)
        }
    }

    /// DESIGN §8: gossip's verdicts stop nothing that a link could take.
    @Test func anAccountIsRoutedToANodeThatIsHeldDeadUntilItLeavesOrAnotherHostsIt() throws {
        let scene = try Scene(4, seed: 67)
        let observer = try scene.node(0).driver
        let route = try #require(observer.route(to: scene.account))
        scene.world.machines[1].crash()
        scene.world.run(for: .seconds(15))
        #expect(observer.directory.entry(for: scene.account) == nil)
        #expect(observer.host(of: scene.account)?.isHeldDead == true)
        #expect(observer.route(to: scene.account) == route)

        let other = try scene.node(2)
        other.driver.describe { $0.accounts = [scene.account] }
        scene.world.run(for: .seconds(3))
        #expect(observer.route(to: scene.account)?.cell.cell == "c2")
        other.driver.describe { $0.accounts = [] }
        scene.world.run(for: .seconds(3))
        #expect(observer.route(to: scene.account) == route)

        scene.world.machines[1].start()
        scene.world.run(for: .seconds(15))
        #expect(observer.host(of: scene.account)?.isHeldDead == false)
        try scene.node(1).leave()
        scene.world.run(for: .seconds(4))
        #expect(observer.route(to: scene.account) == nil)
    }

    @Test func aLeaveCompletesAndTheNodeFallsSilent() throws {
        let scene = try Scene(3, seed: 63)
        let leaver = try scene.node(2)
        var isDone = false
        leaver.driver.leave { isDone = true }
        scene.world.run(for: .seconds(4))
        #expect(isDone)
        let sent = leaver.driver.counters.sentDatagrams
        scene.world.run(for: .seconds(10))
        #expect(leaver.driver.counters.sentDatagrams == sent)
        #expect(try scene.node(0).driver.member(leaver.driver.own.identity)?.state == .left)
        #expect(try scene.node(0).driver.counters.suspicionsRaised == 0)
    }

    @Test func aChangedDescriptionIsKnownEverywhere() throws {
        let scene = try Scene(3, seed: 64)
        let node = try scene.node(1)
        node.driver.describe { $0.pressure = 128 }
        scene.world.run(for: .seconds(2))
        for index in 0..<3 {
            let entry = try scene.node(index).driver.directory.entry(for: scene.account)
            #expect(entry?.nodes.map(\.pressure) == [128])
        }
    }

    @Test func syncsAreAnsweredToNodesOnly() throws {
        let scene = try Scene(2, seed: 65)
        let driver = try scene.node(0).driver
        let user = CertificateIdentity(uris: ["spiffe://example.com/account/100000000001/user/u"], dnsNames: [])
        #expect(driver.answerSync([], from: user) == .notANode)
        let foreign = CertificateIdentity(uris: ["spiffe://example.org/cell/c/node/n"], dnsNames: [])
        #expect(driver.answerSync([], from: foreign) == .notANode)
        let node = CertificateIdentity(uris: ["spiffe://example.com/cell/c1/node/n1"], dnsNames: [])
        #expect(driver.answerSync([1, 2, 3], from: node) == .refused)
    }

    @Test func aStoppedDriverSendsNothing() throws {
        let scene = try Scene(2, seed: 66)
        let driver = try scene.node(0).driver
        driver.stop()
        let sent = driver.counters.sentDatagrams
        scene.world.run(for: .seconds(5))
        #expect(driver.counters.sentDatagrams == sent)
    }
}
