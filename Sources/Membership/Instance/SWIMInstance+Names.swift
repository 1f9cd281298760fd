import EventModel
import SansIO

/// What is remembered to judge names.
struct NameState: Sendable {
    var ownDoubleAllowance = Allowance()
    private var ownDoubles = 0
    private var lastOwnDouble = Int64.min

    /// Notes a claim of this node's own that it did not sign in this life; true when that points at a second process. Once
    /// or twice soon after a start it is the memory of others.
    mutating func notesOwnDouble(now: Int64, sinceStart start: Int64) -> Bool {
        ownDoubles += 1
        defer { lastOwnDouble = now }
        guard ownDoubles > 2 || now - start > 60_000 else { return false }
        return lastOwnDouble == .min || now - lastOwnDouble >= 1000 || ownDoubles % 8 == 3
    }
}

/// One name, two certificates: which counts.
///
/// A claim of a known name under another certificate is taken
/// 1. if that certificate has the same public key: a renewal that kept the key;
/// 2. if the held certificate vouches for it with its own signature: a renewal by a running node;
/// 3. if the held certificate does not entitle any more, or its node is not present: a node that was set up again;
/// 4. if it is the older of the two, by the beginning of validity, and the held one came by rule 3 or 4: then the newer one
///    was taken while the owner was away.
/// A certificate that vouched for its successor is never taken again for that name. Everything else is refused: the view
/// stays, an alarm is raised, and the holder is probed at once. If it does not answer, it dies as any node does, and rule 3
/// then lets its successor in.
extension SWIMInstance {
    mutating func mayTakeName(
        _ claim: NodeClaim,
        _ signed: [UInt8],
        _ facts: CertificateFacts,
        _ slot: Int,
        _ generator: inout some RandomNumberGenerator
    ) -> Bool {
        let held = records[slot].facts
        guard records[slot].claim.endorsement?.previous != facts.fingerprint else {
            return refuse(claim, signed, facts, slot, &generator)
        }
        if held.publicKey == facts.publicKey || isEndorsed(claim, by: held.fingerprint) {
            records[slot].isProvisional = false
            return true
        }
        if !records[slot].isPresent || !isEntitled(held) {
            records[slot].isProvisional = true
            emit(.alarm(.nameReplaced(claim.identity, previous: held.fingerprint, now: facts.fingerprint)))
            return true
        }
        if records[slot].isProvisional,
            (facts.notBefore, facts.fingerprint) < (held.notBefore, held.fingerprint)
        {
            emit(.alarm(.nameReplaced(claim.identity, previous: held.fingerprint, now: facts.fingerprint)))
            return true
        }
        return refuse(claim, signed, facts, slot, &generator)
    }

    private func isEndorsed(_ claim: NodeClaim, by held: CertificateFingerprint) -> Bool {
        guard let endorsement = claim.endorsement, endorsement.previous == held else { return false }
        let bytes = NodeClaim.endorsedBytes(
            domain: domain,
            node: claim.node,
            previous: held,
            next: claim.certificate
        )
        return crypto.verify(endorsement.signature[...], of: bytes[...], by: held)
    }

    private mutating func refuse(
        _ claim: NodeClaim,
        _ signed: [UInt8],
        _ facts: CertificateFacts,
        _ slot: Int,
        _ generator: inout some RandomNumberGenerator
    ) -> Bool {
        counters.claimsContested += 1
        records[slot].contender = signed
        if records[slot].alarms.take(capacity: 4, perMinute: 4, now: clock.now) {
            emit(
                .alarm(
                    .nameContested(
                        claim.identity,
                        held: records[slot].facts.fingerprint,
                        contender: facts.fingerprint,
                        at: claim.description.gossip
                    )
                )
            )
        }
        if records[slot].isPresent { probeSoon(slot, hearsay: nil, &generator) }
        return false
    }
}
