import EventModel
import SansIO

/// The table of members: places, states, lists and sums.
extension SWIMInstance {
    /// Changes a member's state and keeps the lists and sums that depend on it.
    mutating func change(_ slot: Int, to state: Member.State) {
        let wasPresent = records[slot].isPresent
        if records[slot].state != state {
            records[slot].state = state
            records[slot].since = clock.now
            records[slot].sinceWall = clock.wall
        }
        let isPresent = records[slot].isPresent
        if isPresent != wasPresent { present += isPresent ? 1 : -1 }
        recount(slot)
        if isPresent { listActive(slot) } else { listDeparted(slot) }
    }

    /// Brings the view's sum up to date with one member.
    mutating func recount(_ slot: Int) {
        let record = records[slot]
        var share: UInt64 = 0
        if record.isPresent {
            var mixer = SeededGenerator(seed: record.key.digest.low ^ record.claim.incarnation &* 0x9E37_79B9)
            share = mixer.next()
        }
        guard share != record.share else { return }
        viewSum = viewSum &- record.share &+ share
        records[slot].share = share
        viewChangedAt = clock.now
    }

    /// Puts a member at a place of the walk that is still ahead. The place is as good as random and another in every node:
    /// members that become known together must not be probed by everybody in the same order.
    mutating func listActive(_ slot: Int) {
        guard slot != 0, !records[slot].isActive else { return }
        records[slot].isActive = true
        active.append(slot)
        var mixer = SeededGenerator(seed: records[0].key.digest.low ^ records[slot].key.digest.high &+ serial)
        let place = Int.random(in: min(turn, active.count - 1)..<active.count, using: &mixer)
        active.swapAt(place, active.count - 1)
    }

    mutating func listDeparted(_ slot: Int) {
        guard slot != 0, !records[slot].isDeparted else { return }
        records[slot].isDeparted = true
        departed.append(slot)
    }

    /// A place for one member more: a free one, or that of the member that left longest ago, or departed otherwise, since those
    /// that are held dead are still tried; nil, with an alarm, when all are present. For a member that has left nobody gives
    /// way.
    mutating func newSlot(for life: NodeClaim.Life) -> Int? {
        if let slot = freeSlots.popLast() { return slot }
        guard records.count < configuration.maximumMembers else {
            guard life == .alive else { return nil }
            let gone = departed.indices.filter { !records[departed[$0]].isPresent }
            func order(_ position: Int) -> (Int, Int64) {
                let record = records[departed[position]]
                return (record.state == .left ? 0 : 1, record.since)
            }
            if let position = gone.min(by: { order($0) < order($1) }) {
                let slot = departed.remove(at: position)
                records[slot].isDeparted = false
                release(slot)
                return freeSlots.popLast()
            }
            if capacityAlarms.take(capacity: 1, perMinute: 1, now: clock.now) {
                emit(.alarm(.tooManyMembers(limit: configuration.maximumMembers)))
            }
            return nil
        }
        return records.count
    }

    /// Forgets a member, which counts as gone if it was present.
    mutating func forget(_ slot: Int, keepsCertificate: Bool = false) {
        if records[slot].isPresent {
            endProbe(slot)
            change(slot, to: .left)
            emit(.left(records[slot].member))
            publish(slot)
            publishLeaves(of: slot)
        }
        departed.removeAll { $0 == slot }
        records[slot].isDeparted = false
        release(slot, keepsCertificate: keepsCertificate)
    }

    /// Gives a departed member's place back.
    mutating func release(_ slot: Int, keepsCertificate: Bool = false) {
        precondition(!records[slot].isPresent && slot != 0, "slot \(slot) is \(records[slot].state)")
        slots[records[slot].key] = nil
        _ = formerDirectory.update(records[slot].identity, nil)
        releaseLists(records[slot].hosting)
        records[slot].hosting = HostedAccounts()
        if records[slot].isActive, let position = active.firstIndex(of: slot) { removeActive(at: position) }
        if keepsCertificate {
            slotOfCertificate[records[slot].facts.fingerprint] = nil
        } else {
            dropCertificate(records[slot].facts.fingerprint)
        }
        if let previous = records[slot].previous { dropCertificate(previous.fingerprint) }
        freeSlots.append(slot)
    }

    /// A member does not use a certificate any more; a leaf that was that member may.
    mutating func dropCertificate(_ fingerprint: CertificateFingerprint) {
        slotOfCertificate[fingerprint] = nil
        forgetIfUnused(fingerprint)
    }

    /// Judges ejected members anew, tries one departed member, and forgets one whose time is over.
    mutating func reconnect(_ generator: inout some RandomNumberGenerator) {
        let bounds = configuration.reconnectPeriod
        let sinceDeath = lastDeathAt.map { Duration.milliseconds((clock.now - $0) / 10) } ?? bounds.upperBound
        let pause = min(max(sinceDeath, bounds.lowerBound), bounds.upperBound).milliseconds
        timers.schedule(.reconnect, at: clock.now + pause / 2 + Int64.random(in: 0...pause, using: &generator))
        readmit(&generator)
        var tries = 0
        while !departed.isEmpty, tries < 8 {
            tries += 1
            let position = Int.random(in: 0..<departed.count, using: &generator)
            let slot = departed[position]
            let isOver = clock.now - records[slot].since > configuration.departedRetention.milliseconds
            if records[slot].isPresent || isOver {
                records[slot].isDeparted = false
                departed.swapAt(position, departed.count - 1)
                departed.removeLast()
                if !records[slot].isPresent { release(slot) }
                continue
            }
            guard records[slot].state == .dead else { continue }
            sendPing(slot, nonce: UInt64.random(in: 1 ... .max, using: &generator), hearsay: nil, isRelayed: false)
            return
        }
        if present == 1, !seeds.isEmpty, !syncing.isJoinScheduled { join(&generator) }
    }

    /// A datagram of a member that is held dead, or that has left: tell it so, and it will say whether it is back.
    mutating func contactedByDeparted(_ slot: Int, _ generator: inout some RandomNumberGenerator) {
        guard records[slot].state == .dead || records[slot].state == .left,
            records[slot].returns.take(capacity: 4, perMinute: 60, now: clock.now)
        else { return }
        sendPing(slot, nonce: UInt64.random(in: 1 ... .max, using: &generator), hearsay: nil, isRelayed: false)
    }
}
