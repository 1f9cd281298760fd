import SansIO

/// What a certificate says, without its cryptography: nothing in a simulation can make one but the world.
public struct SimulatedCertificate: Hashable, Sendable {
    /// The names that it carries.
    public var identity: CertificateIdentity
    /// Its number; unique in a world.
    public var serial: UInt64
    /// The certificate authority that signed it.
    public var authority: UInt64
    /// When it expires.
    public var notAfter: Timestamp

    /// Creates a certificate.
    public init(
        identity: CertificateIdentity,
        serial: UInt64,
        authority: UInt64 = 1,
        notAfter: Timestamp = .distantFuture
    ) {
        self.identity = identity
        self.serial = serial
        self.authority = authority
        self.notAfter = notAfter
    }

    /// Why a machine refuses it now; nil when it does not.
    public func refusal(by machine: Machine) -> String? {
        if !machine.trustedAuthorities.contains(authority) { return "the certificate's authority is not known" }
        if machine.now >= notAfter { return "the certificate has expired" }
        if machine.revokedSerials.contains(serial) { return "the certificate is revoked" }
        return nil
    }
}
