import RetryControl
import SansIO

/// Queues that may hold so many deliveries and no more.
extension DeliveryDriver {
    /// Whether a queue takes further deliveries; false only for one that is full and refuses.
    public func hasRoom(_ target: UInt64) -> Bool {
        guard let limits = dispatcher.backlogLimits(of: target), limits.overflow == .refuseNew,
            let maximum = limits.maximumDeliveries
        else { return true }
        return backlog(of: target) < maximum
    }

    /// Deliveries that wait for a target or are under way to it, in memory and on disk.
    public func backlog(of target: UInt64) -> UInt64 {
        guard let queue = queues[target] else { return 0 }
        return queue.parked + UInt64(queue.waiting + queue.freshInFlight)
    }

    /// Parks deliveries as far as the queue may hold them, and sees to the overflow.
    func parkWithinLimits(_ deliveries: [ParkedDelivery], on queue: TargetQueue) {
        let limits = dispatcher.backlogLimits(of: queue.target)
        guard let limits, let maximum = limits.maximumDeliveries, limits.overflow == .dropNewest else {
            queue.parked += UInt64(deliveries.count)
            park(deliveries)
            trim(queue)
            return
        }
        let room = Int(clamping: maximum - min(maximum, queue.parked))
        let kept = Array(deliveries.prefix(room))
        queue.parked += UInt64(kept.count)
        if !kept.isEmpty { park(kept) }
        let excess = deliveries.dropFirst(room)
        guard !excess.isEmpty else { return }
        dispatcher.record(.overflowed(count: excess.count), target: queue.target)
        bury(excess.map { overflow(DeliveryAttempt(fresh: $0), maximum) }, on: queue)
    }

    /// Takes the oldest deliveries out of a queue that holds too many and makes room that way. Waits for its turn while the
    /// queue is read, lest a delivery be dropped and attempted at a time.
    func trim(_ queue: TargetQueue) {
        guard !isStopped, !queue.isDraining, let limits = dispatcher.backlogLimits(of: queue.target),
            limits.overflow == .dropOldest, let maximum = limits.maximumDeliveries, queue.parked > maximum,
            clock.now >= queue.trimsFrom
        else { return }
        queue.isDraining = true
        let excess = Int(min(UInt64(settings.trimBatch), queue.parked - maximum))
        store.oldest(target: queue.target, acceptedBefore: .distantFuture, limit: excess) { [self] result in
            guard case .success(let old) = result, !old.isEmpty else {
                // Nothing is there yet that could go; the count is mended when the queue is read to its end.
                queue.isDraining = false
                return scheduleDrain(of: queue.target, at: clock.now + settings.storeRetryDelay)
            }
            dispatcher.record(.overflowed(count: old.count), target: queue.target)
            bury(old.map { overflow(DeliveryAttempt(parked: $0), maximum) }, on: queue)
        }
    }

    private func overflow(_ attempt: DeliveryAttempt, _ maximum: UInt64) -> DeadLetter {
        let failure = DeliveryFailure(
            code: "RESOURCE_LIMIT_EXCEEDED",
            message: "The queue of the target holds \(maximum) deliveries, the most that it may.",
            isRetryable: false
        )
        return DeadLetter(attempt: attempt, failure: failure, exhausted: nil, retries: max(1, attempt.attempts) - 1)
    }

    /// Lets targets that are held back after failures be attempted at once, as when it is known that they are back.
    ///
    /// - Parameter isMeant: tells by its key whether a target is meant.
    public func retryNow(_ isMeant: (UInt64) -> Bool) {
        let now = clock.now
        for target in queues.keys.sorted() {
            guard let queue = queues[target], isMeant(target) else { continue }
            queue.breaker.endOpenTime(now: now)
            // What failed often has a long wait before it.
            if queue.hasBacklog { queue.hurriesTo = now + settings.backoff.cap }
            if queue.hasBacklog, !queue.isDraining { due.setEarlier(now, for: target) }
            if queue.waiting > 0 { markDirty(queue) }
        }
        armTimer()
    }
}
