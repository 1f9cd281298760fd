/// One complete HTTP request as the layers above the transport see it, whatever the protocol version was.
public struct HTTPRequest: Sendable {
    /// The method in upper case as received, e.g. `POST`.
    public var method: String
    /// The request target exactly as sent: path and query, still percent-encoded.
    public var target: String
    /// Header fields in the order received, names in lower case. HTTP/2's `:authority` appears as `host`; other pseudo
    /// headers do not appear.
    public var headers: [HTTPField]
    /// The whole body; empty when there was none.
    public var body: [UInt8]
    /// What is known of the connection that carried the request.
    public var connection: HTTPConnectionInfo
    /// Set when the transport could not take the request whole; `body` is then empty.
    public var fault: HTTPRequestFault?

    /// Creates a request value.
    public init(
        method: String,
        target: String,
        headers: [HTTPField],
        body: [UInt8],
        connection: HTTPConnectionInfo,
        fault: HTTPRequestFault? = nil
    ) {
        self.method = method
        self.target = target
        self.headers = headers
        self.body = body
        self.connection = connection
        self.fault = fault
    }

    /// The first value of the named header, or nil. `name` must be in lower case.
    public func header(_ name: String) -> String? {
        for field in headers where field.name == name {
            return field.value
        }
        return nil
    }
}

/// One header field; `name` is in lower case.
public struct HTTPField: Hashable, Sendable {
    /// The field name in lower case.
    public var name: String
    /// The field value without surrounding white space.
    public var value: String

    /// Creates a field.
    public init(_ name: String, _ value: String) {
        self.name = name
        self.value = value
    }
}

/// Why a transport hands over a request whose body it did not keep.
public enum HTTPRequestFault: Hashable, Sendable {
    /// The body is longer than the listener's limit, in bytes.
    case bodyTooLarge(limit: Int)
}

/// Facts about the connection of a request.
public struct HTTPConnectionInfo: Hashable, Sendable {
    /// The peer's address without port, e.g. `127.0.0.1` or `::1`; empty when unknown.
    public var remoteAddress: String
    /// True when the connection is protected by TLS.
    public var isSecure: Bool
    /// 1 for HTTP/1.0 and 1.1, 2 for HTTP/2.
    public var majorVersion: Int
    /// The verified client certificate's identity, when the client presented one.
    public var clientIdentity: CertificateIdentity?

    /// Creates a connection description.
    public init(
        remoteAddress: String,
        isSecure: Bool,
        majorVersion: Int,
        clientIdentity: CertificateIdentity? = nil
    ) {
        self.remoteAddress = remoteAddress
        self.isSecure = isSecure
        self.majorVersion = majorVersion
        self.clientIdentity = clientIdentity
    }
}

/// The names that a verified certificate carries (DESIGN §6).
public struct CertificateIdentity: Hashable, Sendable {
    /// URI subject alternative names, in certificate order.
    public var uris: [String]
    /// DNS subject alternative names, in certificate order.
    public var dnsNames: [String]

    /// Creates an identity from a certificate's subject alternative names.
    public init(uris: [String], dnsNames: [String]) {
        self.uris = uris
        self.dnsNames = dnsNames
    }
}

/// A complete HTTP response. The transport adds `content-length`, `date` and connection management itself.
public struct HTTPResponse: Sendable, Equatable {
    /// The status code.
    public var status: Int
    /// Header fields in order, names in lower case.
    public var headers: [HTTPField]
    /// The whole body.
    public var body: [UInt8]

    /// Creates a response value.
    public init(status: Int, headers: [HTTPField] = [], body: [UInt8] = []) {
        self.status = status
        self.headers = headers
        self.body = body
    }
}

/// Answers one request, at once or later, on the event loop (shard) that delivered it.
public protocol HTTPReply: AnyObject {
    /// Sends the response. Only the first call counts; a call after the client has gone is ignored.
    func send(_ response: HTTPResponse)

    /// Runs once if the client goes away before ``send(_:)``; setting it after that runs it on the spot.
    var onCancel: (() -> Void)? { get set }
}

/// What a server calls with each request. Runs on the connection's event loop and must not block.
public protocol HTTPRequestHandler: AnyObject {
    /// Takes one request and sees to it that `reply` is answered exactly once.
    func handle(_ request: HTTPRequest, _ reply: any HTTPReply)
}
