import NIOCore
import SansIO
import Synchronization
import Testing
import Transport

@Suite(.timeLimit(.minutes(10))) struct PeerLinksTests {
    private static func text(_ result: Result<PeerReply, PeerLinkError>) -> String {
        switch result {
        case .success(let reply): String(decoding: reply.body, as: UTF8.self)
        case .failure(let error): error.description
        }
    }

    /// A listener as nodes have it, and links to it.
    private func withServer(
        _ adjust: (inout PeerLinkSettings) -> Void = { _ in },
        handler: @escaping @Sendable (HTTPRequest, any HTTPReply) -> Void = TestHandler.echo,
        _ body: (TestLinks, HTTPServer) async throws -> Void
    ) async throws {
        let certificates = try TestCertificates.shared.get()
        let links = try await TestLinks.make(certificates.peer(), adjust)
        try await HTTPServer.answering(tls: certificates.peerListener(), handler).use { server in
            try await body(links, server)
            try await links.close()
        }
    }

    @Test func aRequestIsAnsweredAndTellsWhoAnswered() async throws {
        try await withServer { links, server in
            let result = await links.exchange([7, 8], path: "/peer/v1/x", with: TestLinks.address(server.port))
            let reply = try result.get()
            #expect(reply.status == 200)
            #expect(String(decoding: reply.body, as: UTF8.self) == "POST /peer/v1/x 2 \u{7}\u{8}")
            #expect(reply.identity.uris == [TestLinks.nodeURI])
            let counters = try await links.counters
            #expect(counters.connectionsOpened == 1)
        }
    }

    @Test func manyRequestsShareTheConnections() async throws {
        try await withServer({ $0.requestsPerConnection = 8 }) { links, server in
            let peer = TestLinks.address(server.port)
            let answers = await withTaskGroup(of: String.self) { group in
                for number in 0..<200 {
                    group.addTask { Self.text(await links.exchange(Array("\(number)".utf8), with: peer)) }
                }
                return await group.reduce(into: Set<String>()) { $0.insert($1) }
            }
            #expect(answers == Set((0..<200).map { "POST /p \("\($0)".count) \($0)" }))
            let counters = try await links.counters
            #expect(counters.connectionAttempts <= PeerLinkSettings().connectionsPerPeer)
        }
    }

    /// RFC 9113 §5.2: what is sent beyond the connection's window waits, however many streams may be open.
    @Test func aFurtherConnectionOpensWhenTheWindowOfOneIsUsedUp() async throws {
        let certificates = try TestCertificates.shared.get()
        let held = HeldReplies()
        let links = try await TestLinks.make(certificates.peer()) { $0.connectionsPerPeer = 2 }
        let server = try await HTTPServer.forTest(tls: certificates.peerListener()) {
            $0.http2.connectionWindowBytes = 65_535
            // A connection is read until it has brought this many.
            $0.maximumRequestsInFlight = 1
        } handler: {
            held.hold($0, $1)
        }
        try await server.use { server in
            let peer = TestLinks.address(server.port)
            let body = [UInt8](repeating: 1, count: 40_000)
            async let first = links.exchange(path: "/1", with: peer)
            try await held.wait(count: 1)
            async let second = links.exchange(body, path: "/2", with: peer)
            async let third = links.exchange(body, path: "/3", with: peer)
            try await Eventually.holds { try await links.counters.requests == 3 }
            var counters = try await links.counters
            #expect(counters.connectionAttempts == 1)
            async let fourth = links.exchange(body, path: "/4", with: peer)
            try await Eventually.holds { try await links.counters.connectionsOpened == 2 }
            async let fifth = links.exchange(path: "/5", with: peer)
            try await held.wait(count: 2)
            #expect(held.targets == ["/1", "/5"])
            counters = try await links.counters
            #expect(counters.connectionAttempts == 2)
            try await links.close()
            _ = await (first, second, third, fourth, fifth)
        }
    }

    @Test func aNodeWithAnotherURIIsNotTalkedTo() async throws {
        let served = Mutex(0)
        try await withServer(handler: { _, reply in
            served.withLock { $0 += 1 }
            reply.send(HTTPResponse(status: 200))
        }) { links, server in
            let other = "spiffe://busbar.local/cell/dev/node/dev-2"
            let error = await links.failure(with: TestLinks.address(server.port, uri: other))
            #expect(error?.code == .wrongIdentity)
            #expect(error?.message.contains("is \(TestLinks.nodeURI), not \(other)") == true)
            #expect(error?.mayHaveArrived == false)
            let anyNode = await links.exchange(with: TestLinks.address(server.port, uri: nil))
            let reply = try anyNode.get()
            #expect(reply.identity.uris == [TestLinks.nodeURI])
        }
        #expect(served.withLock { $0 } == 1)
    }

    @Test func aPeerOfAnotherAuthorityIsRefused() async throws {
        let certificates = try TestCertificates.shared.get()
        let strangers = try TestCertificates()
        try await HTTPServer.forTest(tls: certificates.peerListener()).use { server in
            // It does not verify for us.
            let trusting = try await TestLinks.make(certificates.peer(authority: strangers.authority))
            let mine = await trusting.failure(with: TestLinks.address(server.port))
            #expect(mine?.code == .handshake)
            #expect(mine?.message.contains("certificate verify failed") == true)
            // We do not verify for it, which it says after our side of the handshake is done.
            let unknown = try await TestLinks.make(strangers.peer(authority: certificates.authority))
            let theirs = await unknown.failure(with: TestLinks.address(server.port))
            #expect(theirs?.code == .handshake)
            #expect(theirs?.message.contains("unknown ca") == true)
            try await trusting.close()
            try await unknown.close()
        }
    }

    @Test func aPeerThatDoesNotAgreeOnHTTP2IsRefused() async throws {
        let certificates = try TestCertificates.shared.get()
        let links = try await TestLinks.make(certificates.client("node", protocols: .http1))
        try await HTTPServer.forTest(tls: certificates.server()).use { server in
            let error = await links.failure(with: TestLinks.address(server.port))
            #expect(error?.code == .handshake)
            #expect(error?.message.contains("did not agree on HTTP/2") == true)
        }
        try await links.close()
    }

    @Test func nobodyListeningIsUnreachable() async throws {
        let certificates = try TestCertificates.shared.get()
        let port = try RefusingPort()
        let links = try await TestLinks.make(certificates.peer())
        let error = await links.failure(with: TestLinks.address(port.number))
        #expect(error?.code == .unreachable)
        #expect(error?.mayHaveArrived == false)
        try await links.close()
        withExtendedLifetime(port) {}
    }

    @Test func requestsBeyondTheLimitsAreOverloaded() async throws {
        let held = HeldReplies()
        try await withServer(
            {
                $0.connectionsPerPeer = 1
                $0.requestsPerConnection = 1
                $0.maximumWaitingRequests = 1
                $0.maximumPendingBytes = 100
            },
            handler: { held.hold($0, $1) }
        ) { links, server in
            let peer = TestLinks.address(server.port)
            async let first = links.exchange(path: "/1", with: peer)
            try await held.wait(count: 1)
            let big = await links.failure([UInt8](repeating: 0, count: 101), with: peer, timeout: .milliseconds(50))
            // Alone it may be larger than the limit, but it waits behind the first.
            #expect(big?.code == .timedOut)
            #expect(big?.mayHaveArrived == false)
            async let second = links.exchange([1], path: "/2", with: peer)
            try await Eventually.holds { try await links.counters.requests == 3 }
            let third = await links.failure(with: peer)
            #expect(third?.code == .overloaded)
            #expect(third?.message.contains("1 requests wait") == true)
            let bytes = await links.failure([UInt8](repeating: 0, count: 100), with: peer)
            #expect(bytes?.code == .overloaded)
            #expect(bytes?.message.contains("1 bytes wait") == true)
            try await held.answer("/1")
            try await held.wait(count: 2)
            try await held.answer("/2")
            #expect(Self.text(await first) == "/1")
            #expect(Self.text(await second) == "/2")
        }
    }

    @Test func aRequestThatIsNotAnsweredTimesOut() async throws {
        let held = HeldReplies()
        try await withServer(handler: { held.hold($0, $1) }) { links, server in
            let peer = TestLinks.address(server.port)
            // With the connection open the next request leaves at once, however busy the machine is.
            async let first = links.exchange(path: "/first", with: peer)
            try await held.wait(count: 1)
            try await held.answer("/first")
            #expect(Self.text(await first) == "/first")
            let error = await links.failure(with: peer, timeout: .milliseconds(100))
            #expect(error?.code == .timedOut)
            #expect(error?.mayHaveArrived == true)
            // The peer hears that nobody waits any more, and the connection goes on.
            try await held.waitForCancellation()
            async let second = links.exchange(path: "/again", with: peer)
            try await held.wait(count: 3)
            try await held.answer("/again")
            #expect(Self.text(await second) == "/again")
            let counters = try await links.counters
            #expect(counters.connectionAttempts == 1)
        }
    }

    @Test func closingFinishesWhatPeersWorkOn() async throws {
        let held = HeldReplies()
        try await withServer(handler: { held.hold($0, $1) }) { links, server in
            let peer = TestLinks.address(server.port)
            async let first = links.exchange(path: "/1", with: peer)
            try await held.wait(count: 1)
            async let closing: Void = links.close(within: TestTime.ample)
            while await links.failure(with: peer, timeout: .milliseconds(1))?.code != .closed {}
            try await held.answer("/1")
            #expect(Self.text(await first) == "/1")
            try await closing
            let open = try await links.openConnections
            #expect(open == 0)
        }
    }

    @Test func closingGivesUpWhatTakesTooLong() async throws {
        let held = HeldReplies()
        try await withServer(handler: { held.hold($0, $1) }) { links, server in
            async let first = links.failure(with: TestLinks.address(server.port))
            try await held.wait(count: 1)
            try await links.close()
            let error = await first
            #expect(error?.code == .closed)
            #expect(error?.mayHaveArrived == true)
        }
    }

    @Test func idleConnectionsClose() async throws {
        try await withServer({ $0.idleTimeout = .milliseconds(20) }) { links, server in
            let peer = TestLinks.address(server.port)
            _ = try await links.exchange(with: peer).get()
            try await Eventually.holds { try await links.openConnections == 0 }
            let counters = try await links.counters
            #expect(counters.connectionFailures == 0)
            _ = try await links.exchange(with: peer).get()
            let later = try await links.counters
            #expect(later.connectionsOpened == 2)
        }
    }

    @Test func attemptsArePacedAndWhoeverWaitsHearsOfEachFailure() async throws {
        let certificates = try TestCertificates.shared.get()
        let port = try RefusingPort()
        let links = try await TestLinks.make(certificates.peer(), seed: 7) {
            $0.reconnectBase = .milliseconds(40)
            $0.reconnectCap = .milliseconds(80)
        }
        let peer = TestLinks.address(port.number)
        for attempt in 1...5 {
            let error = await links.failure(with: peer)
            #expect(error?.code == .unreachable)
            let counters = try await links.counters
            #expect(counters.connectionAttempts == UInt64(attempt))
            #expect(counters.connectionFailures == UInt64(attempt))
        }
        try await links.close()
        withExtendedLifetime(port) {}
    }

    @Test func aRequestThatCannotWaitForTheNextAttemptFailsAtOnce() async throws {
        let certificates = try TestCertificates.shared.get()
        let port = try RefusingPort()
        let links = try await TestLinks.make(certificates.peer(), seed: 3) {
            $0.reconnectBase = .seconds(3600)
            $0.reconnectCap = .seconds(3600)
        }
        let peer = TestLinks.address(port.number)
        let first = await links.failure(with: peer)
        #expect(first?.code == .unreachable)
        #expect(first?.message == "cannot connect to 127.0.0.1:\(port.number): connection refused")
        let error = await links.failure(with: peer, timeout: .seconds(1))
        #expect(error?.code == .unreachable)
        #expect(error?.message.contains("is not tried again in time: cannot connect to") == true)
        let counters = try await links.counters
        #expect(counters.connectionAttempts == 1)
        try await links.close()
        withExtendedLifetime(port) {}
    }

    @Test func moreTargetsThanMayBeAreOverloaded() async throws {
        try await withServer({ $0.maximumPeers = 1 }) { links, server in
            let peer = TestLinks.address(server.port)
            _ = try await links.exchange(with: peer).get()
            let error = await links.failure(with: TestLinks.address(server.port, uri: nil))
            #expect(error?.code == .overloaded)
            #expect(error?.message == "there are links to 1 peers already")
        }
    }
}
