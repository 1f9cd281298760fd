/// A node's signed word that another does not answer, about one incarnation of it.
package struct SuspicionStatement: Equatable {
    static let tag: UInt8 = 0xC2
    static let formatVersion: UInt8 = 1
    /// Tag, version, trust domain, subject, incarnation, signer's certificate, flags.
    static let signedBytes = 51

    var domain: UInt64
    var subject: NodeKey
    var incarnation: UInt64
    var signer: CertificateFingerprint
    /// True for the word that the suspicion's time is over; only believed under
    /// ``MembershipConfiguration/verdictQuorum``.
    var isVerdict: Bool

    /// The bytes that are signed.
    package var unsigned: [UInt8] {
        var bytes: [UInt8] = [Self.tag, Self.formatVersion]
        bytes.reserveCapacity(Self.signedBytes + MembershipLimits.signatureBytes)
        bytes.append(domain)
        bytes.append(subject.digest)
        bytes.append(incarnation)
        bytes.append(signer.digest)
        bytes.append(isVerdict ? 1 as UInt8 : 0)
        return bytes
    }

    package init(
        domain: UInt64,
        subject: NodeKey,
        incarnation: UInt64,
        signer: CertificateFingerprint,
        isVerdict: Bool
    ) {
        self.domain = domain
        self.subject = subject
        self.incarnation = incarnation
        self.signer = signer
        self.isVerdict = isVerdict
    }

    /// Reads a signed statement: the signature is whatever follows the fixed fields.
    init?(_ bytes: [UInt8], _ range: Range<Int>) {
        var reader = ByteReader(bytes, range)
        guard range.count > Self.signedBytes, range.count <= Self.signedBytes + MembershipLimits.signatureBytes,
            reader.byte() == Self.tag, reader.byte() == Self.formatVersion, let domain = reader.uint64(),
            let subject = reader.digest(), let incarnation = reader.uint64(), let signer = reader.digest(),
            let flags = reader.byte(), flags <= 1
        else { return nil }
        self.init(
            domain: domain,
            subject: NodeKey(subject),
            incarnation: incarnation,
            signer: CertificateFingerprint(signer),
            isVerdict: flags == 1
        )
    }
}
