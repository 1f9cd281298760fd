import SansIO

/// A request to a peer whose bodies go in parts.
final class PeerStream: ClientStream {
    private let pool: ConnectionPool
    private let answerTimeout: UInt64
    private let later: (@escaping () -> Void) -> Void
    private var completion: ((Result<any HTTPClientStream, PeerLinkError>) -> Void)?
    /// True once this side has ended its body; from then on the peer's silence is bounded.
    private var ownBodyEnded = false
    private var hasHead = false
    /// Why the stream ended before its user had it.
    private var earlyEnd: PeerLinkError?
    /// The stream as its user sees it, once it has started.
    private var body: BodyStream?

    init(
        _ request: ClientRequest,
        pool: ConnectionPool,
        answerTimeout: UInt64,
        later: @escaping (@escaping () -> Void) -> Void,
        completion: @escaping (Result<any HTTPClientStream, PeerLinkError>) -> Void
    ) {
        self.pool = pool
        self.answerTimeout = answerTimeout
        self.later = later
        self.completion = completion
        // While it waits for a connection the pool's pacing is the only clock.
        super.init(request: request, deadline: .max)
    }

    override var isInParts: Bool { true }

    override func started() {
        guard let connection, !isDone else { return }
        isDone = true
        pool.ended(self)
        deadline = connection.shard.now + answerTimeout
        let body = BodyStream(carrier: connection, id: id, role: .client, identity: connection.identity)
        self.body = body
        // A peer that never ends its half must not keep the stream for ever.
        body.onOwnEnd = { [unowned self] in
            ownBodyEnded = true
            if hasHead { boundSilence() }
        }
        body.onPauseChanged = { [unowned self] in
            if hasHead { boundSilence() }
        }
        // The answer needs the request to leave first, so the user's callbacks are set before it comes.
        later { [self] in handOver(body) }
    }

    private func handOver(_ body: BodyStream) {
        let completion = completion
        self.completion = nil
        // Nobody was there to hear of an end that came first.
        if let earlyEnd { completion?(.failure(earlyEnd)) } else { completion?(.success(body)) }
    }

    /// Gives the peer its time anew, once its answer has begun: to go on when all of the request is there, unless it is this
    /// side that has stopped reading.
    private func boundSilence() {
        guard let connection, ownBodyEnded, body?.isPaused == false else {
            deadline = .max
            return
        }
        deadline = connection.shard.now + answerTimeout
    }

    override func receiveHead(_ response: HTTPResponse) {
        hasHead = true
        boundSilence()
        body?.receivedHead(response)
    }

    override func receivePart(_ bytes: [UInt8]) {
        boundSilence()
        body?.received(bytes)
    }

    override func receiveEnd() { body?.receivedEnd() }

    override func drained() { body?.drained() }

    override func leave() { body?.connectionLeaves() }

    override func closed(code: UInt32, _ error: PeerLinkError) {
        guard let body else {
            fail(error)
            return
        }
        if completion != nil { earlyEnd = error }
        body.closed(code: code)
    }

    override func fail(_ error: PeerLinkError) {
        if let body {
            if completion != nil { earlyEnd = error }
            body.closed(error.code == .timedOut ? .timedOut : .connectionLost)
        }
        guard !isDone else { return }
        isDone = true
        pool.ended(self)
        completion?(.failure(error))
        completion = nil
    }
}
