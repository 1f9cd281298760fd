import NIOCore
import NIOPosix
import SansIO

/// Who opened a ``ClientConnection`` and gives it streams.
protocol ClientConnectionOwner: AnyObject {
    /// What an earlier connection left for resuming; each is given once.
    func takeResumption() -> TLSResumption?

    /// Keeps what the server lets a later connection resume.
    func keep(_ resumption: TLSResumption)

    /// The handshake is done, the peer is who it should be, and it speaks: streams can start.
    func connectionOpened(_ connection: ClientConnection)

    /// The peer takes no further streams; those that are open go on.
    func connectionIsLeaving(_ connection: ClientConnection)

    /// A stream got an answer: the peer works.
    func connectionAnswered(_ connection: ClientConnection)

    /// A stream ended, so that another may start.
    func connectionHasRoom(_ connection: ClientConnection)

    /// The connection is gone. Its streams fail after this call.
    func connectionEnded(_ connection: ClientConnection, _ error: PeerLinkError)
}

/// One connection of a client over HTTP/2, in one channel handler: TLS, who the other side is, streams and closing.
///
/// Like the server's, it handles bytes as they come, gathers output and sends it once a turn, from ``drain()``.
final class ClientConnection: ChannelInboundHandler, StreamCarrier {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// What the connection is doing.
    enum Phase {
        case connecting
        /// The TLS handshake.
        case handshake
        /// Waiting for the peer's first SETTINGS frame. Until then a peer that asks for a certificate may still refuse.
        case settling
        /// Takes streams.
        case open
        /// Takes no more streams, and ends when there are none.
        case leaving
        case closed
    }

    let shard: ClientShard
    let peer: PeerAddress
    var phase = Phase.connecting
    var context: ChannelHandlerContext?
    var tls: TLSSession?
    /// When the peer's certificate was found not to be valid any more, in monotonic nanoseconds.
    var distrustedAt: UInt64?
    var session: HTTP2Session?
    /// The names in the peer's certificate, once it is verified.
    var identity = CertificateIdentity(uris: [], dnsNames: [])
    /// Open streams, in no order.
    private(set) var streams: [ClientStream] = []
    var owner: (any ClientConnectionOwner)?
    /// Why the connection ends, noted before its channel closes.
    var failure: PeerLinkError?
    /// True once a stream was answered.
    var hasAnswered = false
    /// True when this side chose to leave.
    var leftByItself = false
    var isReading = false
    private var isDraining = false
    private var drainIsWanted = false
    private var drainIsScheduled = false
    /// What is being sent; between writes an empty buffer that keeps its memory.
    private var outgoing = ByteBuffer()
    /// Monotonic nanoseconds of the beginning, of the last received bytes, and of the last moment with an open stream.
    var startedAt: UInt64 = 0
    var lastReceivedAt: UInt64 = 0
    var lastActiveAt: UInt64 = 0
    /// When a ping was sent that nothing was received after.
    var pingSentAt: UInt64?

    /// How much encrypted output is handed to the channel at a time.
    private static let flushBytes = 64 << 10

    init(shard: ClientShard, peer: PeerAddress, owner: any ClientConnectionOwner) {
        self.shard = shard
        self.peer = peer
        self.owner = owner
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        beginHandshake()
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        end()
        self.context = nil
    }

    func channelInactive(context: ChannelHandlerContext) {
        end()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        close(lost("the connection to \(peer.endpoint) failed: \(error)"))
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        isReading = true
        encryptedReceived(unwrapInboundIn(data))
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        isReading = false
        drain()
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        // On a later turn, as this can come from inside a write.
        if context.channel.isWritable { scheduleDrain() }
    }

    // Streams

    var responseDate: [UInt8] { [] }

    /// How many more streams may start, out of `limit` at most.
    func room(limit: Int) -> Int {
        guard phase == .open, let session else { return 0 }
        return max(0, min(limit, session.peerConcurrentStreams) - streams.count)
    }

    /// Starts a stream; false when the connection takes none.
    func start(_ stream: ClientStream) -> Bool {
        guard phase == .open,
            let id = session?.submit(stream.request, scheme: "https", context: stream, inParts: stream.isInParts)
        else { return false }
        stream.id = id
        stream.connection = self
        stream.index = streams.count
        streams.append(stream)
        stream.started(now: shard.now)
        scheduleDrain()
        return true
    }

    /// Forgets a stream that has ended.
    func forget(_ stream: ClientStream) {
        let index = stream.index
        guard index >= 0 else { return }
        stream.index = -1
        let last = streams.removeLast()
        if index < streams.count {
            streams[index] = last
            last.index = index
        }
        if streams.isEmpty { lastActiveAt = shard.now }
    }

    /// Gives all streams up at once, when the connection is gone.
    func takeStreams() -> [ClientStream] {
        defer { streams = [] }
        for stream in streams { stream.index = -1 }
        return streams
    }

    /// Ends a stream that nobody waits for any more.
    func cancel(_ stream: ClientStream) {
        forget(stream)
        session?.reset(stream: stream.id, code: 0x8)
        scheduleDrain()
    }

    // Writing

    /// Sends soon: at the end of the read that is going on, or once on this loop's next turn.
    func scheduleDrain() {
        guard phase != .closed, !isReading, !drainIsScheduled else { return }
        if isDraining {
            drainIsWanted = true
            return
        }
        drainIsScheduled = true
        shard.eventLoop.assumeIsolated().execute { [self] in
            drainIsScheduled = false
            drain()
        }
    }

    /// Sends what is ready, as far as the channel takes it.
    func drain() {
        guard let context, !isDraining else { return }
        isDraining = true
        while context.channel.isWritable, let session, let tls {
            let count = session.fill(into: shard.writeScratch)
            takeEvents()
            guard count > 0 else { break }
            if let error = tls.write(UnsafeRawBufferPointer(rebasing: shard.writeScratch[..<count])) {
                close(lost("cannot write to \(peer.endpoint): \(error)"))
                break
            }
            if tls.outputBytes >= Self.flushBytes { flushOutput() }
        }
        flushOutput()
        isDraining = false
        if let session, session.isFinished || (phase == .leaving && streams.isEmpty) { closeGracefully() }
        if drainIsWanted {
            drainIsWanted = false
            scheduleDrain()
        }
    }

    /// Hands gathered output to the channel. The buffers keep their memory if the socket took everything at once.
    func flushOutput() {
        guard let context, let tls, tls.outputBytes > 0 else { return }
        tls.swapOutput(with: &outgoing)
        context.writeAndFlush(wrapOutboundOut(outgoing), promise: nil)
        outgoing.clear()
    }
}
