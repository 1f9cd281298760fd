import SansIO
import Testing
import Transport

/// Clients that end their side of an HTTP/1.x connection while answers are due.
@Suite(.timeLimit(.minutes(10))) struct HTTP1HalfCloseTests {
    private static func get(_ target: String, _ version: String = "1.1", _ field: String = "") -> String {
        "GET \(target) HTTP/\(version)\r\nHost: h\r\n\(field)\r\n"
    }

    /// A server that holds requests for `/wait...` and answers all others at once.
    private func server(
        _ held: HeldReplies,
        grace: Duration,
        tls: TLSContext? = nil
    ) async throws -> HTTPServer {
        try await HTTPServer.forTest(tls: tls) {
            $0.halfCloseGrace = grace
        } handler: { request, reply in
            if request.target.hasPrefix("/wait") { held.hold(request, reply) } else { TestHandler.echo(request, reply) }
        }
    }

    @Test(arguments: [get("/wait"), get("/wait", "1.0"), get("/wait", "1.1", "Connection: close\r\n")])
    func aClientThatLeftCancelsItsReply(_ request: String) async throws {
        let held = HeldReplies()
        try await server(held, grace: .milliseconds(40)).use { server in
            let client = try await RawClient.connect(to: server.port)
            try await client.send(request)
            try await held.wait(count: 1)
            await client.close()
            try await held.waitForCancellation()
            try await server.wait { $0.connectionsOpen == 0 }
            #expect(held.cancelled == ["/wait"])
            #expect(server.counters.timeouts == 0)
            // What comes too late is ignored.
            try await held.answer("/wait")
            #expect(held.cancelled == ["/wait"])
        }
    }

    @Test func aClientThatLeftOverTLSCancelsItsReply() async throws {
        let certificates = try TestCertificates.shared.get()
        let held = HeldReplies()
        let server = try await server(held, grace: .milliseconds(40), tls: certificates.server())
        try await server.use { server in
            let client = try await RawClient.connect(to: server.port, tls: certificates.client(protocols: .http1))
            try await client.send(Self.get("/wait"))
            try await held.wait(count: 1)
            await client.close()
            try await held.waitForCancellation()
            try await server.wait { $0.connectionsOpen == 0 }
            #expect(held.cancelled == ["/wait"])
        }
    }

    @Test func aClientThatStillReadsSeesTheConnectionClose() async throws {
        let held = HeldReplies()
        try await server(held, grace: .milliseconds(40)).use { server in
            let client = try await RawClient.connect(to: server.port)
            try await client.send(Self.get("/wait"))
            try await client.finishSending()
            #expect(await client.receiveToEnd() == "")
            try await server.wait { $0.connectionsOpen == 0 }
            #expect(held.cancelled == ["/wait"])
        }
    }

    @Test func answersThatAreReadyAtOnceAreSentBeforeTheWaitIsGivenUp() async throws {
        let held = HeldReplies()
        try await server(held, grace: .milliseconds(40)).use { server in
            let client = try await RawClient.connect(to: server.port)
            // The last is never handed over: no message may be given to a request whose client has gone.
            try await client.send(Self.get("/1") + Self.get("/2") + Self.get("/wait") + Self.get("/wait2"))
            try await client.finishSending()
            #expect(await client.receiveResponse().body == "GET /1 0 ")
            #expect(await client.receiveResponse().body == "GET /2 0 ")
            #expect(await client.receiveToEnd() == "")
            try await server.wait { $0.connectionsOpen == 0 }
            #expect(held.targets == ["/wait"])
            #expect(held.cancelled == ["/wait"])
            #expect(server.counters.http1Requests == 3)
        }
    }

    @Test func anAnswerWithinTheGraceIsSentAndSoAreThosePipelinedBehindIt() async throws {
        let held = HeldReplies()
        try await server(held, grace: TestTime.ample).use { server in
            let client = try await RawClient.connect(to: server.port)
            try await client.send(Self.get("/wait") + Self.get("/2") + Self.get("/wait3"))
            try await client.finishSending()
            try await held.wait(count: 1)
            try await held.answer("/wait")
            #expect(await client.receiveResponse().body == "/wait")
            #expect(await client.receiveResponse().body == "GET /2 0 ")
            try await held.wait(count: 2)
            try await held.answer("/wait3")
            #expect(await client.receiveToEnd().hasSuffix("\r\n\r\n/wait3"))
            #expect(held.cancelled == [])
        }
    }

    @Test func anUnfinishedRequestBehindTheWaitDoesNotKeepItAlive() async throws {
        let held = HeldReplies()
        try await server(held, grace: .milliseconds(40)).use { server in
            let client = try await RawClient.connect(to: server.port)
            try await client.send(Self.get("/wait") + "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\na")
            try await held.wait(count: 1)
            await client.close()
            try await held.waitForCancellation()
            try await server.wait { $0.connectionsOpen == 0 }
            #expect(held.cancelled == ["/wait"])
        }
    }

    @Test func aWaitWhoseClientKeepsItsSideOpenOutlastsTheGrace() async throws {
        let held = HeldReplies()
        try await server(held, grace: .milliseconds(5)).use { server in
            let patient = try await RawClient.connect(to: server.port)
            try await patient.send(Self.get("/wait"))
            try await held.wait(count: 1)
            // Another wait begins later and is given up meanwhile.
            let other = try await RawClient.connect(to: server.port)
            try await other.send(Self.get("/wait2"))
            try await other.finishSending()
            #expect(await other.receiveToEnd() == "")
            try await held.answer("/wait")
            #expect(await patient.receiveResponse().body == "/wait")
            #expect(held.cancelled == ["/wait2"])
            await patient.close()
        }
    }

    @Test func theGraceMustBeATime() {
        var configuration = HTTPServerConfiguration()
        #expect(configuration.halfCloseGrace == .seconds(1))
        configuration.halfCloseGrace = .zero
        #expect(configuration.validate() == ["halfCloseGrace must be between 1 ms and 24 h"])
    }
}
