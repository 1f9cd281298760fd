import EventModel
import SansIO

/// Answering full-state syncs.
extension SWIMInstance {
    /// Answers another node's request to ``MembershipSync/path``.
    ///
    /// - Parameters:
    ///   - body: the request's body.
    ///   - peer: who asks, by the certificate of its link.
    ///   - now: the wall clock's time.
    ///   - generator: the source of randomness.
    /// - Returns: the answer's body, nil when the request is malformed, of another trust domain, one too many or from a node
    ///   that passed on too many wrong signatures; and what to do.
    public mutating func receivedSyncRequest(
        _ body: [UInt8],
        from peer: NodeIdentity,
        now: Timestamp,
        using generator: inout some RandomNumberGenerator
    ) -> (answer: [UInt8]?, actions: [MembershipAction]) {
        entered(now)
        let sender = slots[key(of: peer)]
        guard !isMuted(sender), takeSyncShare(peer, sender), let message = SyncMessage(body), message.domain == domain
        else {
            return (nil, left())
        }
        guard message.kind == .pull || message.kind == .push else { return (nil, left()) }
        counters.syncsServed += 1
        absorb(message, body, from: sender, &generator)
        var answer = SyncMessage.begin(
            message.kind == .pull ? .pullAnswer : .pushAnswer,
            domain: domain,
            viewSum: viewSum,
            leafSum: leaves.sum
        )
        if message.kind == .pull {
            appendDifferences(message, body, to: &answer)
        } else {
            appendLeaves(message, body, to: &answer)
        }
        appendLists(message, body, to: &answer)
        return (answer, left())
    }

    /// Members have a share each. Nodes that are not known yet share a row with few others, so that one of them cannot use up
    /// what the rest need for joining.
    private mutating func takeSyncShare(_ peer: NodeIdentity, _ slot: Int?) -> Bool {
        guard let slot, slot != 0 else {
            let row = Int(truncatingIfNeeded: key(of: peer).digest.low & 255)
            return syncing.strangers[row].take(capacity: 40, perMinute: 120, now: clock.now)
        }
        return records[slot].syncs.take(capacity: 20, perMinute: 60, now: clock.now)
    }

    /// What is newer here, what differs, and what is newer there.
    private func appendDifferences(_ message: SyncMessage, _ body: [UInt8], to answer: inout [UInt8]) {
        let theirs = message.entries(.digest, in: body, limit: configuration.maximumMembers)
        let byKey = Dictionary(theirs.map { ($0.key, $0) }, uniquingKeysWith: { first, _ in first })
        var differing: [UInt8] = []
        var wanted: [UInt8] = []
        for slot in records.indices where slots[records[slot].key] == slot && records[slot].state != .ejected {
            let mine = entry(slot)
            // A refused certificate's claim does not outrank that of another certificate.
            let isSuperseded =
                byKey[mine.key].map { $0.state == .ejected && $0.certificate != mine.certificate } ?? false
            let their = isSuperseded ? nil : byKey[mine.key]
            let hasRoom = answer.count < SyncMessage.contentBytes
            if let their, their.incarnation > mine.incarnation {
                wanted.append(mine.key.digest)
            } else if let their, their.incarnation == mine.incarnation {
                if their.state != mine.state { SyncMessage.append(mine, to: &differing) }
                let isNeeded = hasRoom && their.state != mine.state
                for signer in records[slot].suspicion?.signers ?? [] where isNeeded {
                    SyncMessage.append(.suspicion, signer.bytes, to: &answer)
                }
            } else if their != nil || records[slot].isPresent, isEntitled(records[slot].facts), hasRoom {
                // Who is not here need not be known: the other side may have forgotten it. And nobody takes a claim whose
                // certificate has expired meanwhile.
                appendClaim(slot, withChain: their?.certificate != mine.certificate, to: &answer)
                if records[slot].state == .dead { SyncMessage.append(mine, to: &differing) }
            }
        }
        for their in theirs where their.state != .dead && their.state != .ejected {
            guard let slot = slots[their.key] else {
                if their.state != .left { wanted.append(their.key.digest) }
                continue
            }
            if records[slot].state == .ejected, entry(slot).certificate != their.certificate {
                wanted.append(their.key.digest)
            }
        }
        if !differing.isEmpty { SyncMessage.append(.digest, differing, to: &answer) }
        if !wanted.isEmpty { SyncMessage.append(.wanted, wanted, to: &answer) }
    }

    /// The leaves of which the other side knows less or something else.
    private func appendLeaves(_ message: SyncMessage, _ body: [UInt8], to answer: inout [UInt8]) {
        guard message.sections.contains(where: { $0.kind == .leafDigest }) else { return }
        let theirs = message.entries(.leafDigest, in: body, limit: configuration.maximumLeaves)
        let byKey = Dictionary(theirs.map { ($0.key, $0) }, uniquingKeysWith: { first, _ in first })
        for leaf in leaves.leaves where answer.count < SyncMessage.contentBytes {
            let number = leaf.knownNumber
            let their = byKey[leaf.claim.node]
            // What the other side does not know and is not here either need not be known: it may have been forgotten there.
            guard their?.incarnation != number, their != nil || leaf.absentSince == nil else { continue }
            let certificate = UInt32(truncatingIfNeeded: leaf.claim.certificate.digest.low)
            if their?.certificate != certificate { appendChain(leaf.claim.certificate, to: &answer) }
            SyncMessage.append(.claim, leaf.signed, to: &answer)
            for word in leaf.attachments + leaf.farewells {
                SyncMessage.append(.attachment, word.signed, to: &answer)
            }
        }
    }
}
