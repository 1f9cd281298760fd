import EventModel
import SansIO

/// The leaves: nodes that are not probed, whose presence their sponsors vouch for.
struct LeafTable: Sendable {
    /// A sponsor's newest word about a leaf.
    struct Attachment: Sendable {
        var sponsor: NodeKey
        var number: UInt64
        var isAttached: Bool
        var signed: [UInt8]
    }

    /// One leaf.
    struct Leaf: Sendable {
        var claim: NodeClaim
        var signed: [UInt8]
        var facts: CertificateFacts
        var isEntitled = true
        /// By order of hearing; only sponsors that the leaf names.
        var attachments: [Attachment] = []
        var changes = Allowance()
        /// Its certificate replaced another that did not vouch for it.
        var isProvisional = false

        var accounts: [AccountID] { claim.description.accounts.filter { facts.scope.covers($0) } }
    }

    private(set) var leaves: [Leaf] = []
    private var index: [NodeKey: Int] = [:]
    private var certificates: [CertificateFingerprint: Int] = [:]
    /// Leaves that were members before, as they were then.
    private var formers: [NodeKey: MemberRecord] = [:]
    /// The sum of everything known of leaves: equal tables have equal sums.
    private(set) var sum: UInt64 = 0

    /// Sponsors' words about leaves whose claims are not known yet: the two travel together, but a claim may have to wait for
    /// its certificate. The oldest gives way.
    private var early: [(leaf: NodeKey, signed: [UInt8])] = []
    private static let earlyLimit = 256

    var count: Int { leaves.count }

    mutating func keepEarly(_ leaf: NodeKey, _ signed: [UInt8]) {
        guard !early.contains(where: { $0.leaf == leaf && $0.signed == signed }) else { return }
        if early.count >= Self.earlyLimit { early.removeFirst() }
        early.append((leaf, signed))
    }

    mutating func takeEarly(_ leaf: NodeKey) -> [[UInt8]] {
        guard early.contains(where: { $0.leaf == leaf }) else { return [] }
        let words = early.filter { $0.leaf == leaf }.map(\.signed)
        early.removeAll { $0.leaf == leaf }
        return words
    }

    func place(_ key: NodeKey) -> Int? { index[key] }

    func uses(_ fingerprint: CertificateFingerprint) -> Bool { certificates[fingerprint] != nil }

    func knows(_ key: NodeKey, incarnation: UInt64, certificate: CertificateFingerprint) -> Bool {
        guard let place = index[key], leaves[place].claim.incarnation >= incarnation else { return false }
        return leaves[place].isEntitled || leaves[place].facts.fingerprint == certificate
    }

    mutating func remember(_ former: MemberRecord) { formers[former.key] = former }

    mutating func takeFormer(_ key: NodeKey) -> MemberRecord? { formers.removeValue(forKey: key) }

    /// A leaf that was a member has what it had then.
    mutating func resume(_ place: Int) {
        guard let former = formers[leaves[place].claim.node] else { return }
        leaves[place].changes = former.changes
        leaves[place].isProvisional = former.isProvisional
    }

    mutating func setProvisional(_ place: Int, _ isProvisional: Bool) { leaves[place].isProvisional = isProvisional }

    /// Takes a leaf's newer claim; nil when the table is full. Returns its place and the certificate that it gave up.
    mutating func take(
        _ claim: NodeClaim,
        _ signed: [UInt8],
        _ facts: CertificateFacts,
        limit: Int
    ) -> (place: Int, unused: CertificateFingerprint?)? {
        if let place = index[claim.node] {
            sum = sum &- share(place)
            let previous = leaves[place].facts.fingerprint
            leaves[place].claim = claim
            leaves[place].signed = signed
            leaves[place].facts = facts
            leaves[place].isEntitled = true
            leaves[place].attachments.removeAll { !claim.description.sponsors.contains($0.sponsor) }
            sum = sum &+ share(place)
            guard previous != facts.fingerprint else { return (place, nil) }
            certificates[previous] = nil
            certificates[facts.fingerprint] = place
            return (place, previous)
        }
        guard leaves.count < limit else { return nil }
        leaves.append(Leaf(claim: claim, signed: signed, facts: facts))
        index[claim.node] = leaves.count - 1
        certificates[facts.fingerprint] = leaves.count - 1
        sum = sum &+ share(leaves.count - 1)
        return (leaves.count - 1, nil)
    }

    /// Takes a sponsor's word; false when it is no news or the leaf does not name the sponsor.
    func isNews(_ place: Int, sponsor: NodeKey, number: UInt64) -> Bool {
        guard leaves[place].claim.description.sponsors.contains(sponsor) else { return false }
        return leaves[place].attachments.first { $0.sponsor == sponsor }.map { $0.number < number } ?? true
    }

    mutating func attach(_ place: Int, _ attachment: Attachment) {
        sum = sum &- share(place)
        leaves[place].attachments.removeAll { $0.sponsor == attachment.sponsor }
        leaves[place].attachments.append(attachment)
        sum = sum &+ share(place)
    }

    func attachment(_ place: Int, sponsor: NodeKey) -> Attachment? {
        leaves[place].attachments.first { $0.sponsor == sponsor }
    }

    mutating func takeChange(_ place: Int, share: Int, now: Int64) {
        _ = leaves[place].changes.take(capacity: share, perMinute: share, now: now)
    }

    /// Notes for each leaf, in order, whether its certificate entitles it; returns the places at which that changed.
    mutating func judge(_ entitled: [Bool]) -> [Int] {
        let changed = leaves.indices.filter { leaves[$0].isEntitled != entitled[$0] }
        for place in changed { leaves[place].isEntitled = entitled[place] }
        return changed
    }

    /// The places of the leaves that name a sponsor.
    func places(sponsoredBy key: NodeKey) -> [Int] {
        leaves.indices.filter { leaves[$0].claim.description.sponsors.contains(key) }
    }

    private func share(_ place: Int) -> UInt64 {
        let leaf = leaves[place]
        var total = mix(leaf.claim.node, leaf.claim.incarnation)
        for attachment in leaf.attachments {
            total = total &+ mix(attachment.sponsor, attachment.number ^ leaf.claim.node.digest.low)
        }
        return total
    }

    private func mix(_ key: NodeKey, _ number: UInt64) -> UInt64 {
        var mixer = SeededGenerator(seed: key.digest.low ^ number &* 0x9E37_79B9)
        return mixer.next()
    }
}
