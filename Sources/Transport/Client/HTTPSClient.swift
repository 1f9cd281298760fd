import NIOCore
import SansIO

/// Requests to ordinary HTTPS endpoints, over HTTP/2 or HTTP/1.1 as ALPN chooses, on one event loop.
///
/// Connections are pooled per host and port, and verified by the context: see ``TLSConfiguration/web(authorityFile:)``.
/// Redirects are answers like others, and there are no cookies. Every call comes from the loop, and every completion
/// runs on it, on a later turn. ``close(within:)`` must be called before the client is dropped.
public final class HTTPSClient {
    /// The limits and deadlines.
    public let settings: HTTPSClientSettings

    private let pools: ConnectionPools

    /// Creates a client without connecting to anybody. May be called from anywhere.
    ///
    /// - Parameters:
    ///   - eventLoop: the loop that everything runs on.
    ///   - tls: a client's context that requires certificates.
    ///   - settings: limits and deadlines; ``HTTPSClientSettings/problems()`` must be empty.
    ///   - seed: of the jitter.
    public init(
        eventLoop: any EventLoop,
        tls: TLSContext,
        settings: HTTPSClientSettings = HTTPSClientSettings(),
        seed: UInt64
    ) {
        self.settings = settings
        pools = ConnectionPools(eventLoop: eventLoop, tls: tls, settings: settings.pool, seed: seed)
    }

    /// Makes one request, and completes with the whole answer.
    ///
    /// - Parameters:
    ///   - request: what to send, and where.
    ///   - timeout: how long the whole exchange may take, connecting included.
    ///   - completion: receives the answer, whatever its status, or why there is none; the kinds of failure are those of
    ///     links to peers. An answer over ``HTTPSClientSettings/maximumResponseBytes`` is `broken`.
    public func send(
        _ request: HTTPSRequest,
        timeout: Duration,
        completion: @escaping (Result<HTTPResponse, PeerLinkError>) -> Void
    ) {
        pools.shard.eventLoop.preconditionInEventLoop()
        let target = ClientTarget(host: request.host, port: request.port)
        do {
            let pool = try pools.pool(for: target)
            pools.counters.requests += 1
            let exchange = HTTPSExchange(
                Self.convert(request),
                deadline: pools.shard.instant(after: timeout),
                pool: pool,
                completion: completion
            )
            try pool.add(exchange)
        } catch {
            if error.code != .closed { pools.counters.refusals += 1 }
            pools.later { completion(.failure(error)) }
        }
    }

    private static func convert(_ request: HTTPSRequest) -> ClientRequest {
        ClientRequest(
            method: request.method,
            target: request.target,
            authority: request.authority,
            headers: request.headers.filter { !HeaderRules.equals($0.name, "host") },
            body: request.body
        )
    }

    /// What has happened so far. Read it on the loop.
    public var counters: PeerLinkCounters { pools.counters }

    /// How many connections there are, those that are being opened or closed included.
    public var openConnections: Int { pools.openConnections }

    /// Starts nothing new, lets open requests finish, and closes.
    ///
    /// - Parameter limit: after this long, what is left fails.
    /// - Returns: completes when no connection is left.
    public func close(within limit: Duration) -> EventLoopFuture<Void> { pools.close(within: limit) }
}

/// One request to an HTTPS endpoint and its whole answer.
private final class HTTPSExchange: ClientStream {
    private let pool: ConnectionPool
    private let completion: (Result<HTTPResponse, PeerLinkError>) -> Void

    init(
        _ request: ClientRequest,
        deadline: UInt64,
        pool: ConnectionPool,
        completion: @escaping (Result<HTTPResponse, PeerLinkError>) -> Void
    ) {
        self.pool = pool
        self.completion = completion
        super.init(request: request, deadline: deadline)
    }

    override func receive(_ response: HTTPResponse) { finish(.success(response)) }

    override func fail(_ error: PeerLinkError) { finish(.failure(error)) }

    private func finish(_ result: Result<HTTPResponse, PeerLinkError>) {
        guard !isDone else { return }
        isDone = true
        pool.ended(self)
        completion(result)
    }
}
