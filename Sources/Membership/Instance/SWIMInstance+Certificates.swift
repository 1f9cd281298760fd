import EventModel
import SansIO

/// Certificates: who is entitled to speak, renewals, revocation, and chains that are not known yet.
extension SWIMInstance {
    /// Whether a certificate entitles its node now.
    func isEntitled(_ facts: CertificateFacts) -> Bool { ejection(facts) == nil }

    private func ejection(_ facts: CertificateFacts) -> EjectionReason? {
        switch facts.standing {
        case .revoked: return .revoked
        case .untrusted: return .untrusted
        case .trusted: break
        }
        let tolerance = configuration.clockTolerance
        guard clock.wall <= facts.notAfter + tolerance else { return .expired }
        return clock.wall + tolerance >= facts.notBefore ? nil : .untrusted
    }

    /// Whether a member may speak with a certificate: its present one, or for a while the one before.
    func isEntitled(_ slot: Int, signing certificate: CertificateFingerprint) -> Bool {
        guard records[slot].state != .ejected else { return false }
        if records[slot].facts.fingerprint == certificate { return isEntitled(records[slot].facts) }
        guard let previous = records[slot].previous, previous.fingerprint == certificate, clock.now < previous.until,
            var facts = crypto.certificate(certificate)
        else { return false }
        // When its root has just gone, its node may not know that yet. The present certificate is entitled, and followed the
        // former one with its word, so for that short time the former one still speaks for the same node.
        if facts.standing == .untrusted, isEntitled(records[slot].facts) { facts.standing = .trusted }
        return isEntitled(facts)
    }

    /// Ejects a member whose certificate does not entitle it; done before each of its probes.
    mutating func checkEntitlement(_ slot: Int) -> Bool {
        if let previous = records[slot].previous, previous.until <= clock.now {
            records[slot].previous = nil
            dropCertificate(previous.fingerprint)
        }
        guard let reason = ejection(records[slot].facts) else { return true }
        eject(slot, reason)
        return false
    }

    private mutating func eject(_ slot: Int, _ reason: EjectionReason) {
        guard records[slot].state != .ejected else { return }
        endProbe(slot)
        records[slot].suspicion = nil
        change(slot, to: .ejected)
        emit(.ejected(records[slot].member, reason: reason))
        publish(slot)
        publishLeaves(of: slot)
    }

    /// Judges every certificate anew: revocation lists or roots have changed.
    ///
    /// - Parameters:
    ///   - now: the wall clock's time.
    ///   - generator: the source of randomness.
    /// - Returns: what to do.
    public mutating func changedTrust(
        now: Timestamp,
        using generator: inout some RandomNumberGenerator
    ) -> [MembershipAction] {
        entered(now)
        for slot in records.indices.dropFirst() where slots[records[slot].key] == slot {
            judgeAnew(slot)
        }
        // What others would not believe under the previous certificate, they may under the present one.
        if datagramCertificateUntil != nil, !(crypto.certificate(datagramCertificate).map(isEntitled) ?? false) {
            adoptCertificateForDatagrams()
        }
        if !isOwnClaimEntitled { takeUpCertificate() }
        judgeLeaves()
        return left()
    }

    /// Judges a member's certificate anew; true when it was ejected and is entitled again.
    @discardableResult
    private mutating func judgeAnew(_ slot: Int) -> Bool {
        if let facts = crypto.certificate(records[slot].facts.fingerprint) {
            records[slot].facts = facts
        } else {
            records[slot].facts.standing = .untrusted
        }
        if let reason = ejection(records[slot].facts) {
            eject(slot, reason)
            return false
        }
        guard records[slot].state == .ejected else { return false }
        // Trusted again: a dead node is tried, and says itself whether it is here.
        change(slot, to: .dead)
        return true
    }

    /// Judges ejected members anew and tries those that are entitled again: this node's clock may have been ahead when it
    /// ejected them.
    mutating func readmit(_ generator: inout some RandomNumberGenerator) {
        for slot in departed where records[slot].state == .ejected && judgeAnew(slot) {
            sendPing(slot, nonce: UInt64.random(in: 1 ... .max, using: &generator), hearsay: nil, isRelayed: false)
        }
    }

    /// Judges the certificate of every leaf; nobody probes leaves, so it is done now and then.
    mutating func judgeLeaves() {
        let entitled = leaves.leaves.map { leaf in
            crypto.certificate(leaf.facts.fingerprint).map { isEntitled($0) } ?? false
        }
        for place in leaves.judge(entitled) { publishLeaf(place) }
    }

    /// Takes up the certificate that the crypto port presents now, vouched for by the one before.
    ///
    /// Datagrams stay signed with the previous one for ``MembershipConfiguration/certificateOverlap``, so that nobody has to
    /// know the new one at once. A further renewal in that time waits for its end: whoever missed the certificate in between
    /// would have nobody's word for the newest.
    public mutating func renewedCertificate(now: Timestamp) -> [MembershipAction] {
        entered(now)
        let mustWait = datagramCertificateUntil != nil && isOwnClaimEntitled
        if !mustWait { takeUpCertificate() }
        return left()
    }

    /// Whether the certificate of this node's claim still entitles it, and its key is still there.
    private var isOwnClaimEntitled: Bool {
        let fingerprint = records[0].claim.certificate
        return crypto.certificate(fingerprint).map(isEntitled) ?? false
            && crypto.sign(records[0].signed[...], as: fingerprint) != nil
    }

    /// The time of the former certificate's datagrams is over: takes up what has come since.
    mutating func endCertificateOverlap() {
        if let until = datagramCertificateUntil {
            // The timer of an overlap that ended early.
            guard until <= clock.now else { return }
            adoptCertificateForDatagrams()
        }
        takeUpCertificate()
    }

    private mutating func takeUpCertificate() {
        let next = crypto.ownCertificate
        let previous = records[0].facts
        guard let facts = crypto.certificate(next), facts.identity == records[0].identity else { return }
        guard next != previous.fingerprint else {
            records[0].facts = facts
            return
        }
        let node = records[0].key
        let endorsed = NodeClaim.endorsedBytes(
            domain: domain,
            node: node,
            previous: previous.fingerprint,
            next: next
        )
        let signature = crypto.sign(endorsed[...], as: previous.fingerprint)
        records[0].claim.certificate = next
        records[0].claim.endorsement = signature.map {
            NodeClaim.Endorsement(previous: previous.fingerprint, signature: $0)
        }
        records[0].facts = facts
        followOwnAccounts()
        slotOfCertificate[next] = 0
        if isEntitled(crypto.certificate(previous.fingerprint) ?? previous) {
            let until = clock.now + configuration.certificateOverlap.milliseconds
            datagramCertificateUntil = until
            timers.schedule(.certificateOverlap, at: until)
        } else {
            adoptCertificateForDatagrams()
        }
        renewOwnClaim()
        publish(0)
    }

    /// Signs datagrams with the present certificate from now on.
    mutating func adoptCertificateForDatagrams() {
        datagramCertificateUntil = nil
        guard datagramCertificate != records[0].facts.fingerprint else { return }
        slotOfCertificate[datagramCertificate] = nil
        datagramCertificate = records[0].facts.fingerprint
        // Newcomers do not know the former one, so what it signed tells them nothing.
        repeatAttachments()
    }

    /// Takes a member's new certificate. After a renewal the one before may still sign datagrams for a while; after a change
    /// of hands it may not.
    mutating func replaceCertificate(_ facts: CertificateFacts, _ slot: Int) {
        if let older = records[slot].previous, older.fingerprint != facts.fingerprint {
            dropCertificate(older.fingerprint)
        }
        let held = records[slot].facts.fingerprint
        if records[slot].isProvisional {
            records[slot].previous = nil
            dropCertificate(held)
        } else {
            records[slot].previous = MemberRecord.Previous(
                fingerprint: held,
                until: clock.now + 2 * configuration.certificateOverlap.milliseconds
            )
        }
        records[slot].hasLearnedFormer = true
        slotOfCertificate[facts.fingerprint] = slot
    }

    /// A member asks for the chain of a certificate that it heard of here.
    mutating func receivedChainRequest(_ fingerprint: CertificateFingerprint, _ slot: Int, _ source: NodeEndpoint) {
        guard slotOfCertificate[fingerprint] != nil || leaves.uses(fingerprint),
            records[slot].chainRequests.take(capacity: 2000, perMinute: 6000, now: clock.now),
            let chain = crypto.chain(of: fingerprint), !chain.isEmpty, chain.count <= MembershipLimits.chainBytes
        else { return }
        let part = ChainAssembly.partBytes
        for offset in stride(from: 0, to: chain.count, by: part) {
            var bytes = message(.chainPart)
            bytes.append(fingerprint.digest)
            bytes.append(UInt16(truncatingIfNeeded: chain.count))
            bytes.append(UInt16(truncatingIfNeeded: offset))
            bytes.append(contentsOf: chain[offset..<min(offset + part, chain.count)])
            dispatch(bytes, to: source)
        }
    }

    /// A part of a chain that was asked for.
    mutating func receivedChainPart(
        _ message: [UInt8],
        _ reader: inout ByteReader,
        _ generator: inout some RandomNumberGenerator
    ) -> Bool {
        guard let digest = reader.digest(), let total = reader.uint16(), let offset = reader.uint16(),
            let range = reader.range(reader.remaining)
        else { return false }
        let fingerprint = CertificateFingerprint(digest)
        guard
            let chain = waiting.received(
                message[range],
                of: fingerprint,
                offset: Int(offset),
                total: Int(total)
            )
        else { return true }
        guard let facts = crypto.learn(chain[...]), facts.fingerprint == fingerprint else {
            counters.chainsRefused += 1
            waiting.restart(fingerprint)
            return true
        }
        settleWaiting(fingerprint, &generator)
        return true
    }

    /// Takes up the claims that waited for a certificate; forgets one that none of them needed after all.
    mutating func settleWaiting(
        _ fingerprint: CertificateFingerprint,
        _ generator: inout some RandomNumberGenerator
    ) {
        for claim in waiting.take(fingerprint) {
            heardClaim(claim, 0..<claim.count, from: nil, sender: nil, &generator)
        }
        takeUpFormer(fingerprint)
        forgetIfUnused(fingerprint)
    }

    /// The certificate with which a member that has just renewed its own still signs datagrams, for a node that has not known it
    /// before: once for each of its certificates, and if it has vouched for the present one.
    private mutating func takeUpFormer(_ fingerprint: CertificateFingerprint) {
        guard slotOfCertificate[fingerprint] == nil, let slot = slotThatFollowed(fingerprint),
            let facts = crypto.certificate(fingerprint), facts.identity == records[slot].identity, isEntitled(facts),
            isEndorsed(records[slot].claim, by: fingerprint)
        else { return }
        records[slot].hasLearnedFormer = true
        if !records[slot].supersedes.contains(fingerprint) { records[slot].supersedes.append(fingerprint) }
        records[slot].previous = MemberRecord.Previous(
            fingerprint: fingerprint,
            until: clock.now + 2 * configuration.certificateOverlap.milliseconds
        )
        slotOfCertificate[fingerprint] = slot
    }

    /// The member that says that a certificate vouched for its own, if this node has not seen either vouch.
    private func slotThatFollowed(_ fingerprint: CertificateFingerprint) -> Int? {
        records.indices.dropFirst().first { slot in
            let record = records[slot]
            return record.claim.endorsement?.previous == fingerprint && record.previous == nil
                && !record.hasLearnedFormer && record.supersedes.isEmpty && slots[record.key] == slot
                && record.state != .ejected
        }
    }

    /// A datagram under a certificate that is not known: if it is the former one of a member, asks for its chain. True when it is.
    mutating func askForFormer(_ fingerprint: CertificateFingerprint, from source: NodeEndpoint) -> Bool {
        guard let slot = slotThatFollowed(fingerprint) else { return false }
        wait(for: fingerprint, records[slot].signed, from: source, sender: slot)
        return true
    }

    /// The certificate with which a member signs datagrams beside that of its claim.
    func formerCertificate(_ slot: Int) -> CertificateFingerprint? {
        guard slot == 0 else {
            guard let previous = records[slot].previous, previous.until > clock.now else { return nil }
            return previous.fingerprint
        }
        return datagramCertificate == records[0].facts.fingerprint ? nil : datagramCertificate
    }

    mutating func forgetIfUnused(_ fingerprint: CertificateFingerprint) {
        guard slotOfCertificate[fingerprint] == nil, !leaves.uses(fingerprint) else { return }
        crypto.forget(fingerprint)
    }

    /// Keeps a claim until its certificate is known, and asks whoever passed it on for that, at the address that it announces:
    /// a datagram may name any other as its source.
    mutating func wait(
        for fingerprint: CertificateFingerprint,
        _ claim: [UInt8],
        from source: NodeEndpoint?,
        sender: Int?
    ) {
        guard let source else { return }
        let share = configuration.certificatesPerMinutePerSender
        if let sender, !waiting.contains(fingerprint) {
            guard records[sender].certificates.hasToken(capacity: share, perMinute: share, now: clock.now) else {
                counters.claimsNotAwaited += 1
                return
            }
        }
        let outcome = waiting.add(
            claim,
            for: fingerprint,
            from: WaitingClaims.Sender(
                node: sender.map { records[$0].key },
                endpoint: sender.map { records[$0].claim.description.gossip } ?? source
            ),
            limit: configuration.maximumWaitingClaims
        )
        switch outcome {
        case .known: break
        case .refused:
            counters.claimsNotAwaited += 1
            return
        case .new:
            if let sender { _ = records[sender].certificates.take(capacity: share, perMinute: share, now: clock.now) }
            askForCertificate(fingerprint, sender.map { records[$0].claim.description.gossip } ?? source)
        }
        if !waiting.isScheduled {
            waiting.isScheduled = true
            timers.schedule(.certificates, at: clock.now + configuration.probeTimeout.milliseconds * 2)
        }
    }

    private mutating func askForCertificate(_ fingerprint: CertificateFingerprint, _ source: NodeEndpoint) {
        counters.chainsRequested += 1
        var bytes = message(.chainRequest)
        bytes.append(fingerprint.digest)
        dispatch(bytes, to: source)
    }

    mutating func askForCertificates() {
        waiting.isScheduled = false
        for (fingerprint, source) in waiting.retry() { askForCertificate(fingerprint, source) }
        guard !waiting.isEmpty else { return }
        waiting.isScheduled = true
        timers.schedule(.certificates, at: clock.now + configuration.probeTimeout.milliseconds * 2)
    }
}
