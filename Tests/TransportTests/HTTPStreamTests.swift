import NIOCore
import NIOPosix
import SansIO
import Synchronization
import Testing
import Transport

/// A server's handler that takes `/up` in parts: it echoes what comes, pauses when told, or answers early.
private final class StreamHandler: HTTPStreamHandler {
    final class Seen: Sendable {
        struct State {
            var bytes = 0
            var ends: [HTTPStreamEnd] = []
            var stream: NIOLoopBound<any HTTPServerStream>?
            var loop: (any EventLoop)?
        }
        let state = Mutex(State())

        func run(_ body: @escaping @Sendable (any HTTPServerStream) -> Void) async throws {
            let (stream, loop) = state.withLock { ($0.stream, $0.loop) }
            guard let stream, let loop else { return }
            try await loop.submit { body(stream.value) }.get()
        }
    }

    private let seen: Seen
    private let loop: any EventLoop

    init(_ seen: Seen, _ loop: any EventLoop) {
        self.seen = seen
        self.loop = loop
    }

    func takesInParts(method: String, target: String) -> Bool { target.hasPrefix("/parts") }

    func handle(_ request: HTTPRequest, _ reply: any HTTPReply) { TestHandler.echo(request, reply) }

    func handle(_ head: HTTPRequest, _ stream: any HTTPServerStream) {
        let bound = NIOLoopBound(stream, eventLoop: loop)
        seen.state.withLock {
            $0.stream = bound
            $0.loop = loop
        }
        stream.onClose = { [seen] end in seen.state.withLock { $0.ends.append(end) } }
        switch head.target {
        case "/parts/refused":
            stream.respond(HTTPResponse(status: 409, body: Array("no".utf8)))
        case "/parts/paused":
            stream.isPaused = true
            stream.onPart = { [seen] part in seen.state.withLock { $0.bytes += part.count } }
            stream.onEnd = { stream.respond(HTTPResponse(status: 200)) }
        case "/parts/silent":
            break
        case "/parts/stuck":
            stream.onEnd = { stream.begin(HTTPResponse(status: 200)) }
        default:
            stream.begin(HTTPResponse(status: 200, headers: [HTTPField("x-first", head.header("x-a") ?? "")]))
            stream.onPart = { stream.send($0) }
            stream.onEnd = { stream.end() }
        }
    }
}

@Suite(.timeLimit(.minutes(10))) struct HTTPStreamTests {
    /// What a client's stream heard.
    private final class Heard: Sendable {
        struct State {
            var status = 0
            var first = ""
            var body: [UInt8] = []
            var hasEnded = false
            var drains = 0
            var end: HTTPStreamEnd?
            var stream: NIOLoopBound<any HTTPClientStream>?
        }
        let state = Mutex(State())

        var value: State { state.withLock { $0 } }

        func waitForEnd() async throws -> HTTPStreamEnd? {
            try await Eventually.holds { value.end != nil }
            return value.end
        }
    }

    /// Opens a stream; `first` runs with it before anything else can happen, its timeouts included. On a busy machine a
    /// short time may be over before there is a stream; then another is opened.
    private func open(
        _ links: TestLinks,
        _ peer: PeerAddress,
        _ path: String,
        _ first: @escaping @Sendable (any HTTPClientStream) -> Void = { _ in }
    ) async throws -> Heard {
        while true {
            do {
                return try await openOnce(links, peer, path, first)
            } catch let error as PeerLinkError where error.code == .timedOut {}
        }
    }

    private func openOnce(
        _ links: TestLinks,
        _ peer: PeerAddress,
        _ path: String,
        _ first: @escaping @Sendable (any HTTPClientStream) -> Void
    ) async throws -> Heard {
        let heard = Heard()
        let eventLoop = links.eventLoop
        try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
            eventLoop.execute { [links = links.links] in
                links.value.openStream(path: path, headers: [HTTPField("x-a", "b")], with: peer) { result in
                    switch result {
                    case .failure(let error): continuation.resume(throwing: error)
                    case .success(let stream):
                        stream.onResponse = { head in
                            heard.state.withLock {
                                $0.status = head.status
                                $0.first = head.headers.first { $0.name == "x-first" }?.value ?? ""
                            }
                        }
                        stream.onPart = { part in heard.state.withLock { $0.body += part } }
                        stream.onEnd = { heard.state.withLock { $0.hasEnded = true } }
                        stream.onDrained = { heard.state.withLock { $0.drains += 1 } }
                        stream.onClose = { end in heard.state.withLock { $0.end = end } }
                        heard.state.withLock { $0.stream = NIOLoopBound(stream, eventLoop: eventLoop) }
                        first(stream)
                        continuation.resume()
                    }
                }
            }
        }
        return heard
    }

    private func run<Value: Sendable>(
        _ links: TestLinks,
        _ heard: Heard,
        _ body: @escaping @Sendable (any HTTPClientStream) -> Value
    ) async throws -> Value {
        let stream = try #require(heard.value.stream)
        return try await links.eventLoop.submit { body(stream.value) }.get()
    }

    private func withServer(
        _ adjust: (inout PeerLinkSettings) -> Void = { _ in },
        _ body: (TestLinks, PeerAddress, StreamHandler.Seen) async throws -> Void
    ) async throws {
        let certificates = try TestCertificates.shared.get()
        let seen = StreamHandler.Seen()
        let links = try await TestLinks.make(certificates.peer(), adjust)
        let server = try await HTTPServer.start(
            group: MultiThreadedEventLoopGroup.singleton,
            host: "127.0.0.1",
            port: 0,
            tls: certificates.peerListener(),
            configuration: .patient
        ) { loop in StreamHandler(seen, loop) }
        try await server.use { server in
            try await body(links, TestLinks.address(server.port), seen)
            try await links.close()
        }
    }

    @Test func partsAreEchoedWhileTheRequestGoesOn() async throws {
        try await withServer { links, peer, seen in
            let heard = try await open(links, peer, "/parts/echo")
            try await run(links, heard) { $0.send([1, 2]) }
            try await Eventually.holds { heard.value.body == [1, 2] }
            #expect(heard.value.status == 200)
            #expect(heard.value.first == "b")
            #expect(!heard.value.hasEnded)
            try await run(links, heard) {
                $0.send([3])
                $0.end()
            }
            let end = try await heard.waitForEnd()
            #expect(end == .complete)
            #expect(heard.value.body == [1, 2, 3])
            #expect(heard.value.hasEnded)
            try await Eventually.holds { seen.state.withLock { $0.ends } == [.complete] }
        }
    }

    @Test func whoeverHearsOfSentBytesMayMakeOtherConnectionsSend() async throws {
        let certificates = try TestCertificates.shared.get()
        let other = try await ScriptedPeer.start(tls: certificates.peerListener()) { connection, stream, _ in
            connection.answer(stream, "x")
        }
        try await withServer { links, peer, seen in
            // An idle connection, which says goodbye at once when its links close.
            _ = try await links.exchange(with: other.address).get()
            let heard = try await open(links, peer, "/parts/echo")
            let part = [UInt8](repeating: 65, count: 100)
            let port = links.links
            try await run(links, heard) { stream in
                stream.onDrained = { _ = port.value.close(within: TestTime.ample) }
                stream.send(part)
            }
            try await Eventually.holds { heard.value.body == part || heard.value.end != nil }
            #expect(heard.value.body == part)
            try await run(links, heard) { $0.end() }
            let end = try await heard.waitForEnd()
            #expect(end == .complete)
        }
        await other.stop()
    }

    @Test func aPausedReaderHoldsTheSenderBack() async throws {
        try await withServer { links, peer, seen in
            let heard = try await open(links, peer, "/parts/paused")
            let total = 4 << 20
            try await run(links, heard) {
                $0.send([UInt8](repeating: 1, count: total))
                $0.end()
            }
            // The reader gets what its window of 1 MB allows, and no more.
            try await Eventually.holds { seen.state.withLock { $0.bytes } >= 1 << 20 }
            let unsent = try await run(links, heard) { $0.unsentBytes }
            #expect(unsent >= total - (1 << 20) - (64 << 10))
            #expect(heard.value.drains == 0)
            // Another request on the same connection is not held up.
            let reply = try await links.exchange(path: "/whole", with: peer).get()
            #expect(reply.status == 200)
            try await seen.run { $0.isPaused = false }
            let end = try await heard.waitForEnd()
            #expect(end == .complete)
            #expect(heard.value.status == 200)
            #expect(seen.state.withLock { $0.bytes } == total)
        }
    }

    @Test func anEarlyAnswerEndsTheRequest() async throws {
        try await withServer { links, peer, seen in
            let heard = try await open(links, peer, "/parts/refused")
            try await Eventually.holds { heard.value.hasEnded }
            #expect(heard.value.status == 409)
            #expect(heard.value.body == Array("no".utf8))
            let end = try await heard.waitForEnd()
            #expect(end == .complete)
        }
    }

    @Test func aResetReachesTheOtherSide() async throws {
        try await withServer { links, peer, seen in
            let heard = try await open(links, peer, "/parts/echo")
            try await run(links, heard) { $0.send([1]) }
            try await Eventually.holds { heard.value.body == [1] }
            try await run(links, heard) { $0.reset(code: 8) }
            try await Eventually.holds { seen.state.withLock { $0.ends } == [.reset(code: 8)] }
            let end = try await heard.waitForEnd()
            #expect(end == .reset(code: 8))
        }
    }

    @Test func anAnswerThatIsCutShortIsNotComplete() async throws {
        let certificates = try TestCertificates.shared.get()
        // `:status: 200`, with the name from the static table (RFC 7541 §6.2.2), and NO_ERROR instead of an end.
        let block: [UInt8] = [8, 3] + Array("200".utf8)
        let peer = try await ScriptedPeer.start(tls: certificates.peerListener()) { connection, stream, _ in
            let head = TestFrame.headers(UInt32(stream), end: false, block: block)
            connection.send(head + TestFrame.make(3, 0, UInt32(stream), TestFrame.number(0)))
        }
        let links = try await TestLinks.make(certificates.peer())
        let heard = try await open(links, peer.address, "/cut")
        try await run(links, heard) { $0.end() }
        let end = try await heard.waitForEnd()
        #expect(end == .reset(code: 0))
        #expect(heard.value.status == 200)
        #expect(!heard.value.hasEnded)
        try await links.close()
        await peer.stop()
    }

    /// Opens streams until the server has heard of one before its time was over, and expects of each that it times out.
    private func expectTimeout(
        _ path: String,
        _ first: @escaping @Sendable (any HTTPClientStream) -> Void
    ) async throws {
        try await withServer({ $0.channelTimeout = .milliseconds(300) }) { links, peer, seen in
            repeat {
                let heard = try await open(links, peer, path, first)
                #expect(try await heard.waitForEnd() == .timedOut)
                // It is answered after the server has read all that was sent before.
                _ = try await links.exchange(with: peer).get()
            } while seen.state.withLock { $0.stream == nil }
            try await Eventually.holds { seen.state.withLock { $0.ends.last } == .reset(code: 8) }
            #expect(seen.state.withLock { $0.ends.allSatisfy { $0 == .reset(code: 8) } })
        }
    }

    @Test func anAnswerThatDoesNotGoOnTimesOutOnceTheRequestHasEnded() async throws {
        try await expectTimeout("/parts/stuck") { $0.end() }
    }

    @Test func anAnswerThatDoesNotBeginTimesOut() async throws {
        try await expectTimeout("/parts/silent") { _ in }
    }

    @Test func anAnswerThatThisSideDoesNotReadDoesNotTimeOut() async throws {
        try await withServer({ $0.channelTimeout = .milliseconds(300) }) { links, peer, seen in
            func openPaused() async throws -> Heard {
                let heard = try await open(links, peer, "/parts/stuck") {
                    $0.isPaused = true
                    $0.end()
                }
                try await Eventually.holds { heard.value.status == 200 || heard.value.end != nil }
                return heard
            }
            // On a busy machine the head itself may come too late, which is another matter.
            var paused = try await openPaused()
            while paused.value.status == 0 { paused = try await openPaused() }
            // As long as it takes another one to time out.
            let other = try await open(links, peer, "/parts/stuck") { $0.end() }
            #expect(try await other.waitForEnd() == .timedOut)
            #expect(paused.value.end == nil)
            try await run(links, paused) { $0.isPaused = false }
            #expect(try await paused.waitForEnd() == .timedOut)
        }
    }
}
