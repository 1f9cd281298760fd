import SansIO
import Testing
import Transport

@Suite struct HTTP2SessionTests {
    @Test func carriesRequestAndResponseAsValues() throws {
        var pair = try SessionPair()
        pair.answer = { _ in
            HTTPResponse(
                status: 201,
                headers: [HTTPField("X-Test", "a"), HTTPField("connection", "close")],
                body: [7, 8]
            )
        }
        let sent = SessionPair.request(
            "POST",
            "/a?b=%20c",
            headers: [HTTPField("x-one", "1"), HTTPField("x-one", "2")]
        )
        var withBody = sent
        withBody.body = [1, 2, 3]
        let stream = pair.client.submit(withBody, scheme: "https")
        pair.pump()
        let request = try #require(pair.requests.first)
        #expect(request.stream == stream)
        #expect(request.request.method == "POST")
        #expect(request.request.target == "/a?b=%20c")
        #expect(request.request.headers.prefix(3).map(\.name) == ["host", "x-one", "x-one"])
        #expect(request.request.header("host") == "localhost")
        #expect(request.request.headers.contains(HTTPField("x-one", "2")))
        #expect(request.request.body == [1, 2, 3])
        #expect(request.request.connection.majorVersion == 2)
        let response = try #require(pair.responses.first).response
        #expect(response.status == 201)
        #expect(response.headers == [HTTPField("x-test", "a"), HTTPField("content-length", "2")])
        #expect(response.body == [7, 8])
        #expect(pair.server.openStreams == 0)
        #expect(pair.server.bufferedBytes == 0)
    }

    @Test func bodiesLargerThanEveryWindowPass() throws {
        var pair = try SessionPair { settings in
            settings.streamWindowBytes = 65_535
            settings.connectionWindowBytes = 65_535
        }
        let large = (0..<3_000_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        pair.answer = { HTTPResponse(status: 200, body: $0.body.reversed()) }
        _ = pair.client.submit(SessionPair.request(body: large), scheme: "https")
        pair.pump()
        #expect(pair.requests.first?.request.body == large)
        #expect(pair.responses.first?.response.body == large.reversed())
        #expect(pair.server.unsentBodyBytes == 0)
        #expect(pair.server.bufferedBytes == 0)
    }

    @Test func moreRequestsThanStreamsWaitTheirTurn() throws {
        var pair = try SessionPair { $0.maximumConcurrentStreams = 4 }
        pair.answer = { HTTPResponse(status: 200, body: Array($0.target.utf8)) }
        // Before it knows the server's limit, a client may open more and see them refused.
        pair.pump()
        for number in 0..<100 { _ = pair.client.submit(SessionPair.request("GET", "/\(number)"), scheme: "https") }
        pair.pump()
        #expect(pair.responses.count == 100)
        let bodies = Set(pair.responses.map { String(decoding: $0.response.body, as: UTF8.self) })
        #expect(bodies == Set((0..<100).map { "/\($0)" }))
    }

    @Test func repeatedHeadersComeOutTheSameFromTheCompressionTable() throws {
        var pair = try SessionPair()
        pair.answer = { _ in HTTPResponse(status: 200) }
        let value = "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/events/aws4_request"
        for number in 0..<50 {
            let headers = [
                HTTPField("x-amz-content-sha256", value), HTTPField("x-number-of-request", "number \(number)"),
            ]
            _ = pair.client.submit(SessionPair.request(headers: headers), scheme: "https")
            pair.pump()
            #expect(pair.requests.last?.request.header("x-amz-content-sha256") == value)
            #expect(pair.requests.last?.request.header("x-number-of-request") == "number \(number)")
        }
    }

    @Test func headAndNoContentCarryNoBody() throws {
        var pair = try SessionPair()
        pair.answer = {
            HTTPResponse(status: $0.method == "HEAD" ? 200 : 204, body: $0.method == "HEAD" ? [1, 2] : [])
        }
        _ = pair.client.submit(SessionPair.request("HEAD"), scheme: "https")
        _ = pair.client.submit(SessionPair.request("DELETE"), scheme: "https")
        pair.pump()
        #expect(pair.responses.map(\.response.status) == [200, 204])
        #expect(pair.responses[0].response.headers == [HTTPField("content-length", "2")])
        #expect(pair.responses[0].response.body == [])
        #expect(pair.responses[1].response.headers == [])
    }

    @Test func noHeaderValueCanBreakOutOfItsField() throws {
        var pair = try SessionPair()
        pair.answer = { _ in
            HTTPResponse(status: 200, headers: [HTTPField("x-a", "b\r\nx-c: d"), HTTPField("bad name", "1")])
        }
        _ = pair.client.submit(SessionPair.request(), scheme: "https")
        pair.pump()
        #expect(pair.responses.first?.response.headers.first == HTTPField("x-a", "b  x-c: d"))
        #expect(pair.responses.first?.response.headers.count == 2)
    }

    @Test func aStreamThatClosesWhileItsAnswerIsPendingIsReported() throws {
        final class Token {}
        var pair = try SessionPair()
        let token = Token()
        let stream = try #require(pair.client.submit(SessionPair.request(), scheme: "https"))
        pair.pump()
        #expect(pair.server.attach(token, to: stream))
        pair.client.reset(stream: stream, code: 8)
        pair.pump()
        let closed = try #require(pair.serverClosed.first)
        #expect(closed.stream == stream)
        #expect(closed.code == 8)
        #expect(closed.context === token)
        #expect(!pair.server.respond(to: stream, with: HTTPResponse(status: 200), date: EmptyCollection()))
        #expect(!pair.server.attach(token, to: stream))
        #expect(pair.server.openStreams == 0)
    }

    @Test func onlyTheFirstAnswerCounts() throws {
        var pair = try SessionPair()
        let stream = try #require(pair.client.submit(SessionPair.request(), scheme: "https"))
        pair.pump()
        #expect(pair.server.respond(to: stream, with: HTTPResponse(status: 200), date: EmptyCollection()))
        #expect(!pair.server.respond(to: stream, with: HTTPResponse(status: 500), date: EmptyCollection()))
        pair.pump()
        #expect(pair.responses.map(\.response.status) == [200])
    }

    @Test func expectContinueIsAnswered() throws {
        var pair = try SessionPair()
        #expect(pair.giveToServer(TestFrame.preface) == nil)
        _ = SessionPair.bytes(of: pair.server)
        let block = TestFrame.requestBlock + TestFrame.literal("expect", "100-continue")
        #expect(pair.giveToServer(TestFrame.headers(1, end: false, block: block)) == nil)
        let interim = SessionPair.bytes(of: pair.server)
        #expect(interim.count > 9)
        #expect(interim[3] == 1)
        #expect(interim[4] & 1 == 0)
        #expect(pair.giveToServer(TestFrame.make(0, 1, 1, [9])) == nil)
        #expect(pair.requests.first?.request.body == [9])
    }

    @Test func shutdownFinishesOpenStreamsAndRefusesNewOnes() throws {
        var pair = try SessionPair()
        let stream = try #require(pair.client.submit(SessionPair.request(), scheme: "https"))
        pair.pump()
        pair.server.announceShutdown()
        pair.pump()
        #expect(pair.clientGoAways == [0])
        #expect(pair.server.respond(to: stream, with: HTTPResponse(status: 200), date: EmptyCollection()))
        pair.pump()
        #expect(pair.responses.count == 1)
        pair.server.terminate()
        pair.pump()
        #expect(pair.server.isFinished)
        let late = pair.client.submit(SessionPair.request(), scheme: "https")
        pair.pump()
        #expect(pair.clientClosed.map(\.stream) == [late])
        #expect(pair.client.openStreams == 0)
    }

    @Test func anySplitGivesTheSameMessages() throws {
        let seed = UInt64.random(in: 0...UInt64.max)
        print("seed \(seed)")
        var random = SeededGenerator(seed: seed)
        for round in 0..<30 {
            var pair = try SessionPair()
            pair.answer = { HTTPResponse(status: 200, body: $0.body) }
            let limit = round == 0 ? 1 : Int.random(in: 1...300, using: &random)
            var splits = SeededGenerator(seed: random.next())
            pair.chunk = { Int.random(in: 1...limit, using: &splits) }
            let bodies = (0..<5).map { _ in
                (0..<Int.random(in: 0...2000, using: &random)).map { _ in UInt8.random(in: 0...255, using: &random) }
            }
            for (index, body) in bodies.enumerated() {
                _ = pair.client.submit(SessionPair.request("POST", "/\(index)", body: body), scheme: "https")
            }
            pair.pump()
            let received = pair.requests.sorted { $0.stream < $1.stream }.map(\.request.body)
            #expect(received == bodies, "seed \(seed)")
            let returned = pair.responses.sorted { $0.stream < $1.stream }.map(\.response.body)
            #expect(returned == bodies, "seed \(seed)")
        }
    }

    @Test func aSmallOutputBufferLosesNothing() throws {
        let server = try HTTP2Session(role: .server, settings: HTTP2Settings(), connection: SessionPair.info)
        let whole = SessionPair.bytes(
            of: try HTTP2Session(role: .server, settings: HTTP2Settings(), connection: SessionPair.info)
        )
        var pieces: [UInt8] = []
        var one: [UInt8] = [0, 0, 0]
        while true {
            let count = one.withUnsafeMutableBytes { server.fill(into: $0) }
            if count == 0 { break }
            pieces += one[..<count]
        }
        #expect(pieces == whole)
        #expect(!whole.isEmpty)
    }
}
