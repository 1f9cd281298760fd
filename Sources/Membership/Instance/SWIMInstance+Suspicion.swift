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
            records[subject].isPresent
        else { return }
        // The word of a node that is not here itself, or may not speak, counts for nothing.
        guard records[signer].isPresent, isEntitled(signer, signing: statement.signer) else {
            counters.suspicionsIgnored += 1
            return
        }
        guard subject != 0 else { return heardSuspicionOfSelf(statement, bytes, range, signer: signer, sender: sender) }
        guard isNews(statement, of: subject, by: signer) else { return }
        // Only what the signer did sign is counted, below, so nobody else can use up its share.
        let share = configuration.suspicionsPerMinutePerSigner
        guard records[signer].suspicions.hasToken(capacity: share, perMinute: share, now: clock.now) else {
            noteSuspicionFlood(signer)
            return
        }
        guard isSigned(statement, bytes, range) else { return noteForgery(passedOnBy: sender) }
        _ = records[signer].suspicions.take(capacity: share, perMinute: share, now: clock.now)
        counters.suspicionsHeard += 1
        count(Array(bytes[range]), signer: signer, subject, isVerdict: statement.isVerdict, &generator)
    }

    private func isSigned(_ statement: SuspicionStatement, _ bytes: [UInt8], _ range: Range<Int>) -> Bool {
        let signed = range.lowerBound..<(range.lowerBound + SuspicionStatement.signedBytes)
        return crypto.verify(bytes[signed.upperBound..<range.upperBound], of: bytes[signed], by: statement.signer)
    }

    private mutating func noteSuspicionFlood(_ signer: Int) {
        counters.suspicionsIgnored += 1
        guard records[signer].alarms.take(capacity: 1, perMinute: 1, now: clock.now) else { return }
        emit(.alarm(.suspicionFlood(records[signer].identity)))
    }

    /// Another node's word that this node does not answer. Whoever sends it to each node privately has each say something new,
    /// and everybody hears all of that; so a signer is answered as often as its pings are. Beyond that others may still
    /// believe it: they say so when they ask for the last time, and a few are answered all the same.
    private mutating func heardSuspicionOfSelf(
        _ statement: SuspicionStatement,
        _ bytes: [UInt8],
        _ range: Range<Int>,
        signer: Int,
        sender: Int?
    ) {
        guard refutationDue != statement.incarnation else { return }
        let (now, each, floods) = (clock.now, RefutationLimits.perNode, RefutationLimits.ofFloods)
        let isWithinShare = records[signer].hearsay.hasToken(capacity: each, perMinute: each, now: now)
        guard isWithinShare || refutationsOfFloods.hasToken(capacity: floods, perMinute: floods, now: now) else {
            return noteSuspicionFlood(signer)
        }
        guard isSigned(statement, bytes, range) else { return noteForgery(passedOnBy: sender) }
        counters.suspicionsHeard += 1
        if isWithinShare {
            _ = records[signer].hearsay.take(capacity: each, perMinute: each, now: now)
        } else {
            _ = refutationsOfFloods.take(capacity: floods, perMinute: floods, now: now)
            noteSuspicionFlood(signer)
        }
        refute()
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
        guard body.state != .alive, body.incarnation == records[0].claim.incarnation, !isLeaving,
            refutationDue != body.incarnation
        else { return }
        let share = RefutationLimits.perNode
        guard records[slot].hearsay.take(capacity: share, perMinute: share, now: clock.now) else { return }
        refute()
    }

    /// Says again that this node is alive, above the incarnation that is suspected; a second later at most when that was
    /// necessary very often.
    mutating func refute() {
        let incarnation = records[0].claim.incarnation
        guard !isLeaving, refutationDue != incarnation else { return }
        let limits = RefutationLimits.self
        guard refutationShare.take(capacity: limits.burst, perMinute: limits.perMinute, now: clock.now) else {
            counters.refutationsDeferred += 1
            refutationDue = incarnation
            timers.schedule(.refutation(incarnation), at: clock.now + 60_000 / Int64(limits.perMinute))
            return
        }
        counters.refutations += 1
        // A suspicion may be a sign of this node's own slowness, but must not be a lever for slowing it down.
        if refutationPenalty.take(capacity: 1, perMinute: 6, now: clock.now) { worsen(by: 1) }
        renewOwnClaim()
    }

    /// The time of a deferred refutation has come.
    mutating func refuteLate(_ incarnation: UInt64) {
        guard refutationDue == incarnation else { return }
        refutationDue = nil
        if records[0].claim.incarnation == incarnation { refute() }
    }
}

/// How often a node says anew that it is alive. Every such claim goes to everybody, and others take only so many changes of a
/// node that they do not suspect (``MembershipConfiguration/changesPerMinutePerMember``).
private enum RefutationLimits {
    /// A minute, since one node says by suspicions, pings and syncs that this one does not answer; with bursts of as many.
    static let perNode = 30
    /// A minute, since nodes beyond their share go on suspecting this one; with bursts of as many.
    static let ofFloods = 10
    /// A minute in all. One more waits for its turn, for a second: shorter than a suspicion lasts.
    static let perMinute = 60
    /// At once.
    static let burst = 30
}
