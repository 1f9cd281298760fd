import EventModel
import Membership
import SansIO

/// Knows every certificate of a world with its key. The cryptos of all machines share it.
public final class SimulatedAuthority {
    /// The trust domain of every certificate.
    public let trustDomain: String
    private let seed: UInt64
    private var certificates: [UInt64: SimulatedCertificate] = [:]

    /// Creates the authority of a world.
    public init(world: World, trustDomain: String) {
        self.trustDomain = trustDomain
        var generator = world.generator(for: "keys")
        seed = generator.next()
    }

    /// Takes a certificate in, or what has changed of it, and names it.
    @discardableResult
    public func enter(_ certificate: SimulatedCertificate) -> CertificateFingerprint {
        certificates[certificate.serial] = certificate
        return fingerprint(certificate.serial)
    }

    func certificate(serial: UInt64) -> SimulatedCertificate? { certificates[serial] }

    /// The end of its time, which a fault may have brought forward for everybody.
    func notAfter(_ certificate: SimulatedCertificate) -> Timestamp {
        certificates[certificate.serial]?.notAfter ?? certificate.notAfter
    }

    /// The serial number, spread so that order and equality of fingerprints mean nothing.
    private func fingerprint(_ serial: UInt64) -> CertificateFingerprint {
        CertificateFingerprint(Digest128(high: serial &* 0x9E37_79B9_7F4A_7C15, low: serial))
    }

    func secret(of fingerprint: CertificateFingerprint) -> UInt64? {
        guard certificates[fingerprint.digest.low] != nil else { return nil }
        return (seed ^ fingerprint.digest.high) &* 0xD6E8_FEB8_6659_FD93 ^ seed >> 7
    }
}

/// The cluster's sealing keys as one machine has them. A key is a number; every machine has the same secret under it.
public final class SimulatedKeyRing {
    /// The key that seals.
    public var primary: UInt8
    /// The keys that open.
    public var accepted: [UInt8]
    private let seed: UInt64

    /// Creates a ring of one key.
    public init(world: World, primary: UInt8 = 1) {
        self.primary = primary
        accepted = [primary]
        var generator = world.generator(for: "ring")
        seed = generator.next()
    }

    func secret(_ key: UInt8) -> UInt64 { (seed ^ UInt64(key)) &* 0x9FB2_1C65_1E98_DF25 ^ seed >> 11 }
}
