import NIOCore
import NIOEmbedded
import SansIO
import Testing

@testable import Transport

/// Closes its connection while it handles a request.
private final class ClosingHandler: HTTPStreamHandler {
    var channel: (any Channel)?
    var count = 0
    private let takesAllInParts: Bool

    init(takesAllInParts: Bool) { self.takesAllInParts = takesAllInParts }

    func takesInParts(method: String, target: String) -> Bool { takesAllInParts }

    func handle(_ request: HTTPRequest, _ reply: any HTTPReply) { close() }

    func handle(_ head: HTTPRequest, _ stream: any HTTPServerStream) { close() }

    private func close() {
        count += 1
        channel?.close(promise: nil)
    }
}

@Suite struct ServerConnectionTests {
    @Test(arguments: [false, true])
    func aConnectionThatEndedHandsNothingMoreOver(inParts: Bool) throws {
        let handler = ClosingHandler(takesAllInParts: inParts)
        let channel = EmbeddedChannel()
        let shard = ServerShard(
            eventLoop: channel.eventLoop,
            configuration: HTTPServerConfiguration(),
            tls: nil,
            handler: handler,
            counters: LoopCounters()
        )
        try channel.pipeline.syncOperations.addHandler(ServerConnection(shard: shard))
        channel.connect(to: try SocketAddress(unixDomainSocketPath: "/x"), promise: nil)
        handler.channel = channel
        let bytes =
            TestFrame.preface + TestFrame.headers(1, end: true) + TestFrame.headers(3, end: true)
        try channel.writeInbound(ByteBuffer(bytes: bytes))
        #expect(handler.count == 1)
        handler.channel = nil
        _ = try? channel.finish(acceptAlreadyClosed: true)
    }
}
