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
    ///   - claim: what the leaf's ``ownSignedClaim`` says; it must name this node as a sponsor.
    ///   - chain: its certificate's chain.
    ///   - now: the wall clock's time.
    ///   - generator: the source of randomness.
    /// - Returns: the leaf's key, nil when the claim was refused, and what to do.
    public mutating func leafAttached(
        claim: [UInt8],
        chain: [UInt8],
        now: Timestamp,
        using generator: inout some RandomNumberGenerator
    ) -> (leaf: NodeKey?, actions: [MembershipAction]) {
        entered(now)
        guard let layout = NodeClaim.layout(claim, 0..<claim.count) else {
            counters.droppedMalformed += 1
            return (nil, left())
        }
        if crypto.certificate(layout.head.certificate) == nil { _ = crypto.learn(chain[...]) }
        heardClaim(claim, 0..<claim.count, from: nil, sender: nil, &generator)
        forgetIfUnused(layout.head.certificate)
        guard let place = leaves.place(layout.head.node),
            leaves.leaves[place].claim.description.sponsors.contains(records[0].key)
        else { return (nil, left()) }
        speak(for: place, isAttached: true)
        return (layout.head.node, left())
    }

    /// A leaf's uplink to this node is gone: withdraws it.
    public mutating func leafDetached(_ leaf: NodeKey, now: Timestamp) -> [MembershipAction] {
        entered(now)
        if let place = leaves.place(leaf), leaves.attachment(place, sponsor: records[0].key)?.isAttached == true {
            speak(for: place, isAttached: false)
        }
        return left()
    }

    private mutating func speak(for place: Int, isAttached: Bool) {
        let own = records[0].key
        let last = leaves.attachment(place, sponsor: own)?.number ?? 0
        let number = max(last + 1, UInt64(max(clock.wall.milliseconds, 0)))
        let statement = AttachmentStatement(
            domain: domain,
            leaf: leaves.leaves[place].claim.node,
            signer: records[0].facts.fingerprint,
            number: number,
            isAttached: isAttached
        )
        var bytes = statement.unsigned
        guard let signature = crypto.sign(bytes[...], as: statement.signer) else { return }
        bytes.append(contentsOf: signature)
        leaves.attach(
            place,
            LeafTable.Attachment(sponsor: own, number: number, isAttached: isAttached, signed: bytes)
        )
        tell(.leaf(place: place, incarnation: leaves.leaves[place].claim.incarnation))
        tell(.attachment(place: place, sponsor: own, number: number))
        publishLeaf(place)
    }

    /// Whether there is a place for a leaf more if a claim is that of a new one, asked before its signature is verified.
    mutating func hasRoom(for claim: NodeClaim) -> Bool {
        guard leaves.place(claim.node) == nil, claim.description.role == .leaf,
            leaves.count >= configuration.maximumLeaves
        else { return true }
        if capacityAlarms.take(capacity: 1, perMinute: 1, now: clock.now) {
            emit(.alarm(.tooManyMembers(limit: configuration.maximumLeaves)))
        }
        return false
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
            guard mayTakeLeafName(claim, facts, place) else { return }
            charge(nil, claim)
        }
        guard let (place, unused) = leaves.take(claim, signed, facts, limit: configuration.maximumLeaves) else {
            return
        }
        if slot != nil { leaves.resume(place) }
        if let unused { crypto.forget(unused) }
        counters.claimsAccepted += 1
        tell(.leaf(place: place, incarnation: claim.incarnation))
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
        guard let signer = slotOfCertificate[statement.signer], signer != 0, records[signer].isPresent,
            isEntitled(signer, signing: statement.signer)
        else { return }
        guard let place = leaves.place(statement.leaf) else {
            leaves.keepEarly(statement.leaf, Array(bytes[range]))
            return
        }
        guard leaves.isNews(place, sponsor: records[signer].key, number: statement.number) else { return }
        let signed = range.lowerBound..<(range.lowerBound + AttachmentStatement.signedBytes)
        guard crypto.verify(bytes[signed.upperBound..<range.upperBound], of: bytes[signed], by: statement.signer) else {
            return noteForgery(passedOnBy: sender)
        }
        leaves.attach(
            place,
            LeafTable.Attachment(
                sponsor: records[signer].key,
                number: statement.number,
                isAttached: statement.isAttached,
                signed: Array(bytes[range])
            )
        )
        tell(.attachment(place: place, sponsor: records[signer].key, number: statement.number))
        publishLeaf(place)
    }

    func isAttached(_ place: Int) -> Bool { !sponsors(of: place).isEmpty }

    /// The present nodes that hold a leaf's uplink.
    private func sponsors(of place: Int) -> [NodeIdentity] {
        leaves.leaves[place].attachments.compactMap { attachment in
            guard attachment.isAttached, let slot = slots[attachment.sponsor], records[slot].isPresent else {
                return nil
            }
            return records[slot].identity
        }.sorted()
    }

    /// A sponsor is not present any more, or again: what it said of its leaves counts differently.
    mutating func withdrawLeaves(of slot: Int) {
        for place in leaves.places(sponsoredBy: records[slot].key) { publishLeaf(place) }
    }

    /// Brings the directory up to date with one member.
    mutating func publish(_ slot: Int) {
        let record = records[slot]
        var presence: AccountDirectory.Presence?
        if record.isPresent, record.claim.description.role == .core {
            presence = AccountDirectory.Presence(
                node: DirectoryNode(
                    identity: record.identity,
                    endpoint: record.claim.description.peer,
                    role: .core,
                    sponsors: [],
                    pressure: record.claim.description.pressure,
                    version: record.claim.description.version,
                    isSuspect: record.state == .suspect
                ),
                accounts: record.accounts,
                named: record.facts.scope.accounts
            )
        }
        apply(record.identity, presence)
    }

    mutating func publishLeaf(_ place: Int) {
        let leaf = leaves.leaves[place]
        viewChangedAt = clock.now
        // A leaf that has become a member speaks for itself.
        guard slots[leaf.claim.node] == nil else { return }
        let sponsors = sponsors(of: place)
        var presence: AccountDirectory.Presence?
        if leaf.isEntitled, leaf.claim.life == .alive, !sponsors.isEmpty {
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
                accounts: leaf.accounts,
                named: leaf.facts.scope.accounts
            )
        }
        apply(leaf.claim.identity, presence)
    }

    private mutating func apply(_ identity: NodeIdentity, _ presence: AccountDirectory.Presence?) {
        let (changes, alarms) = directory.update(identity, presence)
        for change in changes { emit(.directory(change)) }
        for alarm in alarms { emit(.alarm(alarm)) }
    }
}
