import COpenSSL
import Synchronization

/// Certificates and TLS policy for new connections, reloadable while connections are open.
///
/// Safe to share between event loops: the current `SSL_CTX` is swapped under a lock, and each ``TLSSession`` holds its
/// own reference to the one it started with, so a reload disturbs no open connection.
public final class TLSContext: Sendable {
    /// Which end of the connection the sessions of this context are.
    public enum Role: Sendable, Hashable {
        /// Accepts connections.
        case server
        /// Opens connections.
        case client
    }

    /// Which end of the connection the sessions of this context are.
    public let role: Role
    private let state: Mutex<State>

    /// Owns one reference to `context`, and gives it up in `deinit`.
    ///
    /// `@unchecked Sendable`: the pointer never changes, and OpenSSL allows `SSL_new` and reference counting of a
    /// finished `SSL_CTX` from any thread.
    private final class Owner: @unchecked Sendable {
        let context: OpaquePointer
        init(_ context: OpaquePointer) { self.context = context }
        deinit { SSL_CTX_free(context) }
    }

    private struct State {
        var owner: Owner
        var configuration: TLSConfiguration
    }

    /// Reads the files and builds a context.
    ///
    /// - Parameters:
    ///   - role: which end of the connection.
    ///   - configuration: files and policy.
    /// - Throws: ``TLSError`` naming the file or setting that OpenSSL refused.
    public init(role: Role, configuration: TLSConfiguration) throws(TLSError) {
        self.role = role
        let owner = Owner(try Self.build(role, configuration))
        state = Mutex(State(owner: owner, configuration: configuration))
    }

    /// What the context was last built from.
    public var configuration: TLSConfiguration {
        state.withLock { $0.configuration }
    }

    /// Reads the files again, or those of a new configuration, and uses them for connections from now on.
    ///
    /// - Parameter replacement: the new configuration; nil reads the same files.
    /// - Throws: ``TLSError``; the former certificates then stay in use.
    public func reload(_ replacement: TLSConfiguration? = nil) throws(TLSError) {
        let configuration = replacement ?? self.configuration
        let owner = Owner(try Self.build(role, configuration))
        state.withLock { $0 = State(owner: owner, configuration: configuration) }
    }

    /// A new `SSL`, owned by the caller, or nil when out of memory.
    func makeConnection() -> OpaquePointer? {
        let owner = state.withLock { $0.owner }
        return withExtendedLifetime(owner) { SSL_new(owner.context) }
    }

    private static func build(_ role: Role, _ configuration: TLSConfiguration) throws(TLSError) -> OpaquePointer {
        ERR_clear_error()
        guard let context = SSL_CTX_new(role == .server ? TLS_server_method() : TLS_client_method()) else {
            throw TLSError.fromQueue("new context")
        }
        do {
            try setPolicy(context, configuration)
            try loadCertificate(context, role, configuration)
            try setVerification(context, role, configuration.peerVerification)
            try setApplicationProtocols(context, role, configuration.applicationProtocols)
            return context
        } catch {
            SSL_CTX_free(context)
            throw error
        }
    }

    private static func check(_ result: Int32, _ operation: String) throws(TLSError) {
        if result != 1 { throw TLSError.fromQueue(operation) }
    }

    private static func setPolicy(_ context: OpaquePointer, _ configuration: TLSConfiguration) throws(TLSError) {
        let minimum = configuration.minimumVersion == .tls13 ? TLS1_3_VERSION : TLS1_2_VERSION
        try check(busbar_SSL_CTX_set_min_proto_version(context, minimum), "minimum version")
        // Forward secrecy and authenticated encryption only; AES-128 first, as it is strong enough and costs least.
        try check(
            SSL_CTX_set_cipher_list(context, "ECDHE+AESGCM:ECDHE+CHACHA20:!PSK:!aNULL:!kRSA"),
            "cipher list"
        )
        try check(
            SSL_CTX_set_ciphersuites(
                context,
                "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256"
            ),
            "cipher suites"
        )
        try check(busbar_SSL_CTX_set1_groups_list(context, "X25519:P-256:P-384"), "groups")
        busbar_SSL_CTX_set_safe_options(context)
        busbar_SSL_CTX_set_mode(
            context,
            Int(SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER)
        )
        // Tickets are stateless, so resumption needs no server cache; a reload makes new ticket keys, so a client whose
        // certificate is no longer trusted has to shake hands in full.
        _ = busbar_SSL_CTX_set_session_cache_mode(context, Int(SSL_SESS_CACHE_OFF))
        try check(SSL_CTX_set_num_tickets(context, 1), "tickets")
    }

    private static func loadCertificate(
        _ context: OpaquePointer,
        _ role: Role,
        _ configuration: TLSConfiguration
    ) throws(TLSError) {
        guard let chain = configuration.certificateChainFile, let key = configuration.privateKeyFile else {
            if role == .client, configuration.certificateChainFile == nil, configuration.privateKeyFile == nil {
                return
            }
            throw TLSError(operation: "certificate", reason: "a certificate chain and a private key are needed")
        }
        try check(SSL_CTX_use_certificate_chain_file(context, chain), "certificate chain \(chain)")
        try check(SSL_CTX_use_PrivateKey_file(context, key, SSL_FILETYPE_PEM), "private key \(key)")
        try check(SSL_CTX_check_private_key(context), "private key \(key) for \(chain)")
    }

    private static func setVerification(
        _ context: OpaquePointer,
        _ role: Role,
        _ verification: TLSConfiguration.PeerVerification
    ) throws(TLSError) {
        let caFile: String
        var mode = SSL_VERIFY_PEER
        switch verification {
        case .none:
            SSL_CTX_set_verify(context, SSL_VERIFY_NONE, nil)
            return
        case .optional(let file):
            caFile = file
        case .required(let file):
            caFile = file
            mode |= SSL_VERIFY_FAIL_IF_NO_PEER_CERT
        }
        SSL_CTX_set_verify(context, mode, nil)
        SSL_CTX_set_verify_depth(context, 8)
        try check(SSL_CTX_load_verify_locations(context, caFile, nil), "certificate authority \(caFile)")
        guard role == .server else { return }
        guard let names = SSL_load_client_CA_file(caFile) else {
            throw TLSError.fromQueue("certificate authority \(caFile)")
        }
        SSL_CTX_set_client_CA_list(context, names)
        // Without an id of its own OpenSSL refuses to resume sessions that carry a client certificate.
        let id: [UInt8] = Array("busbar".utf8)
        try check(SSL_CTX_set_session_id_context(context, id, UInt32(id.count)), "session id context")
    }

    private static func setApplicationProtocols(
        _ context: OpaquePointer,
        _ role: Role,
        _ protocols: TLSConfiguration.ApplicationProtocols
    ) throws(TLSError) {
        let list: StaticString
        switch protocols {
        case .http2AndHTTP1: list = "\u{2}h2\u{8}http/1.1"
        case .http2: list = "\u{2}h2"
        case .http1: list = "\u{8}http/1.1"
        }
        // A static string is a pointer to immortal, zero-terminated bytes, so the callback's argument cannot dangle.
        if role == .server {
            SSL_CTX_set_alpn_select_cb(context, busbar_alpn_select, UnsafeMutableRawPointer(mutating: list.utf8Start))
        } else if SSL_CTX_set_alpn_protos(context, list.utf8Start, UInt32(list.utf8CodeUnitCount)) != 0 {
            throw TLSError.fromQueue("application protocols")
        }
    }
}
