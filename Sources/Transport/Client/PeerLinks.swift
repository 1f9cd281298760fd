import NIOCore
import SansIO

/// Links to other nodes over HTTP/2 with mutual TLS, on one event loop (DESIGN §5).
///
/// Use: make one on each loop that talks to peers, with a client's ``TLSContext`` whose minimum version is TLS 1.3, that
/// offers `h2` only, and that requires certificates of the cluster's roots. Every call comes from that loop, and every
/// completion runs on it. ``close(within:)`` must be called before it is dropped.
///
/// A peer's connections carry at most ``PeerLinkSettings/requestsPerConnection`` requests each; what is beyond waits in
/// order, bounded in number and bytes, and then fails as `overloaded`. When an attempt to connect fails, whoever waited hears at once; the next attempt is
/// made when someone waits again, but not before a jittered wait that grows with each failure.
public final class PeerLinks: PeerLinkPort {
    /// The limits and deadlines.
    public let settings: PeerLinkSettings
    /// What has happened so far. Read it on the loop.
    public internal(set) var counters = PeerLinkCounters()

    private let shard: ClientShard
    private var pools: [PeerAddress: PeerPool] = [:]
    private var random: SeededGenerator
    private var sweepIsScheduled = false
    private var isClosing = false
    private var closed: EventLoopPromise<Void>?

    /// Creates links without connecting to anybody. May be called from anywhere.
    ///
    /// - Parameters:
    ///   - eventLoop: the loop that everything runs on.
    ///   - tls: the node's own certificate and the roots of its peers.
    ///   - settings: limits and deadlines; ``PeerLinkSettings/problems()`` must be empty.
    ///   - seed: of the jitter.
    public init(
        eventLoop: any EventLoop,
        tls: TLSContext,
        settings: PeerLinkSettings = PeerLinkSettings(),
        seed: UInt64
    ) {
        precondition(settings.problems().isEmpty, "the settings must be valid")
        self.settings = settings
        shard = ClientShard(
            eventLoop: eventLoop,
            tls: tls,
            http2: settings.http2,
            connectTimeout: settings.connectTimeout
        )
        random = SeededGenerator(seed: seed)
    }

    /// Makes one request with POST, and completes with the whole answer on a later turn.
    ///
    /// - Parameters:
    ///   - body: the request's body.
    ///   - path: e.g. `/peer/v1/events`.
    ///   - peer: whom to ask.
    ///   - timeout: how long the whole exchange may take, connecting included.
    ///   - completion: receives the answer, or why there is none.
    public func exchange(
        _ body: [UInt8],
        path: String,
        with peer: PeerAddress,
        timeout: Duration,
        completion: @escaping (Result<PeerReply, PeerLinkError>) -> Void
    ) {
        shard.eventLoop.preconditionInEventLoop()
        guard let pool = pool(for: peer, orFail: { completion(.failure($0)) }) else { return }
        counters.requests += 1
        let exchange = PeerExchange(
            Self.request(path, peer, body),
            deadline: shard.instant(after: timeout),
            pool: pool,
            completion: completion
        )
        if let error = pool.add(exchange) {
            counters.refusals += 1
            later { completion(.failure(error)) }
        }
    }

    /// Opens a channel of messages, and completes on a later turn.
    ///
    /// It waits for a connection as long as that takes, attempts being paced; once there is one, the peer has
    /// ``PeerLinkSettings/channelTimeout`` to accept.
    ///
    /// - Parameters:
    ///   - path: e.g. `/peer/v1/uplink`.
    ///   - peer: whom to ask.
    ///   - completion: receives the open channel, or why there is none: `refused` when the peer said no, with its words.
    public func openChannel(
        path: String,
        with peer: PeerAddress,
        completion: @escaping (Result<any PeerChannel, PeerLinkError>) -> Void
    ) {
        shard.eventLoop.preconditionInEventLoop()
        guard let pool = pool(for: peer, orFail: { completion(.failure($0)) }) else { return }
        counters.channels += 1
        let eventLoop = shard.eventLoop
        let stream = PeerStream(
            Self.request(path, peer, []),
            pool: pool,
            limits: settings.channel,
            answerTimeout: settings.channelTimeout.clampedNanoseconds,
            later: { eventLoop.assumeIsolated().execute($0) },
            completion: completion
        )
        if let error = pool.add(stream) {
            counters.refusals += 1
            later { completion(.failure(error)) }
        }
    }

    private static func request(_ path: String, _ peer: PeerAddress, _ body: [UInt8]) -> HTTPRequest {
        HTTPRequest(
            method: "POST",
            target: path,
            headers: [HTTPField("host", peer.endpoint.description)],
            body: body,
            connection: HTTPConnectionInfo(remoteAddress: "", isSecure: true, majorVersion: 2)
        )
    }

    /// The peer's pool; when there can be none, `fail` runs on a later turn.
    private func pool(for peer: PeerAddress, orFail fail: @escaping (PeerLinkError) -> Void) -> PeerPool? {
        if isClosing {
            later { fail(PeerLinkError(.closed, "this node closes its links")) }
            return nil
        }
        scheduleSweep()
        if let pool = pools[peer] { return pool }
        if pools.count >= settings.maximumPeers {
            let now = shard.now
            pools = pools.filter { !$0.value.isForgettable(now) }
        }
        guard pools.count < settings.maximumPeers else {
            let error = PeerLinkError(.overloaded, "there are links to \(pools.count) peers already")
            counters.refusals += 1
            later { fail(error) }
            return nil
        }
        let pool = PeerPool(peer: peer, links: self, shard: shard)
        pools[peer] = pool
        return pool
    }

    private func later(_ action: @escaping () -> Void) {
        shard.eventLoop.assumeIsolated().execute(action)
    }

    /// Lets one peer's pacing draw its next wait from the common generator.
    func drawWait(_ pacing: inout ReconnectPacing) {
        counters.connectionFailures += 1
        pacing.failed(now: shard.now, using: &random)
    }

    /// How many connections there are, those that are being opened or closed included.
    public var openConnections: Int { pools.values.reduce(0) { $0 + $1.connectionCount } }

    // Deadlines: one timer for all, as a timer for each request would cost more than all the looking.

    private func scheduleSweep() {
        guard !sweepIsScheduled else { return }
        sweepIsScheduled = true
        let interval = TimeAmount.milliseconds(settings.sweepInterval.milliseconds)
        shard.eventLoop.assumeIsolated().scheduleTask(in: interval) { [weak self] in
            guard let self else { return }
            sweepIsScheduled = false
            sweep()
        }
    }

    private func sweep() {
        let now = shard.now
        shard.trustChecksLeft = ClientShard.trustChecksPerSweep
        for pool in Array(pools.values) { pool.checkDeadlines(now) }
        if pools.values.contains(where: { !$0.isIdle }) { scheduleSweep() }
    }

    // Closing

    /// Starts nothing new, lets requests that peers work on finish, and closes.
    ///
    /// - Parameter limit: after this long, what is left fails.
    /// - Returns: completes when no connection is left.
    public func close(within limit: Duration) -> EventLoopFuture<Void> {
        shard.eventLoop.preconditionInEventLoop()
        isClosing = true
        let promise = closed ?? shard.eventLoop.makePromise(of: Void.self)
        closed = promise
        for pool in Array(pools.values) { pool.close() }
        let delay = TimeAmount.milliseconds(max(0, limit.milliseconds))
        let timer = shard.eventLoop.assumeIsolated().scheduleTask(in: delay) { [self] in
            for pool in Array(pools.values) { pool.closeNow() }
            poolChanged()
        }
        promise.futureResult.assumeIsolated().whenComplete { _ in timer.cancel() }
        poolChanged()
        return promise.futureResult
    }

    /// A connection ended: perhaps it was the last.
    func poolChanged() {
        guard isClosing, openConnections == 0 else { return }
        closed?.succeed()
        closed = nil
    }
}
