import COpenSSL
import Glibc
import SansIO

/// The limits and deadlines of an ``HTTPSClient``.
public struct HTTPSClientSettings: Sendable, Hashable {
    /// Hosts and ports that can be talked to at the same time.
    public var maximumHosts: Int = 1024
    /// Connections to one host and port. Over HTTP/1.1 each carries one request at a time.
    public var connectionsPerHost: Int = 8
    /// Requests that one HTTP/2 connection carries at once; fewer when the server allows fewer.
    public var requestsPerConnection: Int = 100
    /// Requests to one host and port that may wait for a connection.
    public var maximumWaitingRequests: Int = 256
    /// Body bytes of all requests to one host and port that are not answered yet.
    public var maximumPendingBytes: Int = 16 << 20
    /// Bytes of an answer's body.
    public var maximumResponseBytes: Int = 1 << 20
    /// How long connecting and the handshake may take together.
    public var connectTimeout: Duration = .seconds(10)
    /// A connection without requests closes after this long.
    public var idleTimeout: Duration = .seconds(30)
    /// How often deadlines are looked at, and so how late a timeout can be noticed.
    public var sweepInterval: Duration = .milliseconds(50)

    /// The defaults.
    public init() {}

    /// Every problem of these settings, in words; empty when they can be used.
    public func problems() -> [String] {
        var found = pool.problems()
        if maximumResponseBytes < 0 { found.append("maximumResponseBytes must not be negative") }
        return found
    }

    /// The same as limits of pools.
    var pool: PeerLinkSettings {
        var settings = PeerLinkSettings()
        settings.maximumPeers = maximumHosts
        settings.connectionsPerPeer = connectionsPerHost
        settings.requestsPerConnection = requestsPerConnection
        settings.maximumWaitingRequests = maximumWaitingRequests
        settings.maximumPendingBytes = maximumPendingBytes
        settings.connectTimeout = connectTimeout
        settings.idleTimeout = idleTimeout
        settings.sweepInterval = sweepInterval
        settings.http2.maximumBodyBytes = max(0, maximumResponseBytes)
        settings.http2.maximumBufferedBytes = max(settings.http2.maximumBufferedBytes, maximumResponseBytes)
        return settings
    }
}

extension TLSConfiguration {
    /// The configuration of an ``HTTPSClient``: TLS 1.2 and up, HTTP/2 before HTTP/1.1, servers verified.
    ///
    /// - Parameter authorityFile: PEM file of the authorities to trust; nil for the system's.
    /// - Returns: the configuration.
    public static func web(authorityFile: String? = nil) -> TLSConfiguration {
        TLSConfiguration(
            certificateChainFile: nil,
            privateKeyFile: nil,
            peerVerification: .required(caFile: authorityFile ?? systemAuthorityFile)
        )
    }

    /// Where the system keeps the authorities that it trusts: the file that `SSL_CERT_FILE` names, or OpenSSL's own, or
    /// else where the common distributions keep it.
    public static var systemAuthorityFile: String {
        var candidates: [String] = []
        if let name = getenv("SSL_CERT_FILE") { candidates.append(String(cString: name)) }
        if let name = X509_get_default_cert_file() { candidates.append(String(cString: name)) }
        candidates += ["/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt"]
        return candidates.first { access($0, R_OK) == 0 } ?? candidates[0]
    }
}
