import EventModel
import Membership
import SansIO

/// Signatures and seals that cost next to nothing and cannot be forged inside a world: keyed 64-bit sums, padded to the
/// sizes of the real ones, so that traffic is measured as it would be.
///
/// Only the crypto of the machine that holds a certificate's key computes its signatures, and the outsider holds no key
/// of the ring. Datagrams stay readable, which nothing in a world makes use of.
public final class SimulatedCrypto: MembershipCrypto {
    /// A P-256 signature in DER has at most 72 bytes.
    public static let signatureBytes = 72
    /// A leaf and an intermediate certificate on P-256, in DER.
    public static let chainBytes = 1300

    /// Key id, nonce and tag.
    public let sealOverheadBytes = 1 + 12 + 16

    /// Takes every signature and seal for right: a bug for a test to plant.
    public var believesEverything = false

    /// Keys of former certificates that are kept.
    private static let formerKeys = 3

    private unowned let machine: Machine
    private let authority: SimulatedAuthority
    private let ring: SimulatedKeyRing
    private var known: [CertificateFingerprint: SimulatedCertificate] = [:]
    private var own: [CertificateFingerprint] = []
    private var sealed: UInt64 = 0

    /// Creates the crypto of a machine's process.
    ///
    /// - Parameters:
    ///   - machine: whose certificate, revocations and authorities count.
    ///   - authority: knows every certificate of the world.
    ///   - ring: the cluster's keys as this machine has them; reloading is changing it.
    public init(machine: Machine, authority: SimulatedAuthority, ring: SimulatedKeyRing) {
        self.machine = machine
        self.authority = authority
        self.ring = ring
        reload()
    }

    /// Takes over the machine's certificate if it is a new one; the keys of those before stay.
    public func reload() {
        let fingerprint = authority.enter(machine.certificate)
        known[fingerprint] = machine.certificate
        guard own.last != fingerprint else { return }
        own = Array(own.suffix(Self.formerKeys)) + [fingerprint]
    }

    /// The certificate that this node presents now.
    public var ownCertificate: CertificateFingerprint { own[own.count - 1] }

    /// Two sums of the bytes.
    public func digest(_ bytes: ArraySlice<UInt8>) -> Digest128 {
        Digest128(
            high: KeyedSum.of(bytes, key: 0x5BF0_3635_1A2C_77D1),
            low: KeyedSum.of(bytes, key: 0xC2B2_AE3D_27D4_EB4F)
        )
    }

    /// Signs with the key of one of the machine's last certificates.
    public func sign(_ message: ArraySlice<UInt8>, as certificate: CertificateFingerprint) -> [UInt8]? {
        guard own.contains(certificate), let secret = authority.secret(of: certificate) else { return nil }
        return KeyedSum.padded(KeyedSum.of(message, key: secret), to: Self.signatureBytes)
    }

    /// Computes the signature once more.
    public func verify(
        _ signature: ArraySlice<UInt8>,
        of message: ArraySlice<UInt8>,
        by certificate: CertificateFingerprint
    ) -> Bool {
        if believesEverything { return true }
        guard known[certificate] != nil, let secret = authority.secret(of: certificate),
            signature.count == Self.signatureBytes
        else { return false }
        return KeyedSum.read(signature) == KeyedSum.of(message, key: secret)
    }

    /// What a known certificate says, and whether this machine trusts it now.
    public func certificate(_ fingerprint: CertificateFingerprint) -> CertificateFacts? {
        known[fingerprint].flatMap { facts($0, fingerprint) }
    }

    /// Takes a chain from another node, if the machine trusts its authority.
    public func learn(_ chain: ArraySlice<UInt8>) -> CertificateFacts? {
        guard chain.count == Self.chainBytes, let certificate = authority.certificate(serial: KeyedSum.read(chain)),
            chain.elementsEqual(KeyedSum.padded(certificate.serial, to: Self.chainBytes)),
            machine.trustedAuthorities.contains(certificate.authority)
        else { return nil }
        let fingerprint = authority.enter(certificate)
        guard let facts = facts(certificate, fingerprint) else { return nil }
        known[fingerprint] = certificate
        return facts
    }

    /// The bytes of a known chain.
    public func chain(of fingerprint: CertificateFingerprint) -> [UInt8]? {
        known[fingerprint].map { KeyedSum.padded($0.serial, to: Self.chainBytes) }
    }

    /// Drops a learned certificate.
    public func forget(_ fingerprint: CertificateFingerprint) {
        if !own.contains(fingerprint) { known[fingerprint] = nil }
    }

    /// Appends key id, nonce and tag.
    public func seal(_ message: inout [UInt8]) {
        sealed += 1
        message.append(ring.primary)
        KeyedSum.append(sealed, to: &message)
        KeyedSum.append(UInt32(machine.index), to: &message)
        let tag = KeyedSum.of(message[...], key: ring.secret(ring.primary))
        KeyedSum.append(tag, to: &message)
        KeyedSum.append(~tag, to: &message)
    }

    /// Checks and removes what ``seal(_:)`` appends.
    public func open(_ datagram: inout [UInt8]) -> Bool {
        let count = datagram.count - sealOverheadBytes
        guard count >= 0, ring.accepted.contains(datagram[count]) else { return false }
        let tag = KeyedSum.of(datagram[..<(count + 13)], key: ring.secret(datagram[count]))
        guard believesEverything || KeyedSum.read(datagram[(count + 13)...]) == tag,
            believesEverything || KeyedSum.read(datagram[(count + 21)...]) == ~tag
        else {
            return false
        }
        datagram.removeLast(sealOverheadBytes)
        return true
    }

    private func facts(_ certificate: SimulatedCertificate, _ fingerprint: CertificateFingerprint) -> CertificateFacts?
    {
        guard let identity = certificate.identity.uris.lazy.compactMap({ NodeIdentity(uri: $0) }).first else {
            return nil
        }
        var standing = CertificateFacts.Standing.trusted
        if !machine.trustedAuthorities.contains(certificate.authority) { standing = .untrusted }
        if machine.revokedSerials.contains(certificate.serial) { standing = .revoked }
        return CertificateFacts(
            fingerprint: fingerprint,
            publicKey: Digest128(high: certificate.serial, low: certificate.authority),
            identity: identity,
            scope: AccountScope(certificate.identity, trustDomain: authority.trustDomain),
            notBefore: .zero,
            notAfter: authority.notAfter(certificate),
            standing: standing
        )
    }
}
