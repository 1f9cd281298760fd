import SansIO
import Testing
import Transport

/// Bodies in parts, both ways, without a socket (RFC 9113 §5.2, §8.1).
@Suite struct HTTP2SessionPartsTests {
    /// What came out of a session, in order, as text.
    private final class Log {
        var lines: [String] = []
        var bytes = 0
    }

    private final class Token {}

    private struct Pair {
        let client: HTTP2Session
        let server: HTTP2Session
        let atClient = Log()
        let atServer = Log()
        let token = Token()

        init() throws {
            client = try HTTP2Session(role: .client, settings: HTTP2Settings(), connection: SessionPair.info)
            server = try HTTP2Session(role: .server, settings: HTTP2Settings(), connection: SessionPair.info)
            server.takesInParts = { _, target in target.hasPrefix("/parts") }
        }

        private func move(_ from: HTTP2Session, _ fromLog: Log, _ to: HTTP2Session, _ toLog: Log) -> Bool {
            let bytes = SessionPair.bytes(of: from)
            note(from, fromLog)
            bytes.withUnsafeBytes { _ = to.receive($0, now: 1) }
            note(to, toLog)
            return !bytes.isEmpty
        }

        private func note(_ session: HTTP2Session, _ log: Log) {
            while let event = session.nextEvent() {
                switch event {
                case .request(_, let request): log.lines.append("request \(request.target) \(request.body)")
                case .requestHead(let stream, let head):
                    log.lines.append("head \(head.target)")
                    _ = session.attach(token, to: stream)
                case .response(_, let response, _): log.lines.append("response \(response.status)")
                case .responseHead(_, let head, let context):
                    log.lines.append("head \(head.status) \(context === token)")
                case .bodyPart(_, let bytes, _):
                    log.bytes += bytes.count
                    if bytes.count < 100 { log.lines.append("part \(bytes)") }
                case .bodyEnd: log.lines.append("end")
                case .drained: log.lines.append("drained")
                case .closed(_, let code, let context): log.lines.append("closed \(code) \(context === token)")
                case .goingAway: log.lines.append("goAway")
                }
            }
        }

        func pump() {
            while true {
                let toServer = move(client, atClient, server, atServer)
                let toClient = move(server, atServer, client, atClient)
                if !toServer, !toClient { return }
            }
        }

        /// Gives bytes of the test's own making to the server, whose answer nobody takes.
        func giveToServer(_ bytes: [UInt8]) {
            bytes.withUnsafeBytes { _ = server.receive($0, now: 1) }
            note(server, atServer)
            _ = SessionPair.bytes(of: server)
            note(server, atServer)
        }

        func open() throws -> Int32 {
            let request = SessionPair.request("POST", "/parts")
            let stream = try #require(client.submit(request, scheme: "https", context: token, inParts: true))
            pump()
            return stream
        }
    }

    @Test func partsGoBothWaysInOrder() throws {
        let pair = try Pair()
        let stream = try pair.open()
        #expect(pair.atServer.lines == ["head /parts"])
        #expect(pair.client.send([1, 2], on: stream))
        pair.pump()
        #expect(pair.server.beginResponse(to: stream, with: HTTPResponse(status: 200, body: [9]), date: []))
        pair.pump()
        #expect(pair.client.send([3], on: stream))
        pair.client.endBody(on: stream)
        pair.pump()
        #expect(pair.atServer.lines == ["head /parts", "part [1, 2]", "drained", "part [3]", "end"])
        #expect(pair.server.send([8], on: stream))
        pair.server.endBody(on: stream)
        pair.pump()
        let lines = ["drained", "head 200 true", "part [9]", "part [8]", "end", "closed 0 true"]
        #expect(pair.atClient.lines == lines)
        #expect(pair.atServer.lines.last == "closed 0 true")
        #expect(pair.client.openStreams == 0)
        #expect(pair.server.openStreams == 0)
        #expect(!pair.client.send([1], on: stream))
    }

    /// RFC 9113 §8.3.1; a request in parts is handed over at its header, but not when that is malformed.
    @Test(arguments: [":authority", "host"], [true, false])
    func aRequestInPartsOfNoHostIsNotHandedOver(_ name: String, _ isLast: Bool) throws {
        let pair = try Pair()
        // `:method: POST` and `:scheme: https` from the static table.
        let block = [0x83, 0x87] + TestFrame.literal(":path", "/parts") + TestFrame.literal(name, "h:99999")
        var bytes = TestFrame.preface + TestFrame.headers(1, end: isLast, block: block)
        if !isLast { bytes += TestFrame.make(0, 1, 1, [7]) }
        pair.giveToServer(bytes)
        #expect(pair.atServer.lines == [])
        #expect(pair.server.takeProtocolErrors() == 1)
        #expect(pair.server.openStreams == 0)
    }

    /// RFC 9113 §6.8: what is open goes on for as long as it likes.
    @Test func partsGoOnAfterTheServerHasAnnouncedItsShutdown() throws {
        let pair = try Pair()
        let stream = try pair.open()
        pair.server.announceShutdown()
        pair.pump()
        #expect(pair.server.beginResponse(to: stream, with: HTTPResponse(status: 200), date: []))
        #expect(pair.client.send([1], on: stream))
        pair.pump()
        #expect(pair.server.send([2], on: stream))
        pair.pump()
        #expect(pair.atServer.lines == ["head /parts", "part [1]", "drained"])
        #expect(pair.atClient.lines == ["goAway", "drained", "head 200 true", "part [2]"])
    }

    @Test func anEndWithoutAPartIsSentToo() throws {
        let pair = try Pair()
        let stream = try pair.open()
        pair.client.endBody(on: stream)
        pair.pump()
        #expect(pair.atServer.lines == ["head /parts", "end"])
        #expect(pair.server.respond(to: stream, with: HTTPResponse(status: 404), date: []))
        pair.pump()
        #expect(pair.atClient.lines == ["head 404 true", "end", "closed 0 true"])
    }

    @Test func aSenderSeesWhatWaitsAndWhenItIsGone() throws {
        let pair = try Pair()
        let stream = try pair.open()
        // Three times the window of 1 MB: the first goes, the rest waits until the other side has taken it.
        pair.server.setPaused(true, on: stream)
        #expect(pair.client.send([UInt8](repeating: 1, count: 3 << 20), on: stream))
        pair.pump()
        let waiting = pair.client.unsentBytes(on: stream)
        #expect(waiting > 1 << 20)
        #expect(pair.client.unsentBodyBytes == waiting)
        #expect(pair.atServer.bytes == 3 << 20 - waiting)
        #expect(pair.atClient.lines == [])
        pair.server.setPaused(false, on: stream)
        pair.pump()
        #expect(pair.client.unsentBytes(on: stream) == 0)
        #expect(pair.client.unsentBodyBytes == 0)
        #expect(pair.atServer.bytes == 3 << 20)
        #expect(pair.atClient.lines == ["drained"])
    }

    @Test func pausingAgainAndAgainLosesNoWindow() throws {
        let pair = try Pair()
        let stream = try pair.open()
        let part = [UInt8](repeating: 7, count: 300_000)
        for round in 0..<50 {
            pair.server.setPaused(round % 3 != 0, on: stream)
            #expect(pair.client.send(part, on: stream))
            pair.pump()
        }
        pair.server.setPaused(false, on: stream)
        pair.pump()
        #expect(pair.atServer.bytes == 50 * part.count)
        #expect(pair.client.error == nil)
        #expect(pair.server.error == nil)
    }

    @Test(arguments: [false, true], [false, true])
    func aStreamThatIsPausedBeforeItsRequestLeavesStaysSo(goesOn: Bool, isFirst: Bool) throws {
        let pair = try Pair()
        if !isFirst {
            // An earlier stream leaves its slot to this one.
            let earlier = try pair.open()
            pair.client.endBody(on: earlier)
            #expect(pair.server.respond(to: earlier, with: HTTPResponse(status: 200), date: []))
            pair.pump()
            #expect(pair.client.openStreams == 0)
        }
        let request = SessionPair.request("POST", "/parts")
        let stream = try #require(pair.client.submit(request, scheme: "https", context: pair.token, inParts: true))
        pair.client.setPaused(true, on: stream)
        if goesOn { pair.client.setPaused(false, on: stream) }
        pair.pump()
        let body = [UInt8](repeating: 1, count: 3 << 20)
        #expect(pair.server.beginResponse(to: stream, with: HTTPResponse(status: 200, body: body), date: []))
        pair.pump()
        #expect(goesOn ? pair.atClient.bytes == body.count : pair.atClient.bytes <= 1 << 20)
        pair.client.setPaused(false, on: stream)
        pair.pump()
        #expect(pair.atClient.bytes == body.count)
        #expect(pair.server.error == nil)
    }

    @Test func aPausedStreamDoesNotHoldOthersUp() throws {
        let pair = try Pair()
        let slow = try pair.open()
        pair.server.setPaused(true, on: slow)
        #expect(pair.client.send([UInt8](repeating: 1, count: 2 << 20), on: slow))
        pair.pump()
        _ = pair.client.submit(SessionPair.request("POST", "/whole", body: [5]), scheme: "https")
        pair.pump()
        #expect(pair.atServer.lines.last == "request /whole [5]")
    }

    @Test func aResetTellsBothSides() throws {
        let pair = try Pair()
        let stream = try pair.open()
        #expect(pair.server.beginResponse(to: stream, with: HTTPResponse(status: 200), date: []))
        pair.pump()
        pair.client.reset(stream: stream, code: 11)
        pair.pump()
        #expect(pair.atClient.lines.last == "closed 11 true")
        #expect(pair.atServer.lines.last == "closed 11 true")
    }

    @Test func aWholeRequestMayBeAnsweredInParts() throws {
        let pair = try Pair()
        let stream = try #require(pair.client.submit(SessionPair.request("GET", "/whole"), scheme: "https"))
        pair.pump()
        #expect(pair.server.attach(pair.token, to: stream))
        #expect(pair.server.beginResponse(to: stream, with: HTTPResponse(status: 200, body: [1]), date: []))
        #expect(pair.server.send([2], on: stream))
        pair.server.endBody(on: stream)
        pair.pump()
        #expect(pair.atClient.lines == ["response 200"])
        #expect(pair.atServer.lines == ["request /whole []", "closed 0 true"])
    }

    @Test func aLongHeaderListOfAnAnswerEndsItsStreamOnly() throws {
        let pair = try Pair()
        let stream = try #require(
            pair.client.submit(SessionPair.request("GET", "/w"), scheme: "https", context: pair.token)
        )
        pair.pump()
        let long = HTTPField("x-long", String(repeating: "a", count: 40 << 10))
        #expect(pair.server.respond(to: stream, with: HTTPResponse(status: 200, headers: [long]), date: []))
        pair.pump()
        #expect(pair.atClient.lines == ["closed 8 true"])
        #expect(pair.client.error == nil)
    }

    @Test func aLongBodyOfAnAnswerEndsItsStreamOnly() throws {
        let pair = try Pair()
        let stream = try #require(
            pair.client.submit(SessionPair.request("GET", "/w"), scheme: "https", context: pair.token)
        )
        pair.pump()
        let body = [UInt8](repeating: 1, count: 5 << 20)
        #expect(pair.server.respond(to: stream, with: HTTPResponse(status: 200, body: body), date: []))
        pair.pump()
        #expect(pair.atClient.lines == ["closed 8 true"])
        #expect(pair.client.openStreams == 0)
    }
}
