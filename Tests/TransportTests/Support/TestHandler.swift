import NIOCore
import NIOPosix
import SansIO
import Synchronization
import Transport

/// A handler that is a closure.
final class TestHandler: HTTPRequestHandler {
    private let body: (HTTPRequest, any HTTPReply) -> Void

    init(_ body: @escaping (HTTPRequest, any HTTPReply) -> Void) {
        self.body = body
    }

    func handle(_ request: HTTPRequest, _ reply: any HTTPReply) {
        body(request, reply)
    }

    /// Answers with what it was asked, as text.
    static func echo(_ request: HTTPRequest, _ reply: any HTTPReply) {
        if case .bodyTooLarge(let limit) = request.fault {
            reply.send(HTTPResponse(status: 413, body: Array("limit \(limit)".utf8)))
            return
        }
        let text =
            "\(request.method) \(request.target) \(request.body.count) \(String(decoding: request.body, as: UTF8.self))"
        reply.send(
            HTTPResponse(status: 200, headers: [HTTPField("content-type", "text/plain")], body: Array(text.utf8))
        )
    }
}

extension HTTPServer {
    /// Starts a patient server on a free port of the loopback, with one handler for every loop.
    /// `loops` is a number of event loops of its own; nil for those that all tests share.
    static func forTest(
        tls: TLSContext? = nil,
        loops: Int? = nil,
        _ adjust: (inout HTTPServerConfiguration) -> Void = { _ in },
        handler: @escaping @Sendable (HTTPRequest, any HTTPReply) -> Void = TestHandler.echo
    ) async throws -> HTTPServer {
        var configuration = HTTPServerConfiguration.patient
        adjust(&configuration)
        var group = MultiThreadedEventLoopGroup.singleton
        if let loops { group = MultiThreadedEventLoopGroup(numberOfThreads: loops) }
        return try await HTTPServer.start(
            group: group,
            host: "127.0.0.1",
            port: 0,
            tls: tls,
            configuration: configuration
        ) { _ in TestHandler(handler) }
    }

    /// Starts a server with the default limits that answers with `handler`.
    static func answering(
        tls: TLSContext? = nil,
        _ handler: @escaping @Sendable (HTTPRequest, any HTTPReply) -> Void
    ) async throws -> HTTPServer {
        try await forTest(tls: tls, handler: handler)
    }

    /// Runs `body` and stops the server afterwards.
    func use<Value>(_ body: (HTTPServer) async throws -> Value) async throws -> Value {
        do {
            let value = try await body(self)
            await shutdown(within: .zero)
            return value
        } catch {
            await shutdown(within: .zero)
            throw error
        }
    }

    /// Waits until the counters are as wanted.
    func wait(until condition: (HTTPServerCounters) -> Bool) async throws {
        try await Eventually.holds { condition(counters) }
    }
}

/// Replies that a test answers later. Each is used on its own event loop only.
final class HeldReplies: Sendable {
    private struct Held {
        var entries: [(target: String, reply: NIOLoopBound<any HTTPReply>, loop: any EventLoop)] = []
        var cancelled: [String] = []
    }

    private let state = Mutex(Held())

    func hold(_ request: HTTPRequest, _ reply: any HTTPReply) {
        guard let loop = MultiThreadedEventLoopGroup.currentEventLoop else { return }
        let target = request.target
        reply.onCancel = { [self] in state.withLock { $0.cancelled.append(target) } }
        let bound = NIOLoopBound(reply, eventLoop: loop)
        state.withLock { $0.entries.append((target, bound, loop)) }
    }

    var targets: [String] { state.withLock { $0.entries.map(\.target) } }
    var cancelled: [String] { state.withLock { $0.cancelled } }

    /// Waits until as many requests are held.
    func wait(count: Int) async throws {
        try await Eventually.holds { targets.count >= count }
    }

    func waitForCancellation() async throws {
        try await Eventually.holds { !cancelled.isEmpty }
    }

    /// Answers all held requests, each with its target.
    func answerAll() async throws {
        for found in state.withLock({ $0.entries }) {
            try await found.loop.submit {
                found.reply.value.send(HTTPResponse(status: 200, body: Array(found.target.utf8)))
            }.get()
        }
    }

    /// Answers the held request with its target.
    func answer(_ target: String) async throws {
        let found = state.withLock { held in held.entries.first { $0.target == target } }
        guard let found else { return }
        try await found.loop.submit {
            found.reply.value.send(HTTPResponse(status: 200, body: Array(target.utf8)))
        }.get()
    }
}
