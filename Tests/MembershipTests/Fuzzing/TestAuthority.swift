import EventModel
import Membership
import SansIO

/// A certificate authority for tests: keyed checksums instead of signatures, so that thousands cost nothing. Whoever holds a
/// secret can sign with it, as with the real thing.
final class TestAuthority {
    struct Certificate {
        var facts: CertificateFacts
        var secret: UInt64
        var chain: [UInt8]
    }

    let trustDomain = "example.com"
    private(set) var issued: [CertificateFingerprint: Certificate] = [:]
    private var count: UInt64 = 0
    /// Bumped when a standing changes.
    var revoked: Set<CertificateFingerprint> = []

    func issue(
        _ identity: NodeIdentity,
        scope: AccountScope = AccountScope(isEverything: true),
        notBefore: Timestamp = Timestamp(milliseconds: 0),
        notAfter: Timestamp = Timestamp(milliseconds: 4_000_000_000_000),
        publicKey: UInt64? = nil
    ) -> Certificate {
        count += 1
        let number = count
        let chain = (0..<700).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ Int(number)) } + [UInt8](String(number).utf8)
        let fingerprint = CertificateFingerprint(Self.digest(chain[...]))
        let facts = CertificateFacts(
            fingerprint: fingerprint,
            publicKey: Digest128(high: 0, low: publicKey ?? number),
            identity: identity,
            scope: scope,
            notBefore: notBefore,
            notAfter: notAfter
        )
        let certificate = Certificate(
            facts: facts,
            secret: (publicKey ?? number) &* 0x9E37_79B9_7F4A_7C15,
            chain: chain
        )
        issued[fingerprint] = certificate
        return certificate
    }

    static func digest(_ bytes: ArraySlice<UInt8>) -> Digest128 {
        Digest128(high: checksum(bytes, 1), low: checksum(bytes, 2))
    }

    static func checksum(_ bytes: ArraySlice<UInt8>, _ key: UInt64) -> UInt64 {
        var hash = 0xCBF2_9CE4_8422_2325 ^ key
        bytes.withUnsafeBytes { for byte in $0 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 } }
        return (hash ^ hash >> 29) &* 0xBF58_476D_1CE4_E5B9
    }
}

/// One node's view of the authority: it knows the certificates that it has learned.
final class TestCrypto: MembershipCrypto {
    let authority: TestAuthority
    var own: TestAuthority.Certificate
    /// The certificates before renewals.
    var former: [TestAuthority.Certificate] = []
    /// Certificates whose root is not trusted here any more.
    var distrusted: Set<CertificateFingerprint> = []
    private(set) var known: [CertificateFingerprint: CertificateFacts] = [:]
    var primaryKey: UInt32 = 1
    var acceptedKeys: Set<UInt32> = [1]
    /// Whether signatures have a second form, with another last byte, as those of ECDSA have.
    var isMalleable = false
    var verifications = 0
    var digests = 0
    var signatures = 0

    init(_ authority: TestAuthority, own: TestAuthority.Certificate) {
        self.authority = authority
        self.own = own
    }

    func renew(_ next: TestAuthority.Certificate) {
        former.append(own)
        own = next
    }

    var ownCertificate: CertificateFingerprint { own.facts.fingerprint }

    var sealOverheadBytes: Int { 32 }

    func digest(_ bytes: ArraySlice<UInt8>) -> Digest128 {
        digests += 1
        return TestAuthority.digest(bytes)
    }

    func sign(_ message: ArraySlice<UInt8>, as certificate: CertificateFingerprint) -> [UInt8]? {
        signatures += 1
        guard let key = ([own] + former).first(where: { $0.facts.fingerprint == certificate }) else { return nil }
        return Self.signature(message, secret: key.secret)
    }

    static func signature(_ message: ArraySlice<UInt8>, secret: UInt64) -> [UInt8] {
        var sum = TestAuthority.checksum(message, secret)
        var bytes: [UInt8] = []
        for _ in 0..<8 {
            bytes.append(UInt8(truncatingIfNeeded: sum))
            sum >>= 8
        }
        return bytes + [UInt8](repeating: 0x5A, count: 56)
    }

    func verify(
        _ signature: ArraySlice<UInt8>,
        of message: ArraySlice<UInt8>,
        by certificate: CertificateFingerprint
    ) -> Bool {
        verifications += 1
        guard self.certificate(certificate) != nil, let key = authority.issued[certificate] else { return false }
        let expected = Self.signature(message, secret: key.secret)
        if isMalleable, signature.last == 0x5B { return signature.dropLast().elementsEqual(expected.dropLast()) }
        return signature.elementsEqual(expected)
    }

    func certificate(_ fingerprint: CertificateFingerprint) -> CertificateFacts? {
        let isOwn = ([own] + former).contains { $0.facts.fingerprint == fingerprint }
        guard var facts = known[fingerprint] ?? (isOwn ? authority.issued[fingerprint]?.facts : nil) else { return nil }
        if distrusted.contains(fingerprint) { facts.standing = .untrusted }
        if authority.revoked.contains(fingerprint) { facts.standing = .revoked }
        return facts
    }

    func learn(_ chain: ArraySlice<UInt8>) -> CertificateFacts? {
        let fingerprint = CertificateFingerprint(TestAuthority.digest(chain))
        guard let facts = authority.issued[fingerprint]?.facts, !authority.revoked.contains(fingerprint) else {
            return nil
        }
        known[fingerprint] = facts
        return facts
    }

    func chain(of fingerprint: CertificateFingerprint) -> [UInt8]? { authority.issued[fingerprint]?.chain }

    func forget(_ fingerprint: CertificateFingerprint) { known[fingerprint] = nil }

    var knownCount: Int { known.count }

    func seal(_ message: inout [UInt8]) {
        let sum = TestAuthority.checksum(message[...], UInt64(primaryKey))
        message.append(contentsOf: [UInt8](repeating: 0, count: 20))
        for shift in stride(from: 56, through: 0, by: -8) {
            message.append(UInt8(truncatingIfNeeded: sum >> UInt64(shift)))
        }
        for shift in stride(from: 24, through: 0, by: -8) {
            message.append(UInt8(truncatingIfNeeded: primaryKey >> UInt32(shift)))
        }
    }

    func open(_ datagram: inout [UInt8]) -> Bool {
        guard datagram.count >= 32 else { return false }
        let key = datagram.suffix(4).reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
        let sum = datagram.dropLast(4).suffix(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        guard acceptedKeys.contains(key), TestAuthority.checksum(datagram.dropLast(32), UInt64(key)) == sum else {
            return false
        }
        datagram.removeLast(32)
        return true
    }
}
