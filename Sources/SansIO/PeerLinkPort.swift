/// Links to other nodes over HTTP/2 with mutual TLS, as one driver sees them (DESIGN §5, §7).
///
/// The port keeps a pool of connections per peer, opens them when they are needed, reconnects with growing, jittered
/// delays, and verifies that the peer's certificate chains to the roots and carries the expected URI. It belongs to one
/// shard: it is called on that shard only, and every completion runs on it, on a later turn.
public protocol PeerLinkPort: AnyObject {
    /// Makes one request and completes with the whole answer.
    ///
    /// - Parameters:
    ///   - body: the request's body; sent with POST.
    ///   - path: e.g. `/peer/v1/events`.
    ///   - peer: whom to ask.
    ///   - timeout: how long the whole exchange may take, connecting included.
    ///   - completion: receives the answer, or why there is none.
    func exchange(
        _ body: [UInt8],
        path: String,
        with peer: PeerAddress,
        timeout: Duration,
        completion: @escaping (Result<PeerReply, PeerLinkError>) -> Void
    )

    /// Opens a channel of messages in both directions, which stays open until one side closes it or the link breaks.
    ///
    /// - Parameters:
    ///   - path: e.g. `/peer/v1/uplink`.
    ///   - peer: whom to ask.
    ///   - completion: receives the open channel once the peer has accepted it.
    func openChannel(
        path: String,
        with peer: PeerAddress,
        completion: @escaping (Result<any PeerChannel, PeerLinkError>) -> Void
    )
}

/// One other node: where it is and who it must prove to be.
public struct PeerAddress: Hashable, Sendable {
    /// Where to connect.
    public var endpoint: NodeEndpoint
    /// The URI that its certificate must carry, e.g. `spiffe://example.com/cell/west/node/w1`; nil accepts any node whose
    /// certificate verifies, as a first contact with a seed does.
    public var uri: String?

    /// Creates an address.
    public init(endpoint: NodeEndpoint, uri: String?) {
        self.endpoint = endpoint
        self.uri = uri
    }
}

/// A peer's answer to one request.
public struct PeerReply: Sendable, Equatable {
    /// The HTTP status.
    public var status: Int
    /// The whole body.
    public var body: [UInt8]
    /// What the peer's certificate says.
    public var identity: CertificateIdentity

    /// Creates an answer.
    public init(status: Int, body: [UInt8], identity: CertificateIdentity) {
        self.status = status
        self.body = body
        self.identity = identity
    }
}

/// Why a peer gave no answer.
public struct PeerLinkError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The kinds of failure.
    public enum Code: String, Sendable {
        /// No connection could be made.
        case unreachable
        /// TLS failed: a certificate was refused by one side, or expired, or is revoked.
        case handshake
        /// The certificate verified, but names another node than the expected one.
        case wrongIdentity
        /// The time was up.
        case timedOut
        /// The connection ended before the answer.
        case broken
        /// The peer refused the request before working on it: it may be sent again, also elsewhere.
        case refused
        /// Too much waits for this peer already.
        case overloaded
        /// This side is closing.
        case closed
    }

    /// The kind of failure.
    public var code: Code
    /// What happened, for a person.
    public var message: String
    /// True when the peer may have worked on the request all the same.
    public var mayHaveArrived: Bool

    /// Creates an error.
    public init(_ code: Code, _ message: String, mayHaveArrived: Bool = false) {
        self.code = code
        self.message = message
        self.mayHaveArrived = mayHaveArrived
    }

    /// Code and message.
    public var description: String { "\(code.rawValue): \(message)" }
}

/// Messages in both directions over one stream of a link; each arrives whole, once and in order, or the channel closes.
///
/// Belongs to the shard of the port or the acceptor that it came from.
public protocol PeerChannel: AnyObject {
    /// What the other node's certificate says.
    var identity: CertificateIdentity { get }

    /// Hears of each message of the other side. Messages that came before it was set are handed over when it is.
    var onMessage: (([UInt8]) -> Void)? { get set }

    /// Runs once when the channel has closed, for whatever reason; set after that it runs on a later turn.
    var onClose: ((PeerLinkError?) -> Void)? { get set }

    /// Bytes that wait to be sent. A sender that sees it above its own limit waits for ``onDrained``. Once the channel has
    /// closed: the last bytes that surely never left, as far as that is known, else 0.
    var unsentBytes: Int { get }

    /// Runs whenever ``unsentBytes`` has come down to zero.
    var onDrained: (() -> Void)? { get set }

    /// Queues a message; ignored once the channel is closed.
    func send(_ message: [UInt8])

    /// Sends what is queued and closes.
    func close()
}

/// What a server calls when another node opens a channel. Runs on the connection's event loop.
public protocol PeerChannelAcceptor: AnyObject {
    /// Decides on a channel.
    ///
    /// - Parameters:
    ///   - path: what the peer asked for.
    ///   - connection: who the peer is.
    /// - Returns: nil to take it, after which ``accepted(_:path:)`` follows, or the response that refuses it.
    func refusal(path: String, connection: HTTPConnectionInfo) -> HTTPResponse?

    /// Takes an open channel.
    func accepted(_ channel: any PeerChannel, path: String)
}
