import NIOCore
import NIOHTTP1
import SansIO

/// One connection of a server, in one channel handler: TLS, the choice of protocol, HTTP/2, deadlines and closing.
/// HTTP/1.1 adds NIO's decoder and an ``HTTP1Handler`` behind it, whose output comes back here.
///
/// Bytes are handled as they come, but output is gathered and sent once a turn, from ``drain()``.
final class ServerConnection: ChannelDuplexHandler, StreamCarrier {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// What the connection is doing.
    enum Phase {
        /// The TLS handshake.
        case handshake
        /// Waiting for enough plain bytes to tell HTTP/2 from HTTP/1.1.
        case sniff
        case http1
        case http2
        /// Everything is said; waiting for the client to close.
        case closing
        case closed
    }

    let shard: ServerShard
    /// Where the shard keeps this connection; -1 when it does not.
    var shardIndex = -1
    var phase = Phase.sniff
    var context: ChannelHandlerContext?
    var tls: TLSSession?
    var session: HTTP2Session?
    var http1: HTTP1Handler?
    /// Plain output of a connection without TLS.
    var plainOutput = ByteBuffer()
    /// What is being sent; between writes an empty buffer that keeps its memory.
    private var outgoing = ByteBuffer()
    /// First plain bytes, while they are too few to choose a protocol by.
    var sniffed = ByteBuffer()
    /// Whom the connection belongs to, and what its bodies may take; nil until a protocol is chosen.
    var client: (key: String, budget: ByteBudget)?
    /// What the bodies of HTTP/2 requests take of that; what handlers have outlives the session.
    var bodyShare: HeldBytes?
    /// Requests that handlers hold, those of dead streams included.
    var inFlight = 0
    /// True inside a read; output then waits for its end.
    var isReading = false
    private var isDraining = false
    private var isFlushing = false
    /// True when someone asked to drain while that was not possible.
    private var drainIsWanted = false
    private var drainIsScheduled = false
    private var readIsHeld = false
    /// When the present phase began, in monotonic nanoseconds.
    var phaseStartedAt: UInt64 = 0
    /// When the socket last took what it must of the output that waits for it; nil while none waits for long.
    var stalledSince: UInt64?
    /// How much waited for the socket then.
    var stalledBytes = Int.max
    /// How much of its answers an HTTP/2 client has taken, and when that was last enough.
    var progress: (sentBytes: UInt64, since: UInt64) = (0, 0)
    /// While closing: this side's half of the connection is ended.
    var outputHasEnded = false
    /// When an HTTP/2 connection last had an open stream.
    var lastActiveAt: UInt64 = 0
    /// When the client's certificate was found not to be valid any more, in monotonic nanoseconds.
    var distrustedAt: UInt64?
    /// True once the client was told to go on elsewhere because this node has another certificate.
    var hasLeftForNewCertificate = false
    var discardedBytes = 0
    var isShuttingDown = false

    /// How much encrypted output is handed to the channel at a time.
    private static let flushBytes = 64 << 10

    init(shard: ServerShard) {
        self.shard = shard
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        if context.channel.isActive { start(context) }
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        tearDown()
        self.context = nil
    }

    func channelActive(context: ChannelHandlerContext) {
        start(context)
        context.fireChannelActive()
    }

    func channelInactive(context: ChannelHandlerContext) {
        tearDown()
        context.fireChannelInactive()
    }

    private func start(_ context: ChannelHandlerContext) {
        guard shardIndex < 0, phase != .closed else { return }
        phaseStartedAt = NIODeadline.now().uptimeNanoseconds
        shard.add(self)
        if shard.isShuttingDown {
            closeNow()
            return
        }
        guard let tlsContext = shard.tls else { return }
        phase = .handshake
        do {
            tls = try TLSSession(context: tlsContext)
            tls?.limitMessages(shard.configuration.handshakeMessages, within: shard.http2Settings.budgetWindow)
        } catch {
            shard.counters.handshakeFailures.increment()
            closeNow()
        }
    }

    private func tearDown() {
        guard phase != .closed else { return }
        phase = .closed
        http1?.connectionClosed()
        http1 = nil
        if let session {
            for context in session.takeContexts() {
                (context as? HTTP2Reply)?.cancel()
                (context as? BodyStream)?.closed(.connectionLost)
            }
        }
        session = nil
        if let client { shard.budgets.leave(client.key) }
        client = nil
        // Last, as it may end a shutdown: whoever waits for that finds all replies cancelled.
        shard.remove(self)
    }

    // Reading

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        isReading = true
        shard.refreshDate()
        let bytes = unwrapInboundIn(data)
        if phase == .closing {
            discard(bytes.readableBytes)
        } else if tls != nil {
            encryptedReceived(bytes)
        } else {
            plainReceived(bytes)
        }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        isReading = false
        if phase == .http1 { context.fireChannelReadComplete() }
        drain()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if let event = event as? ChannelEvent, event == .inputClosed {
            inputClosed()
        } else {
            context.fireUserInboundEventTriggered(event)
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        closeNow()
    }

    /// The client sends no more.
    func inputClosed() {
        switch phase {
        case .http1:
            context?.fireUserInboundEventTriggered(ChannelEvent.inputClosed)
            if !isReading { drain() }
        case .sniff where sniffed.readableBytes > 0:
            // Too few bytes for either protocol: the HTTP/1.1 path words the refusal.
            startHTTP1(sniffed)
            inputClosed()
        case .handshake, .sniff, .http2, .closing:
            closeNow()
        case .closed:
            break
        }
    }

    private func discard(_ count: Int) {
        discardedBytes += count
        if discardedBytes > shard.configuration.lingerBytes { closeNow() }
    }

    /// Holds reads back while output does not flow or handlers have too much to do.
    func read(context: ChannelHandlerContext) {
        guard mustPauseReading else {
            context.read()
            return
        }
        if !readIsHeld, handlersAreBusy { shard.counters.hit(.requestsInFlight) }
        readIsHeld = true
    }

    private var handlersAreBusy: Bool { inFlight >= shard.configuration.maximumRequestsInFlight }

    private var mustPauseReading: Bool {
        guard let context, phase != .closing, phase != .closed else { return false }
        if !context.channel.isWritable { return true }
        if handlersAreBusy { return true }
        return http1?.mustPauseReading ?? false
    }

    func resumeReading() {
        guard readIsHeld, !mustPauseReading, let context else { return }
        readIsHeld = false
        context.read()
    }

    // Writing

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if context.channel.isWritable {
            stalledSince = nil
            drain()
        } else {
            noteStall(NIODeadline.now().uptimeNanoseconds)
        }
        context.fireChannelWritabilityChanged()
    }

    /// True while the channel takes output.
    var isWritable: Bool { context?.channel.isWritable ?? false }

    /// Sends soon: at the end of the read that is going on, or once on this loop's next turn.
    func scheduleDrain() {
        guard !isReading, !drainIsScheduled, phase != .closed else { return }
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
        guard let context, phase != .closed else { return }
        guard !isDraining, !isFlushing else {
            drainIsWanted = true
            return
        }
        isDraining = true
        if phase == .http1 { http1?.advance() }
        if phase == .http2 { drainHTTP2() }
        flushOutput(context)
        isDraining = false
        if phase == .http2, session?.isFinished ?? true, pendingOutputIsEmpty { closeGracefully() }
        resumeReading()
        drainIfWanted()
    }

    private func drainIfWanted() {
        guard drainIsWanted, !isDraining, !isFlushing else { return }
        drainIsWanted = false
        scheduleDrain()
    }

    private var pendingOutputIsEmpty: Bool { plainOutput.readableBytes == 0 && (tls?.outputBytes ?? 0) == 0 }

    private func drainHTTP2() {
        while isWritable, let session, phase == .http2 {
            let count = session.fill(into: shard.writeScratch)
            // Before any event: whoever hears of one may make another connection use the same memory.
            if count > 0 { send(UnsafeRawBufferPointer(rebasing: shard.writeScratch[..<count])) }
            takeEvents(session)
            guard count > 0 else { break }
        }
        updateHTTP2Progress()
    }

    /// Takes plain bytes for the client, encrypts them, and hands them to the channel when there are enough.
    func send(_ bytes: UnsafeRawBufferPointer) {
        guard let context, phase != .closed else { return }
        if let tls {
            if tls.write(bytes) != nil {
                closeNow()
                return
            }
            if tls.outputBytes >= Self.flushBytes { flushOutput(context) }
        } else {
            plainOutput.writeBytes(bytes)
            if plainOutput.readableBytes >= Self.flushBytes { flushOutput(context) }
        }
    }

    /// Hands gathered output to the channel. The buffers keep their memory if the socket took everything at once.
    ///
    /// The channel may report a change of its writability from inside the write. Whoever then wants to send must find the
    /// gathered output gone, or it would go out twice.
    func flushOutput(_ context: ChannelHandlerContext) {
        guard !isFlushing else { return }
        isFlushing = true
        if let tls, tls.outputBytes > 0 {
            tls.swapOutput(with: &outgoing)
        } else if plainOutput.readableBytes > 0 {
            swap(&plainOutput, &outgoing)
        }
        if outgoing.readableBytes > 0 {
            context.writeAndFlush(wrapOutboundOut(outgoing), promise: nil)
            outgoing.clear()
        }
        isFlushing = false
        drainIfWanted()
    }
}
