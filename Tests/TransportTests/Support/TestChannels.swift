import NIOCore
import NIOPosix
import SansIO
import Synchronization
import Transport

/// One end of a channel, for tests that run elsewhere than its event loop.
final class TestChannel: Sendable {
    struct Heard {
        var messages: [[UInt8]] = []
        var closes: [PeerLinkError?] = []
        var drains = 0
    }

    private let channel: NIOLoopBound<any PeerChannel>
    private let eventLoop: any EventLoop
    private let state = Mutex(Heard())

    /// Must be called on the channel's loop.
    init(_ channel: any PeerChannel, on eventLoop: any EventLoop, listens: Bool = true) {
        self.eventLoop = eventLoop
        self.channel = NIOLoopBound(channel, eventLoop: eventLoop)
        channel.onClose = { [self] error in state.withLock { $0.closes.append(error) } }
        channel.onDrained = { [self] in state.withLock { $0.drains += 1 } }
        if listens { listen(channel) }
    }

    private func listen(_ channel: any PeerChannel) {
        channel.onMessage = { [self] message in state.withLock { $0.messages.append(message) } }
    }

    var heard: Heard { state.withLock { $0 } }

    func run<Value: Sendable>(_ body: @escaping @Sendable (any PeerChannel) -> Value) async throws -> Value {
        try await eventLoop.submit { [channel] in body(channel.value) }.get()
    }

    func listen() async throws {
        try await eventLoop.submit { [self] in listen(channel.value) }.get()
    }

    func send(_ messages: [UInt8]...) async throws {
        try await run { channel in for message in messages { channel.send(message) } }
    }

    func waitForMessages(_ count: Int) async throws {
        try await Eventually.holds { heard.messages.count >= count }
    }

    func waitForClose() async throws -> PeerLinkError? {
        try await Eventually.holds { !heard.closes.isEmpty }
        return heard.closes.first ?? nil
    }
}

/// Takes channels for a test.
final class TestAcceptor: PeerChannelAcceptor {
    final class Accepted: Sendable {
        let channels = Mutex<[(path: String, channel: TestChannel)]>([])

        func wait(count: Int = 1) async throws -> TestChannel {
            try await Eventually.holds { channels.withLock { $0.count >= count } }
            return channels.withLock { $0[count - 1].channel }
        }
    }

    private let accepted: Accepted
    private let eventLoop: any EventLoop
    private let listens: Bool

    init(_ accepted: Accepted, _ eventLoop: any EventLoop, listens: Bool) {
        self.accepted = accepted
        self.eventLoop = eventLoop
        self.listens = listens
    }

    func refusal(path: String, connection: HTTPConnectionInfo) -> HTTPResponse? {
        guard path == "/no" else { return nil }
        return HTTPResponse(status: 403, body: Array("not you, \(connection.clientIdentity?.uris ?? [])".utf8))
    }

    func accepted(_ channel: any PeerChannel, path: String) {
        let test = TestChannel(channel, on: eventLoop, listens: listens)
        accepted.channels.withLock { $0.append((path, test)) }
    }
}

extension TestLinks {
    func openChannel(_ path: String, with peer: PeerAddress, listens: Bool = true) async throws -> TestChannel {
        try await withCheckedThrowingContinuation { continuation in
            eventLoop.execute { [links, eventLoop] in
                links.value.openChannel(path: path, with: peer) { result in
                    continuation.resume(
                        with: result.map { TestChannel($0, on: eventLoop, listens: listens) }.mapError {
                            $0 as any Error
                        }
                    )
                }
            }
        }
    }
}
