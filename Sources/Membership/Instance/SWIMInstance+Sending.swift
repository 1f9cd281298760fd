import SansIO

extension SWIMInstance {
    /// Bytes that a message has for body and gossip items.
    var messageBudget: Int {
        configuration.datagramBytes - crypto.sealOverheadBytes - MembershipLimits.signatureBytes - 1
    }

    /// Sends a member a datagram with the given items, whatever they say: the place where a simulation has a member lie.
    package mutating func send(
        _ items: [(kind: MessageHeader.ItemKind, content: [UInt8])],
        to listener: NodeKey,
        now: Timestamp
    ) -> [MembershipAction] {
        entered(now)
        guard let slot = slots[listener], slot != 0 else { return left() }
        var bytes = message(.gossip)
        for item in items where bytes.count + 3 + item.content.count <= messageBudget {
            appendItem(item.kind, item.content, to: &bytes)
        }
        dispatch(bytes, to: records[slot].claim.description.gossip)
        return left()
    }

    /// Begins a datagram; ``dispatch(_:to:)`` ends it.
    mutating func message(_ kind: MessageHeader.Kind) -> [UInt8] {
        if let until = datagramCertificateUntil, until <= clock.now { adoptCertificateForDatagrams() }
        if nextDatagram == .max { beginEpoch() }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(320)
        MessageHeader(
            kind: kind,
            domain: domain,
            certificate: datagramCertificate,
            epoch: records[0].claim.epoch,
            number: nextDatagram,
            viewSum: viewSum &+ leaves.sum
        ).append(to: &bytes)
        nextDatagram += 1
        return bytes
    }

    /// Signs, seals and sends a datagram.
    mutating func dispatch(_ message: consuming [UInt8], to endpoint: NodeEndpoint) {
        var bytes = message
        if seal(&bytes) { actions.append(.send(bytes, to: endpoint)) }
    }

    private mutating func seal(_ bytes: inout [UInt8]) -> Bool {
        guard let signature = crypto.sign(bytes[...], as: datagramCertificate) else {
            // The previous key was given up early: the next datagram is signed with the present one.
            adoptCertificateForDatagrams()
            return false
        }
        precondition(signature.count <= MembershipLimits.signatureBytes, "a signature of \(signature.count) bytes")
        bytes.append(contentsOf: signature)
        bytes.append(UInt8(truncatingIfNeeded: signature.count))
        crypto.seal(&bytes)
        counters.sentDatagrams += 1
        counters.sentBytes += UInt64(bytes.count)
        return true
    }

    func appendItem(_ kind: MessageHeader.ItemKind, _ content: [UInt8], to bytes: inout [UInt8]) {
        bytes.append(kind.rawValue)
        bytes.append(UInt16(truncatingIfNeeded: content.count))
        bytes.append(contentsOf: content)
    }

    /// Appends news while they fit.
    mutating func appendNews(to bytes: inout [UInt8], budget: Int) {
        for queue in [\SWIMInstance.queue, \.leafQueue] where hasNews && budget > bytes.count + 64 {
            drain(queue, to: &bytes, budget: budget)
        }
    }

    private mutating func drain(
        _ path: WritableKeyPath<SWIMInstance, DisseminationQueue>,
        to bytes: inout [UInt8],
        budget: Int
    ) {
        var queue = DisseminationQueue()
        swap(&queue, &self[keyPath: path])
        queue.drain(limit: retransmitLimit) { item in
            guard let (kind, content) = news(item) else { return .stale }
            guard bytes.count + 3 + content.count <= budget else { return .tooLong }
            appendItem(kind, content, to: &bytes)
            return .told
        }
        swap(&queue, &self[keyPath: path])
    }

    /// Whether there is something to tell.
    private var hasNews: Bool { !queue.isEmpty || !leafQueue.isEmpty }

    /// How often news are told.
    var retransmitLimit: Int {
        configuration.retransmitMultiplier * max(LogarithmTable.ceilingOfDecimal(present + 1), 1)
    }

    /// What an item of the queue says now; nil when it was overtaken.
    private func news(_ item: DisseminationQueue.Item) -> (MessageHeader.ItemKind, [UInt8])? {
        switch item {
        case .claim(let slot, let incarnation):
            guard records[slot].claim.incarnation == incarnation, records[slot].state != .ejected else { return nil }
            return (.claim, records[slot].signed)
        case .suspicion(let slot, let serial, let signer):
            guard let suspicion = records[slot].suspicion, suspicion.serial == serial else { return nil }
            return (.suspicion, suspicion.signers[signer].bytes)
        case .leaf(let key, let incarnation):
            guard let leaf = leaves.place(key).map({ leaves.leaves[$0] }), leaf.claim.incarnation == incarnation else {
                return nil
            }
            return (.claim, leaf.signed)
        case .attachment(let key, let sponsor, let number):
            let word = leaves.place(key).flatMap { leaves.word($0, sponsor: sponsor, number: number) }
            return word.map { (.attachment, $0) }
        }
    }

    /// Queues news, if this node gossips. To a node that is alone nobody listens: whoever comes gets all with its sync, so only
    /// the newest about itself is kept.
    mutating func tell(_ item: DisseminationQueue.Item) {
        guard records[0].claim.description.role == .core else { return }
        switch item {
        case .leaf, .attachment: if present > 1 { leafQueue.add(item) }
        case .claim, .suspicion:
            if present == 1, case .claim(slot: 0, _) = item { queue = DisseminationQueue() }
            queue.add(item)
        }
    }

    /// Starts rounds of gossip when there are news; they end by themselves.
    mutating func scheduleGossip() {
        guard hasNews, !isGossipScheduled, present > 1, records[0].claim.description.role == .core else {
            return
        }
        isGossipScheduled = true
        timers.schedule(.gossip, at: clock.now + (isLeaving ? 0 : 1))
    }

    /// One round of gossip.
    mutating func gossip(_ generator: inout some RandomNumberGenerator) {
        isGossipScheduled = false
        guard hasNews else { return }
        counters.gossipRounds += 1
        for slot in randomActive(configuration.gossipFanout, except: nil, &generator) {
            var bytes = message(.gossip)
            let empty = bytes.count
            appendNews(to: &bytes, budget: messageBudget)
            guard bytes.count > empty else { break }
            dispatch(bytes, to: records[slot].claim.description.gossip)
        }
        guard hasNews else { return }
        isGossipScheduled = true
        timers.schedule(.gossip, at: clock.now + configuration.gossipPeriod.milliseconds)
    }

    /// Up to `count` different present members, drawn evenly.
    mutating func randomActive(
        _ count: Int,
        except excluded: Int?,
        _ generator: inout some RandomNumberGenerator
    ) -> [Int] {
        var chosen: [Int] = []
        chosen.reserveCapacity(count)
        var tries = 0
        while chosen.count < count, tries < 4 * count + 8, !active.isEmpty {
            tries += 1
            let position = Int.random(in: 0..<active.count, using: &generator)
            let slot = active[position]
            guard records[slot].isPresent else {
                removeActive(at: position)
                continue
            }
            if slot != excluded, !chosen.contains(slot) { chosen.append(slot) }
        }
        return chosen
    }

    /// Takes the entry at a position of the walk out, in constant time.
    mutating func removeActive(at position: Int) {
        records[active[position]].isActive = false
        active.swapAt(position, active.count - 1)
        active.removeLast()
        if turn > active.count { turn = 0 }
    }
}
