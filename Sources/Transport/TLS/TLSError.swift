import COpenSSL

/// Why a context could not be made, or a connection could not go on.
public struct TLSError: Error, Hashable, CustomStringConvertible {
    /// The kinds of failure: few enough for a metric's label.
    public enum Code: String, Sendable, CaseIterable {
        /// A certificate of the other side's chain has expired, by more than the clock skew that is allowed.
        case certificateExpired = "certificate_expired"
        /// A certificate of the other side's chain is not valid yet, by more than the clock skew that is allowed.
        case certificateNotYetValid = "certificate_not_yet_valid"
        /// A revocation list names a certificate of the other side's chain.
        case certificateRevoked = "certificate_revoked"
        /// There is no current revocation list, and the policy asks for one; or the list is not its issuer's.
        case revocationUnknown = "revocation_unknown"
        /// A certificate carries a name that its authority is not allowed to issue.
        case nameConstraint = "name_constraint"
        /// The chain does not end at an authority of this side.
        case unknownAuthority = "unknown_authority"
        /// A certificate was issued by something that is no authority, or its signature is wrong.
        case invalidChain = "invalid_chain"
        /// The certificate is not for this end of a connection.
        case wrongUsage = "wrong_usage"
        /// A key or a signature is too weak.
        case weakKey = "weak_key"
        /// The server's certificate is for another host.
        case wrongName = "wrong_name"
        /// The certificate's names are forged, or not exactly the one URI that is asked for.
        case malformedNames = "malformed_names"
        /// The other side has shown no certificate.
        case certificateMissing = "certificate_missing"
        /// The other side refused; the reason holds its alert.
        case refusedByPeer = "refused_by_peer"
        /// What came is not TLS, or not a version or cipher of both sides.
        case protocolError = "protocol_error"
        /// Everything else: files, settings, memory.
        case other
    }

    /// The kind of failure.
    public var code: Code
    /// What was being done, e.g. `handshake`.
    public var operation: String
    /// OpenSSL's reasons, oldest first, or the transport's own when OpenSSL gave none.
    public var reason: String

    /// Creates an error.
    public init(_ code: Code = .other, operation: String, reason: String) {
        self.code = code
        self.operation = operation
        self.reason = reason
    }

    /// The operation and the reason.
    public var description: String { "\(operation): \(reason)" }

    /// Makes an error of everything in this thread's OpenSSL error queue, and empties the queue.
    static func fromQueue(_ operation: String) -> TLSError {
        var reasons: [String] = []
        var error = TLSError(operation: operation, reason: "")
        while reasons.count < 8 {
            let code = ERR_get_error()
            if code == 0 { break }
            error.code = Self.code(reason: Int32(truncatingIfNeeded: busbar_ERR_reason(code)), before: error.code)
            if let text = ERR_reason_error_string(code) {
                reasons.append(String(cString: text))
            } else {
                reasons.append("error \(busbar_ERR_reason(code))")
            }
        }
        ERR_clear_error()
        error.reason = reasons.isEmpty ? "no reason given" : reasons.joined(separator: "; ")
        return error
    }

    private static func code(reason: Int32, before: Code) -> Code {
        // Reasons from 1000 on are alerts of the other side, by their number; these are about certificates (RFC 8446 §6.2), or
        // what an application's verification comes to (40).
        if [40, 42, 43, 44, 45, 46, 48, 49, 116].contains(reason - 1000) { return .refusedByPeer }
        if reason == SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE { return .certificateMissing }
        return before
    }

    /// The kind of failure of a verification error (`X509_V_ERR_...`).
    static func code(verification error: Int32) -> Code {
        switch error {
        case X509_V_ERR_CERT_HAS_EXPIRED:
            return .certificateExpired
        case X509_V_ERR_CERT_NOT_YET_VALID:
            return .certificateNotYetValid
        case X509_V_ERR_CERT_REVOKED:
            return .certificateRevoked
        case X509_V_ERR_UNABLE_TO_GET_CRL, X509_V_ERR_CRL_HAS_EXPIRED, X509_V_ERR_CRL_NOT_YET_VALID,
            X509_V_ERR_CRL_SIGNATURE_FAILURE, X509_V_ERR_UNABLE_TO_GET_CRL_ISSUER, X509_V_ERR_KEYUSAGE_NO_CRL_SIGN,
            X509_V_ERR_UNHANDLED_CRITICAL_CRL_EXTENSION, X509_V_ERR_DIFFERENT_CRL_SCOPE,
            X509_V_ERR_CRL_PATH_VALIDATION_ERROR:
            return .revocationUnknown
        case X509_V_ERR_PERMITTED_VIOLATION, X509_V_ERR_EXCLUDED_VIOLATION, X509_V_ERR_SUBTREE_MINMAX,
            X509_V_ERR_UNSUPPORTED_CONSTRAINT_TYPE, X509_V_ERR_UNSUPPORTED_CONSTRAINT_SYNTAX,
            X509_V_ERR_UNSUPPORTED_NAME_SYNTAX:
            return .nameConstraint
        case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT, X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN,
            X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT, X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY,
            X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE, X509_V_ERR_CERT_UNTRUSTED:
            return .unknownAuthority
        case X509_V_ERR_INVALID_PURPOSE, X509_V_ERR_CERT_REJECTED:
            return .wrongUsage
        case X509_V_ERR_EE_KEY_TOO_SMALL, X509_V_ERR_CA_KEY_TOO_SMALL, X509_V_ERR_CA_MD_TOO_WEAK:
            return .weakKey
        case X509_V_ERR_HOSTNAME_MISMATCH, X509_V_ERR_IP_ADDRESS_MISMATCH:
            return .wrongName
        default:
            return .invalidChain
        }
    }
}
