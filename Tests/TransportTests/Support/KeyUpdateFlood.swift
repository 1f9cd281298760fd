import COpenSSL
import NIOCore
import NIOPosix

@testable import Transport

extension TLSSession {
    /// Puts a key update into the output.
    func requestKeyUpdate(_ type: Int32) {
        guard SSL_key_update(ssl, type) == 1 else { return }
        _ = SSL_do_handshake(ssl)
    }
}

/// A client that shakes hands and then sends key updates until the server closes the connection.
final class KeyUpdateFlood: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer
    private let session: TLSSession
    private let type: Int32
    private let sent: EventLoopPromise<Int>
    private var count = 0
    private var flows = false

    private init(_ session: TLSSession, _ type: Int32, _ sent: EventLoopPromise<Int>) {
        self.session = session
        self.type = type
        self.sent = sent
    }

    /// Floods a server, which shall answer each update if the type is `SSL_KEY_UPDATE_REQUESTED`, and tells how many were sent
    /// when it closed.
    static func run(port: Int, tls: TLSContext, type: Int32) async throws -> Int {
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        let sent = loop.makePromise(of: Int.self)
        _ = try await ClientBootstrap(group: loop)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let session = try TLSSession(context: tls, serverName: "localhost")
                    try channel.pipeline.syncOperations.addHandler(KeyUpdateFlood(session, type, sent))
                }
            }
            .connect(host: "127.0.0.1", port: port)
            .get()
        return try await sent.futureResult.get()
    }

    func channelActive(context: ChannelHandlerContext) { shakeHands(context) }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !session.isEstablished else { return }
        session.receive(unwrapInboundIn(data))
        shakeHands(context)
    }

    func channelInactive(context: ChannelHandlerContext) { sent.succeed(count) }

    func channelWritabilityChanged(context: ChannelHandlerContext) { flood(context) }

    private func shakeHands(_ context: ChannelHandlerContext) {
        _ = session.handshake()
        flush(context)
        flood(context)
    }

    private func flood(_ context: ChannelHandlerContext) {
        guard session.isEstablished, !flows else { return }
        flows = true
        while context.channel.isWritable, context.channel.isActive {
            for _ in 0..<100 { session.requestKeyUpdate(type) }
            count += 100
            flush(context)
        }
        flows = false
    }

    private func flush(_ context: ChannelHandlerContext) {
        guard session.outputBytes > 0 else { return }
        context.writeAndFlush(wrapOutboundOut(session.output), promise: nil)
        session.clearOutput()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
}
