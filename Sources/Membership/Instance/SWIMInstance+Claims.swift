import EventModel
import SansIO

/// Claims: this node's own, and those of others.
extension SWIMInstance {
    /// Says something new about this node.
    public mutating func changedDescription(_ description: NodeDescription, now: Timestamp) -> [MembershipAction] {
        precondition(description.problems().isEmpty, "\(description.problems())")
        entered(now)
        guard description != records[0].claim.description else { return left() }
        records[0].claim.description = description
        followOwnAccounts()
        renewOwnClaim()
        publish(0)
        return left()
    }

    /// Says the same of this node once more, above what it said before.
    public mutating func repeatedClaim(now: Timestamp) -> [MembershipAction] {
        entered(now)
        renewOwnClaim()
        return left()
    }

    /// Signs this node's claim with a higher incarnation and tells it.
    mutating func renewOwnClaim(above other: UInt64 = 0) {
        let wall = UInt64(max(clock.wall.milliseconds, 0))
        let last = records[0].claim.incarnation
        records[0].claim.incarnation = max(max(last, other) + 1, wall)
        rises.note(last, before: records[0].claim.incarnation)
        signOwnClaim()
        recount(0)
        tell(.claim(slot: 0, incarnation: records[0].claim.incarnation))
    }

    mutating func signOwnClaim() {
        var bytes = records[0].claim.unsigned(domain: domain)
        guard let signature = crypto.sign(bytes[...], as: records[0].claim.certificate) else { return }
        bytes.appendSignature(signature)
        records[0].signed = bytes
    }

    /// Datagrams of an epoch are numbered; a new epoch begins when the numbers are used up, or when this node's past turns
    /// out to lie ahead of its clock.
    mutating func beginEpoch() {
        records[0].claim.epoch = records[0].claim.incarnation + 1
        nextDatagram = 1
        renewOwnClaim()
        repeatAttachments()
    }

    /// A claim that came as gossip or by a sync.
    mutating func heardClaim(
        _ bytes: [UInt8],
        _ range: Range<Int>,
        from source: NodeEndpoint?,
        sender: Int?,
        _ generator: inout some RandomNumberGenerator
    ) {
        guard let layout = NodeClaim.layout(bytes, range) else {
            counters.droppedMalformed += 1
            return
        }
        guard layout.head.domain == domain else {
            counters.droppedForeign += 1
            return
        }
        guard layout.head.node != records[0].key else {
            return heardOwnClaim(bytes, range, layout, sender: sender)
        }
        let slot = slots[layout.head.node]
        // No news: the common case, and cheap.
        if let slot, !isNews(layout.head, of: slot) { return }
        if leaves.knows(layout.head.node, incarnation: layout.head.incarnation, certificate: layout.head.certificate) {
            return
        }
        // Whoever were believed so far ahead could never be followed by an honest claim of the same name.
        guard layout.head.incarnation <= incarnation(ahead: IncarnationLead.believed) else {
            return heardClaimAhead(bytes, layout)
        }
        guard let claim = NodeClaim(layout, in: bytes),
            NodeKey(crypto.digest(Array(claim.identity.uri.utf8)[...])) == claim.node,
            claim.identity.isIn(trustDomain: trustDomain)
        else {
            counters.droppedMalformed += 1
            return
        }
        guard let facts = crypto.certificate(claim.certificate) else {
            wait(for: claim.certificate, Array(bytes[range]), from: source, sender: sender)
            return
        }
        guard facts.identity == claim.identity else { return noteForgery(passedOnBy: sender) }
        guard isEntitled(facts) else {
            counters.droppedUnentitled += 1
            return
        }
        guard hasRoom(for: claim) else { return }
        guard !isContestedTooOften(claim, slot, facts) else {
            counters.claimsContested += 1
            return
        }
        guard hasShareLeft(slot, claim) else {
            counters.claimsOverRate += 1
            return
        }
        guard crypto.verify(bytes[layout.signature], of: bytes[layout.signed], by: claim.certificate) else {
            return noteForgery(passedOnBy: sender)
        }
        take(claim, Array(bytes[range]), facts, slot, &generator)
    }

    /// A claim more than half a day ahead of this node's clock. Whose it is decides whether it is worth an alarm, so its signature is
    /// checked now and then. Several nodes ahead mean that this node's own clock is behind.
    private mutating func heardClaimAhead(_ bytes: [UInt8], _ layout: NodeClaim.Layout) {
        counters.claimsAheadOfClock += 1
        guard clockDoubts.checks.take(capacity: 30, perMinute: 30, now: clock.now),
            let claim = NodeClaim(layout, in: bytes), let facts = crypto.certificate(claim.certificate),
            facts.identity == claim.identity, facts.standing == .trusted,
            crypto.verify(bytes[layout.signature], of: bytes[layout.signed], by: claim.certificate)
        else { return }
        clockDoubts.note(claim.node, now: clock.now)
        guard clockDoubts.alarms.take(capacity: 2, perMinute: 1, now: clock.now) else { return }
        let ahead = Int64(min(claim.incarnation, UInt64(Int64.max / 2))) - max(clock.wall.milliseconds, 0)
        emit(.alarm(.clockBehind(claim.identity, by: .milliseconds(ahead), nodes: nodesAheadOfClock)))
    }

    /// Of two claims the higher incarnation counts; but one whose certificate does not entitle any more stands in nobody's
    /// way.
    private func isNews(_ head: NodeClaim.Head, of slot: Int) -> Bool {
        if head.incarnation > records[slot].claim.incarnation { return true }
        return records[slot].state == .ejected && head.certificate != records[slot].facts.fingerprint
    }

    /// Of claims of a name under another certificate than the held one only so many are looked at that were refused: each
    /// costs a verification and a probe.
    private func isContestedTooOften(_ claim: NodeClaim, _ slot: Int?, _ facts: CertificateFacts) -> Bool {
        let held = slot.map { records[$0].facts } ?? leaves.place(claim.node).map { leaves.leaves[$0].facts }
        guard let held, held.fingerprint != facts.fingerprint else { return false }
        return !names.hasContest(facts.fingerprint, now: clock.now)
    }

    private func hasShareLeft(_ slot: Int?, _ claim: NodeClaim) -> Bool {
        let share = configuration.changesPerMinutePerMember
        if let slot {
            return isRefutation(claim, of: slot)
                || records[slot].changes.hasToken(capacity: share, perMinute: share, now: clock.now)
        }
        guard let place = leaves.place(claim.node) else { return true }
        return leaves.leaves[place].changes.hasToken(capacity: share, perMinute: share, now: clock.now)
    }

    /// A node may say something new about itself only so often: departures, returns and changes of role included. A claim
    /// that answers a suspicion or a death is always taken: its number is bounded by those. Charged once the signature and
    /// the right to the name are known, so nobody else can use up a node's share.
    mutating func charge(_ slot: Int?, _ claim: NodeClaim) {
        let share = configuration.changesPerMinutePerMember
        if let slot {
            guard !isRefutation(claim, of: slot) else { return }
            _ = records[slot].changes.take(capacity: share, perMinute: share, now: clock.now)
        } else if let place = leaves.place(claim.node) {
            leaves.takeChange(place, share: share, now: clock.now)
        }
    }

    private func isRefutation(_ claim: NodeClaim, of slot: Int) -> Bool {
        claim.life == .alive && claim.description.role == .core
            && (records[slot].state == .suspect || records[slot].state == .dead)
    }

    private mutating func take(
        _ claim: NodeClaim,
        _ signed: [UInt8],
        _ facts: CertificateFacts,
        _ slot: Int?,
        _ generator: inout some RandomNumberGenerator
    ) {
        guard claim.description.role == .core else {
            takeLeaf(claim, signed, facts, slot, &generator)
            return
        }
        guard let slot else {
            if let place = leaves.place(claim.node), !mayTakeLeafName(claim, signed, facts, place) { return }
            guard let slot = newSlot(for: claim.life) else { return }
            charge(nil, claim)
            install(claim, signed, facts, slot)
            return
        }
        if facts.fingerprint != records[slot].facts.fingerprint {
            guard mayTakeName(claim, signed, facts, slot, &generator) else { return }
            replaceCertificate(facts, slot)
        }
        charge(slot, claim)
        let isSuccessor = facts.fingerprint != records[slot].facts.fingerprint && records[slot].supersedes.isEmpty
        update(claim, signed, facts, slot, isSuccessor: isSuccessor, &generator)
    }

    /// A member says that it is a leaf from now on, so it is no member any more. What it has used up of its shares stays
    /// with its name, for the case that it changes its mind.
    mutating func becomeLeaf(_ slot: Int, _ facts: CertificateFacts) {
        leaves.remember(records[slot])
        forget(slot, keepsCertificate: records[slot].facts.fingerprint == facts.fingerprint)
    }

    /// A member that was not known.
    private mutating func install(_ claim: NodeClaim, _ signed: [UInt8], _ facts: CertificateFacts, _ slot: Int) {
        let record = MemberRecord(
            claim: claim,
            signed: signed,
            facts: facts,
            state: claim.life == .alive ? .alive : .left,
            since: clock.now,
            sinceWall: clock.wall
        )
        if slot == records.count { records.append(record) } else { records[slot] = record }
        if let former = leaves.takeFormer(claim.node) { records[slot].resume(former) }
        if let place = leaves.place(claim.node) {
            records[slot].changes = leaves.leaves[place].changes
            records[slot].isProvisional = leaves.leaves[place].isProvisional
            records[slot].supersedes = leaves.leaves[place].supersedes
        }
        slots[claim.node] = slot
        slotOfCertificate[facts.fingerprint] = slot
        records[slot].window.begin(epoch: claim.epoch)
        counters.claimsAccepted += 1
        followAccounts(slot)
        tell(.claim(slot: slot, incarnation: claim.incarnation))
        if records[slot].state == .alive {
            present += 1
            recount(slot)
            listActive(slot)
            emit(.joined(records[slot].member))
        } else {
            listDeparted(slot)
        }
        publish(slot)
        dropWordsOfFormer(slot)
        publishLeaves(of: slot)
        if let place = leaves.place(claim.node) { publishLeaf(place) }
    }

    /// A newer claim of a known member.
    private mutating func update(
        _ claim: NodeClaim,
        _ signed: [UInt8],
        _ facts: CertificateFacts,
        _ slot: Int,
        isSuccessor: Bool,
        _ generator: inout some RandomNumberGenerator
    ) {
        let before = records[slot].state
        let sameDescription =
            records[slot].claim.description == claim.description
            && records[slot].claim.accountList == claim.accountList
        let sameCertificate = records[slot].claim.certificate == claim.certificate
        let sameEpoch = records[slot].claim.epoch == claim.epoch
        records[slot].claim = claim
        records[slot].signed = signed
        records[slot].facts = facts
        records[slot].suspicion = nil
        records[slot].contender = nil
        records[slot].doubters = []
        records[slot].window.begin(epoch: claim.epoch)
        counters.claimsAccepted += 1
        if !sameDescription || !sameCertificate || followsAnotherList(slot) { followAccounts(slot) }
        tell(.claim(slot: slot, incarnation: claim.incarnation))
        change(slot, to: claim.life == .alive ? .alive : .left)
        switch (before, records[slot].state) {
        case (.alive, .alive):
            if !sameDescription || !sameCertificate { emit(.changed(records[slot].member)) }
        case (.suspect, .alive): emit(.recovered(records[slot].member))
        case (_, .alive):
            emit(.joined(records[slot].member))
            if before == .dead { syncSoon(with: slot, &generator) }
        case (.left, _): break
        default:
            endProbe(slot)
            emit(.left(records[slot].member))
        }
        publish(slot)
        if isSuccessor { dropWordsOfFormer(slot) }
        let wasPresent = before == .alive || before == .suspect
        if !sameEpoch || wasPresent != records[slot].isPresent { publishLeaves(of: slot) }
    }

    /// Whether a claim says what another one does. Signatures are no part of that: anybody can make a second good one of a good one
    /// (ECDSA takes s for N - s, too).
    static func saysTheSame(_ bytes: [UInt8], _ layout: NodeClaim.Layout, as other: [UInt8]) -> Bool {
        guard let held = NodeClaim.layout(other, 0..<other.count) else { return false }
        return bytes[layout.signed] == other[held.signed]
    }

    /// A claim under this node's own name. An earlier life of this node may lie ahead of its clock: then it goes above, but
    /// not farther than others may believe. What they do not believe needs no answer.
    private mutating func heardOwnClaim(
        _ bytes: [UInt8],
        _ range: Range<Int>,
        _ layout: NodeClaim.Layout,
        sender: Int?
    ) {
        let own = records[0].claim
        guard layout.head.incarnation >= own.incarnation, !Self.saysTheSame(bytes, layout, as: records[0].signed) else {
            return
        }
        let isOwnCertificate = layout.head.certificate == own.certificate
        let lead = isOwnCertificate ? IncarnationLead.answered : IncarnationLead.believed
        guard layout.head.incarnation <= incarnation(ahead: lead) else {
            counters.claimsAheadOfClock += 1
            return
        }
        guard let facts = crypto.certificate(layout.head.certificate), facts.identity == own.identity,
            isOwnCertificate || isEntitled(facts),
            let claim = NodeClaim(layout, in: bytes)
        else { return }
        guard crypto.verify(bytes[layout.signature], of: bytes[layout.signed], by: layout.head.certificate) else {
            return noteForgery(passedOnBy: sender)
        }
        let isAbandoned = isOwnCertificate && rises.hasAbandoned(layout.head.incarnation)
        if !isAbandoned, names.notesOwnDouble(now: clock.now, sinceStart: records[0].since) {
            emit(.alarm(.duplicateSelf(at: claim.description.gossip)))
        }
        guard names.ownDoubleAllowance.take(capacity: 6, perMinute: 6, now: clock.now) else { return }
        let isOverlapping = layout.head.epoch >= own.epoch
        if isOverlapping {
            records[0].claim.epoch = layout.head.incarnation + 1
            nextDatagram = 1
        }
        renewOwnClaim(above: layout.head.incarnation)
        if isOverlapping { repeatAttachments() }
    }
}

extension [UInt8] {
    /// Appends a signature and then its length, as signed texts end.
    mutating func appendSignature(_ signature: [UInt8]) {
        precondition(signature.count <= MembershipLimits.signatureBytes, "a signature of \(signature.count) bytes")
        append(contentsOf: signature)
        append(UInt8(truncatingIfNeeded: signature.count))
    }
}
