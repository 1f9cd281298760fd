import SansIO
import Synchronization
import Testing

@testable import Transport

/// Peers that leave, fall silent or break, by RFC 9113 §6.7, §6.8 and §8.7.
@Suite(.timeLimit(.minutes(10))) struct PeerLinkFailureTests {
    private func withPeer(
        settings: HTTP2Settings = HTTP2Settings(),
        seed: UInt64 = 1,
        _ adjust: (inout PeerLinkSettings) -> Void = { _ in },
        script: @escaping @Sendable (ScriptedPeer.Connection, Int32, HTTPRequest) -> Void,
        _ body: (TestLinks, ScriptedPeer) async throws -> Void
    ) async throws {
        let certificates = try TestCertificates.shared.get()
        let peer = try await ScriptedPeer.start(tls: certificates.peerListener(), settings: settings, script)
        let links = try await TestLinks.make(certificates.peer(), seed: seed, adjust)
        try await body(links, peer)
        try await links.close()
        await peer.stop()
    }

    private static func goAway(last: Int32) -> [UInt8] {
        TestFrame.make(7, 0, 0, TestFrame.number(UInt32(last)) + TestFrame.number(0))
    }

    @Test func afterGoAwayOldStreamsFinishNewerAreRefusedAndNewOnesGoElsewhere() async throws {
        try await withPeer(
            script: { connection, stream, _ in
                guard connection.number == 0 else {
                    connection.answer(stream, "second")
                    return
                }
                guard connection.requests.count == 2 else { return }
                // The second stream is above the last one that the goodbye names; the first is answered after it.
                let first = connection.requests[0].stream
                connection.send(Self.goAway(last: first))
                connection.answer(first, "first")
            }
        ) { links, peer in
            async let first = links.exchange(path: "/1", with: peer.address)
            async let second = links.exchange(path: "/2", with: peer.address)
            let results = await [first, second]
            let bodies = results.compactMap { try? $0.get().body }
            #expect(bodies == [Array("first".utf8)])
            let errors = results.compactMap { result in
                if case .failure(let error) = result { error } else { nil }
            }
            #expect(errors.map(\.code) == [.refused])
            #expect(errors.first?.mayHaveArrived == false)
            let counters = try await links.counters
            #expect(counters.goAways == 1)
            let third = try await links.exchange(path: "/3", with: peer.address).get()
            #expect(third.body == Array("second".utf8))
        }
    }

    @Test func whoWaitsWhenAPeerSaysGoodbyeDoesNotWaitForItsOpenStreams() async throws {
        var settings = HTTP2Settings()
        settings.maximumConcurrentStreams = 1
        try await withPeer(
            settings: settings,
            { $0.connectionsPerPeer = 1 },
            script: { connection, stream, _ in
                // The first connection's only stream is never answered.
                if connection.number == 0 { connection.send(Self.goAway(last: stream)) }
                if connection.number > 0 { connection.answer(stream, "second") }
            }
        ) { links, peer in
            try await withThrowingTaskGroup(of: Result<PeerReply, PeerLinkError>.self) { group in
                for _ in 0..<2 { group.addTask { await links.exchange(with: peer.address, timeout: TestTime.ample) } }
                let answered = try await group.next()?.get()
                #expect(answered?.body == Array("second".utf8))
                try await links.close()
            }
            #expect(peer.connections == 2)
        }
    }

    @Test func whoWaitsStartsWhenThePeerAllowsMoreStreams() async throws {
        let certificates = try TestCertificates.shared.get()
        let allowOne = TestFrame.make(4, 0, 0, [0, 3] + TestFrame.number(1))
        let allowTwo = TestFrame.make(4, 0, 0, [0, 3] + TestFrame.number(2))
        // `:status: 200`, with the name from the static table (RFC 7541 §6.2.2).
        let block: [UInt8] = [8, 3] + Array("200".utf8)
        let answers = TestFrame.headers(1, end: true, block: block) + TestFrame.headers(3, end: true, block: block)
        let requests = Atomic<Int>(0)
        let server = try await PlainTLSServer.start(tls: certificates.peerListener()) { received in
            if received.hasPrefix("PRI ") { return .bytes(String(decoding: allowOne, as: UTF8.self)) }
            let isFirst = requests.wrappingAdd(1, ordering: .relaxed).oldValue == 0
            return .bytes(String(decoding: isFirst ? allowTwo : answers, as: UTF8.self))
        }
        let links = try await TestLinks.make(certificates.peer()) { $0.connectionsPerPeer = 1 }
        let port = try #require(server.url.split(separator: ":").last.flatMap { Int($0) })
        let end = Array("\r\n\r\n".utf8)
        async let first = links.exchange(end, with: TestLinks.address(port))
        async let second = links.exchange(end, with: TestLinks.address(port))
        for result in await [first, second] { #expect(try result.get().status == 200) }
        try await links.close()
        await server.stop()
    }

    @Test func aGracefulShutdownLosesNothing() async throws {
        try await withPeer(script: { connection, stream, request in
            if connection.number == 0 { connection.send(Self.goAway(last: stream)) }
            connection.answer(stream, "\(connection.number)")
        }) { links, peer in
            for number in 0..<3 {
                let reply = try await links.exchange(with: peer.address).get()
                if number > 0 { #expect(reply.body == Array("1".utf8)) }
            }
            #expect(peer.connections == 2)
        }
    }

    @Test func aRefusedStreamMayBeSentAgain() async throws {
        try await withPeer(script: { connection, stream, _ in
            if connection.requests.count == 1 {
                connection.session.reset(stream: stream, code: 7)
            } else {
                connection.session.reset(stream: stream, code: 2)
            }
        }) { links, peer in
            let refused = await links.failure(with: peer.address)
            #expect(refused?.code == .refused)
            #expect(refused?.mayHaveArrived == false)
            let broken = await links.failure(with: peer.address)
            #expect(broken?.code == .broken)
            #expect(broken?.mayHaveArrived == true)
        }
    }

    @Test func aSilentPeerIsPingedAndGivenUp() async throws {
        try await withPeer(
            {
                $0.pingInterval = .milliseconds(20)
                $0.pingTimeout = .milliseconds(50)
            },
            script: { connection, _, _ in connection.isMute = true }
        ) { links, peer in
            let error = await links.failure(with: peer.address)
            #expect(error?.code == .broken)
            #expect(error?.message.contains("did not answer a ping within 0.05 seconds") == true)
            #expect(error?.mayHaveArrived == true)
        }
    }

    @Test func aPeerThatAnswersPingsIsWaitedFor() async throws {
        try await withPeer(
            {
                // Some forty pings in all: a peer takes many more from one connection for a flood.
                $0.pingInterval = .milliseconds(50)
            },
            script: { _, _, _ in }
        ) { links, peer in
            // Many intervals long, and it ends by its own time.
            #expect(await links.failure(with: peer.address, timeout: .seconds(2))?.code == .timedOut)
            let open = try await links.openConnections
            #expect(open == 1)
        }
    }

    @Test func aConnectionThatBreaksFailsItsRequests() async throws {
        try await withPeer(script: { connection, _, _ in connection.close() }) { links, peer in
            let error = await links.failure(with: peer.address)
            #expect(error?.code == .broken)
            #expect(error?.mayHaveArrived == true)
        }
    }

    @Test func aPeerThatNeverFinishesTheHandshakeIsGivenUp() async throws {
        let certificates = try TestCertificates.shared.get()
        // A listener whose connections nobody reads.
        let silent = try await SilentListener.start()
        let links = try await TestLinks.make(certificates.peer()) { $0.connectTimeout = .milliseconds(50) }
        let error = await links.failure(with: TestLinks.address(silent.port))
        #expect(error?.code == .unreachable)
        #expect(error?.message.contains("did not finish connecting within 0.05 seconds") == true)
        try await links.close()
        await silent.stop()
    }

    @Test func aConnectionWhoseStreamIDsHaveRunOutIsReplaced() async throws {
        try await withPeer(
            {
                $0.connectionsPerPeer = 1
                // Three streams: 2^31 - 5, 2^31 - 3 and 2^31 - 1 (RFC 9113 §5.1.1).
                $0.http2.firstStream = .max - 4
            },
            script: { connection, stream, _ in connection.answer(stream, "\(connection.number)") }
        ) { links, peer in
            for number in 0..<7 {
                let reply = try await links.exchange(with: peer.address, timeout: TestTime.ample).get()
                #expect(reply.body == Array("\(number / 3)".utf8))
            }
            let counters = try await links.counters
            #expect(counters.connectionAttempts == 3)
            #expect(counters.connectionFailures == 0)
            #expect(counters.goAways == 0)
        }
    }

    @Test func thePeersLimitOfStreamsIsKept() async throws {
        var settings = HTTP2Settings()
        settings.maximumConcurrentStreams = 2
        let most = Mutex(0)
        try await withPeer(
            settings: settings,
            { $0.connectionsPerPeer = 1 },
            script: { connection, stream, _ in
                most.withLock { $0 = max($0, connection.session.openStreams) }
                connection.answer(stream, "x")
            }
        ) { links, peer in
            await withTaskGroup(of: Void.self) { group in
                for _ in 0..<20 { group.addTask { _ = await links.exchange(with: peer.address) } }
            }
            let counters = try await links.counters
            #expect(counters.connectionAttempts == 1)
        }
        #expect((1...2).contains(most.withLock { $0 }))
    }
}
