import SansIO
import Testing
import Transport

@Suite struct HTTP2SessionLimitTests {
    /// A server that has had its preface and whose own is out of the way.
    private func started(_ adjust: (inout HTTP2Settings) -> Void = { _ in }) throws -> SessionPair {
        var pair = try SessionPair(adjust)
        #expect(pair.giveToServer(TestFrame.preface) == nil)
        _ = SessionPair.bytes(of: pair.server)
        return pair
    }

    /// The error code of the GOAWAY among the server's output.
    private func goAwayCode(_ pair: SessionPair) -> UInt32? {
        var bytes = SessionPair.bytes(of: pair.server)[...]
        while bytes.count >= 9 {
            let head = Array(bytes.prefix(9))
            let length = Int(head[0]) << 16 | Int(head[1]) << 8 | Int(head[2])
            let payload = Array(bytes.dropFirst(9).prefix(length))
            if head[3] == 7, payload.count >= 8 { return payload[4..<8].reduce(0) { $0 << 8 | UInt32($1) } }
            bytes = bytes.dropFirst(9 + length)
        }
        return nil
    }

    private let enhanceYourCalm: UInt32 = 0xb

    @Test func tooLongABodyIsDeliveredAsAFaultAndTheConnectionGoesOn() throws {
        var pair = try SessionPair { $0.maximumBodyBytes = 1000 }
        pair.answer = { HTTPResponse(status: $0.fault == nil ? 200 : 413) }
        _ = pair.client.submit(SessionPair.request(body: Array(repeating: 1, count: 200_000)), scheme: "https")
        pair.pump()
        #expect(pair.requests.count == 1)
        #expect(pair.requests.first?.request.fault == .bodyTooLarge(limit: 1000))
        #expect(pair.requests.first?.request.body == [])
        #expect(pair.responses.map(\.response.status) == [413])
        _ = pair.client.submit(SessionPair.request(body: Array(repeating: 1, count: 1000)), scheme: "https")
        pair.pump()
        #expect(pair.responses.map(\.response.status) == [413, 200])
        #expect(pair.server.bufferedBytes == 0)
        #expect(pair.server.takeLimitHits() == [.body])
    }

    @Test func tooManyHeaderBytesAreAnswered431() throws {
        var pair = try SessionPair { $0.maximumHeaderListBytes = 2000 }
        pair.answer = { _ in HTTPResponse(status: 200) }
        let headers = (0..<30).map { HTTPField("x-\($0)", String(repeating: "v", count: 60)) }
        _ = pair.client.submit(SessionPair.request(headers: headers), scheme: "https")
        _ = pair.client.submit(SessionPair.request(), scheme: "https")
        pair.pump()
        #expect(pair.responses.sorted { $0.stream < $1.stream }.map(\.response.status) == [431, 200])
        #expect(pair.requests.count == 1)
        #expect(pair.server.takeLimitHits() == [.headers])
    }

    @Test func tooManyHeaderFieldsAreAnswered431() throws {
        var pair = try SessionPair { $0.maximumHeaderCount = 10 }
        pair.answer = { _ in HTTPResponse(status: 200) }
        let headers = (0..<12).map { HTTPField("x-\($0)", "") }
        _ = pair.client.submit(SessionPair.request(headers: headers, body: [1]), scheme: "https")
        pair.pump()
        #expect(pair.responses.map(\.response.status) == [431])
        #expect(pair.requests.isEmpty)
    }

    @Test func aHeaderListBlownUpByCompressionLosesItsStreamOnly() throws {
        var pair = try started { $0.maximumHeaderListBytes = 4096 }
        let value = String(repeating: "v", count: 120)
        // One field with indexing (RFC 7541 §6.2.1), then references to it (§6.1): a byte each for 160.
        let literal: [UInt8] = [0x40, 1, UInt8(ascii: "x"), 120] + Array(value.utf8)
        let block = TestFrame.requestBlock + literal + Array(repeating: 0xBE, count: 1000)
        #expect(pair.giveToServer(TestFrame.headers(1, end: true, block: block)) == nil)
        #expect(pair.requests.isEmpty)
        #expect(pair.server.takeLimitHits() == [.headers])
        let frame = SessionPair.bytes(of: pair.server)
        #expect(frame.contains(3))
        #expect(pair.giveToServer(TestFrame.headers(3, end: true)) == nil)
        #expect(pair.requests.count == 1)
        #expect(pair.server.openStreams == 1)
    }

    @Test func theStreamThatOverfillsTheConnectionIsRefused() throws {
        var pair = try SessionPair {
            $0.maximumBodyBytes = 100_000
            $0.maximumBufferedBytes = 150_000
        }
        let first = try #require(
            pair.client.submit(SessionPair.request(body: Array(repeating: 1, count: 90_000)), scheme: "https")
        )
        pair.pump()
        _ = pair.client.submit(SessionPair.request(body: Array(repeating: 2, count: 90_000)), scheme: "https")
        pair.pump()
        #expect(pair.requests.count == 1)
        #expect(pair.clientClosed.map(\.code) == [7])
        #expect(pair.server.takeLimitHits() == [.bufferedBytes])
        #expect(pair.server.bufferedBytes == 90_000)
        #expect(pair.server.respond(to: first, with: HTTPResponse(status: 200), date: EmptyCollection()))
        #expect(pair.server.bufferedBytes == 0)
    }

    @Test func rapidResetsEndTheConnection() throws {
        var pair = try started { $0.resetsReceived = 20 }
        var failure: HTTP2SessionError?
        var sent = 0
        while failure == nil, sent < 1000 {
            let stream = UInt32(1 + 2 * sent)
            failure = pair.giveToServer(TestFrame.headers(stream, end: true) + TestFrame.reset(stream))
            sent += 1
        }
        #expect(failure == .limitExceeded(.resetsReceived))
        #expect(sent == 21)
        #expect(goAwayCode(pair) == enhanceYourCalm)
        #expect(pair.server.isFinished)
    }

    @Test func slowResetsAreForgiven() throws {
        var pair = try started {
            $0.resetsReceived = 20
            $0.budgetWindow = .seconds(10)
        }
        for number in 0..<200 {
            let stream = UInt32(1 + 2 * number)
            #expect(pair.giveToServer(TestFrame.headers(stream, end: true) + TestFrame.reset(stream)) == nil)
            pair.now += 500_000_000
        }
    }

    @Test func makingTheServerResetEndsTheConnection() throws {
        var pair = try started { $0.resetsSent = 20 }
        var failure: HTTP2SessionError?
        var sent = 0
        while failure == nil, sent < 1000 {
            let stream = UInt32(1 + 2 * sent)
            // A window that overflows is a stream error (RFC 9113 §6.9.1).
            let update = TestFrame.make(8, 0, stream, TestFrame.number(0x7FFF_FFFF))
            failure = pair.giveToServer(TestFrame.headers(stream, end: true) + update)
            _ = SessionPair.bytes(of: pair.server)
            failure = pair.server.error
            sent += 1
        }
        #expect(failure == .limitExceeded(.resetsSent))
        #expect(sent == 21)
        #expect(pair.server.isFinished)
    }

    private func flood(_ limit: HTTP2Limit, _ frame: [UInt8], before: [UInt8] = []) throws {
        var pair = try started { settings in
            settings.pings = 10
            settings.settingsFrames = 10
            settings.emptyFrames = 10
            settings.otherFrames = 10
        }
        #expect(pair.giveToServer(before) == nil)
        var count = 0
        while pair.giveToServer(frame) == nil, count < 1000 { count += 1 }
        #expect(pair.server.error == .limitExceeded(limit))
        // The preface's own SETTINGS frame has taken one of its budget.
        #expect(count == (limit == .settingsFrames ? 9 : 10))
        #expect(goAwayCode(pair) == enhanceYourCalm)
    }

    @Test func pingFloodEndsTheConnection() throws {
        try flood(.pings, TestFrame.make(6, 0, 0, Array(repeating: 0, count: 8)))
    }

    @Test func settingsFloodEndsTheConnection() throws {
        try flood(.settingsFrames, TestFrame.make(4, 0, 0, []))
    }

    @Test func emptyDataFloodEndsTheConnection() throws {
        try flood(.emptyFrames, TestFrame.make(0, 0, 1, []), before: TestFrame.headers(1, end: false))
    }

    @Test func paddingOnlyDataFloodEndsTheConnection() throws {
        try flood(.emptyFrames, TestFrame.make(0, 8, 1, [3, 0, 0, 0]), before: TestFrame.headers(1, end: false))
    }

    @Test func priorityFloodEndsTheConnection() throws {
        try flood(.otherFrames, TestFrame.make(2, 0, 1, [0, 0, 0, 0, 1]))
    }

    /// A server that has refused stream 1, of which the client goes on sending.
    private func refused(_ adjust: (inout HTTP2Settings) -> Void) throws -> SessionPair {
        var pair = try started(adjust)
        #expect(pair.giveToServer(TestFrame.headers(1, end: false)) == nil)
        pair.server.reset(stream: 1, code: 7)
        _ = SessionPair.bytes(of: pair.server)
        return pair
    }

    @Test func dataForAResetStreamEndsTheConnectionInTheEnd() throws {
        var pair = try refused { $0.lateDataFrames = 50 }
        let frame = TestFrame.make(0, 0, 1, [UInt8](repeating: 1, count: 100))
        var count = 0
        while pair.giveToServer(frame) == nil, count < 1000 { count += 1 }
        #expect(pair.server.error == .limitExceeded(.lateDataFrames))
        #expect(count == 50)
        #expect(goAwayCode(pair) == enhanceYourCalm)
        #expect(pair.server.isFinished)
    }

    @Test func dataThatCrossedAResetIsForgiven() throws {
        // All that 256 streams of 1 MiB may have on their way, in frames of 16 KiB, with requests in between.
        var pair = try refused { _ in }
        let frame = TestFrame.make(0, 0, 1, [UInt8](repeating: 1, count: 16_384))
        for number in 0..<(256 * 64) {
            #expect(pair.giveToServer(frame) == nil)
            if number % 1024 == 0 {
                let stream = UInt32(3 + 2 * (number / 1024))
                #expect(pair.giveToServer(TestFrame.headers(stream, end: true)) == nil)
            }
            _ = SessionPair.bytes(of: pair.server)
        }
        #expect(pair.server.takeLimitHits().isEmpty)
        #expect(pair.server.bufferedBytes == 0)
    }

    @Test func dataOfOpenStreamsCostsNoLateFrames() throws {
        var pair = try started { $0.lateDataFrames = 1 }
        for stream: UInt32 in [1, 3, 5] { #expect(pair.giveToServer(TestFrame.headers(stream, end: false)) == nil) }
        for _ in 0..<50 {
            for stream: UInt32 in [1, 3, 5] { #expect(pair.giveToServer(TestFrame.make(0, 0, stream, [1])) == nil) }
        }
    }

    @Test func continuationFloodEndsTheConnection() throws {
        var pair = try started()
        #expect(pair.giveToServer(TestFrame.make(1, 1, 1, TestFrame.requestBlock)) == nil)
        var count = 0
        while pair.giveToServer(TestFrame.make(9, 0, 1, [])) == nil, count < 1000 { count += 1 }
        #expect(pair.server.error != nil)
        #expect(count < 20)
        #expect(pair.requests.isEmpty)
    }

    @Test func continuationsOfManyBlocksAreBudgeted() throws {
        var pair = try started { $0.continuationFrames = 30 }
        var streams = 0
        while streams < 1000 {
            let stream = UInt32(1 + 2 * streams)
            let frames =
                TestFrame.make(1, 1, stream, TestFrame.requestBlock) + TestFrame.make(9, 0, stream, [])
                + TestFrame.make(9, 4, stream, [])
            if pair.giveToServer(frames) != nil { break }
            pair.server.respond(to: Int32(stream), with: HTTPResponse(status: 200), date: EmptyCollection())
            _ = SessionPair.bytes(of: pair.server)
            streams += 1
        }
        #expect(pair.server.error == .limitExceeded(.continuationFrames))
        #expect(streams == 15)
    }

    @Test func somethingElseThanHTTP2IsRefused() throws {
        var pair = try SessionPair()
        #expect(pair.giveToServer(Array("GET / HTTP/1.1\r\nhost: a\r\n\r\n".utf8)) != nil)
        #expect(pair.server.error != nil)
        _ = SessionPair.bytes(of: pair.server)
        #expect(pair.server.isFinished)
    }

    @Test func noBytesMakeItTrap() throws {
        let seed = UInt64.random(in: 0...UInt64.max)
        print("seed \(seed)")
        var random = SeededGenerator(seed: seed)
        for _ in 0..<400 {
            var pair = try started()
            pair.answer = { _ in HTTPResponse(status: 200, body: [1, 2, 3]) }
            for _ in 0..<Int.random(in: 1...20, using: &random) {
                let payload = (0..<Int.random(in: 0...40, using: &random)).map { _ in
                    UInt8.random(in: 0...255, using: &random)
                }
                let frame = TestFrame.make(
                    UInt8.random(in: 0...12, using: &random),
                    UInt8.random(in: 0...255, using: &random),
                    UInt32.random(in: 0...9, using: &random),
                    Bool.random(using: &random) ? TestFrame.requestBlock + payload : payload
                )
                _ = pair.giveToServer(frame)
                _ = SessionPair.bytes(of: pair.server)
                pair.takeServerEvents()
                if pair.server.error != nil { break }
            }
            #expect(pair.server.bufferedBytes >= 0, "seed \(seed)")
            #expect(pair.server.unsentBodyBytes >= 0, "seed \(seed)")
        }
    }

    @Test func settingsTellTheirProblems() {
        var settings = HTTP2Settings()
        #expect(settings.problems() == [])
        settings.pings = 0
        settings.streamWindowBytes = 10
        settings.maximumBufferedBytes = 1
        #expect(settings.problems().count == 3)
    }
}
