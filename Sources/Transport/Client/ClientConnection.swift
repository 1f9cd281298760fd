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

    /// No further streams start, as the peer said (`sentAway`) or this side chose; those that are open go on.
    func connectionIsLeaving(_ connection: ClientConnection, sentAway: Bool)

    /// A stream got an answer: the peer works.
    func connectionAnswered(_ connection: ClientConnection)

    /// A stream ended, or the peer allows more of them, so that another may start.
    func connectionHasRoom(_ connection: ClientConnection)

    /// The connection is gone. Its streams fail after this call.
    func connectionEnded(_ connection: ClientConnection, _ error: PeerLinkError)
}

/// One connection of a client, in one channel handler: TLS, who the other side is, HTTP/2, streams and closing. HTTP/1.1
/// adds NIO's coders and an ``HTTP1ClientHandler`` behind it, whose output comes back here.
///
/// Like the server's, it handles bytes as they come, gathers output and sends it once a turn, from ``drain()``.
final class ClientConnection: ChannelDuplexHandler, StreamCarrier {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundIn = IOData
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
    let target: ClientTarget
    var phase = Phase.connecting
    var context: ChannelHandlerContext?
    var tls: TLSSession?
    /// When the peer's certificate was found not to be valid any more, in monotonic nanoseconds.
    var distrustedAt: UInt64?
    var session: HTTP2Session?
    var http1: HTTP1ClientHandler?
    /// Plain bytes of HTTP/1.1 on their way out.
    private var plainOutput = ByteBuffer()
    /// The names in the peer's certificate, once it is verified.
    var identity = CertificateIdentity(uris: [], dnsNames: [])
    /// Open streams, in no order.
    private(set) var streams: [ClientStream] = []
    var owner: (any ClientConnectionOwner)?
    /// Why the connection ends, noted before its channel closes.
    var failure: PeerLinkError?
    /// True once a stream was answered.
    var hasAnswered = false
    /// True when the peer has refused this node in the handshake, most likely for its certificate.
    var isRefusedByPeer = false
    /// True once a stream has started.
    private var hasCarried = false
    /// True when the peer has sent an open connection away.
    var wasSentAway = false
    /// Whether it ended before it was of use, other than by this side's choice. One that had nothing to do when the peer sent
    /// it away says nothing against the peer.
    var hasFailed: Bool { !hasAnswered && !leftByItself && (hasCarried || !wasSentAway) }
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

    init(shard: ClientShard, target: ClientTarget, owner: any ClientConnectionOwner) {
        self.shard = shard
        self.target = target
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
        close(lost("the connection to \(target.endpoint) failed: \(ConnectFailure.words(error))"))
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        isReading = true
        encryptedReceived(unwrapInboundIn(data))
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        isReading = false
        if http1 != nil { context.fireChannelReadComplete() }
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
        guard phase == .open else { return 0 }
        guard let session else { return streams.isEmpty ? 1 : 0 }
        return max(0, min(limit, session.peerConcurrentStreams) - streams.count)
    }

    /// True while the peer's window takes what waits to be sent, so that a further body would leave at once.
    var hasWindow: Bool {
        guard let session else { return true }
        return session.unsentBodyBytes < session.sendWindow
    }

    /// Starts a stream; false when the connection takes none.
    func start(_ stream: ClientStream) -> Bool {
        guard phase == .open else { return false }
        if let session {
            let id = session.submit(
                stream.request,
                scheme: "https",
                context: stream,
                inParts: stream.isInParts,
                ignoresFields: stream.ignoresFields
            )
            guard let id else {
                retire(session)
                return false
            }
            stream.id = id
            stream.forgetBody()
        }
        hasCarried = true
        stream.connection = self
        stream.index = streams.count
        streams.append(stream)
        stream.started()
        http1?.send(stream)
        scheduleDrain()
        return true
    }

    /// Takes no more streams as the session takes none: its stream ids have run out (RFC 9113 §5.1.1), or it has failed.
    /// Without this the connection would look as if it had room.
    private func retire(_ session: HTTP2Session) {
        phase = .leaving
        if session.error == nil { leftByItself = true }
        scheduleDrain()
    }

    /// Forgets a stream that has ended.
    func forget(_ stream: ClientStream) {
        let index = stream.index
        guard index >= 0 else { return }
        stream.index = -1
        let last = streams.count - 1
        if index < last {
            streams.swapAt(index, last)
            streams[index].index = index
        }
        _ = streams.popLast()
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
        if let session {
            session.reset(stream: stream.id, code: 0x8)
            scheduleDrain()
        } else {
            // HTTP/1.1 has no other way to give up an answer.
            leftByItself = true
            close(lost("a request to \(target.endpoint) was cancelled"))
        }
    }

    /// A stream over HTTP/1.1 has its answer.
    func answered(_ stream: ClientStream, _ response: HTTPResponse, isLast: Bool) {
        forget(stream)
        noteAnswer()
        if isLast, phase == .open { phase = .leaving }
        stream.receive(response)
        owner?.connectionHasRoom(self)
    }

    /// Tells the owner of the first answer.
    func noteAnswer() {
        guard !hasAnswered else { return }
        hasAnswered = true
        owner?.connectionAnswered(self)
    }

    // Writing

    /// Takes the output of HTTP/1.1; the rest goes past this.
    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        if case .byteBuffer(var bytes) = unwrapOutboundIn(data) { plainOutput.writeBuffer(&bytes) }
        promise?.succeed()
    }

    func flush(context: ChannelHandlerContext) { scheduleDrain() }

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
            // Before any event: whoever hears of one may make another connection use the same memory.
            if count > 0, let error = tls.write(UnsafeRawBufferPointer(rebasing: shard.writeScratch[..<count])) {
                close(lost("cannot write to \(target.endpoint): \(error)"))
                break
            }
            takeEvents()
            guard count > 0 else { break }
            if tls.outputBytes >= Self.flushBytes { flushOutput() }
        }
        encryptHTTP1()
        flushOutput()
        isDraining = false
        if session?.isFinished == true || (phase == .leaving && streams.isEmpty) { closeGracefully() }
        if drainIsWanted {
            drainIsWanted = false
            scheduleDrain()
        }
    }

    private func encryptHTTP1() {
        guard plainOutput.readableBytes > 0, let tls, phase != .closed else { return }
        let error = plainOutput.withUnsafeReadableBytes { tls.write($0) }
        plainOutput.clear()
        if let error { close(lost("cannot write to \(target.endpoint): \(error)")) }
    }

    /// Hands gathered output to the channel. The buffers keep their memory if the socket took everything at once.
    func flushOutput() {
        guard let context, let tls, tls.outputBytes > 0 else { return }
        tls.swapOutput(with: &outgoing)
        context.writeAndFlush(wrapOutboundOut(outgoing), promise: nil)
        outgoing.clear()
    }
}
