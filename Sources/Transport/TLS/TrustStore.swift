import COpenSSL
import SansIO

/// Authorities, revocation lists and the policy that certificates of the other side are verified with.
///
/// `@unchecked Sendable`: nothing changes after `init`, and OpenSSL locks the store's own look-ups.
final class TrustStore: @unchecked Sendable {
    let policy: CertificatePolicy
    let authorities: [X509Certificate]
    /// The `X509_STORE`.
    let store: OpaquePointer
    /// The lists that must be current for a chain to be valid; none when they need not be.
    private let requiredLists: [X509RevocationList]

    /// What a verification came to.
    enum Verdict {
        /// Valid, and with the same authorities and lists until this time in milliseconds since the epoch.
        case valid(until: Int64)
        case refused(TLSError)
    }

    init(
        authorities: [X509Certificate],
        revocationLists: [X509RevocationList],
        policy: CertificatePolicy
    ) throws(TLSError) {
        ERR_clear_error()
        guard let store = X509_STORE_new() else { throw TLSError.fromQueue("certificate authorities") }
        self.store = store
        self.policy = policy
        self.authorities = authorities
        requiredLists = policy.requiresCurrentRevocationLists ? revocationLists : []
        var works = true
        for authority in authorities { works = works && X509_STORE_add_cert(store, authority.pointer) == 1 }
        for list in revocationLists { works = works && X509_STORE_add_crl(store, list.pointer) == 1 }
        var flags: Int32 = 0
        if !revocationLists.isEmpty || policy.requiresCurrentRevocationLists {
            flags = X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL
        }
        works = works && X509_STORE_set_flags(store, UInt(flags)) == 1
        // The store is freed by deinit, as all properties are set.
        guard works else { throw TLSError.fromQueue("certificate authorities") }
        try Self.checkSignatures(of: revocationLists, by: authorities)
    }

    deinit { X509_STORE_free(store) }

    /// Refuses a list that names one of the authorities as its issuer but is not signed by it: it would fail every
    /// handshake. Lists of authorities in between are verified when a chain shows these.
    private static func checkSignatures(
        of lists: [X509RevocationList],
        by authorities: [X509Certificate]
    ) throws(TLSError) {
        defer { ERR_clear_error() }
        for list in lists {
            let issuers = authorities.filter {
                X509_NAME_cmp(X509_get_subject_name($0.pointer), X509_CRL_get_issuer(list.pointer)) == 0
            }
            let isSigned = issuers.contains { X509_CRL_verify(list.pointer, X509_get0_pubkey($0.pointer)) == 1 }
            if !issuers.isEmpty && !isSigned {
                throw TLSError(
                    .revocationUnknown,
                    operation: "revocation list of \(list.issuer)",
                    reason: "not signed by that authority"
                )
            }
        }
    }

    /// Verifies a chain that did not come from a handshake, or came with an earlier one.
    ///
    /// - Parameters:
    ///   - leaf: the certificate in question.
    ///   - intermediates: what may lead from it to an authority, in any order.
    ///   - usage: what the certificate has to be for.
    ///   - now: the time to verify for.
    ///   - ignoringValidity: takes certificates of any time.
    /// - Returns: the verdict.
    func verify(
        leaf: OpaquePointer,
        intermediates: [OpaquePointer],
        usage: CertificateUsage,
        now: Timestamp,
        ignoringValidity: Bool = false
    ) -> Verdict {
        let failed = Verdict.refused(TLSError(operation: "certificate verification", reason: "out of memory"))
        guard let context = X509_STORE_CTX_new() else { return failed }
        defer { X509_STORE_CTX_free(context) }
        guard let untrusted = busbar_stack_new() else { return failed }
        defer { busbar_stack_free(untrusted) }
        for certificate in intermediates where busbar_stack_push(untrusted, certificate) != 1 { return failed }
        guard X509_STORE_CTX_init(context, store, leaf, untrusted) == 1 else { return failed }
        let parameters = X509_STORE_CTX_get0_param(context)
        X509_VERIFY_PARAM_set_auth_level(parameters, policy.strength.rawValue)
        X509_VERIFY_PARAM_set_depth(parameters, Self.maximumDepth)
        X509_VERIFY_PARAM_set_hostflags(parameters, Self.hostFlags)
        let purpose = usage == .server ? X509_PURPOSE_SSL_SERVER : X509_PURPOSE_SSL_CLIENT
        guard X509_STORE_CTX_set_default(context, usage == .server ? "ssl_server" : "ssl_client") == 1,
            X509_STORE_CTX_set_purpose(context, purpose) == 1
        else { return failed }
        return verify(context, usage: usage, now: now, ignoringValidity: ignoringValidity)
    }

    /// Verifies what a prepared `X509_STORE_CTX` holds, and leaves the error in it that decides the alert.
    func verify(
        _ context: OpaquePointer,
        usage: CertificateUsage,
        now: Timestamp,
        ignoringValidity: Bool = false
    ) -> Verdict {
        ERR_clear_error()
        defer { ERR_clear_error() }
        let step = VerificationStep(policy: policy, now: now, ignoresValidity: ignoringValidity)
        X509_STORE_CTX_set_time(context, 0, Int(now.seconds))
        X509_STORE_CTX_set_verify_cb(context, decideVerificationStep)
        X509_STORE_CTX_set_ex_data(context, 0, Unmanaged.passUnretained(step).toOpaque())
        let isValid = withExtendedLifetime(step) { X509_verify_cert(context) == 1 }
        X509_STORE_CTX_set_ex_data(context, 0, nil)
        guard isValid else { return .refused(failure(context)) }
        guard let leaf = X509_STORE_CTX_get0_cert(context) else {
            X509_STORE_CTX_set_error(context, X509_V_ERR_UNSPECIFIED)
            return .refused(failure(context))
        }
        if let error = checkLeaf(leaf, usage) {
            let reported = error.code == .wrongUsage ? X509_V_ERR_INVALID_PURPOSE : X509_V_ERR_APPLICATION_VERIFICATION
            X509_STORE_CTX_set_error(context, reported)
            return .refused(error)
        }
        return .valid(until: validUntil(X509_STORE_CTX_get0_chain(context)))
    }

    private func checkLeaf(_ leaf: OpaquePointer, _ usage: CertificateUsage) -> TLSError? {
        let subject = DistinguishedName.text(X509_get_subject_name(leaf))
        let operation = "certificate verification"
        // OpenSSL takes a certificate without the extension for any use; here it must name this one.
        let wanted = UInt32(usage == .server ? XKU_SSL_SERVER : XKU_SSL_CLIENT)
        let flags = X509_get_extension_flags(leaf)
        if flags & UInt32(EXFLAG_XKUSAGE) == 0 || X509_get_extended_key_usage(leaf) & wanted == 0 {
            let name = usage == .server ? "serverAuth" : "clientAuth"
            return TLSError(.wrongUsage, operation: operation, reason: "no extended key usage \(name): \(subject)")
        }
        let (identity, forged) = CertificateIdentity.read(leaf)
        if forged > 0 {
            return TLSError(.malformedNames, operation: operation, reason: "a name with forbidden bytes: \(subject)")
        }
        if policy.names == .oneURI, identity.uris.count != 1 {
            let reason = "\(identity.uris.count) URI names instead of one: \(subject)"
            return TLSError(.malformedNames, operation: operation, reason: reason)
        }
        return nil
    }

    private func failure(_ context: OpaquePointer) -> TLSError {
        let error = X509_STORE_CTX_get_error(context)
        var reason = X509_verify_cert_error_string(Int(error)).map { String(cString: $0) } ?? "error \(error)"
        if let certificate = X509_STORE_CTX_get_current_cert(context) {
            reason += ": \(DistinguishedName.text(X509_get_subject_name(certificate)))"
            let issuer = DistinguishedName.text(X509_get_issuer_name(certificate))
            reason += ", issued by \(issuer)"
        }
        return TLSError(TLSError.code(verification: error), operation: "certificate verification", reason: reason)
    }

    private func validUntil(_ chain: OpaquePointer?) -> Int64 {
        var until = Int64.max
        for index in 0..<max(0, busbar_stack_count(chain)) {
            guard let certificate = busbar_stack_certificate(chain, index) else { continue }
            let notAfter = Timestamp.certificateTime(busbar_seconds(X509_get0_notAfter(certificate)))
            until = min(until, (notAfter + policy.clockSkew).milliseconds)
            if index > 0 { until = min(until, listsCurrent(of: certificate)) }
        }
        return until
    }

    /// Until when the lists of an authority count as current, in milliseconds since the epoch: of several the one that
    /// lasts longest decides. Lists of others do not matter, such as a former authority's of the same name.
    private func listsCurrent(of authority: OpaquePointer) -> Int64 {
        let nextUpdate = requiredLists.filter { $0.isIssued(by: authority) }.map(\.nextUpdate).max()
        return nextUpdate.map { ($0 + policy.maximumRevocationStaleness).milliseconds } ?? .max
    }

    /// Certificates between the leaf and the authority.
    static let maximumDepth: Int32 = 8

    /// Host names come from the DNS and IP names alone, and a wildcard is a whole label (RFC 9525 §6.3).
    static let hostFlags = UInt32(X509_CHECK_FLAG_NEVER_CHECK_SUBJECT | X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS)
}

/// What the callback of one verification needs to know.
private final class VerificationStep {
    let policy: CertificatePolicy
    let now: Timestamp
    let ignoresValidity: Bool

    init(policy: CertificatePolicy, now: Timestamp, ignoresValidity: Bool) {
        self.policy = policy
        self.now = now
        self.ignoresValidity = ignoresValidity
    }

    /// Whether an error of OpenSSL is one that the policy takes.
    func tolerates(_ error: Int32, _ context: OpaquePointer) -> Bool {
        switch error {
        case X509_V_ERR_CERT_NOT_YET_VALID:
            if ignoresValidity { return true }
            guard let certificate = X509_STORE_CTX_get_current_cert(context) else { return false }
            return now + policy.clockSkew >= .certificateTime(busbar_seconds(X509_get0_notBefore(certificate)))
        case X509_V_ERR_CERT_HAS_EXPIRED:
            if ignoresValidity { return true }
            guard let certificate = X509_STORE_CTX_get_current_cert(context) else { return false }
            return now <= .certificateTime(busbar_seconds(X509_get0_notAfter(certificate))) + policy.clockSkew
        case X509_V_ERR_UNABLE_TO_GET_CRL:
            return !policy.requiresCurrentRevocationLists
        case X509_V_ERR_CRL_NOT_YET_VALID:
            guard let list = X509_STORE_CTX_get0_current_crl(context) else { return false }
            return now + policy.clockSkew >= .certificateTime(busbar_seconds(X509_CRL_get0_lastUpdate(list)))
        case X509_V_ERR_CRL_HAS_EXPIRED:
            guard policy.requiresCurrentRevocationLists else { return true }
            guard let list = X509_STORE_CTX_get0_current_crl(context) else { return false }
            let nextUpdate = Timestamp.certificateTime(busbar_seconds(X509_CRL_get0_nextUpdate(list)))
            return now <= nextUpdate + policy.maximumRevocationStaleness
        default:
            return false
        }
    }
}

/// OpenSSL's verification callback: hears of every error on the way, and decides whether it is one.
private func decideVerificationStep(_ isValid: Int32, _ context: OpaquePointer?) -> Int32 {
    guard isValid != 1 else { return 1 }
    guard let context, let data = X509_STORE_CTX_get_ex_data(context, 0) else { return 0 }
    let step = Unmanaged<VerificationStep>.fromOpaque(data).takeUnretainedValue()
    guard step.tolerates(X509_STORE_CTX_get_error(context), context) else { return 0 }
    X509_STORE_CTX_set_error(context, X509_V_OK)
    return 1
}
