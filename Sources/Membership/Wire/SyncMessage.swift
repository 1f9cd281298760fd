/// A full-state sync: two exchanges over a peer link.
///
/// 1. The one that begins sends its own claim and chain and a digest: one entry for each member that it holds. The other
///    answers with the claims that are newer there or missing (with their chains), with the entries that differ, and with
///    the keys of members of which the digest shows something newer.
/// 2. The one that began sends those, if there are any, and a digest of leaves, if the sums differed; the answer brings the
///    leaves' claims and attachments.
///
/// Either may name lists of accounts that are not there; the answer brings those that the other has. A request for lists alone
/// is an exchange of the second kind.
///
/// A body is: format version, kind, trust domain, the sums of the members and of the leaves, then sections (kind, 4 bytes of
/// length, content). Sections of unknown kinds are skipped. Nothing in it is believed because of who sent it: claims are
/// their subjects', and a differing opinion of a member's state only makes this node look for itself.
package struct SyncMessage: Equatable {
    package enum Kind: UInt8 {
        case pull = 1
        case pullAnswer = 2
        case push = 3
        case pushAnswer = 4
    }

    package enum SectionKind: UInt8 {
        case chain = 1
        case claim = 2
        case suspicion = 3
        case attachment = 4
        case digest = 5
        case wanted = 6
        case leafDigest = 7
        case listRequest = 8
        case accountList = 9
    }

    /// What is held of one member.
    package struct Entry: Equatable {
        static let bytes = 29

        var key: NodeKey
        var incarnation: UInt64
        /// The low half of the certificate's fingerprint, shortened.
        var certificate: UInt32
        var state: Member.State

        package init(key: NodeKey, incarnation: UInt64, certificate: UInt32, state: Member.State) {
            self.key = key
            self.incarnation = incarnation
            self.certificate = certificate
            self.state = state
        }
    }

    static let formatVersion: UInt8 = 1
    static let headerBytes = 26
    /// Bytes of claims and chains in one body; the rest follows with the next sync.
    static let contentBytes = 700_000
    /// Bytes of a body that is worked on.
    static let maximumBytes = 4_000_000
    /// Sections of a body that is worked on, unknown ones included: more than ``contentBytes`` of the shortest ones make.
    static let maximumSections = 8192
    /// Wrong signatures in one body after which the rest of it is left unread.
    static let maximumForgeries: UInt64 = 8

    var kind: Kind
    var domain: UInt64
    var viewSum: UInt64
    var leafSum: UInt64
    var sections: [(kind: SectionKind, range: Range<Int>)] = []

    package static func == (left: SyncMessage, right: SyncMessage) -> Bool {
        left.kind == right.kind && left.domain == right.domain && left.viewSum == right.viewSum
    }

    package static func begin(_ kind: Kind, domain: UInt64, viewSum: UInt64, leafSum: UInt64) -> [UInt8] {
        var bytes: [UInt8] = [formatVersion, kind.rawValue]
        bytes.append(domain)
        bytes.append(viewSum)
        bytes.append(leafSum)
        return bytes
    }

    package static func append(_ kind: SectionKind, _ content: [UInt8], to bytes: inout [UInt8]) {
        bytes.append(kind.rawValue)
        bytes.append(UInt32(truncatingIfNeeded: content.count))
        bytes.append(contentsOf: content)
    }

    init?(_ bytes: [UInt8]) {
        guard bytes.count <= Self.maximumBytes else { return nil }
        var reader = ByteReader(bytes)
        guard reader.byte() == Self.formatVersion, let kind = reader.byte().flatMap(Kind.init(rawValue:)),
            let domain = reader.uint64(), let viewSum = reader.uint64(), let leafSum = reader.uint64()
        else { return nil }
        self.kind = kind
        self.domain = domain
        self.viewSum = viewSum
        self.leafSum = leafSum
        var count = 0
        while reader.remaining > 0 {
            count += 1
            guard count <= Self.maximumSections else { return nil }
            guard let section = reader.byte(), let count = reader.uint32(), let range = reader.range(Int(count)) else {
                return nil
            }
            if let section = SectionKind(rawValue: section) { sections.append((section, range)) }
        }
    }

    package static func append(_ entry: Entry, to bytes: inout [UInt8]) {
        bytes.append(entry.key.digest)
        bytes.append(entry.incarnation)
        bytes.append(entry.certificate)
        bytes.append(PingBody.code(entry.state))
    }

    /// The entries of all sections of a kind: the first for each key, and `limit` at most.
    func entries(_ kind: SectionKind, in bytes: [UInt8], limit: Int) -> [Entry] {
        var known: Set<NodeKey> = []
        var entries: [Entry] = []
        for section in sections where section.kind == kind && entries.count < limit {
            for entry in Self.entries(bytes, section.range, limit: limit) where entries.count < limit {
                if known.insert(entry.key).inserted { entries.append(entry) }
            }
        }
        return entries
    }

    /// The keys of all sections of wanted members: each once, and `limit` at most.
    func wanted(in bytes: [UInt8], limit: Int) -> [NodeKey] {
        var known: Set<NodeKey> = []
        var keys: [NodeKey] = []
        for section in sections where section.kind == .wanted {
            var reader = ByteReader(bytes, section.range)
            while keys.count < limit, let digest = reader.digest() {
                if known.insert(NodeKey(digest)).inserted { keys.append(NodeKey(digest)) }
            }
        }
        return keys
    }

    /// The names of the lists that are asked for: each once, and `limit` at most.
    func listNames(in bytes: [UInt8], limit: Int) -> [AccountListName] {
        var names: [AccountListName] = []
        for section in sections where section.kind == .listRequest {
            var reader = ByteReader(bytes, section.range)
            while names.count < limit, let name = reader.accountListName() {
                if !names.contains(name) { names.append(name) }
            }
        }
        return names
    }

    private static func entries(_ bytes: [UInt8], _ range: Range<Int>, limit: Int) -> [Entry] {
        var reader = ByteReader(bytes, range)
        var entries: [Entry] = []
        while reader.remaining >= Entry.bytes, entries.count < limit {
            guard let key = reader.digest(), let incarnation = reader.uint64(), let certificate = reader.uint32(),
                let state = reader.byte().flatMap(PingBody.state)
            else { break }
            entries.append(
                Entry(key: NodeKey(key), incarnation: incarnation, certificate: certificate, state: state)
            )
        }
        return entries
    }
}
