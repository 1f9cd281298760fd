import SansIO
import Testing
import Transport

/// Rules of RFC 9113 about what a server itself sends.
@Suite(.timeLimit(.minutes(10))) struct HTTP2ExchangeConformanceTests {
    private func withClient(
        tls: Bool = false,
        preface: [UInt8] = Make.magic + Make.settings(),
        _ body: (ConformanceClient) async throws -> Void
    ) async throws {
        let certificates = try TestCertificates.shared.get()
        let server = try await HTTP2ConformanceTests.server(tls: tls ? try certificates.server() : nil)
        try await server.use { server in
            let context = tls ? try certificates.client(protocols: .http2) : nil
            let client = try await ConformanceClient.connect(to: server.port, tls: context, preface: preface)
            try await body(client)
            await client.close()
        }
    }

    @Test func theFirstFrameIsSettingsAndTheClientsAreAcknowledged() async throws {
        // RFC 9113 §3.4 and §6.5.3.
        try await withClient { client in
            await client.send(Make.settings((4, 100)))
            await client.settle()
            let first = try #require(client.frames.first)
            #expect(first.type == FrameType.settings)
            #expect(first.flags == 0)
            #expect(first.stream == 0)
            let acknowledgements = client.frames.filter { $0.type == FrameType.settings && $0.flags == 1 }
            #expect(acknowledgements.count == 2)
            #expect(acknowledgements.allSatisfy { $0.payload.isEmpty && $0.stream == 0 })
        }
    }

    @Test(arguments: [
        "PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n", "GET / HTTP/1.1\r\nHost: h\r\n\r\n    ", String(repeating: "\0", count: 40),
    ])
    func aWrongPrefaceIsAConnectionError(_ preface: String) async throws {
        // RFC 9113 §3.4, over TLS, where ALPN has agreed on HTTP/2.
        try await withClient(tls: true, preface: Array(preface.utf8)) { client in
            await client.wait { _ in false }
            #expect(client.hasEnded)
            #expect(client.goAwayCode == nil || client.goAwayCode == ErrorCode.protocolError)
        }
    }

    @Test func anotherFirstFrameThanSettingsIsAConnectionError() async throws {
        // RFC 9113 §3.4.
        try await withClient(preface: Make.magic + Make.ping()) { client in
            await client.wait { _ in false }
            #expect(client.goAwayCode == ErrorCode.protocolError)
        }
    }

    @Test func pingIsAnsweredWithItsOwnPayload() async throws {
        // RFC 9113 §6.7.
        try await withClient { client in
            let payload: [UInt8] = [1, 2, 3, 4, 5, 6, 7, 0xFE]
            await client.send(TestFrame.make(FrameType.ping, 0, 0, payload))
            await client.settle()
            let answer = ReceivedFrame(type: FrameType.ping, flags: 1, stream: 0, payload: payload)
            #expect(client.frames.filter { $0 == answer }.count == 1)
        }
    }

    @Test func dataWaitsForTheStreamsWindow() async throws {
        // RFC 9113 §6.9: a window of one octet, then of three more, then of enough.
        try await withClient(preface: Make.magic + Make.settings((4, 1))) { client in
            await client.send(Make.headers(1))
            await client.settle()
            #expect(client.body(1).count == 1)
            await client.send(Make.windowUpdate(1, 3))
            await client.settle()
            #expect(client.body(1).count == 4)
            #expect(!client.hasEnded(1))
            await client.send(Make.windowUpdate(1, 100))
            await client.wait { $0.hasEnded(1) }
            #expect(client.body(1) == Array("a body".utf8))
        }
    }

    @Test func settingsChangeTheWindowsOfOpenStreams() async throws {
        // RFC 9113 §6.9.2: a window may become negative, and is then filled first.
        try await withClient(preface: Make.magic + Make.settings((4, 3))) { client in
            await client.send(Make.headers(1))
            await client.settle()
            #expect(client.body(1).count == 3)
            await client.send(Make.settings((4, 0)) + Make.windowUpdate(1, 3))
            await client.settle()
            #expect(client.body(1).count == 3)
            await client.send(Make.windowUpdate(1, 1))
            await client.settle()
            #expect(client.body(1).count == 4)
            await client.send(Make.settings((4, 3)))
            await client.wait { $0.hasEnded(1) }
            #expect(client.body(1) == Array("a body".utf8))
        }
    }

    @Test func goAwayNamesTheLastStreamThatWasProcessed() async throws {
        // RFC 9113 §6.8 and §5.4.1.
        try await withClient { client in
            await client.send(Make.headers(1) + Make.headers(9))
            await client.wait { $0.hasEnded(9) }
            await client.send(Make.ping(1, stream: 1))
            await client.wait { _ in false }
            let goAway = try #require(client.frames.last { $0.type == FrameType.goAway })
            #expect(goAway.stream == 0)
            #expect(goAway.number(at: 0) == 9)
        }
    }

    @Test func goAwayOfAnIdleClientEndsTheConnectionAndNothingElse() async throws {
        // RFC 9113 §6.8 and §7: whatever its error code.
        for code in [ErrorCode.none, 0xFF] {
            try await withClient(tls: true) { client in
                await client.settle()
                await client.send(Make.goAway(code: code))
                await client.wait { _ in false }
                #expect(client.hasEnded)
                #expect(client.goAwayCode == nil || client.goAwayCode == ErrorCode.none)
                #expect(client.resets == [])
            }
        }
    }

    @Test func noAnswerIsLargerThanTheConnectionsWindow() async throws {
        // RFC 9113 §6.9.1: the window of the connection holds back a stream that has one of its own.
        let server = try await HTTPServer.answering { _, reply in
            reply.send(HTTPResponse(status: 200, body: [UInt8](repeating: 1, count: 200_000)))
        }
        try await server.use { server in
            let settings = Make.settings((4, 1_000_000))
            let client = try await ConformanceClient.connect(to: server.port, preface: Make.magic + settings)
            await client.send(Make.headers(1))
            await client.wait { $0.body(1).count >= 65_535 }
            await client.settle()
            #expect(client.body(1).count == 65_535)
            await client.send(Make.windowUpdate(0, 1))
            await client.settle()
            #expect(client.body(1).count == 65_536)
            await client.send(Make.windowUpdate(0, 200_000))
            await client.wait { $0.hasEnded(1) }
            #expect(client.body(1).count == 200_000)
            await client.close()
        }
    }

    @Test func aTableThatTheClientTakesAwayIsNotUsed() async throws {
        // RFC 7541 §4.2: the next block says that the table is empty now, and nothing is added to it or taken from it.
        try await withClient { client in
            await client.send(Make.headers(1))
            await client.wait { $0.hasEnded(1) }
            await client.send(Make.settings((1, 0)) + Make.headers(3) + Make.headers(5))
            await client.wait { $0.hasEnded(5) }
            let blocks = client.frames.filter { $0.type == FrameType.headers }.map(\.payload)
            #expect(blocks.count == 3)
            #expect(blocks[1].first == 0x20)
            // Nothing can be pointed to, so a second block is the first again, without that change.
            #expect(blocks[2].count == blocks[1].count - 1)
        }
    }

    @Test func anAnswerToHEADHasNoData() async throws {
        // RFC 9113 §8.1.1 and RFC 9110 §9.3.2.
        try await withClient { client in
            await client.send(Make.headers(1, Make.block([0x86, 0x84], [(":method", "HEAD"), (":authority", "a")])))
            await client.wait { $0.hasEnded(1) }
            await client.settle()
            #expect(client.isAnswered(1))
            #expect(client.frames.allSatisfy { $0.type != FrameType.data })
        }
    }

    @Test func theValuesOfASettingAreTakenInTheirOrder() async throws {
        // RFC 9113 §6.5.3: the window is the last of the values.
        try await withClient { client in
            await client.send(Make.settings((4, 100), (4, 1)) + Make.headers(1))
            await client.settle()
            #expect(client.body(1).count == 1)
        }
    }

    @Test func anExchangeInSingleOctetsIsUnderstood() async throws {
        let request = Make.magic + Make.settings() + Make.headers(1, Make.postBlock, end: false) + Make.data(1, [1])
        try await withClient(preface: []) { client in
            for octet in request { await client.send([octet]) }
            await client.wait { $0.hasEnded(1) }
            #expect(client.isAnswered(1))
        }
    }

    @Test func aClientMayTakeSecondsForEachStep() {
        let configuration = HTTPServerConfiguration()
        let deadlines = [
            configuration.handshakeTimeout, configuration.headerTimeout, configuration.bodyTimeout,
            configuration.idleTimeout, configuration.writeTimeout,
        ]
        #expect(deadlines.allSatisfy { $0 >= .seconds(10) })
    }

    @Test func noFrameIsLargerThanTheClientTakes() async throws {
        // RFC 9113 §4.2.
        let server = try await HTTPServer.answering { _, reply in
            reply.send(HTTPResponse(status: 200, body: [UInt8](repeating: 1, count: 60_000)))
        }
        try await server.use { server in
            let client = try await ConformanceClient.connect(to: server.port)
            await client.send(Make.headers(1))
            await client.wait { $0.hasEnded(1) }
            #expect(client.body(1).count == 60_000)
            #expect(client.frames.allSatisfy { $0.payload.count <= 16_384 })
            await client.close()
        }
    }

    @Test func fieldsOfAResponseAreInLowerCaseAndStartWithTheStatus() async throws {
        // RFC 9113 §8.2.1 and §8.3.2; connection-specific fields are left out (§8.2.2).
        let server = try await HTTPServer.answering { _, reply in
            let headers = [HTTPField("X-Test", "1"), HTTPField("Connection", "close"), HTTPField("Upgrade", "x")]
            reply.send(HTTPResponse(status: 200, headers: headers))
        }
        try await server.use { server in
            let client = try await HTTP2TestClient.connect(to: server.port, tls: nil)
            let response = try await client.get("/")
            #expect(response.headers.contains(HTTPField("x-test", "1")))
            let names = Set(response.headers.map(\.name))
            #expect(names.isDisjoint(with: ["connection", "upgrade", "Connection"]))
            await client.raw.close()
        }
    }
}
