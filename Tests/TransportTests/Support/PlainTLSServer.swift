import NIOCore
import NIOPosix
import Synchronization
import Transport

/// A TLS server that answers each HTTP/1.1 request with bytes of the test's own making.
final class PlainTLSServer: Sendable {
    /// What follows a request.
    enum Answer: Sendable {
        case bytes(String)
        /// Bytes, then the TLS closing alert and the end of the socket.
        case bytesAndClose(String)
        /// Bytes, then the end of the socket without the alert, as when somebody cuts the wire.
        case bytesAndCut(String)
    }

    private let channel: any Channel
    private let seen: Seen

    final class Seen: Sendable {
        let requests = Mutex<[String]>([])
    }

    private init(_ channel: any Channel, _ seen: Seen) {
        self.channel = channel
        self.seen = seen
    }

    /// The head of each request, in order.
    var requests: [String] { seen.requests.withLock { $0 } }

    static func start(tls: TLSContext, _ answer: @escaping @Sendable (String) -> Answer) async throws -> PlainTLSServer
    {
        let seen = Seen()
        let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let handler = PlainTLSHandler(try TLSSession(context: tls), seen, answer)
                    try channel.pipeline.syncOperations.addHandler(handler)
                }
            }
            .bind(host: "127.0.0.1", port: 0)
            .get()
        return PlainTLSServer(channel, seen)
    }

    var url: String { "https://localhost:\(channel.localAddress?.port ?? 0)" }

    func stop() async { try? await channel.close().get() }
}

private final class PlainTLSHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer
    private let tls: TLSSession
    private let seen: PlainTLSServer.Seen
    private let answer: (String) -> PlainTLSServer.Answer
    private var received = ""

    init(_ tls: TLSSession, _ seen: PlainTLSServer.Seen, _ answer: @escaping (String) -> PlainTLSServer.Answer) {
        self.tls = tls
        self.seen = seen
        self.answer = answer
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        tls.receive(unwrapInboundIn(data))
        if !tls.isEstablished { _ = tls.handshake() }
        var storage = [UInt8](repeating: 0, count: 16 << 10)
        while tls.isEstablished {
            guard case .bytes(let count) = storage.withUnsafeMutableBytes({ tls.read(into: $0) }) else { break }
            received += String(decoding: storage[..<count], as: UTF8.self)
        }
        var closes = false
        if received.contains("\r\n\r\n") {
            let request = received
            received = ""
            seen.requests.withLock { $0.append(request) }
            switch answer(request) {
            case .bytes(let text):
                write(text)
            case .bytesAndClose(let text):
                write(text)
                tls.close()
                closes = true
            case .bytesAndCut(let text):
                write(text)
                closes = true
            }
        }
        if tls.outputBytes > 0 { context.writeAndFlush(wrapOutboundOut(tls.output), promise: nil) }
        tls.clearOutput()
        if closes { context.close(promise: nil) }
    }

    private func write(_ text: String) {
        _ = Array(text.utf8).withUnsafeBytes { tls.write($0) }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
}
