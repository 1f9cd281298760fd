import SansIO

extension SWIMInstance {
    /// Works on a datagram from anybody.
    ///
    /// - Parameters:
    ///   - bytes: as received.
    ///   - source: where it claims to come from.
    ///   - now: the wall clock's time.
    ///   - generator: the source of randomness.
    /// - Returns: what to do.
    public mutating func receivedDatagram(
        _ bytes: [UInt8],
        from source: NodeEndpoint,
        now: Timestamp,
        using generator: inout some RandomNumberGenerator
    ) -> [MembershipAction] {
        entered(now)
        counters.receivedDatagrams += 1
        counters.receivedBytes += UInt64(bytes.count)
        // What does not open costs little and is counted against nobody: anybody can write any source on it.
        var message = bytes
        guard bytes.count <= configuration.datagramBytes, crypto.open(&message) else {
            counters.droppedUnsealed += 1
            return left()
        }
        switch MessageHeader.layout(message, 0..<message.count) {
        case .failure(.malformed): counters.droppedMalformed += 1
        case .failure(.unknown): counters.droppedUnknown += 1
        case .success(let layout): receivedMessage(message, layout, source, &generator)
        }
        return left()
    }

    private mutating func receivedMessage(
        _ message: [UInt8],
        _ layout: MessageHeader.Layout,
        _ source: NodeEndpoint,
        _ generator: inout some RandomNumberGenerator
    ) {
        let header = layout.header
        guard header.domain == domain else {
            counters.droppedForeign += 1
            return
        }
        guard let slot = slotOfCertificate[header.certificate], slot != 0 else {
            receivedFromStranger(message, layout, source, &generator)
            return
        }
        guard isEntitled(slot, signing: header.certificate) else {
            counters.droppedUnentitled += 1
            return
        }
        guard records[slot].window.isNew(epoch: header.epoch, number: header.number) else {
            counters.droppedReplayed += 1
            if header.epoch < records[slot].window.epoch { receivedFromThePast(message, layout, slot, source) }
            return
        }
        // An epoch that nobody believes must not move the window past those that its sender is going to use.
        guard
            header.epoch <= records[slot].window.epoch
                || header.epoch <= incarnation(ahead: IncarnationLead.believed)
        else {
            counters.droppedAheadOfClock += 1
            return
        }
        guard mayVerify(slot, source) else {
            counters.droppedOverRate += 1
            return
        }
        guard crypto.verify(message[layout.signature], of: message[layout.signed], by: header.certificate) else {
            noteWrongSignature(slot, source)
            return
        }
        let rate = configuration.datagramsPerSecondPerSource
        _ = records[slot].datagrams.take(capacity: rate, perMinute: rate * 60, now: clock.now)
        records[slot].window.note(epoch: header.epoch, number: header.number)
        var reader = ByteReader(message, layout.content)
        guard receivedBody(header, message, &reader, slot, source, &generator) else {
            counters.droppedMalformed += 1
            return
        }
        if records[slot].isPresent {
            compareViews(with: slot, sum: header.viewSum)
        } else {
            contactedByDeparted(slot, &generator)
        }
    }

    /// Whether a datagram under a member's certificate may cost a verification.
    ///
    /// A member has a share of those that it did sign, which nobody else can use up. Wrong signatures count against where they
    /// come from. The address that a member announces has a share of its own, so whoever speaks in its name from elsewhere
    /// cannot silence it; all other addresses have a row each of a shared table, and one share together. So what a node can
    /// cost that holds the ring's key is bounded, and it has to write others' addresses on its datagrams to silence them.
    private func mayVerify(_ slot: Int, _ source: NodeEndpoint) -> Bool {
        let rate = configuration.datagramsPerSecondPerSource
        let now = clock.now
        guard records[slot].datagrams.hasToken(capacity: rate, perMinute: rate * 60, now: now) else { return false }
        guard source != records[slot].claim.description.gossip else {
            let share = wrongSignaturesFromItsAddress
            return records[slot].wrongSignatures.hasToken(capacity: share, perMinute: share * 60, now: now)
        }
        return wrongSources[row(of: source)].hasToken(capacity: rate, perMinute: rate * 60, now: now)
            && wrongSignatures.hasToken(capacity: rate * 10, perMinute: rate * 600, now: now)
    }

    /// What all other addresses have together, once more and divided among those that are present.
    private var wrongSignaturesFromItsAddress: Int {
        let rate = configuration.datagramsPerSecondPerSource
        return min(rate, max(1, rate * 10 / max(1, present)))
    }

    private mutating func noteWrongSignature(_ slot: Int, _ source: NodeEndpoint) {
        let rate = configuration.datagramsPerSecondPerSource
        let now = clock.now
        counters.droppedForged += 1
        guard source != records[slot].claim.description.gossip else {
            let share = wrongSignaturesFromItsAddress
            _ = records[slot].wrongSignatures.take(capacity: share, perMinute: share * 60, now: now)
            return
        }
        _ = wrongSources[row(of: source)].take(capacity: rate, perMinute: rate * 60, now: now)
        _ = wrongSignatures.take(capacity: rate * 10, perMinute: rate * 600, now: now)
    }

    private mutating func receivedBody(
        _ header: MessageHeader,
        _ message: [UInt8],
        _ reader: inout ByteReader,
        _ slot: Int,
        _ source: NodeEndpoint,
        _ generator: inout some RandomNumberGenerator
    ) -> Bool {
        switch header.kind {
        case .ping:
            guard let body = PingBody(&reader) else { return false }
            receivedItems(message, &reader, from: source, sender: slot, &generator)
            receivedPing(body, slot, source)
        case .ack:
            guard let nonce = reader.uint64(), let incarnation = reader.uint64() else { return false }
            receivedItems(message, &reader, from: source, sender: slot, &generator)
            receivedAck(message, nonce, incarnation, slot)
        case .pingRequest:
            guard let body = PingBody(&reader) else { return false }
            receivedItems(message, &reader, from: source, sender: slot, &generator)
            receivedPingRequest(body, slot, source)
        case .relayedAck:
            guard let count = reader.uint16(), let range = reader.range(Int(count)) else { return false }
            receivedRelayedAck(message, range, source, &generator)
        case .nack:
            guard let nonce = reader.uint64(), let target = reader.digest() else { return false }
            receivedNack(nonce, NodeKey(target))
        case .gossip:
            receivedItems(message, &reader, from: source, sender: slot, &generator)
        case .chainRequest:
            guard let fingerprint = reader.digest() else { return false }
            receivedChainRequest(CertificateFingerprint(fingerprint), slot, source)
        case .chainPart:
            return receivedChainPart(message, &reader, &generator)
        }
        return true
    }

    /// A sender whose certificate is not known, or is not its member's any more. Its pings are answered, which tells it
    /// nothing new and keeps a node that has just started from being suspected: each once, and so many a second. Everything
    /// else needs a signature that can be checked. Certificates are checked by themselves.
    private mutating func receivedFromStranger(
        _ message: [UInt8],
        _ layout: MessageHeader.Layout,
        _ source: NodeEndpoint,
        _ generator: inout some RandomNumberGenerator
    ) {
        guard slotOfCertificate[layout.header.certificate] == nil else { return }
        let rate = configuration.datagramsPerSecondPerSource
        guard sources[row(of: source)].take(capacity: rate, perMinute: rate * 60, now: clock.now) else {
            counters.droppedOverRate += 1
            return
        }
        _ = askForFormer(layout.header.certificate, from: source)
        var reader = ByteReader(message, layout.content)
        switch layout.header.kind {
        case .ping:
            guard let body = PingBody(&reader), body.target == records[0].key else { return }
            guard strangers.note(layout.header) else {
                counters.droppedReplayed += 1
                return
            }
            // Anybody can write any source on what was recorded, so all of them together have a share too.
            guard strangers.answers.take(capacity: rate, perMinute: rate * 60, now: clock.now) else {
                counters.droppedOverRate += 1
                return
            }
            sendAck(body.nonce, to: source, budget: 0, withClaim: false)
        case .chainPart:
            guard receivedChainPart(message, &reader, &generator) else {
                counters.droppedMalformed += 1
                return
            }
        default:
            counters.droppedStranger += 1
        }
    }

    /// A datagram of an earlier epoch: a repeat, or its sender restarted with its clock set back. Then its own newest claim
    /// lets it go above its past.
    private mutating func receivedFromThePast(
        _ message: [UInt8],
        _ layout: MessageHeader.Layout,
        _ slot: Int,
        _ source: NodeEndpoint
    ) {
        guard records[slot].echoes.hasToken(capacity: 4, perMinute: 60, now: clock.now), mayVerify(slot, source) else {
            return
        }
        guard crypto.verify(message[layout.signature], of: message[layout.signed], by: layout.header.certificate) else {
            noteWrongSignature(slot, source)
            return
        }
        _ = records[slot].echoes.take(capacity: 4, perMinute: 60, now: clock.now)
        var bytes = self.message(.gossip)
        appendItem(.claim, records[slot].signed, to: &bytes)
        dispatch(bytes, to: source)
    }

    /// Gossip items: each stands on its own signature.
    mutating func receivedItems(
        _ message: [UInt8],
        _ reader: inout ByteReader,
        from source: NodeEndpoint,
        sender: Int,
        _ generator: inout some RandomNumberGenerator
    ) {
        guard records[sender].mutedUntil <= clock.now else { return }
        while reader.remaining > 0 {
            guard let kind = reader.byte(), let count = reader.uint16(), let range = reader.range(Int(count)) else {
                counters.droppedMalformed += 1
                return
            }
            switch MessageHeader.ItemKind(rawValue: kind) {
            case .claim: heardClaim(message, range, from: source, sender: sender, &generator)
            case .suspicion: heardSuspicion(message, range, sender: sender, &generator)
            case .attachment: heardAttachment(message, range, sender: sender)
            case nil: counters.itemsSkipped += 1
            }
        }
    }

    /// Notes that a member passed on something with a wrong signature, and stops listening to its gossip when that becomes
    /// a habit: each costs a verification.
    mutating func noteForgery(passedOnBy sender: Int?) {
        counters.droppedForged += 1
        guard let sender, sender != 0 else { return }
        if !records[sender].forgeries.take(capacity: 20, perMinute: 20, now: clock.now) {
            records[sender].mutedUntil = clock.now + 60_000
        }
    }

    /// A row of the table of sources: a deterministic hash of the address.
    private func row(of source: NodeEndpoint) -> Int {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in source.host.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
        hash = (hash ^ UInt64(source.port)) &* 0x100_0000_01B3
        return Int((hash ^ hash >> 32) & 255)
    }
}
