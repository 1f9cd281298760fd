import SansIO
import Simulation
import Testing

/// Goal: links keep what the port promises, and fail in each way that it names. Method: two machines, one of which answers.
@Suite struct SimulatedLinksTests {
    private final class Server: HTTPRequestHandler, PeerChannelAcceptor {
        var replies: [any HTTPReply] = []
        var requests: [HTTPRequest] = []
        var channels: [any PeerChannel] = []
        var answersAtOnce = true
        var cancelled = 0

        func handle(_ request: HTTPRequest, _ reply: any HTTPReply) {
            requests.append(request)
            replies.append(reply)
            reply.onCancel = { [unowned self] in cancelled += 1 }
            if answersAtOnce { reply.send(HTTPResponse(status: 200, body: request.body + [0])) }
        }

        func refusal(path: String, connection: HTTPConnectionInfo) -> HTTPResponse? {
            path == "/yes" ? nil : HTTPResponse(status: 404)
        }

        func accepted(_ channel: any PeerChannel, path: String) { channels.append(channel) }
    }

    private final class Scene {
        let world = World(seed: 1)
        let machines: [Machine]
        let server = Server()
        var results: [Result<PeerReply, PeerLinkError>] = []

        init() {
            machines = WorldTests.machines(world, 2)
            machines[1].requestHandler = server
            machines[1].channelAcceptor = server
        }

        func peer(_ name: String? = "m2") -> PeerAddress {
            PeerAddress(endpoint: machines[1].endpoint, uri: name.map { "spiffe://example.com/cell/c/node/\($0)" })
        }

        func ask(_ body: [UInt8] = [1], _ name: String? = "m2", timeout: Duration = .seconds(30)) {
            machines[0].links.exchange(body, path: "/p", with: peer(name), timeout: timeout) { [self] in
                results.append($0)
            }
        }

        var errors: [PeerLinkError.Code] {
            results.compactMap {
                guard case .failure(let error) = $0 else { return nil }
                return error.code
            }
        }
    }

    @Test func requestIsAnsweredWithBothSidesKnown() throws {
        let scene = Scene()
        scene.ask()
        scene.world.run(for: .seconds(1))
        let reply = try #require(try scene.results.first?.get())
        #expect(reply.status == 200 && reply.body == [1, 0])
        #expect(reply.identity.uris == ["spiffe://example.com/cell/c/node/m2"])
        #expect(scene.server.requests[0].connection.clientIdentity?.uris == ["spiffe://example.com/cell/c/node/m1"])
    }

    @Test func otherIdentityThanTheExpectedIsRefused() {
        let scene = Scene()
        scene.ask([1], "m3")
        scene.world.run(for: .seconds(1))
        #expect(scene.errors == [.wrongIdentity])
        #expect(scene.server.requests.isEmpty)
    }

    @Test func expiredAndRevokedCertificatesFailTheHandshake() {
        let scene = Scene()
        scene.machines[0].certificate.notAfter = World.epoch
        scene.ask()
        scene.world.run(for: .seconds(1))
        scene.machines[0].certificate.notAfter = .distantFuture
        scene.world.network.certificates.revoke(scene.machines[1].certificate.serial)
        scene.ask()
        scene.world.run(for: .seconds(1))
        #expect(scene.errors == [.handshake, .handshake])
        scene.world.network.certificates.renew(scene.machines[1])
        scene.ask()
        scene.world.run(for: .seconds(1))
        #expect(scene.results.count == 3 && scene.errors.count == 2)
    }

    @Test func downNodeIsUnreachableAndSilentOneTimesOut() {
        let scene = Scene()
        scene.server.answersAtOnce = false
        scene.ask(timeout: .seconds(2))
        scene.world.run(for: .seconds(3))
        #expect(scene.errors == [.timedOut])
        #expect(scene.server.cancelled == 1)
        scene.machines[1].crash()
        scene.world.run(for: .seconds(1))
        scene.ask()
        scene.world.run(for: .seconds(3))
        #expect(scene.errors == [.timedOut, .unreachable])
    }

    @Test func crashAfterTheRequestBreaksIt() {
        let scene = Scene()
        scene.server.answersAtOnce = false
        scene.ask()
        scene.world.run(for: .seconds(1))
        scene.machines[1].crash()
        scene.world.run(for: .seconds(1))
        #expect(
            scene.results.map { if case .failure(let error) = $0 { error.mayHaveArrived } else { false } } == [true]
        )
        #expect(scene.errors == [.broken])
    }

    @Test func partitionHoldsMessagesUpAndBreaksTheConnectionInTheEnd() {
        let scene = Scene()
        scene.ask()
        scene.world.run(for: .seconds(1))
        scene.world.network.part([scene.machines[0]], [scene.machines[1]])
        scene.ask([2])
        scene.world.run(for: .seconds(5))
        #expect(scene.results.count == 1)
        scene.world.network.heal([scene.machines[0]], [scene.machines[1]])
        scene.world.run(for: .seconds(1))
        #expect(scene.results.count == 2 && scene.errors == [])
        scene.world.network.part([scene.machines[0]], [scene.machines[1]])
        scene.ask([3])
        scene.world.run(for: .seconds(20))
        #expect(scene.errors == [.broken])
    }

    @Test func channelCarriesMessagesInOrderBothWaysUntilItIsClosed() throws {
        let scene = Scene()
        scene.world.network.conditions.loss = 0.3
        var opened: (any PeerChannel)?
        scene.machines[0].links.openChannel(path: "/yes", with: scene.peer()) { opened = try? $0.get() }
        scene.world.run(for: .seconds(60))
        let near = try #require(opened)
        let far = try #require(scene.server.channels.first)
        for number in 0..<50 as Range<UInt8> {
            near.send([number])
            far.send([number, number])
        }
        #expect(near.unsentBytes == 50)
        var drained = false
        near.onDrained = { drained = true }
        scene.world.run(for: .seconds(60))
        var received: [[UInt8]] = []
        var returned: [[UInt8]] = []
        far.onMessage = { received.append($0) }
        near.onMessage = { returned.append($0) }
        var closed: [PeerLinkError?] = []
        far.onClose = { closed.append($0) }
        near.close()
        scene.world.run(for: .seconds(60))
        #expect(received == (0..<50).map { [$0] })
        #expect(returned == (0..<50).map { [$0, $0] })
        #expect(drained)
        #expect(closed == [nil])
    }

    @Test func refusedChannelIsRefusedAndBrokenOneCloses() throws {
        let scene = Scene()
        var code: PeerLinkError.Code?
        scene.machines[0].links.openChannel(path: "/no", with: scene.peer()) { result in
            if case .failure(let error) = result { code = error.code }
        }
        var opened: (any PeerChannel)?
        scene.machines[0].links.openChannel(path: "/yes", with: scene.peer()) { opened = try? $0.get() }
        scene.world.run(for: .seconds(1))
        #expect(code == .refused)
        var closed: [PeerLinkError.Code?] = []
        try #require(opened).onClose = { closed.append($0?.code) }
        scene.machines[1].pause()
        scene.world.run(for: .seconds(30))
        #expect(closed == [.broken])
    }
}
