import Foundation
import NIOCore
import NIOPosix
import Transport

/// A socket that a test writes bytes to and reads bytes from, over TLS if it likes.
final class RawClient {
    private let channel: any Channel
    private var iterator: AsyncStream<[UInt8]>.Iterator
    /// Received and not yet taken.
    private(set) var received: [UInt8] = []
    private(set) var hasEnded = false
    let tls: TLSFacts

    private init(channel: any Channel, stream: AsyncStream<[UInt8]>, tls: TLSFacts) {
        self.channel = channel
        iterator = stream.makeAsyncIterator()
        self.tls = tls
    }

    /// Connects. `first` leaves with the connection, for tests whose deadlines run from then on. A client that does not
    /// read leaves what comes in the socket.
    static func connect(
        to port: Int,
        tls context: TLSContext? = nil,
        sending first: [UInt8] = [],
        reads: Bool = true
    ) async throws -> RawClient {
        let (stream, continuation) = AsyncStream<[UInt8]>.makeStream()
        let facts = TLSFacts()
        let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .channelOption(.autoRead, value: reads)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    if let context {
                        let session = try TLSSession(context: context, serverName: "localhost")
                        try channel.pipeline.syncOperations.addHandler(TLSClientHandler(session, facts))
                    }
                    try channel.pipeline.syncOperations.addHandler(CollectingHandler(continuation, first))
                }
            }
            .connect(host: "127.0.0.1", port: port)
            .get()
        return RawClient(channel: channel, stream: stream, tls: facts)
    }

    func send(_ text: String) async throws { try await send(Array(text.utf8)) }

    func send(_ bytes: [UInt8]) async throws {
        try await channel.writeAndFlush(ByteBuffer(bytes: bytes))
    }

    /// Ends this side's half of the connection.
    func finishSending() async throws {
        try await channel.close(mode: .output).get()
    }

    func close() async {
        try? await channel.close().get()
    }

    /// Waits for more bytes.
    ///
    /// - Returns: false at the end of the stream.
    @discardableResult
    func receiveMore() async -> Bool {
        guard !hasEnded, let bytes = await iterator.next() else {
            hasEnded = true
            return false
        }
        received += bytes
        return true
    }

    /// Takes all received bytes.
    func take() -> [UInt8] {
        defer { received = [] }
        return received
    }

    /// Everything until the server closes, as text.
    func receiveToEnd() async -> String {
        while await receiveMore() {}
        return String(decoding: take(), as: UTF8.self)
    }

    /// One HTTP/1.1 response with a `content-length`, or what there was until the end.
    func receiveResponse() async -> TestResponse {
        while true {
            if let (response, count) = TestResponse.parse(received) {
                received.removeFirst(count)
                return response
            }
            guard await receiveMore() else {
                return TestResponse(status: 0, headers: [:], body: String(decoding: take(), as: UTF8.self))
            }
        }
    }
}

struct TestResponse {
    var status: Int
    var headers: [String: String]
    var body: String

    /// Parses one response from the front; responses of this server are always this regular.
    static func parse(_ bytes: [UInt8]) -> (TestResponse, Int)? {
        let end = Array("\r\n\r\n".utf8)
        guard bytes.count >= 4,
            let headEnd = (0...bytes.count - 4).first(where: { Array(bytes[$0..<$0 + 4]) == end })
        else { return nil }
        let lines = String(decoding: bytes[..<headEnd], as: UTF8.self).components(separatedBy: "\r\n")
        let words = lines[0].split(separator: " ")
        var headers: [String: String] = [:]
        for line in lines.dropFirst() {
            guard let colon = line.firstIndex(of: ":") else { continue }
            headers[String(line[..<colon])] = String(line[line.index(colon, offsetBy: 2)...])
        }
        let length = Int(headers["content-length"] ?? "0") ?? 0
        let total = headEnd + 4 + length
        guard bytes.count >= total, words.count > 1 else { return nil }
        let body = String(decoding: bytes[(headEnd + 4)..<total], as: UTF8.self)
        return (TestResponse(status: Int(words[1]) ?? 0, headers: headers, body: body), total)
    }
}

private final class CollectingHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer
    private let continuation: AsyncStream<[UInt8]>.Continuation
    private let first: [UInt8]

    init(_ continuation: AsyncStream<[UInt8]>.Continuation, _ first: [UInt8]) {
        self.continuation = continuation
        self.first = first
    }

    func channelActive(context: ChannelHandlerContext) {
        if !first.isEmpty { context.writeAndFlush(wrapOutboundOut(ByteBuffer(bytes: first)), promise: nil) }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        continuation.yield(Array(unwrapInboundIn(data).readableBytesView))
    }

    func channelInactive(context: ChannelHandlerContext) {
        continuation.finish()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }
}
