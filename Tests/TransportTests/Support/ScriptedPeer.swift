import NIOCore
import NIOPosix
import SansIO
import Synchronization
import Transport

/// A peer whose every move a test decides: TLS and an HTTP/2 session, and nothing above them.
final class ScriptedPeer: Sendable {
    /// What a script may do to a connection; used on its event loop only.
    final class Connection {
        let session: HTTP2Session
        /// How many connections the peer had before this one.
        let number: Int
        /// Drops what comes from now on, pings too, as a peer does whose machine has lost its network.
        var isMute = false
        /// Requests in the order they came.
        var requests: [(stream: Int32, request: HTTPRequest)] = []
        fileprivate var raw: [UInt8] = []
        fileprivate var closes = false

        fileprivate init(_ session: HTTP2Session, _ number: Int) {
            self.session = session
            self.number = number
        }

        /// Sends frames of the test's own making before what the session has to send.
        func send(_ bytes: [UInt8]) { raw += bytes }

        /// Closes the socket after this event.
        func close() { closes = true }

        func answer(_ stream: Int32, _ text: String) {
            session.respond(
                to: stream,
                with: HTTPResponse(status: 200, body: Array(text.utf8)),
                date: EmptyCollection()
            )
        }
    }

    private final class Count: Sendable {
        let value = Atomic<Int>(0)
    }

    private let channel: any Channel
    private let count: Count

    private init(_ channel: any Channel, _ count: Count) {
        self.channel = channel
        self.count = count
    }

    /// How many connections were accepted.
    var connections: Int { count.value.load(ordering: .relaxed) }

    /// Starts a peer; `script` runs for each whole request, on the connection's event loop.
    static func start(
        tls: TLSContext,
        settings: HTTP2Settings = HTTP2Settings(),
        _ script: @escaping @Sendable (Connection, Int32, HTTPRequest) -> Void
    ) async throws -> ScriptedPeer {
        let count = Count()
        let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let number = count.value.wrappingAdd(1, ordering: .relaxed).oldValue
                    let session = try HTTP2Session(role: .server, settings: settings, connection: SessionPair.info)
                    let handler = ScriptedHandler(try TLSSession(context: tls), Connection(session, number), script)
                    try channel.pipeline.syncOperations.addHandler(handler)
                }
            }
            .bind(host: "127.0.0.1", port: 0)
            .get()
        return ScriptedPeer(channel, count)
    }

    var port: Int { channel.localAddress?.port ?? 0 }
    var address: PeerAddress { TestLinks.address(port) }

    func stop() async { try? await channel.close().get() }
}

private final class ScriptedHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer
    private let tls: TLSSession
    private let connection: ScriptedPeer.Connection
    private let script: (ScriptedPeer.Connection, Int32, HTTPRequest) -> Void

    init(
        _ tls: TLSSession,
        _ connection: ScriptedPeer.Connection,
        _ script: @escaping (ScriptedPeer.Connection, Int32, HTTPRequest) -> Void
    ) {
        self.tls = tls
        self.connection = connection
        self.script = script
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !connection.isMute else { return }
        tls.receive(unwrapInboundIn(data))
        if !tls.isEstablished { _ = tls.handshake() }
        var storage = [UInt8](repeating: 0, count: 16 << 10)
        while tls.isEstablished {
            guard case .bytes(let count) = storage.withUnsafeMutableBytes({ tls.read(into: $0) }) else { break }
            let now = NIODeadline.now().uptimeNanoseconds
            storage.withUnsafeBytes {
                _ = connection.session.receive(UnsafeRawBufferPointer(rebasing: $0[..<count]), now: now)
            }
            while let event = connection.session.nextEvent() {
                guard case .request(let stream, let request) = event else { continue }
                connection.requests.append((stream, request))
                script(connection, stream, request)
            }
        }
        if tls.isEstablished {
            let plain = connection.raw + SessionPair.bytes(of: connection.session)
            connection.raw = []
            if !plain.isEmpty { _ = plain.withUnsafeBytes { tls.write($0) } }
        }
        if tls.outputBytes > 0 { context.writeAndFlush(wrapOutboundOut(tls.output), promise: nil) }
        tls.clearOutput()
        if connection.closes { context.close(promise: nil) }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
}
