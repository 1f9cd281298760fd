import SansIO
import Testing
import Transport

@Suite(.timeLimit(.minutes(10))) struct HTTPServerDeadlineTests {
    private func refusal(
        _ bytes: String,
        overTLS: Bool = false,
        _ adjust: (inout HTTPServerConfiguration) -> Void
    ) async throws -> (text: String, counters: HTTPServerCounters) {
        let certificates = try TestCertificates.shared.get()
        let server = try await HTTPServer.forTest(tls: overTLS ? certificates.server() : nil, adjust)
        return try await server.use { server in
            let tls = overTLS ? try certificates.client(protocols: .http1) : nil
            let client = try await RawClient.connect(to: server.port, tls: tls, sending: Array(bytes.utf8))
            let text = await client.receiveToEnd()
            try await server.wait { $0.connectionsOpen == 0 }
            return (text, server.counters)
        }
    }

    @Test func aSlowHeaderIsEnded() async throws {
        // Over TLS, where the time runs from the first byte: without any there would be nothing to answer.
        let result = try await refusal("GET / HTTP/1.1\r\nHost:", overTLS: true) {
            $0.headerTimeout = .milliseconds(40)
        }
        #expect(result.text.hasPrefix("HTTP/1.1 408 "))
        #expect(result.counters.timeouts == 1)
    }

    @Test func aSlowBodyIsEnded() async throws {
        let result = try await refusal("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\na") {
            $0.bodyTimeout = .milliseconds(40)
        }
        #expect(result.text.hasPrefix("HTTP/1.1 408 "))
        #expect(result.counters.timeouts == 1)
    }

    @Test func silenceFromTheStartIsEnded() async throws {
        let result = try await refusal("") { $0.headerTimeout = .milliseconds(40) }
        #expect(result.text == "")
        #expect(result.counters.timeouts == 1)
    }

    @Test func anIdleConnectionIsClosed() async throws {
        let result = try await refusal("GET / HTTP/1.1\r\nHost: h\r\n\r\n") { $0.idleTimeout = .milliseconds(40) }
        #expect(result.text.hasPrefix("HTTP/1.1 200 "))
        #expect(result.counters.timeouts == 0)
        #expect(result.counters[.idleTime] == 1)
    }

    @Test func anUnfinishedHandshakeIsEnded() async throws {
        let certificates = try TestCertificates.shared.get()
        let server = try await HTTPServer.forTest(tls: certificates.server()) {
            $0.handshakeTimeout = .milliseconds(40)
        }
        try await server.use { server in
            let client = try await RawClient.connect(to: server.port, sending: [0x16, 3, 1])
            #expect(await client.receiveToEnd() == "")
            #expect(server.counters.handshakeFailures == 1)
        }
    }

    @Test func anIdleHTTP2ConnectionGetsAGoAway() async throws {
        try await HTTPServer.forTest { $0.idleTimeout = .milliseconds(40) }.use { server in
            let client = try await ConformanceClient.connect(
                to: server.port,
                preface: Make.magic + Make.settings() + Make.headers(1)
            )
            await client.wait { _ in false }
            #expect(client.isAnswered(1))
            #expect(client.goAwayCode == 0)
            #expect(server.counters[.idleTime] == 1)
        }
    }

    @Test func aSlowHTTP2BodyLosesItsStreamOnly() async throws {
        try await HTTPServer.forTest { $0.bodyTimeout = .milliseconds(40) }.use { server in
            let client = try await RawClient.connect(
                to: server.port,
                sending: TestFrame.preface + TestFrame.headers(1, end: false)
            )
            // RST_STREAM (3) of stream 1 with CANCEL (8).
            let reset = TestFrame.make(3, 0, 1, TestFrame.number(8))
            while !contains(client.received, reset), await client.receiveMore() {}
            #expect(contains(client.received, reset))
            #expect(server.counters.connectionsOpen == 1)
            #expect(server.counters.timeouts == 1)
            await client.close()
        }
    }

    @Test func anHTTP2HeaderBlockThatNeverEndsClosesTheConnection() async throws {
        try await HTTPServer.forTest { $0.headerTimeout = .milliseconds(40) }.use { server in
            let client = try await RawClient.connect(
                to: server.port,
                sending: TestFrame.preface + TestFrame.make(1, 1, 1, TestFrame.requestBlock)
            )
            while await client.receiveMore() {}
            #expect(server.counters.timeouts >= 1)
        }
    }

    @Test func anAnswerThatIsNotReadLosesItsStreamOnly() async throws {
        let body = [UInt8](repeating: 1, count: 4 << 20)
        let server = try await HTTPServer.forTest {
            $0.writeTimeout = .milliseconds(60)
        } handler: { _, reply in
            reply.send(HTTPResponse(status: 200, body: body))
        }
        try await server.use { server in
            // Its window lets 64 KB through and is never opened further.
            let client = try await RawClient.connect(
                to: server.port,
                sending: TestFrame.preface + TestFrame.headers(1, end: true)
            )
            let reset = TestFrame.make(3, 0, 1, TestFrame.number(8))
            while !contains(client.received, reset), await client.receiveMore() {}
            #expect(contains(client.received, reset))
            #expect(client.received.count < 200_000)
            #expect(server.counters.timeouts == 1)
            #expect(server.counters.connectionsOpen == 1)
            await client.close()
        }
    }

    @Test func aHandlerMayTakeLongerThanEveryDeadline() async throws {
        let held = HeldReplies()
        let server = try await HTTPServer.forTest { configuration in
            configuration.bodyTimeout = .milliseconds(20)
            configuration.idleTimeout = .milliseconds(20)
        } handler: { request, reply in
            if request.target == "/wait" { held.hold(request, reply) } else { TestHandler.echo(request, reply) }
        }
        try await server.use { server in
            let patient = try await RawClient.connect(
                to: server.port,
                sending: Array("GET /wait HTTP/1.1\r\nHost: h\r\n\r\n".utf8)
            )
            try await held.wait(count: 1)
            // Three other connections live and die by their idleness meanwhile, one after the other.
            for _ in 0..<3 {
                let other = try await RawClient.connect(
                    to: server.port,
                    sending: Array("GET / HTTP/1.1\r\nHost: h\r\n\r\n".utf8)
                )
                #expect(await other.receiveToEnd().hasPrefix("HTTP/1.1 200 "))
            }
            try await held.answer("/wait")
            #expect(await patient.receiveResponse().body == "/wait")
            await patient.close()
        }
    }

    private func contains(_ bytes: [UInt8], _ part: [UInt8]) -> Bool {
        guard bytes.count >= part.count else { return false }
        return (0...bytes.count - part.count).contains { Array(bytes[$0..<$0 + part.count]) == part }
    }
}
