import RetryControl
import SansIO

/// Working off retry queues.
extension DeliveryDriver {
    /// Sees to it that the target's retry queue is read at `due` at the latest.
    func scheduleDrain(of target: UInt64, at due: Timestamp) {
        let queue = queue(target)
        queue.hasBacklog = true
        queue.isTouched = true
        guard !queue.isDraining else { return }
        self.due.setEarlier(due, for: target)
        armTimer()
    }

    /// Reads the queues that are due, as far as breaker, budget and ramp let them.
    func drainDue() {
        guard !isStopped else { return }
        let now = clock.now
        for target in due.takeDue(at: now) {
            let queue = queue(target)
            guard !queue.isDraining else { continue }
            guard now >= queue.drainsFrom else {
                due.set(queue.drainsFrom, for: target)
                continue
            }
            switch queue.breaker.admit(now: now) {
            case .refused(let until), .probing(let until):
                due.set(max(until, now + .milliseconds(1)), for: target)
            case .admitted(let pass):
                let slots = drainSlots(of: queue)
                let wanted = pass.isProbe ? settings.probes : allowance(queue, slots: slots, now: now)
                let limit = min(slots, wanted)
                if limit > 0 {
                    drain(queue, pass: pass, limit: limit, now: now)
                } else {
                    queue.breaker.cancel(pass)
                    let next = nextPermission(queue, slots: slots, now: now)
                    due.set(max(next, now + .milliseconds(1)), for: target)
                }
            }
        }
        armTimer()
    }

    /// How many parked deliveries may be attempted now: the ramp holds back after an outage, the budget during one.
    private func allowance(_ queue: TargetQueue, slots: Int, now: Timestamp) -> Int {
        let pace = pace(of: queue, now: now)
        // At a fixed pace a batch may be as large as what half a second earns, or a slow link would hold the pace down.
        let batch = max(settings.drainBatch, pace.map { Int(min(4_096, $0 / 2)) } ?? 0)
        var wanted = max(0, min(batch, slots))
        if queue.isFailing {
            var granted = 0
            while granted < wanted, case .granted = queue.budget.takeRetry(now: now) { granted += 1 }
            wanted = granted
        }
        guard wanted > 0 else { return 0 }
        guard pace != nil else { return queue.ramp.take(upTo: wanted, now: now) }
        return queue.drainPacer?.pacer.take(upTo: wanted, now: now) ?? wanted
    }

    /// When the next parked delivery may be attempted.
    private func nextPermission(_ queue: TargetQueue, slots: Int, now: Timestamp) -> Timestamp {
        if slots > 0, !queue.isFailing, pace(of: queue, now: now) != nil, let pacer = queue.drainPacer?.pacer {
            return pacer.nextPermission(now: now)
        }
        return queue.ramp.isActive ? queue.ramp.nextPermission(now: now) : now + .seconds(1)
    }

    /// The configured rate of a queue's backlog, if there is one; its pacer is then there.
    private func pace(of queue: TargetQueue, now: Timestamp) -> Double? {
        guard let rate = dispatcher.backlogLimits(of: queue.target)?.drainRate else {
            queue.drainPacer = nil
            return nil
        }
        if queue.drainPacer?.rate != rate {
            queue.drainPacer = (rate, Pacer(rate: rate, burst: max(1, rate / 2), now: now))
        }
        return rate
    }

    private func drain(_ queue: TargetQueue, pass: CircuitBreaker.Pass, limit: Int, now: Timestamp) {
        queue.isDraining = true
        store.due(target: queue.target, now: max(now, queue.hurriesTo ?? now), limit: limit) { [self] result in
            switch result {
            case .failure(let error):
                queue.breaker.cancel(pass)
                queue.isDraining = false
                dispatcher.record(.storeFailed(error), target: queue.target)
                guard error.code != .closed else { return }
                due.set(clock.now + settings.storeRetryDelay, for: queue.target)
                armTimer()
            case .success(let parked) where parked.isEmpty || isStopped:
                queue.breaker.cancel(pass)
                findNextDue(queue)
            case .success(let due):
                let parked = withinHalf(due, of: queue)
                if queue.isFailing {
                    for _ in parked.count..<max(limit, parked.count) { queue.budget.returnRetry() }
                }
                queue.drainSteps = 1
                queue.draining = parked.size
                dispatch(parked.map(DeliveryAttempt.init(parked:)), pass: pass, on: queue)
            }
        }
    }

    /// Reads on once everything of the batch has left the store, lest a delivery be attempted twice at a time.
    func endDrainStep(_ queue: TargetQueue) {
        queue.drainSteps -= 1
        if queue.drainSteps == 0 { findNextDue(queue) }
    }

    func findNextDue(_ queue: TargetQueue) {
        store.nextDue(target: queue.target) { [self] result in
            queue.isDraining = false
            queue.draining = .zero
            let arrived = queue.arrived
            queue.arrived = nil
            switch result {
            case .failure(let error):
                dispatcher.record(.storeFailed(error), target: queue.target)
                guard error.code != .closed else { return }
                due.set(clock.now + settings.storeRetryDelay, for: queue.target)
            case .success(let next):
                if let next = [next, arrived].compactMap(\.self).min() {
                    let now = clock.now
                    if let limit = queue.hurriesTo, next > limit { queue.hurriesTo = nil }
                    due.set(queue.hurriesTo == nil ? next : min(next, now), for: queue.target)
                } else {
                    queue.hurriesTo = nil
                    queue.parked = queue.parking
                    queue.hasBacklog = queue.parking.count > 0
                    noteProgress(queue)
                }
            }
            trim(queue)
            // What came meanwhile may have been kept in memory.
            if queue.waiting > 0 { markDirty(queue) }
            armTimer()
        }
    }

    /// Ends deliveries that grew too old while their target's breaker keeps them from being attempted.
    func sweep() {
        guard !isStopped else { return }
        let now = clock.now
        for target in queues.keys.sorted() {
            guard let queue = queues[target], queue.hasBacklog, !queue.isDraining,
                case .open = queue.breaker.state, let passed = expiry(of: target, now: now)
            else { continue }
            expire(queue, acceptedBefore: passed)
        }
        forgetIdle(now)
        _ = clock.schedule(after: settings.sweepInterval) { [weak self] in self?.sweep() }
    }

    /// The time before which everything that was accepted is too old. While there may be something left of what has a policy
    /// of its own, that policy tells.
    private func expiry(of target: UInt64, now: Timestamp) -> Timestamp? {
        guard let oldest = dispatcher.retryPolicy(of: target, acceptedAt: .zero) else { return nil }
        let passed = now + (.zero - oldest.maximumEventAge)
        let next = dispatcher.retryPolicy(of: target, acceptedAt: max(passed, .zero)) ?? oldest
        return now + (.zero - next.maximumEventAge)
    }

    /// Forgets queues that nothing came for since the last sweep: revisions of targets come and go for as long as the process
    /// runs.
    private func forgetIdle(_ now: Timestamp) {
        queues = queues.filter { _, queue in
            defer { queue.isTouched = false }
            if case .open(let until) = queue.breaker.state, now < until { return true }
            return queue.isTouched || queue.isDirty || !queue.isIdle
        }
    }

    private func expire(_ queue: TargetQueue, acceptedBefore: Timestamp) {
        queue.isDraining = true
        guard dispatcher.hasDeadLetterQueue(queue.target) else {
            store.expire(target: queue.target, acceptedBefore: acceptedBefore) { [self] result in
                switch result {
                case .success(.zero): break
                case .success(let removed):
                    queue.parked -= removed
                    dispatcher.record(.expired(count: removed.count), target: queue.target)
                case .failure(let error): dispatcher.record(.storeFailed(error), target: queue.target)
                }
                findNextDue(queue)
            }
            return
        }
        store.oldest(
            target: queue.target,
            acceptedBefore: acceptedBefore,
            limit: settings.drainBatch
        ) { [self] result in
            guard case .success(let old) = result, !old.isEmpty else { return findNextDue(queue) }
            let letters = old.map { delivery in
                DeadLetter(
                    attempt: DeliveryAttempt(parked: delivery),
                    failure: Self.failure(of: delivery),
                    exhausted: .age,
                    retries: max(1, delivery.attempts) - 1
                )
            }
            bury(letters, on: queue)
        }
    }

    /// The last failure, as it was noted when the delivery was parked.
    private static func failure(of delivery: ParkedDelivery) -> DeliveryFailure {
        let note = String(decoding: delivery.state, as: UTF8.self)
        let parts = note.split(separator: " ", maxSplits: 1)
        return DeliveryFailure(
            code: parts.first.map(String.init) ?? "INTERNAL_ERROR",
            message: parts.count > 1 ? String(parts[1]) : "The target was not attempted in time.",
            isRetryable: true
        )
    }
}
