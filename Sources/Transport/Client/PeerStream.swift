import SansIO

/// A request to a peer whose bodies go in parts.
final class PeerStream: ClientStream {
    private let pool: ConnectionPool
    private let answerTimeout: UInt64
    private let later: (@escaping () -> Void) -> Void
    private var completion: ((Result<any HTTPClientStream, PeerLinkError>) -> Void)?
    /// True once this side has ended its body; from then on the peer's silence is bounded.
    private var ownBodyEnded = false
    /// The stream as its user sees it, once it has started.
    private var body: BodyStream?

    init(
        _ request: HTTPRequest,
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

    override func started(now: UInt64) {
        guard let connection, !isDone else { return }
        isDone = true
        pool.ended(self)
        deadline = now + answerTimeout
        let body = BodyStream(carrier: connection, id: id, role: .client, identity: connection.identity)
        self.body = body
        // A peer that never ends its half must not keep the stream for ever.
        body.onOwnEnd = { [unowned self] in
            ownBodyEnded = true
            deadline = min(deadline, connection.shard.now + answerTimeout)
        }
        let completion = completion
        self.completion = nil
        // The answer needs the request to leave first, so the user's callbacks are set before it comes.
        later { completion?(.success(body)) }
    }

    override func receiveHead(_ response: HTTPResponse) {
        if ownBodyEnded, let connection { deadline = connection.shard.now + answerTimeout } else { deadline = .max }
        body?.receivedHead(response)
    }

    override func receivePart(_ bytes: [UInt8]) {
        if deadline != .max, let connection { deadline = connection.shard.now + answerTimeout }
        body?.received(bytes)
    }

    override func receiveEnd() { body?.receivedEnd() }

    override func drained() { body?.drained() }

    override func leave() { body?.connectionLeaves() }

    override func closed(code: UInt32, _ error: PeerLinkError) {
        if let body { body.closed(code: code) } else { fail(error) }
    }

    override func fail(_ error: PeerLinkError) {
        body?.closed(error.code == .timedOut ? .timedOut : .connectionLost)
        guard !isDone else { return }
        isDone = true
        pool.ended(self)
        completion?(.failure(error))
        completion = nil
    }
}
