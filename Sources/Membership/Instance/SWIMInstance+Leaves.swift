import EventModel
import SansIO

/// Leaves, and what members contribute to the directory.
extension SWIMInstance {
    /// This node's signed claim and its certificate's chain: what a leaf hands to the nodes that it dials.
    public var ownSignedClaim: (claim: [UInt8], chain: [UInt8]) {
        (records[0].signed, crypto.chain(of: records[0].facts.fingerprint) ?? [])
    }

    /// Every leaf that is known, whether a sponsor holds its uplink or not.
    public var leafCount: Int { leaves.count }

    /// A leaf has opened its uplink to this node: advertises its own claim.
    ///
    /// - Parameters:
    ///   - claim: what the leaf's ``ownSignedClaim`` says; nothing is advertised unless it names this node as a sponsor.
    ///   - chain: its certificate's chain.
    ///   - accounts: what it hosts, when there are too many for its claim to carry them all.
    ///   - now: the wall clock's time.
    ///   - generator: the source of randomness.
    /// - Returns: whether the claim is believed, and what to do.
    public mutating func leafAttached(
        claim: [UInt8],
        chain: [UInt8],
        accounts: [AccountID] = [],
        now: Timestamp,
        using generator: inout some RandomNumberGenerator
    ) -> (outcome: LeafOutcome, actions: [MembershipAction]) {
        entered(now)
        guard let layout = NodeClaim.layout(claim, 0..<claim.count) else {
            counters.droppedMalformed += 1
            return (.refused, left())
        }
        // Of a leaf that was away others may have forgotten what they were told before.
        let isRemembered = leaves.place(layout.head.node).map { leaves.leaves[$0].absentSince != nil } ?? false
        let head = layout.head
        if crypto.certificate(head.certificate) == nil, mayTakeLeaf(head) { learnChain(chain, of: head.certificate) }
        heardClaim(claim, 0..<claim.count, from: nil, sender: nil, &generator)
        if let place = leaves.place(head.node), leaves.leaves[place].claim.certificate != head.certificate,
            leaves.attachment(place, sponsor: records[0].key)?.isAttached == true
        {
            // The uplink that this node vouches for is this one: the process before has none here any more.
            speak(for: place, isAttached: false)
            heardClaim(claim, 0..<claim.count, from: nil, sender: nil, &generator)
        }
        forgetIfUnused(head.certificate)
        // Another process of the same name may be held instead; what is said of that one is not for this uplink.
        guard let place = leaves.place(layout.head.node),
            leaves.leaves[place].claim.certificate == layout.head.certificate
        else { return (.refused, left()) }
        guard leaves.leaves[place].claim.description.sponsors.contains(records[0].key) else {
            let isHeld = leaves.leaves[place].claim.incarnation >= layout.head.incarnation
            return (isHeld ? .unnamed(layout.head.node) : .refused, left())
        }
        if !accounts.isEmpty { leafBrought(accounts) }
        if isRemembered { tell(.leaf(layout.head.node, incarnation: leaves.leaves[place].claim.incarnation)) }
        speak(for: place, isAttached: true)
        return (.attached(layout.head.node), left())
    }

    /// Whether a leaf's claim is not refused already for its number or for want of a place: verifying a chain costs much more than
    /// that.
    private mutating func mayTakeLeaf(_ head: NodeClaim.Head) -> Bool {
        guard !leaves.knows(head.node, incarnation: head.incarnation, certificate: head.certificate),
            head.incarnation <= incarnation(ahead: IncarnationLead.believed)
        else { return false }
        return hasRoom(forLeaf: head.node)
    }

    /// A leaf's uplink to this node is gone: withdraws it.
    public mutating func leafDetached(_ leaf: NodeKey, now: Timestamp) -> [MembershipAction] {
        entered(now)
        if let place = leaves.place(leaf), leaves.lastWord(place, sponsor: records[0].key)?.isAttached == true {
            speak(for: place, isAttached: false)
        }
        return left()
    }

    /// Says whether this node holds a leaf's uplink. Words of an earlier process count for nothing, so the number is not below
    /// the epoch.
    private mutating func speak(for place: Int, isAttached: Bool, above other: UInt64 = 0) {
        let own = records[0].key
        let last = leaves.lastWord(place, sponsor: own)?.number ?? 0
        let least = max(records[0].claim.epoch, UInt64(max(clock.wall.milliseconds, 0)))
        let number = max(max(last, other) + 1, least)
        let leaf = leaves.leaves[place].claim
        let statement = AttachmentStatement(
            domain: domain,
            leaf: leaf.node,
            certificate: leaf.certificate,
            signer: records[0].facts.fingerprint,
            number: number,
            isAttached: isAttached
        )
        var bytes = statement.unsigned
        guard let signature = crypto.sign(bytes[...], as: statement.signer) else { return }
        bytes.append(contentsOf: signature)
        leaves.attach(
            place,
            LeafTable.Attachment(
                sponsor: own,
                number: number,
                certificate: leaf.certificate,
                signer: statement.signer,
                isAttached: isAttached,
                signed: bytes
            )
        )
        tell(.attachment(leaf.node, sponsor: own, number: number))
        publishLeaf(place)
    }

    /// Words about leaves that are said again at once; the next follow a gossip period later. Each costs a signature, about
    /// 0.1 ms, so this node is not held up; others take what was said before under the former certificate meanwhile.
    static let attachmentsPerRound = 32

    /// Says again which uplinks end here: under another certificate, or in another epoch, than before. Some leaves are spoken of
    /// though theirs are gone.
    mutating func repeatAttachments(andOf others: [NodeKey] = []) {
        let attached = leaves.leaves.indices.filter {
            leaves.attachment($0, sponsor: records[0].key)?.isAttached == true
        }.map { leaves.leaves[$0].claim.node }
        let known = Set(attached)
        attachmentsToRepeat = attached + others.filter { !known.contains($0) }
        if !isRepeatScheduled { repeatNextAttachments() }
    }

    mutating func repeatNextAttachments() {
        isRepeatScheduled = false
        for _ in 0..<Self.attachmentsPerRound {
            guard let leaf = attachmentsToRepeat.popLast() else { return }
            guard let place = leaves.place(leaf), let word = leaves.attachment(place, sponsor: records[0].key) else {
                continue
            }
            speak(for: place, isAttached: word.isAttached)
        }
        guard !attachmentsToRepeat.isEmpty else { return }
        isRepeatScheduled = true
        timers.schedule(.repeatAttachments, at: clock.now + configuration.gossipPeriod.milliseconds)
    }

    /// Whether there is a place for a leaf more if a claim is that of a new one, asked before its signature is verified.
    mutating func hasRoom(for claim: NodeClaim) -> Bool {
        claim.description.role != .leaf || hasRoom(forLeaf: claim.node)
    }

    private mutating func hasRoom(forLeaf key: NodeKey) -> Bool {
        guard leaves.place(key) == nil, leaves.count >= configuration.maximumLeaves, leaves.longestAbsent() == nil
        else { return true }
        if capacityAlarms.take(capacity: 1, perMinute: 1, now: clock.now) {
            emit(.alarm(.tooManyMembers(limit: configuration.maximumLeaves)))
        }
        return false
    }

    /// Forgets leaves that were away for too long; done now and then.
    mutating func forgetLeaves() {
        let retention = configuration.departedRetention.milliseconds
        while let (place, since) = leaves.longestAbsent(), clock.now - since > retention { forgetLeaf(place) }
    }

    /// Forgets leaves whose claims lie above an incarnation, attached or not.
    mutating func forgetLeaves(aheadOf limit: UInt64) {
        while let place = leaves.leaves.firstIndex(where: { $0.claim.incarnation > limit }) {
            if slots[leaves.leaves[place].claim.node] == nil { apply(leaves.leaves[place].claim.identity, nil) }
            forgetLeaf(place)
            viewChangedAt = clock.now
        }
    }

    /// Of sponsors' words that lie above an incarnation: forgets those of others, and returns of which leaves this node has to say
    /// its own anew.
    mutating func forgetWords(aheadOf limit: UInt64) -> [NodeKey] {
        for place in leaves.dropWords(above: limit, exceptOf: records[0].key) { publishLeaf(place) }
        return leaves.renumber(wordsOf: records[0].key, above: limit, as: records[0].claim.epoch)
    }

    /// A member's name has gone to another process, or one that was not known has it: what the former one said of leaves would
    /// stand in the way of all that this one says, if its numbers were higher.
    mutating func dropWordsOfFormer(_ slot: Int) {
        let certificate = records[slot].facts.fingerprint
        for place in leaves.dropWords(of: records[slot].key, exceptBy: certificate) { publishLeaf(place) }
    }

    private mutating func forgetLeaf(_ place: Int) {
        counters.leavesForgotten += 1
        dropContender(place)
        releaseLists(leaves.leaves[place].hosting)
        forgetIfUnused(leaves.forget(place))
    }

    /// A leaf's claim, verified.
    mutating func takeLeaf(
        _ claim: NodeClaim,
        _ signed: [UInt8],
        _ facts: CertificateFacts,
        _ slot: Int?,
        _ generator: inout some RandomNumberGenerator
    ) {
        if let slot {
            if facts.fingerprint != records[slot].facts.fingerprint {
                guard mayTakeName(claim, signed, facts, slot, &generator) else { return }
            }
            charge(slot, claim)
            becomeLeaf(slot, facts)
        } else if let place = leaves.place(claim.node) {
            guard mayTakeLeafName(claim, signed, facts, place) else { return }
            charge(nil, claim)
        }
        if leaves.place(claim.node) == nil, leaves.count >= configuration.maximumLeaves {
            guard let (place, _) = leaves.longestAbsent() else { return }
            forgetLeaf(place)
        }
        let own = records[0].key
        let wasHeld = leaves.place(claim.node).flatMap { leaves.attachment($0, sponsor: own) }?.isAttached == true
        let (place, unused) = leaves.take(claim, signed, facts)
        followAccounts(ofLeaf: place)
        if slot != nil { leaves.resume(place) }
        dropContender(place, following: claim)
        if let unused {
            forgetIfUnused(unused)
            // The uplink that this node has is not that of the process that took the name.
            if wasHeld, leaves.attachment(place, sponsor: own) == nil { speak(for: place, isAttached: false) }
        }
        counters.claimsAccepted += 1
        tell(.leaf(claim.node, incarnation: claim.incarnation))
        publishLeaf(place)
        for word in leaves.takeEarly(claim.node) { heardAttachment(word, 0..<word.count, sender: nil) }
    }

    /// A sponsor's word about a leaf.
    mutating func heardAttachment(_ bytes: [UInt8], _ range: Range<Int>, sender: Int?) {
        guard let statement = AttachmentStatement(bytes, range) else {
            counters.droppedMalformed += 1
            return
        }
        guard statement.domain == domain else {
            counters.droppedForeign += 1
            return
        }
        guard let signer = slotOfCertificate[statement.signer], isEntitled(signer, signing: statement.signer) else {
            return
        }
        guard signer != 0 else { return heardOwnAttachment(statement, bytes, range, sender) }
        // As with claims: whoever were believed farther ahead could not take it back for as long.
        guard statement.number <= incarnation(ahead: IncarnationLead.believed) else {
            counters.attachmentsIgnored += 1
            return
        }
        guard records[signer].isPresent else { return }
        guard let place = leaves.place(statement.leaf) else {
            return heardEarly(statement, bytes, range, signer, sender)
        }
        let sponsor = records[signer].key
        guard leaves.isNews(place, sponsor: sponsor, number: statement.number) else { return }
        var changes = leaves.lastWord(place, sponsor: sponsor)?.changes ?? Allowance()
        guard hasShareLeft(signer, changes) else { return }
        guard isSigned(statement, bytes, range) else { return noteForgery(passedOnBy: sender) }
        // Only what the sponsor did sign is counted, so nobody else can use up its share.
        let (total, each) = attachmentShares
        _ = records[signer].attachments.take(capacity: total, perMinute: total, now: clock.now)
        _ = changes.take(capacity: each, perMinute: each, now: clock.now)
        leaves.attach(
            place,
            LeafTable.Attachment(
                sponsor: sponsor,
                number: statement.number,
                certificate: statement.certificate,
                signer: statement.signer,
                isAttached: statement.isAttached,
                signed: Array(bytes[range]),
                changes: changes
            )
        )
        tell(.attachment(statement.leaf, sponsor: sponsor, number: statement.number))
        publishLeaf(place)
    }

    /// A word about a leaf whose claim may be on its way.
    private mutating func heardEarly(
        _ statement: AttachmentStatement,
        _ bytes: [UInt8],
        _ range: Range<Int>,
        _ signer: Int,
        _ sender: Int?
    ) {
        let word = Array(bytes[range])
        guard !leaves.hasEarly(statement.leaf, word), hasShareLeft(signer, Allowance()) else { return }
        guard isSigned(statement, bytes, range) else { return noteForgery(passedOnBy: sender) }
        let total = attachmentShares.total
        _ = records[signer].attachments.take(capacity: total, perMinute: total, now: clock.now)
        leaves.keepEarly(statement.leaf, sponsor: records[signer].key, word)
    }

    private var attachmentShares: (total: Int, each: Int) {
        (configuration.attachmentsPerMinutePerSponsor, configuration.changesPerMinutePerMember)
    }

    /// Whether a sponsor may say something more, about its leaves and about this one.
    private mutating func hasShareLeft(_ sponsor: Int, _ changes: Allowance) -> Bool {
        let (total, each) = attachmentShares
        if records[sponsor].attachments.hasToken(capacity: total, perMinute: total, now: clock.now),
            changes.hasToken(capacity: each, perMinute: each, now: clock.now)
        {
            return true
        }
        counters.attachmentsIgnored += 1
        if records[sponsor].alarms.take(capacity: 1, perMinute: 1, now: clock.now) {
            emit(.alarm(.attachmentFlood(records[sponsor].identity)))
        }
        return false
    }

    private func isSigned(_ statement: AttachmentStatement, _ bytes: [UInt8], _ range: Range<Int>) -> Bool {
        let signed = range.lowerBound..<(range.lowerBound + AttachmentStatement.signedBytes)
        return crypto.verify(bytes[signed.upperBound..<range.upperBound], of: bytes[signed], by: statement.signer)
    }

    /// A word in this node's own name that it did not say in this life: it says what is so, above it.
    private mutating func heardOwnAttachment(
        _ statement: AttachmentStatement,
        _ bytes: [UInt8],
        _ range: Range<Int>,
        _ sender: Int?
    ) {
        guard statement.number >= records[0].claim.epoch,
            statement.number <= incarnation(ahead: IncarnationLead.answered),
            let place = leaves.place(statement.leaf),
            leaves.isNews(place, sponsor: records[0].key, number: statement.number),
            ownAttachments.hasToken(capacity: 60, perMinute: 60, now: clock.now)
        else { return }
        guard isSigned(statement, bytes, range) else { return noteForgery(passedOnBy: sender) }
        _ = ownAttachments.take(capacity: 60, perMinute: 60, now: clock.now)
        let isAttached = leaves.lastWord(place, sponsor: records[0].key)?.isAttached ?? false
        speak(for: place, isAttached: isAttached, above: statement.number)
    }

    /// The words about a leaf that hold: of present sponsors, and none of an earlier process of theirs.
    func standing(_ place: Int) -> [LeafTable.Attachment] {
        leaves.leaves[place].attachments.filter { attachment in
            guard attachment.isAttached, let slot = slots[attachment.sponsor] else { return false }
            return records[slot].isPresent && attachment.number >= records[slot].claim.epoch
        }
    }

    /// A sponsor is not present any more, or again, or another process: what it said of its leaves counts differently.
    mutating func publishLeaves(of slot: Int) {
        for place in leaves.places(sponsoredBy: records[slot].key) { publishLeaf(place) }
    }

    /// Brings the directories up to date with one member.
    mutating func publish(_ slot: Int) {
        let record = records[slot]
        var presence: AccountDirectory.Presence?
        if record.isPresent || record.state == .dead, record.claim.description.role == .core {
            presence = AccountDirectory.Presence(
                node: DirectoryNode(
                    identity: record.identity,
                    endpoint: record.claim.description.peer,
                    role: .core,
                    sponsors: [],
                    pressure: record.claim.description.pressure,
                    version: record.claim.description.version,
                    isSuspect: record.state != .alive
                ),
                accounts: record.hosting.accounts,
                named: record.facts.scope.accounts,
                confirmed: record.hosting.confirmed
            )
        }
        _ = formerDirectory.update(record.identity, record.state == .dead ? presence : nil)
        apply(record.identity, record.isPresent ? presence : nil)
    }

    mutating func publishLeaf(_ place: Int) {
        let leaf = leaves.leaves[place]
        // A leaf that has become a member speaks for itself.
        let isMember = slots[leaf.claim.node] != nil
        let held = isMember || leaf.claim.life != .alive ? [] : standing(place)
        if leaves.note(place, held: held, now: clock.now) { viewChangedAt = clock.now }
        guard !isMember else { return }
        hearContenderSoon(place)
        let sponsors = held.compactMap { slots[$0.sponsor].map { records[$0].identity } }.sorted()
        var presence: AccountDirectory.Presence?
        if leaf.isEntitled, !sponsors.isEmpty {
            presence = AccountDirectory.Presence(
                node: DirectoryNode(
                    identity: leaf.claim.identity,
                    endpoint: leaf.claim.description.peer,
                    role: .leaf,
                    sponsors: sponsors,
                    pressure: leaf.claim.description.pressure,
                    version: leaf.claim.description.version,
                    isSuspect: false
                ),
                accounts: leaf.hosting.accounts,
                named: leaf.facts.scope.accounts,
                confirmed: leaf.hosting.confirmed
            )
        }
        apply(leaf.claim.identity, presence)
    }

    private mutating func apply(_ identity: NodeIdentity, _ presence: AccountDirectory.Presence?) {
        let (change, contested, alarms) = directory.update(identity, presence)
        if let change { emit(.directory(change)) }
        counters.accountsContested += UInt64(contested)
        for alarm in alarms { emit(.alarm(alarm)) }
    }
}
