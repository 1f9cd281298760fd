import NIOCore
import NIOPosix
import Synchronization

/// Carries bytes between clients and a server until a test cuts the wire.
final class TestRelay: Sendable {
    private final class Wires: Sendable {
        let channels = Mutex<[any Channel]>([])
    }

    private let listener: any Channel
    private let wires: Wires

    private init(_ listener: any Channel, _ wires: Wires) {
        self.listener = listener
        self.wires = wires
    }

    static func start(to port: Int) async throws -> TestRelay {
        let wires = Wires()
        let listener = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            // Nothing is read before this has finished; and the server does not speak first.
            .childChannelInitializer { near in
                wires.channels.withLock { $0.append(near) }
                return ClientBootstrap(group: near.eventLoop)
                    .connect(host: "127.0.0.1", port: port)
                    .flatMapThrowing { far in
                        wires.channels.withLock { $0.append(far) }
                        try near.pipeline.syncOperations.addHandler(RelayHandler(to: far))
                        try far.pipeline.syncOperations.addHandler(RelayHandler(to: near))
                    }
            }
            .bind(host: "127.0.0.1", port: 0)
            .get()
        return TestRelay(listener, wires)
    }

    var port: Int { listener.localAddress?.port ?? 0 }

    /// Closes everything that is open; new connections go on being carried.
    func cut() async throws {
        let channels = wires.channels.withLock { channels in
            defer { channels = [] }
            return channels
        }
        for channel in channels { try? await channel.close().get() }
    }

    func stop() async throws {
        try await cut()
        try? await listener.close().get()
    }
}

private final class RelayHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    private let other: any Channel

    init(to other: any Channel) {
        self.other = other
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        other.writeAndFlush(unwrapInboundIn(data), promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) {
        other.close(promise: nil)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }
}
