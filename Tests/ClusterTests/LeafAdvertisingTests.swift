import Cluster
import EventModel
import Membership
import PeerProtocol
import SansIO
import Simulation
import Testing

/// An edge is known by gossip as long as its uplink is open: it signs what is said of it, and those that it dials pass it on
/// (DESIGN §8).
@Suite struct LeafAdvertisingTests {
    /// A node that takes part in gossip and takes uplinks.
    private final class Core: SimulatedNode, HTTPRequestHandler {
        let driver: MembershipDriver
        let registry: UplinkRegistry
        let sponsor: LeafSponsor
        private(set) var refusals: [NodeIdentity] = []
        private let machine: Machine

        init?(_ machine: Machine, _ crypto: SimulatedCrypto) {
            guard let identity = machine.nodeIdentity,
                let instance = SWIMInstance(
                    identity: identity,
                    description: NodeDescription(gossip: machine.endpoint, peer: machine.endpoint),
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
            registry = UplinkRegistry(trustDomain: "example.com", clock: machine)
            sponsor = LeafSponsor(driver, clock: machine)
            sponsor.onRefusal = { [unowned self] in refusals.append($0) }
            sponsor.onHeldClaim = { [unowned registry] node, held in registry.tell(node, held: held) }
            registry.onChange = { [sponsor] change in
                switch change {
                case .presented(let node, let presence): sponsor.present(node, presence)
                case .down(let node): sponsor.withdraw(node)
                case .up: break
                }
            }
        }

        func start() {
            machine.requestHandler = self
            machine.channelAcceptor = registry
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

    private final class NoQuestions: PeerFrameHandler {
        func answer(_ body: [UInt8], from identity: CertificateIdentity, completion: @escaping ([UInt8]) -> Void) {}
        func explain(_ body: [UInt8], from identity: CertificateIdentity, completion: @escaping ([UInt8]) -> Void) {}
    }

    /// A node that only dials out.
    private final class Edge: SimulatedNode {
        let crypto: SimulatedCrypto
        let claimant: LeafClaimant
        let keeper: UplinkKeeper
        var accounts: [AccountID]
        private let handler = NoQuestions()

        init?(_ machine: Machine, _ crypto: SimulatedCrypto, _ accounts: [AccountID], dials: [NodeEndpoint]) {
            guard let identity = machine.nodeIdentity,
                let claimant = LeafClaimant(
                    identity: identity,
                    version: "test",
                    trustDomain: "example.com",
                    crypto: crypto,
                    clock: machine,
                    seed: 5
                )
            else { return nil }
            self.crypto = crypto
            self.claimant = claimant
            self.accounts = accounts
            var told: () -> [AccountID] = { [] }
            keeper = UplinkKeeper(
                to: dials.map { PeerAddress(endpoint: $0, uri: nil) },
                trustDomain: "example.com",
                links: machine.links,
                clock: machine,
                seed: 6,
                handler: handler,
                accounts: { told() }
            )
            told = { [unowned self] in self.accounts }
            keeper.presence = { [unowned self] in claimant.presence(accounts: self.accounts, dialled: $0) }
            claimant.onChange = { [unowned self] in keeper.announce() }
            keeper.onHeldClaim = { claimant.heard($0) }
        }

        func start() { keeper.start() }
        func leave() { keeper.stop() }
    }

    private final class Scene {
        let world: World
        let account: AccountID
        private let authority: SimulatedAuthority
        private let cores: Int

        /// So many cores, and an edge that dials some of them.
        init(_ cores: Int, dials: [Int], seed: UInt64) throws {
            world = World(seed: seed)
            account = try #require(AccountID("100000000001"))
            authority = SimulatedAuthority(world: world, trustDomain: "example.com")
            self.cores = cores
            for index in 0...cores {
                let machine = world.addMachine(
                    name: "n\(index)",
                    endpoint: NodeEndpoint(host: "10.0.0.\(index + 1)", port: 7946),
                    certificate: Self.certificate(world, index)
                )
                machine.boot = { [world, account, authority] machine in
                    let ring = SimulatedKeyRing(world: world)
                    let crypto = SimulatedCrypto(machine: machine, authority: authority, ring: ring)
                    let endpoints = dials.map { NodeEndpoint(host: "10.0.0.\($0 + 1)", port: 7946) }
                    let node: (any SimulatedNode)? =
                        machine.index < cores
                        ? Core(machine, crypto) : Edge(machine, crypto, [account], dials: endpoints)
                    guard let node else { preconditionFailure("no node on \(machine.name)") }
                    return node
                }
                machine.start()
            }
            world.run(for: .seconds(10))
        }

        /// Starts an edge with a certificate of its own, under the name of the scene's edge or another one.
        func addEdge(dials: [Int], clockOffset: Duration, number: Int? = nil) -> Machine {
            let machine = world.addMachine(
                name: "e\(world.machines.count)",
                endpoint: NodeEndpoint(host: "10.0.1.\(world.machines.count)", port: 7946),
                certificate: Self.certificate(world, number ?? cores)
            )
            machine.clockOffset += clockOffset
            machine.boot = { [world, account, authority] machine in
                let ring = SimulatedKeyRing(world: world)
                let crypto = SimulatedCrypto(machine: machine, authority: authority, ring: ring)
                let endpoints = dials.map { NodeEndpoint(host: "10.0.0.\($0 + 1)", port: 7946) }
                guard let edge = Edge(machine, crypto, [account], dials: endpoints) else {
                    preconditionFailure("no node on \(machine.name)")
                }
                return edge
            }
            machine.start()
            return machine
        }

        static func certificate(_ world: World, _ index: Int) -> SimulatedCertificate {
            world.network.certificates.issue(
                CertificateIdentity(
                    uris: ["spiffe://example.com/cell/c\(index)/node/n\(index)"],
                    dnsNames: ["*.account.example.com"]
                )
            )
        }

        func core(_ index: Int) throws -> Core { try #require(world.machines[index].node as? Core) }
        func edge() throws -> Edge { try #require(world.machines[cores].node as? Edge) }

        /// The sponsors of the edge's account as a core's directory names them; nil when nobody hosts it.
        func sponsors(at index: Int) throws -> [String]? {
            try core(index).driver.directory.entry(for: account)?.nodes.first?.sponsors.map(\.node)
        }
    }

    @Test func anEdgeIsKnownEverywhereWhileItsUplinkIsOpen() throws {
        let scene = try Scene(3, dials: [1], seed: 81)
        for index in 0..<3 {
            let driver = try scene.core(index).driver
            #expect(try scene.sponsors(at: index) == ["n1"])
            #expect(driver.leafViews.map(\.isAttached) == [true])
            #expect(driver.presentCount == 3, "it is no member")
            let route = try #require(driver.route(to: scene.account))
            #expect(driver.reachable([scene.account]).isEmpty, "no connection is of use")
            #expect(route.cell.cell == "c3" && route.nodes.isEmpty && route.sponsors.map(\.node) == ["n1"])
        }
        scene.world.machines[3].crash()
        scene.world.run(for: .seconds(90))
        for index in 0..<3 {
            #expect(try scene.sponsors(at: index) == nil)
            #expect(try scene.core(index).driver.leafViews.map(\.isAttached) == [false])
        }
        scene.world.machines[3].start()
        scene.world.run(for: .seconds(30))
        for index in 0..<3 { #expect(try scene.sponsors(at: index) == ["n1"]) }
    }

    @Test func anEdgeNamesTwoOfThoseThatItDialsAndAnotherWhenOneIsGone() throws {
        let scene = try Scene(4, dials: [1, 2, 3], seed: 82)
        let first = try #require(try scene.sponsors(at: 0))
        #expect(first.count == 2)
        #expect(try (1..<4).allSatisfy { try scene.sponsors(at: $0) == first })
        #expect(try (0..<4).allSatisfy { try scene.core($0).refusals.isEmpty }, "an uplink that is not named is no lie")
        let gone = try #require(first.first?.last?.wholeNumberValue)
        let third = try #require((1..<4).first { !first.contains("n\($0)") })
        scene.world.machines[gone].crash()
        scene.world.run(for: .seconds(120))
        let now = try #require(try scene.sponsors(at: 0))
        #expect(now == ["n\(third)", first[1]].sorted(), "\(first) \(now)")
        #expect(try scene.core(third).driver.leafViews.first?.sponsors.map(\.node) == now)
    }

    /// Another process of the same name may have been taken while no uplink was open: what is said next goes above that.
    @Test func aClaimIsSignedAnewAfterAllUplinksWereGone() throws {
        let scene = try Scene(2, dials: [0], seed: 86)
        let claimant = try scene.edge().claimant
        let sponsor = try #require(scene.world.machines[0].nodeIdentity)
        let first = claimant.presence(accounts: [scene.account], dialled: [sponsor])
        #expect(claimant.presence(accounts: [scene.account], dialled: [sponsor]) == first)
        #expect(claimant.presence(accounts: [scene.account], dialled: []) == first)
        #expect(claimant.presence(accounts: [scene.account], dialled: [sponsor]) != first)
    }

    /// Another process with a certificate of the same name, whose clock is ahead, takes the edge's uplinks for some minutes. What the
    /// edge says afterwards must go above that, though gossip does not reach it.
    @Test func anEdgeHasItsNameBackAfterAnotherProcessHadIt() throws {
        let scene = try Scene(3, dials: [0, 1], seed: 88)
        let own = try scene.edge().crypto.ownCertificate
        let other = scene.addEdge(dials: [0, 1], clockOffset: .seconds(500))
        scene.world.run(for: .seconds(180))
        let wasTaken = try scene.core(2).driver.leafViews.map(\.certificate) != [own]
        #expect(wasTaken, "the other process had its turn")
        other.crash()
        scene.world.run(for: .seconds(180))
        for index in 0..<3 {
            #expect(try scene.core(index).driver.leafViews.map(\.certificate) == [own])
            #expect(try scene.sponsors(at: index) == ["n0", "n1"])
        }
    }

    /// Everybody still holds what it said while its clock was ahead.
    @Test func whatAnEdgeSaysAfterAStartWithAnEarlierClockCounts() throws {
        let scene = try Scene(2, dials: [0], seed: 89)
        let machine = scene.world.machines[2]
        machine.crash()
        machine.clockOffset += .seconds(6 * 3600)
        machine.start()
        scene.world.run(for: .seconds(60))
        machine.crash()
        machine.clockOffset -= .seconds(6 * 3600)
        machine.start()
        let other = try #require(AccountID("100000000002"))
        try scene.edge().accounts = [other]
        scene.world.run(for: .seconds(60))
        for index in 0..<2 {
            let driver = try scene.core(index).driver
            #expect(driver.directory.entry(for: other) != nil)
            #expect(driver.directory.entry(for: scene.account) == nil)
        }
    }

    /// A hundred edges that are not believed, as their clocks are a day ahead, are tried ever more rarely, and do not hold up another.
    @Test func manyRefusedEdgesCostLittle() throws {
        let scene = try Scene(2, dials: [0], seed: 90)
        let core = try scene.core(0)
        let sponsor = try #require(scene.world.machines[0].nodeIdentity)
        for number in 3..<103 {
            let edge = scene.addEdge(dials: [], clockOffset: .seconds(86_400), number: number)
            let node = try #require(edge.nodeIdentity)
            let claimant = try #require(edge.node as? Edge).claimant
            core.sponsor.present(node, try #require(claimant.presence(accounts: [], dialled: [sponsor])))
        }
        #expect(core.refusals.count == 100)
        var last = core.driver.counters.claimsAheadOfClock
        var most: UInt64 = 0
        let first = last
        for _ in 0..<60 {
            scene.world.run(for: .seconds(10))
            most = max(most, core.driver.counters.claimsAheadOfClock - last)
            last = core.driver.counters.claimsAheadOfClock
        }
        let late = scene.addEdge(dials: [], clockOffset: .seconds(12 * 3600 + 15), number: 103)
        let claimant = try #require(late.node as? Edge).claimant
        let node = try #require(late.nodeIdentity)
        core.sponsor.present(node, try #require(claimant.presence(accounts: [], dialled: [sponsor])))
        #expect(core.refusals.last == node, "half a day and some seconds ahead is too far, for those seconds")
        scene.world.run(for: .seconds(60))
        #expect(core.driver.leafViews.contains { $0.identity == node && $0.isAttached })
        #expect(most <= 32, "in one turn")
        #expect(last - first < 1400, "of the 6000 turns that there were")
        #expect(try scene.sponsors(at: 1) == ["n0"])
    }

    /// What an edge says after its clock was set back does not count where its claims of before are believed; when those are
    /// forgotten, the edge has no reason to say it again.
    @Test(arguments: [[2, 0], [0, 2]]) func anEdgeIsKnownAgainAfterItsClockAndItsSponsorsWereAhead(
        back: [Int]
    ) throws {
        let scene = try Scene(2, dials: [0], seed: 87)
        let leap = Duration.seconds(30 * 3600)
        for index in [0, 2] { scene.world.machines[index].clockOffset += leap }
        let other = try #require(AccountID("100000000002"))
        try scene.edge().accounts = [scene.account, other]
        try scene.edge().keeper.announce()
        scene.world.run(for: .seconds(30))
        #expect(try scene.core(0).driver.directory.entry(for: other) != nil)
        for index in back {
            scene.world.machines[index].clockOffset -= leap
            scene.world.run(for: .seconds(30))
        }
        scene.world.run(for: .seconds(60))
        for index in 0..<2 {
            #expect(try scene.sponsors(at: index) == ["n0"])
            #expect(try scene.core(index).driver.directory.entry(for: other) != nil)
        }
    }

    @Test func accountsThatComeAndGoAreToldAnew() throws {
        let scene = try Scene(2, dials: [0], seed: 83)
        let other = try #require(AccountID("100000000002"))
        try scene.edge().accounts = [other]
        try scene.edge().keeper.announce()
        scene.world.run(for: .seconds(5))
        #expect(try scene.sponsors(at: 1) == nil)
        let entry = try scene.core(1).driver.directory.entry(for: other)
        #expect(entry?.nodes.map(\.identity.node) == ["n2"])
        // More than a claim carries: whoever holds the uplink has the list from the greeting, and the others from there.
        try scene.edge().accounts = (1...70).compactMap { AccountID(number: 100_000_000_000 + $0) }
        try scene.edge().keeper.announce()
        scene.world.run(for: .seconds(5))
        #expect(try scene.core(1).driver.leafViews.first?.accounts.count == 70)
        #expect(try scene.edge().claimant.accountsLeftOut == 0)
    }

    @Test func aClaimIsTakenFromItsOwnNodeOnly() throws {
        let scene = try Scene(2, dials: [0], seed: 84)
        let stranger = try #require(NodeIdentity(authority: "example.com", cell: "c9", node: "n9"))
        let sponsor = try #require(scene.world.machines[0].nodeIdentity)
        let presence = try #require(try scene.edge().claimant.presence(accounts: [scene.account], dialled: [sponsor]))
        let core = try scene.core(0)
        core.sponsor.withdraw(try #require(scene.world.machines[2].nodeIdentity))
        core.sponsor.present(stranger, presence)
        scene.world.run(for: .seconds(200))
        #expect(core.refusals == [stranger], "it is told once, however often it is tried")
        #expect(try scene.sponsors(at: 1) == nil)
        #expect(core.driver.leafAttached(stranger, claim: [1, 2], chain: []) == .refused)
    }

    /// Each certificate vouches for the next, and a renewal that comes soon after another waits for its turn.
    @Test func renewedCertificatesSignTheClaim() throws {
        let scene = try Scene(2, dials: [0], seed: 85)
        let machine = scene.world.machines[2]
        for _ in 0..<2 {
            machine.certificate = Scene.certificate(scene.world, 2)
            let edge = try scene.edge()
            edge.crypto.reload()
            edge.claimant.certificateRenewed()
            scene.world.run(for: .seconds(1))
        }
        scene.world.run(for: .seconds(600))
        let newest = try scene.edge().crypto.ownCertificate
        for index in 0..<2 {
            #expect(try scene.core(index).driver.leafViews.map(\.certificate) == [newest])
            #expect(try scene.sponsors(at: index) == ["n0"])
            #expect(try scene.core(index).driver.counters.claimsContested == 0)
        }
    }
}
