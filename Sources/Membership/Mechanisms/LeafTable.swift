import EventModel
import SansIO

/// The leaves: nodes that are not probed, whose presence their sponsors vouch for.
struct LeafTable: Sendable {
    /// A sponsor's newest word about a leaf.
    struct Attachment: Sendable {
        var sponsor: NodeKey
        var number: UInt64
        /// The leaf's certificate for which the sponsor said it.
        var certificate: CertificateFingerprint
        /// The sponsor's certificate that signed it.
        var signer: CertificateFingerprint
        var isAttached: Bool
        var signed: [UInt8]
        /// How often the sponsor may still change its mind about this leaf.
        var changes = Allowance()
    }

    /// A claim that was refused for its name, whose certificate is kept with it.
    struct Contender: Sendable {
        var claim: [UInt8]
        var incarnation: UInt64
        var certificate: CertificateFingerprint
    }

    /// One leaf.
    struct Leaf: Sendable {
        var claim: NodeClaim
        var signed: [UInt8]
        var facts: CertificateFacts
        var isEntitled = true
        /// By order of hearing; only sponsors that the leaf names.
        var attachments: [Attachment] = []
        /// The last words of sponsors of former claims that do not hold for the present one: who still holds such a claim, and may
        /// have missed several after it, has to hear that they let go of it. The last few of them, one of each.
        fileprivate(set) var farewells: [Attachment] = []
        var changes = Allowance()
        /// Its certificate replaced another that did not vouch for it.
        var isProvisional = false
        /// Certificates of its name that vouched for the one after them, as was verified; the last few.
        fileprivate(set) var supersedes: [CertificateFingerprint] = []
        /// The last claim of its name under another certificate that was refused: heard again when this one is away.
        fileprivate(set) var contender: Contender?
        /// Since when no present sponsor holds its uplink; nil while one does.
        fileprivate(set) var absentSince: Int64?
        /// What it adds to the sum.
        fileprivate var share: UInt64 = 0

        /// Which of the accounts that it claims count.
        var hosting = HostedAccounts()

        /// What is known of it, as a number: its claim, and who said what last. Two sponsors may say something at the same time, so
        /// the numbers of their words alone do not tell which of the two was heard.
        var knownNumber: UInt64 {
            attachments.reduce(claim.incarnation) { sum, word in
                var mixer = SeededGenerator(seed: word.sponsor.digest.low ^ word.number &* 0x9E37_79B9)
                return sum &+ mixer.next() >> 2
            }
        }
    }

    private(set) var leaves: [Leaf] = []
    private var index: [NodeKey: Int] = [:]
    private var certificates: [CertificateFingerprint: NodeKey] = [:]
    /// Leaves that were members before, as they were then.
    private var formers: [NodeKey: MemberRecord] = [:]
    /// The sum of the present leaves: tables that hold the same uplinks open have equal sums, whatever they remember besides.
    private(set) var sum: UInt64 = 0
    /// Leaves by the time since when they are absent; those that are present again by now come up and are skipped.
    private var absences: [(leaf: NodeKey, since: Int64)] = []
    private var firstAbsence = 0

    /// Sponsors' words about leaves whose claims are not known yet: the two travel together, but a claim may have to wait for
    /// its certificate. The oldest word of the sponsor that has the most gives way.
    private var early: [(leaf: NodeKey, sponsor: NodeKey, signed: [UInt8])] = []
    private static let earlyLimit = 256

    var count: Int { leaves.count }

    func hasEarly(_ leaf: NodeKey, _ signed: [UInt8]) -> Bool {
        early.contains { $0.leaf == leaf && $0.signed == signed }
    }

    mutating func keepEarly(_ leaf: NodeKey, sponsor: NodeKey, _ signed: [UInt8]) {
        early.append((leaf, sponsor, signed))
        guard early.count > Self.earlyLimit else { return }
        var counts: [NodeKey: Int] = [:]
        for word in early { counts[word.sponsor, default: 0] += 1 }
        let most = counts.values.max()
        if let oldest = early.firstIndex(where: { counts[$0.sponsor] == most }) { early.remove(at: oldest) }
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
        leaves[place].supersedes = former.supersedes
    }

    mutating func setHosting(_ place: Int, _ hosting: HostedAccounts) { leaves[place].hosting = hosting }

    mutating func setContender(_ place: Int, _ contender: Contender) {
        leaves[place].contender = contender
        certificates[contender.certificate] = leaves[place].claim.node
    }

    /// Removes and returns a leaf's contender, whose certificate may not be used any more.
    mutating func takeContender(_ place: Int) -> Contender? {
        guard let contender = leaves[place].contender else { return nil }
        leaves[place].contender = nil
        if leaves[place].facts.fingerprint != contender.certificate { certificates[contender.certificate] = nil }
        return contender
    }

    mutating func setProvisional(_ place: Int, _ isProvisional: Bool, supersedes: [CertificateFingerprint]) {
        leaves[place].isProvisional = isProvisional
        leaves[place].supersedes = supersedes
    }

    /// Takes a leaf's claim that is newer than what is held; there is room for it. Returns its place and the certificate that it
    /// gave up.
    mutating func take(
        _ claim: NodeClaim,
        _ signed: [UInt8],
        _ facts: CertificateFacts
    ) -> (place: Int, unused: CertificateFingerprint?) {
        guard let place = index[claim.node] else {
            leaves.append(Leaf(claim: claim, signed: signed, facts: facts))
            index[claim.node] = leaves.count - 1
            certificates[facts.fingerprint] = claim.node
            return (leaves.count - 1, nil)
        }
        let previous = leaves[place].facts.fingerprint
        leaves[place].claim = claim
        leaves[place].signed = signed
        leaves[place].facts = facts
        leaves[place].isEntitled = true
        let isNamed = claim.description.sponsors.contains
        // After a renewal the words for the certificate before hold; for a process that took its place they do not.
        let isFollowed = previous == facts.fingerprint || leaves[place].supersedes.contains(previous)
        let entitled = leaves[place].supersedes + [facts.fingerprint]
        sortWords(
            place,
            keeping: { isNamed($0.sponsor) && (isFollowed || $0.certificate == facts.fingerprint) },
            returning: { isNamed($0.sponsor) && entitled.contains($0.certificate) }
        )
        guard previous != facts.fingerprint else { return (place, nil) }
        certificates[previous] = nil
        certificates[facts.fingerprint] = claim.node
        return (place, previous)
    }

    private static let farewellLimit = 4

    /// Tells words that hold for a new claim from those that do not. Of each sponsor there is one among both, its newest: that of one
    /// that is named again counts again.
    private mutating func sortWords(
        _ place: Int,
        keeping isKept: (Attachment) -> Bool,
        returning isReturned: (Attachment) -> Bool
    ) {
        let (words, farewells) = (leaves[place].attachments, leaves[place].farewells)
        leaves[place].attachments = words.filter(isKept) + farewells.filter(isReturned)
        leaves[place].farewells = (farewells.filter { !isReturned($0) } + words.filter { !isKept($0) })
            .suffix(Self.farewellLimit)
    }

    /// Notes which sponsors' words about a leaf hold now; with none it is absent. Returns whether the sum changed.
    mutating func note(_ place: Int, held: [Attachment], now: Int64) -> Bool {
        let claim = leaves[place].claim
        var share: UInt64 = held.isEmpty ? 0 : mix(claim.node, claim.incarnation)
        for attachment in held {
            share = share &+ mix(attachment.sponsor, attachment.number ^ claim.node.digest.low)
        }
        let isChanged = leaves[place].share != share
        sum = sum &- leaves[place].share &+ share
        leaves[place].share = share
        guard held.isEmpty else {
            leaves[place].absentSince = nil
            return isChanged
        }
        guard leaves[place].absentSince == nil else { return isChanged }
        leaves[place].absentSince = now
        absences.append((claim.node, now))
        if absences.count - firstAbsence > 2 * leaves.count + 64 { tidyAbsences() }
        return isChanged
    }

    /// The leaf that is absent for the longest time.
    mutating func longestAbsent() -> (place: Int, since: Int64)? {
        while firstAbsence < absences.count {
            let (key, since) = absences[firstAbsence]
            if let place = index[key], leaves[place].absentSince == since { return (place, since) }
            firstAbsence += 1
        }
        absences.removeAll(keepingCapacity: false)
        firstAbsence = 0
        return nil
    }

    private mutating func tidyAbsences() {
        absences = absences[firstAbsence...].filter { entry in
            index[entry.leaf].map { leaves[$0].absentSince == entry.since } ?? false
        }
        firstAbsence = 0
    }

    /// Forgets a leaf: the last one takes its place. Returns its certificate, which is not used here any more.
    mutating func forget(_ place: Int) -> CertificateFingerprint {
        let leaf = leaves[place]
        sum = sum &- leaf.share
        index[leaf.claim.node] = nil
        certificates[leaf.facts.fingerprint] = nil
        formers[leaf.claim.node] = nil
        leaves.swapAt(place, leaves.count - 1)
        leaves.removeLast()
        if place < leaves.count { index[leaves[place].claim.node] = place }
        return leaf.facts.fingerprint
    }

    /// Whether a sponsor's word is news. When the leaf does not name the sponsor it is only if the sponsor stood by one of the claims
    /// before: its last word may come after the claim that follows.
    func isNews(_ place: Int, sponsor: NodeKey, number: UInt64) -> Bool {
        let isNamed = leaves[place].claim.description.sponsors.contains(sponsor)
        return lastWord(place, sponsor: sponsor).map { $0.number < number } ?? isNamed
    }

    /// What a sponsor said last of a leaf, be it of one of the claims before the present one.
    func lastWord(_ place: Int, sponsor: NodeKey) -> Attachment? {
        attachment(place, sponsor: sponsor) ?? leaves[place].farewells.first { $0.sponsor == sponsor }
    }

    mutating func attach(_ place: Int, _ attachment: Attachment) {
        let isNamed = leaves[place].claim.description.sponsors.contains(attachment.sponsor)
        if !isNamed, let index = leaves[place].farewells.firstIndex(where: { $0.sponsor == attachment.sponsor }) {
            leaves[place].farewells[index] = attachment
            return
        }
        leaves[place].attachments.removeAll { $0.sponsor == attachment.sponsor }
        leaves[place].farewells.removeAll { $0.sponsor == attachment.sponsor }
        leaves[place].attachments.append(attachment)
    }

    /// Drops a sponsor's words that another certificate than its present one signed. Returns the places with such words.
    mutating func dropWords(of sponsor: NodeKey, exceptBy certificate: CertificateFingerprint) -> [Int] {
        dropWords { $0.sponsor == sponsor && $0.signer != certificate }
    }

    /// Drops the words of other sponsors whose numbers lie above a limit. Returns the places with such words.
    mutating func dropWords(above limit: UInt64, exceptOf own: NodeKey) -> [Int] {
        dropWords { $0.number > limit && $0.sponsor != own }
    }

    private mutating func dropWords(where isDropped: (Attachment) -> Bool) -> [Int] {
        leaves.indices.filter { place in
            leaves[place].farewells.removeAll(where: isDropped)
            guard leaves[place].attachments.contains(where: isDropped) else { return false }
            leaves[place].attachments.removeAll(where: isDropped)
            return true
        }
    }

    /// Counts a sponsor's words above a limit as said with a lower number. Returns the leaves that they are about.
    mutating func renumber(wordsOf sponsor: NodeKey, above limit: UInt64, as number: UInt64) -> [NodeKey] {
        var renumbered: [NodeKey] = []
        for place in leaves.indices {
            leaves[place].farewells.removeAll { $0.sponsor == sponsor && $0.number > limit }
            for index in leaves[place].attachments.indices {
                let word = leaves[place].attachments[index]
                guard word.sponsor == sponsor, word.number > limit else { continue }
                leaves[place].attachments[index].number = number
                renumbered.append(leaves[place].claim.node)
            }
        }
        return renumbered
    }

    func attachment(_ place: Int, sponsor: NodeKey) -> Attachment? {
        leaves[place].attachments.first { $0.sponsor == sponsor }
    }

    /// A sponsor's signed word, as it is passed on to others.
    func word(_ place: Int, sponsor: NodeKey, number: UInt64) -> [UInt8]? {
        let leaf = leaves[place]
        return (leaf.attachments + leaf.farewells).first { $0.sponsor == sponsor && $0.number == number }?.signed
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

    private func mix(_ key: NodeKey, _ number: UInt64) -> UInt64 {
        var mixer = SeededGenerator(seed: key.digest.low ^ number &* 0x9E37_79B9)
        return mixer.next()
    }
}
