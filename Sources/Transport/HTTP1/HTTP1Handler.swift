import NIOCore
import NIOHTTP1
import SansIO

/// HTTP/1.1 on one connection: gathers requests, hands them over one at a time, and answers them in order.
final class HTTP1Handler: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart

    /// What is being received.
    private enum Stage {
        case betweenRequests
        case body(PartialRequest)
        /// Nothing that follows is looked at.
        case ended
    }

    /// What the client is being waited for.
    private enum Wait {
        case request
        case header
        case body
    }

    private unowned let connection: ServerConnection
    private let info: HTTPConnectionInfo
    private var stage = Stage.betweenRequests
    private var queue = CircularBuffer<HTTP1Exchange>()
    private var wait = Wait.request
    private var waitingSince: UInt64
    private var isHandling = false
    private var isAdvancing = false
    /// Set once the client has ended its side: when it did, or when a handler got the present request if that was later.
    private var halfClosedSince: UInt64?
    private var discardedBytes = 0
    /// What came on the wire since the header of the request that is being received.
    private var wireBytes = 0

    private var shard: ServerShard { connection.shard }
    private var configuration: HTTPServerConfiguration { connection.shard.configuration }

    /// What the bodies of the client's requests may take.
    private let budget: ByteBudget

    init(connection: ServerConnection, info: HTTPConnectionInfo, budget: ByteBudget) {
        self.connection = connection
        self.budget = budget
        self.info = info
        waitingSince = NIODeadline.now().uptimeNanoseconds
    }

    /// Notes that bytes came, before the decoder gets them.
    func bytesReceived(_ count: Int) {
        switch stage {
        case .ended:
            discardedBytes += count
        case .body(let partial):
            wireBytes += count
            if wireBytes / 8 > partial.request.body.count + configuration.maximumChunkOverheadBytes / 8 {
                shard.counters.hit(.chunkOverhead)
                refuse(400)
            }
        case .betweenRequests:
            break
        }
        if wait == .request { waitFor(.header) }
    }

    private func waitFor(_ wait: Wait) {
        self.wait = wait
        waitingSince = NIODeadline.now().uptimeNanoseconds
    }

    /// True while enough requests wait, or while a client sends on after its request was refused.
    var mustPauseReading: Bool {
        queue.count > configuration.maximumPipelinedRequests || discardedBytes > configuration.lingerBytes
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch (unwrapInboundIn(data), stage) {
        case (.head(let head), .betweenRequests):
            headReceived(head)
        case (.body(let bytes), .body(var partial)):
            // Takes the partial request out, so that its body grows in place.
            stage = .ended
            switch partial.append(bytes, limit: configuration.maximumBodyBytes, of: budget) {
            case .taken:
                stage = .body(partial)
            case .tooLong:
                refuseBody(partial)
            case .noRoom:
                shard.counters.hit(.sharedBufferedBytes)
                refuse(503)
            }
        case (.end, .body(let partial)):
            stage = .betweenRequests
            waitFor(.request)
            enqueue(partial)
        default:
            break
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        if case .ended = stage { return }
        if let error = error as? HTTPParserError, error == .headerOverflow {
            shard.counters.hit(.header)
            refuse(431)
        } else {
            shard.counters.protocolErrors.increment()
            refuse(400)
        }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        guard let event = event as? ChannelEvent, event == .inputClosed else { return }
        // Over TLS both the closing alert and the socket's end come here.
        if halfClosedSince == nil { halfClosedSince = NIODeadline.now().uptimeNanoseconds }
        advance()
    }

    private func headReceived(_ head: HTTPRequestHead) {
        waitFor(.body)
        wireBytes = 0
        guard let partial = PartialRequest(head, info) else {
            shard.counters.protocolErrors.increment()
            refuse(400)
            return
        }
        if partial.declaredBytes > configuration.maximumBodyBytes {
            refuseBody(partial)
        } else {
            stage = .body(partial)
            sendContinueIfDue()
        }
    }

    /// Asks for the body of a client that waits for that, once all earlier requests are answered.
    private func sendContinueIfDue() {
        guard case .body(var partial) = stage, partial.expectsContinue, queue.isEmpty else { return }
        partial.expectsContinue = false
        stage = .body(partial)
        let text: StaticString = "HTTP/1.1 100 Continue\r\n\r\n"
        connection.send(UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
        connection.scheduleDrain()
    }

    private func refuse(_ status: Int) {
        stage = .ended
        queue.append(HTTP1Exchange(refusal: status, handler: self))
        advance()
    }

    private func refuseBody(_ partial: PartialRequest) {
        stage = .ended
        shard.counters.hit(.body)
        var partial = partial
        partial.closesAfter = true
        partial.request.body = []
        partial.request.fault = .bodyTooLarge(limit: configuration.maximumBodyBytes)
        enqueue(partial)
    }

    private func enqueue(_ partial: PartialRequest) {
        let exchange = HTTP1Exchange(
            request: partial.request,
            isVersion10: partial.isVersion10,
            closesAfter: partial.closesAfter,
            handler: self
        )
        exchange.heldBytes = partial.heldBytes
        if queue.count >= configuration.maximumPipelinedRequests {
            shard.counters.hit(.pipelinedRequests)
            exchange.closesAfter = true
        }
        if exchange.closesAfter { stage = .ended }
        queue.append(exchange)
        advance()
    }

    /// An exchange has its answer.
    func answered() {
        if !isAdvancing { connection.scheduleDrain() }
    }

    /// Sends answers that are ready, in order, and hands over the next request.
    func advance() {
        guard !isAdvancing else { return }
        isAdvancing = true
        defer { isAdvancing = false }
        while let exchange = queue.first, connection.phase == .http1 {
            if let response = exchange.response {
                isHandling = false
                queue.removeFirst()
                write(response, exchange)
                // Idleness counts from the last answer.
                if wait == .request { waitFor(.request) }
                if exchange.closesAfter {
                    abandonQueue()
                    connection.closeGracefully()
                    return
                }
            } else if let request = exchange.request {
                guard connection.isWritable else { return }
                exchange.request = nil
                isHandling = true
                if halfClosedSince != nil { halfClosedSince = NIODeadline.now().uptimeNanoseconds }
                shard.counters.http1Requests.increment()
                shard.handler.handle(request, exchange)
            } else {
                return
            }
        }
        guard queue.isEmpty, connection.phase == .http1 else { return }
        sendContinueIfDue()
        if halfClosedSince != nil || isIdleInShutdown { connection.closeGracefully() }
    }

    private var isIdleInShutdown: Bool {
        guard connection.isShuttingDown, wait == .request, case .betweenRequests = stage else { return false }
        return true
    }

    private func write(_ response: HTTPResponse, _ exchange: HTTP1Exchange) {
        if connection.isShuttingDown { exchange.closesAfter = true }
        shard.responseScratch.removeAll(keepingCapacity: true)
        let bodyFollows = HTTP1ResponseHead.append(
            response,
            for: exchange,
            date: shard.date,
            to: &shard.responseScratch
        )
        guard bodyFollows else {
            shard.responseScratch.withUnsafeBytes(connection.send)
            return
        }
        if response.body.count <= 8192 {
            // One record instead of two.
            shard.responseScratch.append(contentsOf: response.body)
            shard.responseScratch.withUnsafeBytes(connection.send)
        } else {
            shard.responseScratch.withUnsafeBytes(connection.send)
            response.body.withUnsafeBytes(connection.send)
        }
    }

    /// Closes when nothing is being handled; otherwise the next answer is the last.
    func beginShutdown() {
        queue.first?.closesAfter = true
        advance()
    }

    /// Since when nothing is being received or handled; nil when something is.
    var idleSince: UInt64? {
        guard queue.isEmpty, wait != .body else { return nil }
        return waitingSince
    }

    /// Ends a wait that is too long.
    func checkDeadlines(_ now: UInt64) {
        guard connection.phase == .http1 else { return }
        // An answer that only waits for its turn to be sent is not given up.
        if let halfClosedSince, isHandling, queue.first?.response == nil,
            connection.hasPassed(configuration.halfCloseGrace, since: halfClosedSince, now)
        {
            giveUpOnClient()
            return
        }
        guard queue.isEmpty else { return }
        let limit: Duration
        switch wait {
        case .request: limit = configuration.idleTimeout
        case .header: limit = configuration.headerTimeout
        case .body: limit = configuration.bodyTimeout
        }
        guard connection.hasPassed(limit, since: waitingSince, now) else { return }
        if wait == .request {
            shard.counters.hit(.idleTime)
            connection.closeGracefully()
        } else {
            shard.counters.hit(wait == .header ? .headerTime : .bodyTime)
            refuse(408)
        }
    }

    /// Cancels the request that is being handled and closes: a client that ended its side has most likely gone.
    private func giveUpOnClient() {
        cancelAll()
        connection.closeGracefully()
    }

    /// The socket is gone.
    func connectionClosed() {
        cancelAll()
    }

    private func cancelAll() {
        stage = .ended
        let current = isHandling ? queue.first : nil
        isHandling = false
        abandonQueue()
        current?.cancel()
    }

    private func abandonQueue() {
        queue.removeAll()
    }
}
