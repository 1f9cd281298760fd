import EventModel
import SansIO

/// Suspicions: raising, hearing, counting signers, and the death that follows when nobody refutes.
extension SWIMInstance {
    /// This node's own probe of a member failed.
    mutating func suspectByOwnProbe(_ slot: Int, _ generator: inout some RandomNumberGenerator) {
        guard records[slot].isPresent else { return }
        let key = records[0].key
        if let suspicion = records[slot].suspicion {
            guard !suspicion.signers.contains(where: { $0.node == key }),
                suspicion.doubts <= configuration.suspicionConfirmations
            else { return }
        }
        guard let bytes = signedSuspicion(of: slot, isVerdict: false) else { return }
        counters.suspicionsRaised += 1
        count(bytes, signer: 0, slot, isVerdict: false, &generator)
    }

    private func signedSuspicion(of slot: Int, isVerdict: Bool) -> [UInt8]? {
        let statement = SuspicionStatement(
            domain: domain,
            subject: records[slot].key,
            incarnation: records[slot].claim.incarnation,
            signer: records[0].facts.fingerprint,
            isVerdict: isVerdict
        )
        var bytes = statement.unsigned
        guard let signature = crypto.sign(bytes[...], as: statement.signer) else { return nil }
        bytes.append(contentsOf: signature)
        return bytes
    }

    /// Another node's word that a member does not answer.
    mutating func heardSuspicion(
        _ bytes: [UInt8],
        _ range: Range<Int>,
        sender: Int?,
        _ generator: inout some RandomNumberGenerator
    ) {
        guard let statement = SuspicionStatement(bytes, range) else {
            counters.droppedMalformed += 1
            return
        }
        guard statement.domain == domain else {
            counters.droppedForeign += 1
            return
        }
        guard let subject = slots[statement.subject], let signer = slotOfCertificate[statement.signer],
            signer != 0, signer != subject, statement.incarnation == records[subject].claim.incarnation,
            subject == 0 || records[subject].isPresent
        else { return }
        // The word of a node that is not here itself, or may not speak, counts for nothing.
        guard records[signer].isPresent, isEntitled(signer, signing: statement.signer) else {
            counters.suspicionsIgnored += 1
            return
        }
        guard subject == 0 || isNews(statement, of: subject, by: signer) else { return }
        // Only what the signer did sign is counted, below, so nobody else can use up its share.
        let share = configuration.suspicionsPerMinutePerSigner
        guard records[signer].suspicions.hasToken(capacity: share, perMinute: share, now: clock.now) else {
            counters.suspicionsIgnored += 1
            if records[signer].alarms.take(capacity: 1, perMinute: 1, now: clock.now) {
                emit(.alarm(.suspicionFlood(records[signer].identity)))
            }
            // Others may still believe what is ignored here: this node answers for itself all the same, but not as often.
            if subject == 0, refutationsOfFloods.take(capacity: 10, perMinute: 60, now: clock.now) { refute() }
            return
        }
        let signed = range.lowerBound..<(range.lowerBound + SuspicionStatement.signedBytes)
        guard crypto.verify(bytes[signed.upperBound..<range.upperBound], of: bytes[signed], by: statement.signer) else {
            return noteForgery(passedOnBy: sender)
        }
        _ = records[signer].suspicions.take(capacity: share, perMinute: share, now: clock.now)
        counters.suspicionsHeard += 1
        if subject == 0 {
            refute()
        } else {
            count(Array(bytes[range]), signer: signer, subject, isVerdict: statement.isVerdict, &generator)
        }
    }

    private func isNews(_ statement: SuspicionStatement, of subject: Int, by signer: Int) -> Bool {
        if statement.isVerdict, configuration.verdictQuorum == nil { return false }
        guard let suspicion = records[subject].suspicion else { return true }
        let key = records[signer].key
        guard !suspicion.signers.contains(where: { $0.node == key && $0.isVerdict == statement.isVerdict }) else {
            return false
        }
        if statement.isVerdict { return suspicion.verdicts < configuration.verdictQuorum ?? 0 }
        return suspicion.doubts <= configuration.suspicionConfirmations
    }

    /// Counts one signer more.
    private mutating func count(
        _ bytes: [UInt8],
        signer: Int,
        _ slot: Int,
        isVerdict: Bool,
        _ generator: inout some RandomNumberGenerator
    ) {
        let isFirst = records[slot].suspicion == nil
        if isFirst {
            let serial = nextSerial()
            records[slot].suspicion = MemberRecord.Suspicion(serial: serial, startedAt: clock.now, nodes: present)
            change(slot, to: .suspect)
            emit(.suspected(records[slot].member, by: records[signer].identity))
            publish(slot)
        }
        guard var suspicion = records[slot].suspicion else { return }
        suspicion.signers.append(
            MemberRecord.Suspicion.Signer(node: records[signer].key, bytes: bytes, isVerdict: isVerdict)
        )
        records[slot].suspicion = suspicion
        tell(.suspicion(slot: slot, serial: suspicion.serial, signer: suspicion.signers.count - 1))
        if let quorum = configuration.verdictQuorum, suspicion.verdicts >= quorum {
            declareDead(slot, &generator)
            return
        }
        timers.schedule(.suspicion(slot: slot, serial: suspicion.serial), at: nextReview(suspicion))
        if isFirst, signer != 0 { corroborate(slot, &generator) }
    }

    /// When a suspicion's time is over, as of what is known now.
    private func deadline(_ suspicion: MemberRecord.Suspicion) -> Int64 {
        let timeout = SuspicionTimeout.milliseconds(
            configuration,
            nodes: suspicion.nodes,
            confirmations: max(suspicion.doubts - 1, 0)
        )
        return max(suspicion.startedAt + timeout, suspicion.decidesAt ?? .min)
    }

    /// How long before its time the subject is asked for the last time.
    private var lastLook: Int64 {
        guard configuration.lifeguard.contains(.corroboration) else { return 0 }
        return configuration.probeTimeout.milliseconds + configuration.indirectTimeout.milliseconds
    }

    private func nextReview(_ suspicion: MemberRecord.Suspicion) -> Int64 {
        suspicion.decidesAt ?? max(deadline(suspicion) - lastLook, clock.now)
    }

    /// On hearing of a suspicion some nodes look for themselves, so that a death is soon shared and a mistake soon refuted.
    private mutating func corroborate(_ slot: Int, _ generator: inout some RandomNumberGenerator) {
        guard configuration.lifeguard.contains(.corroboration) else { return }
        guard Int.random(in: 0..<max(present - 2, 1), using: &generator) < configuration.corroborators else { return }
        probeSoon(slot, hearsay: nil, &generator)
    }

    mutating func reviewSuspicion(_ slot: Int, _ serial: UInt64, _ generator: inout some RandomNumberGenerator) {
        guard let suspicion = records[slot].suspicion, suspicion.serial == serial, records[slot].state == .suspect
        else { return }
        guard nextReview(suspicion) <= clock.now else { return }
        if suspicion.decidesAt == nil, lastLook > 0 {
            let decision = clock.now + lastLook
            records[slot].suspicion?.decidesAt = decision
            repeatLastPing(slot, serial, &generator)
            timers.schedule(.lastPing(slot: slot, serial: serial), at: clock.now + lastLook / 3)
            timers.schedule(.lastPing(slot: slot, serial: serial), at: clock.now + lastLook * 2 / 3)
            timers.schedule(.suspicion(slot: slot, serial: serial), at: clock.now + lastLook)
            return
        }
        declareDead(slot, &generator)
    }

    mutating func repeatLastPing(_ slot: Int, _ serial: UInt64, _ generator: inout some RandomNumberGenerator) {
        guard records[slot].suspicion?.serial == serial, records[slot].state == .suspect else { return }
        sendPing(slot, nonce: UInt64.random(in: 1 ... .max, using: &generator), hearsay: nil, isRelayed: false)
    }

    private mutating func declareDead(_ slot: Int, _ generator: inout some RandomNumberGenerator) {
        counters.deaths += 1
        lastDeathAt = clock.now
        endProbe(slot)
        if configuration.verdictQuorum != nil, let bytes = signedSuspicion(of: slot, isVerdict: true),
            var suspicion = records[slot].suspicion
        {
            suspicion.signers.append(
                MemberRecord.Suspicion.Signer(node: records[0].key, bytes: bytes, isVerdict: true)
            )
            records[slot].suspicion = suspicion
            tell(.suspicion(slot: slot, serial: suspicion.serial, signer: suspicion.signers.count - 1))
        }
        // The signers' words are kept: a view that missed them gets them with a sync.
        change(slot, to: .dead)
        emit(.died(records[slot].member))
        publish(slot)
        publishLeaves(of: slot)
        guard let contender = records[slot].contender, let layout = NodeClaim.layout(contender, 0..<contender.count),
            let claim = NodeClaim(layout, in: contender)
        else { return }
        records[slot].contender = nil
        let source = claim.description.gossip
        heardClaim(contender, 0..<contender.count, from: source, sender: nil, &generator)
    }

    /// What a ping says is held of this node.
    mutating func heardOfSelf(_ body: PingBody, from slot: Int) {
        guard body.state != .alive, body.incarnation == records[0].claim.incarnation, !isLeaving else { return }
        guard records[slot].hearsay.take(capacity: 30, perMinute: 30, now: clock.now) else { return }
        refute()
    }

    /// Says again that this node is alive, above the incarnation that is suspected.
    mutating func refute() {
        guard !isLeaving else { return }
        counters.refutations += 1
        // A suspicion may be a sign of this node's own slowness, but must not be a lever for slowing it down.
        if refutationPenalty.take(capacity: 1, perMinute: 6, now: clock.now) { worsen(by: 1) }
        renewOwnClaim()
    }
}
