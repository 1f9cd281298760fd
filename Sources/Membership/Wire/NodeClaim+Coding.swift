import EventModel
import SansIO

/// The claim's bytes: a tag, the format's version, the trust domain and the fixed fields first, so that a claim that is no
/// news is dropped after reading those; the signature over everything before it comes last.
///
/// After the endorsement come extensions (kind, 2 bytes of length, content); those of unknown kinds are skipped. The first
/// release of the format reads none: of a node with a long list of accounts it knows those that the claim carries itself.
extension NodeClaim {
    static let tag: UInt8 = 0xC1
    static let endorsementTag: UInt8 = 0xC4
    static let formatVersion: UInt8 = 1

    /// The fixed fields of a claim.
    struct Head: Equatable {
        var domain: UInt64
        var node: NodeKey
        var life: Life
        var incarnation: UInt64
        var epoch: UInt64
        var certificate: CertificateFingerprint
    }

    /// Where a signed claim's parts are in some bytes.
    struct Layout {
        var head: Head
        var signed: Range<Int>
        var signature: Range<Int>
        var body: Range<Int>
    }

    /// The bytes that are signed.
    func unsigned(domain: UInt64) -> [UInt8] {
        var bytes: [UInt8] = []
        let accounts = description.accounts.prefix(MembershipLimits.accountsPerClaim)
        bytes.reserveCapacity(256 + accounts.count * AccountListName.accountBytes + MembershipLimits.signatureBytes)
        bytes.append(Self.tag)
        bytes.append(Self.formatVersion)
        bytes.append(domain)
        bytes.append(node.digest)
        bytes.append(life.rawValue)
        bytes.append(incarnation)
        bytes.append(epoch)
        bytes.append(certificate.digest)
        bytes.appendShort(identity.authority.utf8)
        bytes.appendShort(identity.cell.utf8)
        bytes.appendShort(identity.node.utf8)
        for endpoint in [description.gossip, description.peer] {
            bytes.appendShort(endpoint.host.utf8)
            bytes.append(endpoint.port)
        }
        bytes.append(description.role.rawValue)
        bytes.append(description.pressure)
        bytes.appendShort(description.version.utf8)
        bytes.append(UInt16(truncatingIfNeeded: accounts.count))
        for account in accounts { bytes.append(account) }
        bytes.append(UInt8(truncatingIfNeeded: description.sponsors.count))
        for sponsor in description.sponsors { bytes.append(sponsor.digest) }
        if let endorsement {
            bytes.append(1 as UInt8)
            bytes.append(endorsement.previous.digest)
            bytes.appendShort(endorsement.signature)
        } else {
            bytes.append(0 as UInt8)
        }
        if let accountList {
            bytes.append(AccountListName.extensionKind)
            bytes.append(UInt16(AccountListName.bytes))
            bytes.append(accountList)
        }
        return bytes
    }

    /// What a previous certificate signs to vouch for the next.
    static func endorsedBytes(
        domain: UInt64,
        node: NodeKey,
        previous: CertificateFingerprint,
        next: CertificateFingerprint
    ) -> [UInt8] {
        var bytes: [UInt8] = [endorsementTag, formatVersion]
        bytes.append(domain)
        bytes.append(node.digest)
        bytes.append(previous.digest)
        bytes.append(next.digest)
        return bytes
    }

    /// Reads the fixed fields; nil when the bytes are not a signed claim of this version.
    static func layout(_ bytes: [UInt8], _ range: Range<Int>) -> Layout? {
        guard range.count <= MembershipLimits.claimBytes, range.count > 1,
            let signatureCount = bytes[range].last.map(Int.init), signatureCount <= MembershipLimits.signatureBytes
        else { return nil }
        let signatureStart = range.upperBound - 1 - signatureCount
        guard signatureStart > range.lowerBound else { return nil }
        var reader = ByteReader(bytes, range.lowerBound..<signatureStart)
        guard reader.byte() == tag, reader.byte() == formatVersion,
            let domain = reader.uint64(), let node = reader.digest(),
            let life = reader.byte().flatMap(Life.init(rawValue:)),
            let incarnation = reader.uint64(), let epoch = reader.uint64(), let certificate = reader.digest()
        else { return nil }
        return Layout(
            head: Head(
                domain: domain,
                node: NodeKey(node),
                life: life,
                incarnation: incarnation,
                epoch: epoch,
                certificate: CertificateFingerprint(certificate)
            ),
            signed: range.lowerBound..<signatureStart,
            signature: signatureStart..<(range.upperBound - 1),
            body: reader.position..<signatureStart
        )
    }

    /// Reads the rest of a claim; nil when it is malformed. Bytes after the known fields belong to later versions of the
    /// software and are passed on but not read.
    init?(_ layout: Layout, in bytes: [UInt8]) {
        var reader = ByteReader(bytes, layout.body)
        guard let authority = reader.text(limit: 253), let cell = reader.text(limit: 64),
            let name = reader.text(limit: 64),
            let identity = NodeIdentity(authority: authority, cell: cell, node: name),
            let description = Self.description(&reader),
            let hasEndorsement = reader.byte(), hasEndorsement <= 1
        else { return nil }
        node = layout.head.node
        self.identity = identity
        life = layout.head.life
        incarnation = layout.head.incarnation
        epoch = layout.head.epoch
        certificate = layout.head.certificate
        self.description = description
        endorsement = nil
        accountList = nil
        if hasEndorsement == 1 {
            guard let previous = reader.digest(), let signature = reader.short(),
                signature.count <= MembershipLimits.signatureBytes
            else { return nil }
            endorsement = Endorsement(previous: CertificateFingerprint(previous), signature: Array(bytes[signature]))
        }
        readExtensions(&reader)
    }

    /// Reads what is known of the extensions. What cannot be read belongs to later versions.
    private mutating func readExtensions(_ reader: inout ByteReader) {
        while let kind = reader.byte(), let count = reader.uint16(), let range = reader.range(Int(count)) {
            guard kind == AccountListName.extensionKind, accountList == nil else { continue }
            var content = ByteReader(reader.bytes, range)
            accountList = content.accountListName()
        }
    }

    private static func description(_ reader: inout ByteReader) -> NodeDescription? {
        guard let gossip = endpoint(&reader), let peer = endpoint(&reader),
            let role = reader.byte().flatMap(NodeDescription.Role.init(rawValue:)), let pressure = reader.byte(),
            let version = reader.text(limit: MembershipLimits.versionBytes),
            let accountCount = reader.uint16(), accountCount <= MembershipLimits.accountsPerClaim
        else { return nil }
        var accounts: [AccountID] = []
        accounts.reserveCapacity(Int(accountCount))
        for _ in 0..<accountCount {
            guard let account = reader.account() else { return nil }
            if let last = accounts.last, last >= account { return nil }
            accounts.append(account)
        }
        guard let sponsorCount = reader.byte(), sponsorCount <= MembershipLimits.sponsors else { return nil }
        var sponsors: [NodeKey] = []
        for _ in 0..<sponsorCount {
            guard let sponsor = reader.digest() else { return nil }
            sponsors.append(NodeKey(sponsor))
        }
        var description = NodeDescription(gossip: gossip, peer: peer, role: role, pressure: pressure, version: version)
        description.accounts = accounts
        description.sponsors = sponsors
        return description
    }

    private static func endpoint(_ reader: inout ByteReader) -> NodeEndpoint? {
        guard let host = reader.text(limit: MembershipLimits.hostBytes), !host.isEmpty,
            let port = reader.uint16(), port > 0
        else { return nil }
        return NodeEndpoint(host: host, port: port)
    }
}
