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
    /// - Returns: the answer's body, nil when the request is malformed, of another trust domain or one too many; and what
    ///   to do.
    public mutating func receivedSyncRequest(
        _ body: [UInt8],
        from peer: NodeIdentity,
        now: Timestamp,
        using generator: inout some RandomNumberGenerator
    ) -> (answer: [UInt8]?, actions: [MembershipAction]) {
        entered(now)
        guard takeSyncShare(peer), let message = SyncMessage(body), message.domain == domain else {
            return (nil, left())
        }
        guard message.kind == .pull || message.kind == .push else { return (nil, left()) }
        counters.syncsServed += 1
        absorb(message, body, &generator)
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
        return (answer, left())
    }

    private mutating func takeSyncShare(_ peer: NodeIdentity) -> Bool {
        guard let slot = slots[key(of: peer)], slot != 0 else {
            return syncing.strangers.take(capacity: 2000, perMinute: 6000, now: clock.now)
        }
        return records[slot].syncs.take(capacity: 20, perMinute: 60, now: clock.now)
    }

    /// What is newer here, what differs, and what is newer there.
    private func appendDifferences(_ message: SyncMessage, _ body: [UInt8], to answer: inout [UInt8]) {
        let theirs = message.sections.filter { $0.kind == .digest }.flatMap { SyncMessage.entries(body, $0.range) }
            .prefix(configuration.maximumMembers)
        let byKey = Dictionary(theirs.map { ($0.key, $0) }, uniquingKeysWith: { first, _ in first })
        var differing: [UInt8] = []
        var wanted: [UInt8] = []
        for slot in records.indices where slots[records[slot].key] == slot && records[slot].state != .ejected {
            let mine = entry(slot)
            let their = byKey[mine.key]
            let hasRoom = answer.count < SyncMessage.contentBytes
            if let their, their.incarnation > mine.incarnation {
                wanted.append(mine.key.digest)
            } else if let their, their.incarnation == mine.incarnation {
                if their.state != mine.state { SyncMessage.append(mine, to: &differing) }
                let isNeeded = hasRoom && their.state != mine.state
                for signer in records[slot].suspicion?.signers ?? [] where isNeeded {
                    SyncMessage.append(.suspicion, signer.bytes, to: &answer)
                }
            } else if their != nil || records[slot].state != .dead, hasRoom {
                appendClaim(slot, withChain: their?.certificate != mine.certificate, to: &answer)
                if records[slot].state == .dead { SyncMessage.append(mine, to: &differing) }
            }
        }
        for their in theirs where slots[their.key] == nil && their.state != .dead && their.state != .ejected {
            wanted.append(their.key.digest)
        }
        if !differing.isEmpty { SyncMessage.append(.digest, differing, to: &answer) }
        if !wanted.isEmpty { SyncMessage.append(.wanted, wanted, to: &answer) }
    }

    /// The leaves of which the other side knows less or something else.
    private func appendLeaves(_ message: SyncMessage, _ body: [UInt8], to answer: inout [UInt8]) {
        guard message.sections.contains(where: { $0.kind == .leafDigest }) else { return }
        let theirs = message.sections.filter { $0.kind == .leafDigest }.flatMap { SyncMessage.entries(body, $0.range) }
            .prefix(configuration.maximumLeaves)
        let byKey = Dictionary(theirs.map { ($0.key, $0) }, uniquingKeysWith: { first, _ in first })
        for leaf in leaves.leaves where answer.count < SyncMessage.contentBytes {
            let number = leaf.attachments.reduce(leaf.claim.incarnation) { $0 &+ $1.number }
            let their = byKey[leaf.claim.node]
            guard their?.incarnation != number else { continue }
            let certificate = UInt32(truncatingIfNeeded: leaf.claim.certificate.digest.low)
            if their?.certificate != certificate { appendChain(leaf.claim.certificate, to: &answer) }
            SyncMessage.append(.claim, leaf.signed, to: &answer)
            for attachment in leaf.attachments { SyncMessage.append(.attachment, attachment.signed, to: &answer) }
        }
    }
}
