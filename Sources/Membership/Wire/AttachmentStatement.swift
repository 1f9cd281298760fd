/// A node's signed word that it holds a leaf's uplink, or does not any more.
package struct AttachmentStatement: Equatable {
    static let tag: UInt8 = 0xC3
    static let formatVersion: UInt8 = 1
    /// Tag, version, trust domain, leaf, its certificate, sponsor's certificate, number, flags.
    static let signedBytes = 67

    var domain: UInt64
    var leaf: NodeKey
    /// The certificate of the leaf's claim for which this is said.
    var certificate: CertificateFingerprint
    var signer: CertificateFingerprint
    /// Orders a sponsor's words about a leaf; milliseconds of its clock, raised where needed. Below 2^63; and nobody believes one
    /// that lies more than 12 hours ahead of its own clock.
    var number: UInt64
    var isAttached: Bool

    /// The bytes that are signed.
    package var unsigned: [UInt8] {
        var bytes: [UInt8] = [Self.tag, Self.formatVersion]
        bytes.reserveCapacity(Self.signedBytes + MembershipLimits.signatureBytes)
        bytes.append(domain)
        bytes.append(leaf.digest)
        bytes.append(certificate.digest)
        bytes.append(signer.digest)
        bytes.append(number)
        bytes.append(isAttached ? 1 as UInt8 : 0)
        return bytes
    }

    package init(
        domain: UInt64,
        leaf: NodeKey,
        certificate: CertificateFingerprint,
        signer: CertificateFingerprint,
        number: UInt64,
        isAttached: Bool
    ) {
        self.domain = domain
        self.leaf = leaf
        self.certificate = certificate
        self.signer = signer
        self.number = number
        self.isAttached = isAttached
    }

    /// Reads a signed statement: the signature is whatever follows the fixed fields.
    init?(_ bytes: [UInt8], _ range: Range<Int>) {
        var reader = ByteReader(bytes, range)
        guard range.count > Self.signedBytes, range.count <= Self.signedBytes + MembershipLimits.signatureBytes,
            reader.byte() == Self.tag, reader.byte() == Self.formatVersion, let domain = reader.uint64(),
            let leaf = reader.digest(), let certificate = reader.digest(), let signer = reader.digest(),
            let number = reader.uint64(), number <= UInt64(Int64.max), let flags = reader.byte(), flags <= 1
        else { return nil }
        self.init(
            domain: domain,
            leaf: NodeKey(leaf),
            certificate: CertificateFingerprint(certificate),
            signer: CertificateFingerprint(signer),
            number: number,
            isAttached: flags == 1
        )
    }
}
