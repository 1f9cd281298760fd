import COpenSSL
import SansIO
import Synchronization

/// A finished `SSL_CTX` with what it was made of. Connections keep the one they started with.
///
/// `@unchecked Sendable`: the pointers never change, and OpenSSL allows `SSL_new` and reference counting of a finished
/// `SSL_CTX` from any thread.
final class TLSSnapshot: @unchecked Sendable {
    /// The `SSL_CTX`. It makes its own ticket keys, so a ticket of another snapshot means a full handshake: whatever was
    /// verified under older authorities or revocation lists is verified again.
    let context: OpaquePointer
    /// What certificates of the other side are verified with; nil when they are not.
    let trust: TrustStore?
    /// Unique in the process, and growing.
    let generation: UInt64

    /// How long a ticket may be used.
    private static let ticketLifetimeSeconds = 3600
    private static let lastGeneration = Atomic<UInt64>(0)

    init(role: TLSContext.Role, configuration: TLSConfiguration, material: TLSMaterial) throws(TLSError) {
        ERR_clear_error()
        guard let context = SSL_CTX_new(role == .server ? TLS_server_method() : TLS_client_method()) else {
            throw TLSError.fromQueue("new context")
        }
        do {
            try Self.setPolicy(context, configuration)
            try Self.setCertificate(context, role, material)
            trust = try Self.setVerification(context, role, configuration, material)
            try Self.setApplicationProtocols(context, role, configuration.applicationProtocols)
            try Self.setResumption(context, role)
        } catch {
            SSL_CTX_free(context)
            throw error
        }
        self.context = context
        generation = Self.lastGeneration.wrappingAdd(1, ordering: .relaxed).newValue
    }

    deinit { SSL_CTX_free(context) }

    private static func check(_ result: Int32, _ operation: String) throws(TLSError) {
        if result != 1 { throw TLSError.fromQueue(operation) }
    }

    private static func setPolicy(_ context: OpaquePointer, _ configuration: TLSConfiguration) throws(TLSError) {
        let problems = configuration.policy.validate()
        if !problems.isEmpty {
            throw TLSError(operation: "certificate policy", reason: problems.joined(separator: "; "))
        }
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
        SSL_CTX_set_security_level(context, CertificatePolicy.Strength.bits112.rawValue)
        busbar_SSL_CTX_set_safe_options(context)
        busbar_SSL_CTX_set_mode(
            context,
            Int(
                SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER
                    | SSL_MODE_NO_AUTO_CHAIN
            )
        )
        SSL_CTX_set_msg_callback(context, TLSCallbacks.message)
    }

    private static func setCertificate(
        _ context: OpaquePointer,
        _ role: TLSContext.Role,
        _ material: TLSMaterial
    ) throws(TLSError) {
        guard let leaf = material.chain.first, let key = material.privateKey else {
            if role == .client { return }
            throw TLSError(operation: "certificate", reason: "a certificate chain and a private key are needed")
        }
        let file = material.files.certificateChainFile ?? ""
        try check(SSL_CTX_use_certificate(context, leaf.pointer), "certificate chain \(file)")
        for certificate in material.chain.dropFirst() {
            try check(busbar_SSL_CTX_add1_chain_cert(context, certificate.pointer), "certificate chain \(file)")
        }
        try check(SSL_CTX_use_PrivateKey(context, key), "private key \(material.files.privateKeyFile ?? "")")
    }

    private static func setVerification(
        _ context: OpaquePointer,
        _ role: TLSContext.Role,
        _ configuration: TLSConfiguration,
        _ material: TLSMaterial
    ) throws(TLSError) -> TrustStore? {
        var mode = SSL_VERIFY_PEER
        switch configuration.peerVerification {
        case .none:
            SSL_CTX_set_verify(context, SSL_VERIFY_NONE, nil)
            return nil
        case .optional: break
        case .required: mode |= SSL_VERIFY_FAIL_IF_NO_PEER_CERT
        }
        let trust = try TrustStore(
            authorities: material.authorities,
            revocationLists: material.revocationLists,
            policy: configuration.policy
        )
        SSL_CTX_set_verify(context, mode, nil)
        SSL_CTX_set_verify_depth(context, TrustStore.maximumDepth)
        X509_VERIFY_PARAM_set_auth_level(SSL_CTX_get0_param(context), configuration.policy.strength.rawValue)
        X509_VERIFY_PARAM_set_hostflags(SSL_CTX_get0_param(context), TrustStore.hostFlags)
        try check(busbar_SSL_CTX_set1_verify_cert_store(context, trust.store), "certificate authorities")
        SSL_CTX_set_cert_verify_callback(context, TLSCallbacks.verifyCertificate, nil)
        guard role == .server else { return trust }
        for authority in material.authorities {
            try check(SSL_CTX_add_client_CA(context, authority.pointer), "certificate authorities")
        }
        // Without an id of its own OpenSSL refuses to resume sessions that carry a client certificate.
        let id: [UInt8] = Array("busbar".utf8)
        try check(SSL_CTX_set_session_id_context(context, id, UInt32(id.count)), "session id context")
        return trust
    }

    private static func setResumption(_ context: OpaquePointer, _ role: TLSContext.Role) throws(TLSError) {
        // Tickets are stateless, so resumption needs no server cache.
        var mode = SSL_SESS_CACHE_OFF
        if role == .client { mode = SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL }
        _ = busbar_SSL_CTX_set_session_cache_mode(context, Int(mode))
        SSL_CTX_set_timeout(context, ticketLifetimeSeconds)
        if role == .client {
            SSL_CTX_sess_set_new_cb(context, TLSCallbacks.keepSession)
        } else {
            try check(SSL_CTX_set_num_tickets(context, 1), "tickets")
            try check(
                SSL_CTX_set_session_ticket_cb(context, TLSCallbacks.fillTicket, TLSCallbacks.readTicket, nil),
                "tickets"
            )
        }
    }

    private static func setApplicationProtocols(
        _ context: OpaquePointer,
        _ role: TLSContext.Role,
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
