import SansIO

/// What a certificate of the other side must fulfil beyond chaining to an authority.
public struct CertificatePolicy: Sendable, Hashable {
    /// Which subject alternative names a certificate must carry.
    public enum Names: Sendable, Hashable {
        /// Any, as long as none is forged: a URI or DNS name with bytes outside printable ASCII is always refused.
        case any
        /// Exactly one URI, as nodes and API callers have (DESIGN §6).
        case oneURI
    }

    /// The weakest key and signature that are accepted.
    public enum Strength: Int32, Sendable, Hashable {
        /// RSA from 2048 bits, curves from 224 bits, no SHA-1.
        case bits112 = 2
        /// RSA from 3072 bits, curves from 256 bits.
        case bits128 = 3
    }

    /// How far this machine's clock and the issuer's may disagree: a certificate or revocation list is taken that much
    /// before it becomes valid, and a certificate that long after it has expired. 0 to 1 hour.
    public var clockSkew: Duration = .seconds(60)
    /// How long after its announced next update a revocation list counts as current. Its entries count for ever.
    public var maximumRevocationStaleness: Duration = .seconds(7 * 86_400)
    /// What happens when an authority of the chain has no current revocation list although lists are configured: false
    /// takes the certificate (``CertificateStore`` raises an alarm for the list), true refuses it. Off by default, so
    /// that an issuer that is down takes no node with it.
    public var requiresCurrentRevocationLists = false
    /// Which names a certificate must carry.
    public var names: Names = .any
    /// The weakest key and signature that are accepted.
    public var strength: Strength = .bits112

    /// The defaults.
    public init() {}

    /// The defaults with exactly one URI: for nodes and API callers.
    public static var member: CertificatePolicy {
        var policy = CertificatePolicy()
        policy.names = .oneURI
        return policy
    }

    /// Every problem, in words; empty when the policy can be used.
    public func validate() -> [String] {
        var found: [String] = []
        if clockSkew < .zero || clockSkew > .seconds(3600) { found.append("clockSkew must be between 0 and 1 h") }
        if maximumRevocationStaleness < .zero || maximumRevocationStaleness > .seconds(3650 * 86_400) {
            found.append("maximumRevocationStaleness must be between 0 and 10 years")
        }
        return found
    }
}

/// Which end of a connection a certificate has to be for.
public enum CertificateUsage: Sendable, Hashable {
    /// Shown by a server: extended key usage `serverAuth`.
    case server
    /// Shown by a client: extended key usage `clientAuth`.
    case client
}
