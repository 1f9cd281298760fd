import SansIO

/// A probe made for another node.
struct Relay: Sendable {
    var nonce: UInt64
    var target: Int
    var origin: NodeEndpoint
    /// Who asked for it.
    var asker: NodeKey
}

/// Probing: each period the next present member, in an order that is shuffled with every round; directly, then through
/// others.
extension SWIMInstance {
    mutating func probeNext(_ generator: inout some RandomNumberGenerator) {
        timers.schedule(.probe, at: clock.now + stretched(configuration.probePeriod))
        guard records[0].claim.description.role == .core else { return }
        startExtraProbes(&generator)
        while true {
            if turn >= active.count {
                turn = 0
                active.shuffle(using: &generator)
            }
            guard turn < active.count else { return }
            let slot = active[turn]
            guard records[slot].isPresent else {
                removeActive(at: turn)
                continue
            }
            turn += 1
            guard checkEntitlement(slot) else { continue }
            if records[slot].probe == nil { probe(slot, hearsay: nil, isExtra: false, &generator) }
            return
        }
    }

    /// Has a member probed before its turn.
    mutating func probeSoon(_ slot: Int, hearsay: Member.State?, _ generator: inout some RandomNumberGenerator) {
        guard records[slot].probe == nil, !records[slot].isQueuedForProbe else { return }
        guard probesUnderWay >= configuration.maximumProbes else {
            probe(slot, hearsay: hearsay, isExtra: true, &generator)
            return
        }
        records[slot].isQueuedForProbe = true
        extraProbes.append((slot, hearsay))
    }

    private mutating func startExtraProbes(_ generator: inout some RandomNumberGenerator) {
        while probesUnderWay < configuration.maximumProbes, let (slot, hearsay) = extraProbes.popLast() {
            records[slot].isQueuedForProbe = false
            guard records[slot].isPresent, records[slot].probe == nil else { continue }
            probe(slot, hearsay: hearsay, isExtra: true, &generator)
        }
    }

    private mutating func probe(
        _ slot: Int,
        hearsay: Member.State?,
        isExtra: Bool,
        _ generator: inout some RandomNumberGenerator
    ) {
        let nonce = UInt64.random(in: 1 ... .max, using: &generator)
        records[slot].probe = MemberRecord.Probe(nonce: nonce, hearsay: hearsay, isExtra: isExtra)
        probesUnderWay += 1
        counters.probes += 1
        let timeout = stretched(configuration.probeTimeout)
        sendPing(slot, nonce: nonce, hearsay: hearsay, isRelayed: false)
        timers.schedule(.repeatPing(slot: slot, probe: nonce), at: clock.now + timeout / 2)
        timers.schedule(.askOthers(slot: slot, probe: nonce), at: clock.now + timeout)
    }

    /// Pings again for as long as the probe lasts: on a lossy network others need to be asked, and suspicions are raised,
    /// far less often.
    mutating func repeatPing(_ slot: Int, _ nonce: UInt64) {
        guard let probe = records[slot].probe, probe.nonce == nonce else { return }
        sendPing(slot, nonce: nonce, hearsay: probe.hearsay, isRelayed: false)
        let pause = stretched(configuration.probeTimeout) / 2
        timers.schedule(.repeatPing(slot: slot, probe: nonce), at: clock.now + pause)
    }

    mutating func askOthers(_ slot: Int, _ nonce: UInt64, _ generator: inout some RandomNumberGenerator) {
        guard let probe = records[slot].probe, probe.nonce == nonce else { return }
        counters.probesIndirect += 1
        let body = pingBody(slot, nonce: nonce, hearsay: probe.hearsay, isRelayed: true)
        let helpers = randomActive(configuration.indirectProbes, except: slot, &generator)
        records[slot].probe?.asked = helpers.count
        for helper in helpers {
            var bytes = message(.pingRequest)
            body.append(to: &bytes)
            dispatch(bytes, to: records[helper].claim.description.gossip)
        }
        timers.schedule(
            .concludeProbe(slot: slot, probe: nonce),
            at: clock.now + stretched(configuration.indirectTimeout)
        )
    }

    mutating func concludeProbe(_ slot: Int, _ nonce: UInt64, _ generator: inout some RandomNumberGenerator) {
        guard let probe = records[slot].probe, probe.nonce == nonce else { return }
        endProbe(slot)
        counters.probesFailed += 1
        // Each helper that did not even say that it got no answer points at this node's own troubles.
        worsen(by: probe.asked > 0 ? max(probe.asked - probe.nacks, 0) : 1)
        suspectByOwnProbe(slot, &generator)
    }

    mutating func endProbe(_ slot: Int) {
        guard records[slot].probe != nil else { return }
        records[slot].probe = nil
        probesUnderWay -= 1
    }

    private mutating func probeAnswered(_ slot: Int) {
        endProbe(slot)
        counters.probesAnswered += 1
        worsen(by: -1)
    }

    func pingBody(_ slot: Int, nonce: UInt64, hearsay: Member.State?, isRelayed: Bool) -> PingBody {
        let tells = configuration.lifeguard.contains(.buddy) || !records[slot].isPresent
        return PingBody(
            nonce: nonce,
            target: records[slot].key,
            incarnation: records[slot].claim.incarnation,
            state: tells ? (hearsay ?? records[slot].state) : .alive,
            isRelayed: isRelayed
        )
    }

    mutating func sendPing(_ slot: Int, nonce: UInt64, hearsay: Member.State?, isRelayed: Bool) {
        var bytes = message(.ping)
        pingBody(slot, nonce: nonce, hearsay: hearsay, isRelayed: isRelayed).append(to: &bytes)
        appendNews(to: &bytes, budget: messageBudget)
        dispatch(bytes, to: records[slot].claim.description.gossip)
    }

    mutating func receivedPing(_ body: PingBody, _ slot: Int, _ source: NodeEndpoint) {
        guard body.target == records[0].key else {
            counters.misdirectedProbes += 1
            return
        }
        heardOfSelf(body, from: slot)
        let own = records[0].claim
        let isBehind = body.incarnation < own.incarnation || body.state != .alive
        let budget = body.isRelayed ? messageBudget - 512 : messageBudget
        let isTooLong = body.isRelayed && records[0].signed.count > budget - 128
        sendAck(body.nonce, to: source, budget: budget, withClaim: isBehind && !isTooLong)
    }

    /// Answers a ping. `budget` 0 sends no news along.
    mutating func sendAck(_ nonce: UInt64, to source: NodeEndpoint, budget: Int, withClaim: Bool) {
        var bytes = message(.ack)
        bytes.append(nonce)
        bytes.append(records[0].claim.incarnation)
        if withClaim { appendItem(.claim, records[0].signed, to: &bytes) }
        appendNews(to: &bytes, budget: budget)
        dispatch(bytes, to: source)
    }

    mutating func receivedAck(_ message: [UInt8], _ nonce: UInt64, _ incarnation: UInt64, _ slot: Int) {
        if records[slot].probe?.nonce == nonce { probeAnswered(slot) }
        guard let index = relays.firstIndex(where: { $0.nonce == nonce && $0.target == slot }) else { return }
        let relay = relays.remove(at: index)
        var bytes = self.message(.relayedAck)
        guard bytes.count + 2 + message.count <= messageBudget else { return }
        bytes.append(UInt16(truncatingIfNeeded: message.count))
        bytes.append(contentsOf: message)
        dispatch(bytes, to: relay.origin)
    }

    mutating func receivedPingRequest(_ body: PingBody, _ slot: Int, _ source: NodeEndpoint) {
        guard let target = slots[body.target], target != 0, target != slot, records[target].state != .ejected,
            mayRelay(for: records[slot].key)
        else { return }
        counters.relays += 1
        relays.append(Relay(nonce: body.nonce, target: target, origin: source, asker: records[slot].key))
        var bytes = message(.ping)
        var passed = body
        passed.isRelayed = true
        // Whoever of the two holds less of the target speaks: it can then put both right.
        if records[target].claim.incarnation > body.incarnation { passed.state = .alive }
        passed.append(to: &bytes)
        dispatch(bytes, to: records[target].claim.description.gossip)
        let patience = configuration.indirectTimeout.milliseconds * 4 / 5
        timers.schedule(.nack(nonce: body.nonce), at: clock.now + patience)
    }

    /// Whether a member may have one probe more made for it: an eighth of all at once, so that none can use them all up.
    private mutating func mayRelay(for asker: NodeKey) -> Bool {
        let share = max(1, configuration.maximumRelays / 8)
        let own = relays.count { $0.asker == asker }
        if relays.count < configuration.maximumRelays, own < share { return true }
        counters.relaysDeclined += 1
        return false
    }

    mutating func sendNack(_ nonce: UInt64) {
        guard let index = relays.firstIndex(where: { $0.nonce == nonce }) else { return }
        let relay = relays.remove(at: index)
        guard configuration.lifeguard.contains(.localHealth) else { return }
        counters.nacksSent += 1
        var bytes = message(.nack)
        bytes.append(nonce)
        bytes.append(records[relay.target].key.digest)
        dispatch(bytes, to: relay.origin)
    }

    mutating func receivedNack(_ nonce: UInt64, _ target: NodeKey) {
        guard let slot = slots[target], let probe = records[slot].probe, probe.nonce == nonce else { return }
        records[slot].probe?.nacks = min(probe.nacks + 1, probe.asked)
    }

    /// The target's own signed answer, passed on by a helper: the helper is not believed, the signature is.
    mutating func receivedRelayedAck(
        _ message: [UInt8],
        _ range: Range<Int>,
        _ source: NodeEndpoint,
        _ generator: inout some RandomNumberGenerator
    ) {
        guard case .success(let layout) = MessageHeader.layout(message, range), layout.header.kind == .ack,
            layout.header.domain == domain, let slot = slotOfCertificate[layout.header.certificate], slot != 0,
            isEntitled(slot, signing: layout.header.certificate)
        else { return }
        var reader = ByteReader(message, layout.content)
        guard let nonce = reader.uint64(), reader.uint64() != nil, records[slot].probe?.nonce == nonce else { return }
        guard crypto.verify(message[layout.signature], of: message[layout.signed], by: layout.header.certificate) else {
            counters.droppedForged += 1
            return
        }
        probeAnswered(slot)
        receivedItems(message, &reader, from: source, sender: slot, &generator)
    }
}
