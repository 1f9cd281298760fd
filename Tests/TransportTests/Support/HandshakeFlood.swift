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

/// A client that shakes hands and then sends messages of the handshake protocol until the server closes the connection.
final class HandshakeFlood: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer
    private let session: TLSSession
    /// Makes a hundred messages.
    private let makeMessages: () -> ByteBuffer
    private var sent: EventLoopPromise<Int>?
    private var count = 0
    private var flows = false

    private init(_ session: TLSSession, _ makeMessages: @escaping () -> ByteBuffer) {
        self.session = session
        self.makeMessages = makeMessages
    }

    /// Floods a server with key updates, each of which it shall answer if the type is `SSL_KEY_UPDATE_REQUESTED`, and tells
    /// how many were sent when it closed.
    static func keyUpdates(port: Int, tls: TLSContext, type: Int32) async throws -> Int {
        try await run(port: port) {
            let session = try TLSSession(context: tls, serverName: "localhost")
            return HandshakeFlood(session) {
                for _ in 0..<100 { session.requestKeyUpdate(type) }
                defer { session.clearOutput() }
                return session.output
            }
        }
    }

    /// Floods a server with attempts at another handshake (RFC 5246 §7.4.1.2).
    static func renegotiations(port: Int, tls: TLSContext) async throws -> Int {
        try await run(port: port) {
            let session = try RenegotiatingClient.session(tls)
            var client: RenegotiatingClient?
            return HandshakeFlood(session) {
                client = client ?? RenegotiatingClient(session)
                return ByteBuffer(bytes: client?.hellos(100) ?? [])
            }
        }
    }

    private static func run(
        port: Int,
        makeFlood: @escaping @Sendable () throws -> HandshakeFlood
    ) async throws -> Int {
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        let sent = loop.makePromise(of: Int.self)
        _ = try await ClientBootstrap(group: loop)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let flood = try makeFlood()
                    flood.sent = sent
                    try channel.pipeline.syncOperations.addHandler(flood)
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

    func channelInactive(context: ChannelHandlerContext) { sent?.succeed(count) }

    func channelWritabilityChanged(context: ChannelHandlerContext) { flood(context) }

    private func shakeHands(_ context: ChannelHandlerContext) {
        _ = session.handshake()
        if session.outputBytes > 0 {
            context.writeAndFlush(wrapOutboundOut(session.output), promise: nil)
            session.clearOutput()
        }
        flood(context)
    }

    private func flood(_ context: ChannelHandlerContext) {
        guard session.isEstablished, !flows else { return }
        flows = true
        while context.channel.isWritable, context.channel.isActive {
            context.writeAndFlush(wrapOutboundOut(makeMessages()), promise: nil)
            count += 100
        }
        flows = false
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
}
