import NIOCore
import SansIO

extension ServerConnection {
    func startHTTP2() {
        do {
            let info = connectionInfo(majorVersion: 2)
            session = try HTTP2Session(role: .server, settings: shard.http2Settings, connection: info)
            bodyShare = HeldBytes(joinClient(info))
            session?.share = bodyShare
            if let streamHandler = shard.streamHandler {
                session?.takesInParts = { streamHandler.takesInParts(method: $0, target: $1) }
            }
            begin(.http2)
        } catch {
            closeNow()
        }
    }

    var responseDate: [UInt8] { shard.date }

    func http2Received(_ bytes: UnsafeRawBufferPointer) {
        guard let session else { return }
        _ = session.receive(bytes, now: NIODeadline.now().uptimeNanoseconds)
        takeEvents(session)
    }

    /// Hands requests over, and tells handlers whose client is gone, also when the connection ended meanwhile.
    func takeEvents(_ session: HTTP2Session) {
        while takeEvent(session) {}
        for limit in session.takeLimitHits() { shard.counters.hit(HTTPLimit(limit)) }
        let violations = session.takeProtocolErrors()
        if violations > 0 { shard.counters.protocolErrors.add(UInt64(violations)) }
    }

    /// Takes one event, which gets no name, so that its request moves out of it uncopied.
    ///
    /// - Returns: false when there was none.
    private func takeEvent(_ session: HTTP2Session) -> Bool {
        switch session.nextEvent() {
        case .request(let stream, let request)?:
            handle(request, stream, session)
        case .closed(_, let code, let context)?:
            (context as? HTTP2Reply)?.cancel()
            (context as? BodyStream)?.closed(code: code)
        case .requestHead(let stream, let request)?:
            handleHead(request, stream, session)
        case .bodyPart(let stream, let bytes, _)?:
            (session.context(of: stream) as? BodyStream)?.received(bytes)
        case .bodyEnd(let stream, _)?:
            (session.context(of: stream) as? BodyStream)?.receivedEnd()
        case .drained(let stream, _)?:
            (session.context(of: stream) as? BodyStream)?.drained()
        case .response?, .responseHead?, .goingAway?:
            break
        case nil:
            return false
        }
        return true
    }

    private func handle(_ request: HTTPRequest, _ stream: Int32, _ session: HTTP2Session) {
        let reply = HTTP2Reply(connection: self, stream: stream)
        // A request that was reset in the same read costs nothing but its parsing. On a connection that ended meanwhile
        // nobody would hear of the client's leaving.
        guard phase != .closed, session.attach(reply, to: stream) else { return }
        inFlight += 1
        reply.isCounted = true
        reply.heldBytes = session.leaveBuffered(of: stream)
        shard.counters.http2Requests.increment()
        shard.handler.handle(request, reply)
    }

    /// Hands over a request whose body is taken in parts.
    private func handleHead(_ request: HTTPRequest, _ stream: Int32, _ session: HTTP2Session) {
        let body = BodyStream(carrier: self, id: stream, role: .server)
        guard phase != .closed, session.attach(body, to: stream) else { return }
        shard.counters.http2Requests.increment()
        shard.streamHandler?.handle(request, body)
    }

    func respondHTTP2(_ stream: Int32, _ response: HTTPResponse) {
        guard let session, phase == .http2 else { return }
        session.respond(to: stream, with: response, date: shard.date)
        scheduleDrain()
    }

    /// Gives back what a body took that a handler had, also when the connection is gone by then.
    func giveBack(_ count: Int) {
        if let session { session.giveBack(count) } else { bodyShare?.remove(count) }
    }

    /// Notes whether the client takes what is ready, and ends a connection that was asked to when nothing is open.
    func updateHTTP2Progress() {
        guard let session, phase == .http2 else { return }
        let now = NIODeadline.now().uptimeNanoseconds
        if session.openStreams > 0 { lastActiveAt = now }
        if isShuttingDown, session.openStreams == 0, session.error == nil, !session.isFinished {
            session.terminate()
            let count = session.fill(into: shard.writeScratch)
            if count > 0 { send(UnsafeRawBufferPointer(rebasing: shard.writeScratch[..<count])) }
        }
    }
}

/// Answers one HTTP/2 request.
final class HTTP2Reply: HTTPReply {
    private var connection: ServerConnection?
    private let stream: Int32
    private var isDone = false
    private var isCancelled = false
    private var cancellation: (() -> Void)?
    /// True while the connection counts this request as being handled.
    var isCounted = false
    /// What the request's body takes of its client's budget, until it is answered or nobody has it any more.
    var heldBytes = 0

    init(connection: ServerConnection, stream: Int32) {
        self.connection = connection
        self.stream = stream
    }

    deinit {
        if isCounted { connection?.inFlight -= 1 }
        if heldBytes > 0 { connection?.giveBack(heldBytes) }
    }

    func send(_ response: HTTPResponse) {
        guard !isDone else { return }
        isDone = true
        cancellation = nil
        guard let connection else { return }
        self.connection = nil
        if isCounted {
            isCounted = false
            connection.inFlight -= 1
        }
        if heldBytes > 0 {
            connection.giveBack(heldBytes)
            heldBytes = 0
        }
        if isCancelled { connection.scheduleDrain() } else { connection.respondHTTP2(stream, response) }
    }

    var onCancel: (() -> Void)? {
        get { cancellation }
        set {
            if isCancelled, !isDone { newValue?() } else if !isDone { cancellation = newValue }
        }
    }

    /// The client is gone. The request still counts until its handler lets go of it.
    func cancel() {
        guard !isDone, !isCancelled else { return }
        isCancelled = true
        let action = cancellation
        cancellation = nil
        action?()
    }
}
