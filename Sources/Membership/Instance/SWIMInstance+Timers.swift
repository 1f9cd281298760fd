import SansIO

extension SWIMInstance {
    /// Begins to take part.
    ///
    /// - Parameters:
    ///   - seeds: addresses of peer listeners of some members; may name this node itself. With none, others must join
    ///     through this node.
    ///   - now: the wall clock's time.
    ///   - generator: the source of randomness.
    /// - Returns: what to do.
    public mutating func started(
        seeds: [NodeEndpoint],
        now: Timestamp,
        using generator: inout some RandomNumberGenerator
    ) -> [MembershipAction] {
        entered(now)
        self.seeds = seeds
        let period = configuration.probePeriod.milliseconds
        timers.schedule(.probe, at: clock.now + Int64.random(in: 0..<period, using: &generator))
        timers.schedule(.reconnect, at: clock.now + configuration.reconnectPeriod.lowerBound.milliseconds)
        let sync = configuration.syncPeriod.milliseconds
        timers.schedule(.sync, at: clock.now + sync / 2 + Int64.random(in: 0..<sync, using: &generator))
        if !seeds.isEmpty { join(&generator) }
        return left()
    }

    /// Does what is due. Calling it early is harmless.
    public mutating func timerFired(
        now: Timestamp,
        using generator: inout some RandomNumberGenerator
    ) -> [MembershipAction] {
        entered(now)
        while let kind = timers.popDue(clock.now) { fire(kind, &generator) }
        return left()
    }

    private mutating func fire(_ kind: TimerHeap.Kind, _ generator: inout some RandomNumberGenerator) {
        switch kind {
        case .probe: probeNext(&generator)
        case .gossip: gossip(&generator)
        case .repeatPing(let slot, let probe): repeatPing(slot, probe)
        case .askOthers(let slot, let probe): askOthers(slot, probe, &generator)
        case .concludeProbe(let slot, let probe): concludeProbe(slot, probe, &generator)
        case .nack(let nonce): sendNack(nonce)
        case .suspicion(let slot, let serial): reviewSuspicion(slot, serial, &generator)
        case .lastPing(let slot, let serial): repeatLastPing(slot, serial, &generator)
        case .reconnect: reconnect(&generator)
        case .sync: syncPeriodically(&generator)
        case .join: join(&generator)
        case .certificates: askForCertificates()
        case .certificateOverlap: endCertificateOverlap()
        case .accountLists: pullLists(&generator)
        case .refutation(let incarnation): refuteLate(incarnation)
        case .contender(let leaf): hearContender(leaf, &generator)
        case .repeatAttachments: repeatNextAttachments()
        case .leave: completeLeave()
        }
    }

    /// Every public call begins with this: moves the clock, and takes lateness as a sign of this node's own slowness.
    mutating func entered(_ now: Timestamp) {
        let careful = configuration.lifeguard.contains(.localHealth)
        let slack = configuration.probeTimeout.milliseconds
        let setBack = clock.wall - now
        let lost = clock.advance(to: now, expected: careful ? timers.earliest : nil, slack: slack)
        if setBack > .zero { clockWasSetBack(by: setBack) }
        guard lost > 0 else { return }
        counters.lateWakeups += 1
        worsen(by: 1)
    }

    /// Every public call ends with this.
    mutating func left() -> [MembershipAction] {
        scheduleGossip()
        guard !actions.isEmpty else { return [] }
        defer { actions.removeAll(keepingCapacity: false) }
        return actions
    }

    mutating func emit(_ event: MembershipEvent) {
        actions.append(.event(event))
    }

    mutating func worsen(by steps: Int) {
        guard configuration.lifeguard.contains(.localHealth) else { return }
        localHealth = min(max(localHealth + steps, 0), configuration.localHealthMaximum)
    }

    /// A duration of the configuration as this node's health stretches it, in milliseconds.
    func stretched(_ duration: Duration) -> Int64 { duration.milliseconds * Int64(localHealth + 1) }

    mutating func nextSerial() -> UInt64 {
        serial += 1
        return serial
    }
}
