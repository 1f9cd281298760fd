import SansIO

/// A request to a peer whose bodies go in parts, and the channel of messages over it.
final class PeerStream: ClientStream {
    private let pool: ConnectionPool
    private let limits: PeerChannelLimits
    private let answerTimeout: UInt64
    private let later: (@escaping () -> Void) -> Void
    private var completion: ((Result<any PeerChannel, PeerLinkError>) -> Void)?
    /// The channel's stream, once the peer has accepted it.
    private var body: BodyStream?
    /// The beginning of a refusal's body, which says why.
    private var refusal: (status: Int, text: [UInt8])?

    private static let refusalBytes = 512

    init(
        _ request: HTTPRequest,
        pool: ConnectionPool,
        limits: PeerChannelLimits,
        answerTimeout: UInt64,
        later: @escaping (@escaping () -> Void) -> Void,
        completion: @escaping (Result<any PeerChannel, PeerLinkError>) -> Void
    ) {
        self.pool = pool
        self.limits = limits
        self.answerTimeout = answerTimeout
        self.later = later
        self.completion = completion
        // While it waits for a connection the pool's pacing is the only clock.
        super.init(request: request, deadline: .max)
    }

    override var isInParts: Bool { true }

    override func started(now: UInt64) { deadline = now + answerTimeout }

    override func receiveHead(_ response: HTTPResponse) {
        guard !isDone, let connection else { return }
        guard response.status == 200 else {
            refusal = (response.status, [])
            return
        }
        isDone = true
        deadline = .max
        pool.ended(self)
        let body = BodyStream(carrier: connection, id: id)
        self.body = body
        // A peer that never ends its half must not keep the stream for ever.
        body.onOwnEnd = { [unowned self] in deadline = connection.shard.now + answerTimeout }
        let channel = StreamChannel(stream: body, identity: connection.identity, limits: limits, later: later)
        completion?(.success(channel))
        completion = nil
    }

    override func receivePart(_ bytes: [UInt8]) {
        if let body {
            body.received(bytes)
        } else if let count = refusal?.text.count, count < Self.refusalBytes {
            refusal?.text += bytes.prefix(Self.refusalBytes - count)
        }
    }

    override func receiveEnd() {
        if let body {
            body.receivedEnd()
        } else if let refusal, !isDone {
            let text = String(decoding: refusal.text, as: UTF8.self)
            connection?.cancel(self)
            fail(PeerLinkError(.refused, "the peer answered with status \(refusal.status): \(text)"))
        }
    }

    override func drained() { body?.drained() }

    override func leave() { body?.connectionLeaves() }

    override func closed(code: UInt32, _ error: PeerLinkError) {
        if let body { body.closed(code: code) } else { fail(error) }
    }

    override func fail(_ error: PeerLinkError) {
        body?.closed(error.code == .timedOut ? .reset(code: 0x8) : .connectionLost)
        guard !isDone else { return }
        isDone = true
        pool.ended(self)
        completion?(.failure(error))
        completion = nil
    }
}
