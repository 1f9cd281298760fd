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
    public var settings: PeerLinkSettings { pools.settings }
    /// What has happened so far. Read it on the loop.
    public var counters: PeerLinkCounters { pools.counters }

    private let pools: ConnectionPools

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
        pools = ConnectionPools(eventLoop: eventLoop, tls: tls, settings: settings, seed: seed)
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
        pools.shard.eventLoop.preconditionInEventLoop()
        do {
            let pool = try pools.pool(for: peer)
            pools.counters.requests += 1
            let exchange = PeerExchange(
                ClientRequest(target: path, authority: pool.authority, body: body),
                deadline: pools.shard.instant(after: timeout),
                pool: pool,
                completion: completion
            )
            try pool.add(exchange)
        } catch {
            refuse(error, completion)
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
        let limits = settings.channel
        let later = pools.later
        openStream(path: path, with: peer) { result in
            switch result {
            case .success(let stream):
                ChannelOpening.begin(over: stream, limits: limits, later: later, completion: completion)
            case .failure(let error):
                completion(.failure(error))
            }
        }
    }

    /// Starts a request whose bodies go in parts, and completes on a later turn once a connection has taken it.
    ///
    /// It waits for a connection as long as that takes, attempts being paced; once it has started, the peer has
    /// ``PeerLinkSettings/channelTimeout`` to begin its answer, and may pause as long in it when this side's body has ended.
    ///
    /// - Parameters:
    ///   - method: e.g. `POST`.
    ///   - path: e.g. `/peer/v1/snapshot`.
    ///   - headers: further header fields.
    ///   - peer: whom to ask.
    ///   - completion: receives the stream, whose callbacks are to be set before it returns, or why there is none.
    public func openStream(
        method: String = "POST",
        path: String,
        headers: [HTTPField] = [],
        with peer: PeerAddress,
        completion: @escaping (Result<any HTTPClientStream, PeerLinkError>) -> Void
    ) {
        pools.shard.eventLoop.preconditionInEventLoop()
        do {
            let pool = try pools.pool(for: peer)
            pools.counters.streams += 1
            let stream = PeerStream(
                ClientRequest(
                    method: method,
                    target: path,
                    authority: pool.authority,
                    headers: headers.filter { !HeaderRules.equals($0.name, "host") }
                ),
                pool: pool,
                answerTimeout: settings.channelTimeout.clampedNanoseconds,
                later: pools.later,
                completion: completion
            )
            try pool.add(stream)
        } catch {
            refuse(error, completion)
        }
    }

    private func refuse<Answer>(
        _ error: PeerLinkError,
        _ completion: @escaping (Result<Answer, PeerLinkError>) -> Void
    ) {
        if error.code != .closed { pools.counters.refusals += 1 }
        pools.later { completion(.failure(error)) }
    }

    /// How many connections there are, those that are being opened or closed included.
    public var openConnections: Int { pools.openConnections }

    /// How many of them were made with a former certificate of this node and still take requests: for long only when peers
    /// refuse the present one.
    public var formerConnections: Int { pools.formerConnections }

    /// Starts nothing new, lets requests that peers work on finish, and closes.
    ///
    /// - Parameter limit: after this long, what is left fails.
    /// - Returns: completes when no connection is left.
    public func close(within limit: Duration) -> EventLoopFuture<Void> { pools.close(within: limit) }
}
