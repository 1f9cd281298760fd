import EventModel
import SansIO

/// Signatures, certificates and sealing, as the membership protocol needs them.
///
/// The protocol itself computes nothing secret. An implementation belongs to one shard, answers at once, and may change
/// its mind about a certificate between two calls; the caller is then told with ``SWIMInstance/changedTrust(now:using:)``.
/// Verified chains are kept by fingerprint, so that a chain is checked once and not with each signature. The protocol holds
/// the number of certificates it lets the implementation learn to a few for each member, and gives them back with
/// ``forget(_:)``.
public protocol MembershipCrypto: AnyObject {
    /// The certificate that this node presents now. Its chain is available from ``chain(of:)``.
    var ownCertificate: CertificateFingerprint { get }

    /// By how many bytes ``seal(_:)`` lengthens a message at most: key id, nonce and tag.
    var sealOverheadBytes: Int { get }

    /// The first 16 bytes of the SHA-256 digest of `bytes`.
    func digest(_ bytes: ArraySlice<UInt8>) -> Digest128

    /// Signs with the private key of one of this node's own certificates.
    ///
    /// After renewals the keys of the certificates before, at least the last three, stay available while they can: each
    /// vouches for its successor, and signs datagrams until every member has heard of that.
    ///
    /// - Parameters:
    ///   - message: what to sign.
    ///   - certificate: ``ownCertificate`` or one before it.
    /// - Returns: at most 80 bytes, or nil when the key is not held any more.
    func sign(_ message: ArraySlice<UInt8>, as certificate: CertificateFingerprint) -> [UInt8]?

    /// Whether `signature` is the signature of `message` by the key of a known certificate. False for an unknown one.
    ///
    /// Says nothing about revocation or expiry: ``certificate(_:)`` does.
    func verify(
        _ signature: ArraySlice<UInt8>,
        of message: ArraySlice<UInt8>,
        by certificate: CertificateFingerprint
    ) -> Bool

    /// What a known certificate says and whether it is trusted now; nil when it is not known.
    func certificate(_ fingerprint: CertificateFingerprint) -> CertificateFacts?

    /// Verifies a chain that came from another node and keeps it.
    ///
    /// - Parameter chain: the bytes that another node's ``chain(of:)`` returned.
    /// - Returns: the facts of its leaf; nil when it does not verify, or its leaf is not the certificate of a node.
    func learn(_ chain: ArraySlice<UInt8>) -> CertificateFacts?

    /// The bytes of a known chain, leaf first, to hand to other nodes: at most ``MembershipLimits/chainBytes``.
    func chain(of fingerprint: CertificateFingerprint) -> [UInt8]?

    /// Drops a learned certificate that no member uses any more.
    func forget(_ fingerprint: CertificateFingerprint)

    /// Seals a message in place with the primary key of the ring (AEAD).
    func seal(_ message: inout [UInt8])

    /// Opens a datagram in place with whichever accepted key of the ring it names.
    ///
    /// - Returns: false, with the bytes in any state, when the key is unknown or the tag does not fit.
    func open(_ datagram: inout [UInt8]) -> Bool
}

/// What a node's verified certificate says.
public struct CertificateFacts: Equatable, Sendable {
    /// Whether a certificate is trusted.
    public enum Standing: Equatable, Sendable {
        /// It chains to a trusted root and is not revoked. Its validity period is judged by the caller.
        case trusted
        /// A revocation list names it or a certificate of its chain.
        case revoked
        /// It chains to no root that is trusted now.
        case untrusted
    }

    /// Names the certificate.
    public var fingerprint: CertificateFingerprint
    /// The digest of its public key: a renewal that keeps the key keeps this.
    public var publicKey: Digest128
    /// Whose certificate it is.
    public var identity: NodeIdentity
    /// The accounts that the node may host and speak for.
    public var scope: AccountScope
    /// The beginning of its validity.
    public var notBefore: Timestamp
    /// The end of its validity: the earliest of its chain's.
    public var notAfter: Timestamp
    /// Whether it is trusted now.
    public var standing: Standing

    /// Creates facts.
    public init(
        fingerprint: CertificateFingerprint,
        publicKey: Digest128,
        identity: NodeIdentity,
        scope: AccountScope,
        notBefore: Timestamp,
        notAfter: Timestamp,
        standing: Standing = .trusted
    ) {
        self.fingerprint = fingerprint
        self.publicKey = publicKey
        self.identity = identity
        self.scope = scope
        self.notBefore = notBefore
        self.notAfter = notAfter
        self.standing = standing
    }
}
