import EventModel
import SansIO

/// What is remembered to judge names.
struct NameState: Sendable {
    var ownDoubleAllowance = Allowance()
    var leafAlarms = Allowance()
    /// Refused claims, by a row for each certificate that contests a name: who holds one cannot use up what the name's owner
    /// needs for its renewal.
    private var contests = [Allowance](repeating: Allowance(), count: 256)
    private static let contestsPerMinute = 60
    private var ownDoubles = 0
    private var lastOwnDouble = Int64.min

    /// Whether a claim under a certificate may cost something though claims under it were refused.
    func hasContest(_ certificate: CertificateFingerprint, now: Int64) -> Bool {
        contests[Self.row(certificate)].hasToken(
            capacity: Self.contestsPerMinute,
            perMinute: Self.contestsPerMinute,
            now: now
        )
    }

    /// Notes that a claim under a certificate was refused.
    mutating func noteContest(_ certificate: CertificateFingerprint, now: Int64) {
        _ = contests[Self.row(certificate)].take(
            capacity: Self.contestsPerMinute,
            perMinute: Self.contestsPerMinute,
            now: now
        )
    }

    private static func row(_ certificate: CertificateFingerprint) -> Int {
        Int(truncatingIfNeeded: certificate.digest.low & 255)
    }

    /// Notes a claim of this node's own that it did not sign in this life; true when that points at a second process. Once
    /// or twice soon after a start it is the memory of others.
    mutating func notesOwnDouble(now: Int64, sinceStart start: Int64) -> Bool {
        ownDoubles += 1
        defer { lastOwnDouble = now }
        guard ownDoubles > 2 || now - start > 60_000 else { return false }
        return lastOwnDouble == .min || now - lastOwnDouble >= 1000 || ownDoubles % 8 == 3
    }
}

/// One name, two certificates: which counts.
///
/// A claim of a known name under another certificate is taken
/// 1. if that certificate has the same public key: a renewal that kept the key;
/// 2. if the held certificate vouches for it with its own signature: a renewal by a running node;
/// 3. if the held certificate does not entitle any more, or its node is not present: a node that was set up again. Such a claim may
///    lie ten minutes ahead of this node's clock at most, so that the owner of a stolen name can go above it;
/// 4. if it is the older of the two, by the beginning of validity, and the held one came by rule 3 or 4: then the newer one
///    was taken while the owner was away.
/// A certificate that vouched for its successor is not taken again for that name while one that followed it is entitled; of each
/// name the last four are remembered by those that saw the renewals. A former key that may be in other hands has to be
/// revoked all the same. Everything else is refused: the view
/// stays, an alarm is raised, and the holder is probed at once. If it does not answer, it dies as any node does, and rule 3
/// then lets its successor in.
///
/// The rules are the same for members and for leaves; a leaf is present while a sponsor says that it holds an uplink under any
/// certificate but the claim's. A name keeps its holder when it changes between the two.
extension SWIMInstance {
    /// Who holds a name.
    private struct NameHolder {
        var facts: CertificateFacts
        /// Certificates that vouched, with a word that was verified, for the one that followed them.
        var supersedes: [CertificateFingerprint]
        var isPresent: Bool
        var isProvisional: Bool
    }

    private enum NameDecision {
        /// By rule 1 or 2.
        case renewed
        /// By rule 3.
        case replaced
        /// By rule 4.
        case restored
        case refused
    }

    private func judge(_ claim: NodeClaim, _ facts: CertificateFacts, _ holder: NameHolder) -> NameDecision {
        let held = holder.facts
        if held.publicKey == facts.publicKey { return .renewed }
        // A revoked certificate stands in nobody's way, and vouches for nobody.
        let mayTake = claim.incarnation <= incarnation(ahead: IncarnationLead.ofSuccessor)
        guard held.standing != .revoked else { return mayTake ? .replaced : .refused }
        guard isEntitled(held) else {
            return isEndorsed(claim, by: held.fingerprint) ? .renewed : mayTake ? .replaced : .refused
        }
        guard !holder.supersedes.contains(facts.fingerprint) else { return .refused }
        if isEndorsed(claim, by: held.fingerprint) { return .renewed }
        guard mayTake else { return .refused }
        if !holder.isPresent { return .replaced }
        let isOlder = (facts.notBefore, facts.fingerprint) < (held.notBefore, held.fingerprint)
        return holder.isProvisional && isOlder ? .restored : .refused
    }

    /// Judges a verified claim of a member's name under another certificate.
    mutating func mayTakeName(
        _ claim: NodeClaim,
        _ signed: [UInt8],
        _ facts: CertificateFacts,
        _ slot: Int,
        _ generator: inout some RandomNumberGenerator
    ) -> Bool {
        let record = records[slot]
        let holder = NameHolder(
            facts: record.facts,
            supersedes: record.supersedes,
            isPresent: record.isPresent,
            isProvisional: record.isProvisional
        )
        switch judge(claim, facts, holder) {
        case .renewed:
            records[slot].isProvisional = false
            records[slot].supersedes = Self.supersedes(record.supersedes, record.facts.fingerprint)
        case .replaced:
            records[slot].isProvisional = true
            records[slot].supersedes = []
            // The new process counts its datagrams anew, and perhaps from an earlier time than the ejected one.
            if record.state == .ejected { records[slot].window = ReplayWindow() }
            emit(.alarm(.nameReplaced(claim.identity, previous: record.facts.fingerprint, now: facts.fingerprint)))
        case .restored:
            records[slot].supersedes = []
            emit(.alarm(.nameReplaced(claim.identity, previous: record.facts.fingerprint, now: facts.fingerprint)))
        case .refused: return refuse(claim, signed, facts, slot, &generator)
        }
        return true
    }

    /// Judges a verified claim of a leaf's name.
    mutating func mayTakeLeafName(
        _ claim: NodeClaim,
        _ signed: [UInt8],
        _ facts: CertificateFacts,
        _ place: Int
    ) -> Bool {
        let leaf = leaves.leaves[place]
        guard leaf.facts.fingerprint != facts.fingerprint else { return true }
        // What was held of the certificate when it was taken says nothing of today.
        var held = leaf.facts
        held.standing = .untrusted
        held = crypto.certificate(held.fingerprint) ?? held
        let holder = NameHolder(
            facts: held,
            supersedes: leaf.supersedes,
            isPresent: isAnotherLeafAttached(place, than: facts.fingerprint),
            isProvisional: leaf.isProvisional
        )
        switch judge(claim, facts, holder) {
        case .renewed:
            leaves.setProvisional(place, false, supersedes: Self.supersedes(leaf.supersedes, leaf.facts.fingerprint))
        case .replaced, .restored:
            leaves.setProvisional(place, true, supersedes: [])
            emit(.alarm(.nameReplaced(claim.identity, previous: leaf.facts.fingerprint, now: facts.fingerprint)))
        case .refused:
            counters.claimsContested += 1
            names.noteContest(facts.fingerprint, now: clock.now)
            dropContender(place)
            leaves.setContender(place, contender(claim, signed))
            guard names.leafAlarms.take(capacity: 4, perMinute: 4, now: clock.now) else { return false }
            emit(
                .alarm(
                    .nameContested(
                        claim.identity,
                        held: leaf.facts.fingerprint,
                        contender: facts.fingerprint,
                        at: claim.description.gossip
                    )
                )
            )
            return false
        }
        return true
    }

    /// The last few certificates of a name that vouched for their successors; none of them is taken again.
    private static func supersedes(
        _ former: [CertificateFingerprint],
        _ last: CertificateFingerprint
    ) -> [CertificateFingerprint] {
        former.suffix(3) + [last]
    }

    /// Whether a sponsor holds the uplink of another process than the one with this certificate. One that speaks of this certificate
    /// says by that that no other process has its uplink there any more; its word may overtake the claim.
    private func isAnotherLeafAttached(_ place: Int, than certificate: CertificateFingerprint) -> Bool {
        standing(place).contains { $0.certificate != certificate }
    }

    /// Whoever held the name of a leaf is away, or may not speak any more: a claim that was refused for it is heard again.
    mutating func hearContenderSoon(_ place: Int) {
        let leaf = leaves.leaves[place]
        guard let contender = leaf.contender,
            !leaf.isEntitled || !isAnotherLeafAttached(place, than: contender.certificate)
        else { return }
        timers.schedule(.contender(leaf.claim.node), at: clock.now)
    }

    mutating func hearContender(_ leaf: NodeKey, _ generator: inout some RandomNumberGenerator) {
        guard let place = leaves.place(leaf), let contender = leaves.takeContender(place) else { return }
        heardClaim(contender.claim, 0..<contender.claim.count, from: nil, sender: nil, &generator)
        forgetIfUnused(contender.certificate)
    }

    mutating func dropContender(_ place: Int) {
        if let contender = leaves.takeContender(place) { forgetIfUnused(contender.certificate) }
    }

    /// What a refused claim leaves behind. Of several the last counts; the others' sponsors, or they themselves, say theirs again.
    private func contender(_ claim: NodeClaim, _ signed: [UInt8]) -> LeafTable.Contender {
        LeafTable.Contender(claim: signed, incarnation: claim.incarnation, certificate: claim.certificate)
    }

    /// A claim was taken: who contested the name still does if it could follow this claim too.
    mutating func dropContender(_ place: Int, following claim: NodeClaim) {
        guard let contender = leaves.leaves[place].contender,
            contender.certificate == claim.certificate || contender.incarnation <= claim.incarnation
        else { return }
        dropContender(place)
    }

    func isEndorsed(_ claim: NodeClaim, by held: CertificateFingerprint) -> Bool {
        guard let endorsement = claim.endorsement, endorsement.previous == held else { return false }
        let bytes = NodeClaim.endorsedBytes(
            domain: domain,
            node: claim.node,
            previous: held,
            next: claim.certificate
        )
        return crypto.verify(endorsement.signature[...], of: bytes[...], by: held)
    }

    private mutating func refuse(
        _ claim: NodeClaim,
        _ signed: [UInt8],
        _ facts: CertificateFacts,
        _ slot: Int,
        _ generator: inout some RandomNumberGenerator
    ) -> Bool {
        counters.claimsContested += 1
        names.noteContest(facts.fingerprint, now: clock.now)
        records[slot].contender = signed
        if records[slot].alarms.take(capacity: 4, perMinute: 4, now: clock.now) {
            emit(
                .alarm(
                    .nameContested(
                        claim.identity,
                        held: records[slot].facts.fingerprint,
                        contender: facts.fingerprint,
                        at: claim.description.gossip
                    )
                )
            )
        }
        if records[slot].isPresent { probeSoon(slot, hearsay: nil, &generator) }
        return false
    }
}
