import SansIO

/// What a member with a good certificate could say that is not so, for tests of what the others make of it. Nothing here is called
/// by a node.
extension SWIMInstance {
    /// Something untrue.
    package enum Falsehood: Sendable {
        /// That a member does not answer.
        case suspicion(of: NodeKey, isVerdict: Bool)
        /// That this node holds a leaf's uplink, or does not any more.
        case attachment(NodeKey, isAttached: Bool)
    }

    /// Says untrue things to one member, in a datagram that is right otherwise.
    package mutating func say(_ falsehoods: [Falsehood], to listener: NodeKey, now: Timestamp) -> [MembershipAction] {
        entered(now)
        guard let slot = slots[listener], slot != 0 else { return left() }
        var bytes = message(.gossip)
        for falsehood in falsehoods {
            guard let (kind, content) = signed(falsehood), bytes.count + 3 + content.count <= messageBudget else {
                continue
            }
            appendItem(kind, content, to: &bytes)
        }
        dispatch(bytes, to: records[slot].claim.description.gossip)
        return left()
    }

    /// The request of a full sync that calls every other member dead.
    package var syncThatCallsAllDead: [UInt8] {
        var digest: [UInt8] = []
        for slot in records.indices.dropFirst() where slots[records[slot].key] == slot {
            var entry = entry(slot)
            entry.state = .dead
            SyncMessage.append(entry, to: &digest)
        }
        var body = SyncMessage.begin(.pull, domain: domain, viewSum: viewSum, leafSum: leaves.sum)
        SyncMessage.append(.digest, digest, to: &body)
        return body
    }

    private func signed(_ falsehood: Falsehood) -> (MessageHeader.ItemKind, [UInt8])? {
        let signer = records[0].facts.fingerprint
        let kind: MessageHeader.ItemKind
        var bytes: [UInt8]
        switch falsehood {
        case .suspicion(let subject, let isVerdict):
            guard let slot = slots[subject] else { return nil }
            let incarnation = records[slot].claim.incarnation
            kind = .suspicion
            bytes =
                SuspicionStatement(
                    domain: domain,
                    subject: subject,
                    incarnation: incarnation,
                    signer: signer,
                    isVerdict: isVerdict
                ).unsigned
        case .attachment(let leaf, let isAttached):
            guard let place = leaves.place(leaf) else { return nil }
            kind = .attachment
            bytes =
                AttachmentStatement(
                    domain: domain,
                    leaf: leaf,
                    certificate: leaves.leaves[place].claim.certificate,
                    signer: signer,
                    number: max(records[0].claim.epoch, UInt64(max(clock.wall.milliseconds, 0))),
                    isAttached: isAttached
                ).unsigned
        }
        guard let signature = crypto.sign(bytes[...], as: signer) else { return nil }
        bytes.append(contentsOf: signature)
        return (kind, bytes)
    }
}
