import RetryControl
import SansIO

/// Queues that may hold so many deliveries and no more.
extension DeliveryDriver {
    /// Whether a queue takes further deliveries; false only for one that is full and refuses. What comes in one write may
    /// go beyond the limit.
    public func hasRoom(_ target: UInt64) -> Bool {
        guard let limits = dispatcher.backlogLimits(of: target), limits.overflow == .refuseNew, limits.isBounded
        else { return true }
        return limits.excess(of: backlog(of: target) + BacklogSize(count: 1, bytes: 1)) == .zero
    }

    /// What waits for a target or is under way to it, in memory and on disk.
    public func backlog(of target: UInt64) -> BacklogSize {
        queues[target]?.size ?? .zero
    }

    /// What waits for each target, by key. Targets that nothing waits for are left out.
    public var backlogs: [(target: UInt64, size: BacklogSize)] {
        queues.keys.sorted().map { ($0, backlog(of: $0)) }.filter { $0.1 != .zero }
    }

    /// How much of what its limits allow a target's queue holds, in thousandths; nil for one without limits.
    public func fullness(of target: UInt64) -> Int? {
        guard let limits = dispatcher.backlogLimits(of: target), limits.isBounded else { return nil }
        return limits.fullness(of: backlog(of: target))
    }

    /// Parks deliveries as far as the queue may hold them, and sees to the overflow.
    func parkWithinLimits(_ deliveries: [ParkedDelivery], on queue: TargetQueue) {
        let limits = dispatcher.backlogLimits(of: queue.target)
        guard let limits, limits.isBounded, limits.overflow == .dropNewest else {
            queue.parked += deliveries.size
            park(deliveries)
            trim(queue)
            return
        }
        var kept: [ParkedDelivery] = []
        var letters: [DeadLetter] = []
        for delivery in deliveries {
            let size = [delivery].size
            let excess = limits.excess(of: queue.parked + size)
            if excess == .zero {
                queue.parked += size
                kept.append(delivery)
            } else {
                letters.append(overflow(DeliveryAttempt(fresh: delivery), limits.description(beyondBy: excess)))
            }
        }
        if !kept.isEmpty { park(kept) }
        guard !letters.isEmpty else { return }
        dispatcher.record(.overflowed(count: letters.count), target: queue.target)
        bury(letters, on: queue)
    }

    /// Lets go of what waits in memory beyond the limits, before any of it is attempted. What is under way counts and stays, so
    /// a queue whose oldest deliveries make room may hold up to twice as much while a batch of its backlog is attempted.
    func shedFresh(_ queue: TargetQueue) {
        guard let limits = dispatcher.backlogLimits(of: queue.target), limits.isBounded, limits.overflow != .refuseNew
        else { return }
        var excess = limits.excess(of: queue.staying)
        guard excess != .zero else { return }
        let text = limits.description(beyondBy: excess)
        if limits.overflow == .dropOldest {
            trim(queue)
            // The oldest are in the retry queue; those under way cannot go.
            var oldest = queue.parked
            oldest -= queue.draining
            excess -= oldest
        }
        var gone: [DeliveryAttempt] = []
        while excess != .zero,
            let attempt = (limits.overflow == .dropOldest ? queue.takeBatch(1) : queue.takeNewest(1)).first
        {
            excess -= BacklogSize(count: 1, bytes: UInt64(attempt.event.count))
            gone.append(attempt)
        }
        guard !gone.isEmpty else { return }
        releaseBytes(gone.freshBytes, of: queue)
        dispatcher.record(.overflowed(count: gone.count), target: queue.target)
        bury(gone.map { overflow($0, text) }, on: queue)
    }

    /// First attempts that may begin, and the bytes that their events may have. Of a queue whose oldest deliveries make room, at
    /// most half of what it may hold is under way to the target first, as that cannot go any more; what is on its way to the
    /// dead letters takes nothing of the half. One event may be larger than that.
    func room(of queue: TargetQueue) -> (slots: Int, bytes: UInt64) {
        let free = settings.inFlightPerTarget - queue.inFlight
        guard let limits = dispatcher.backlogLimits(of: queue.target), limits.overflow == .dropOldest
        else { return (free, .max) }
        let attempts = queue.freshInFlight - Int(clamping: queue.leaving.count)
        let slots = limits.maximumDeliveries.map { max(1, Int(clamping: $0 / 2)) - attempts } ?? free
        let bytes = limits.maximumBytes.map { $0 / 2 - min($0 / 2, queue.attemptedBytes) } ?? .max
        let least = attempts > 0 ? 0 : UInt64(queue.next?.event.count ?? 0)
        return (min(free, slots), max(bytes, least))
    }

    /// Deliveries of the retry queue that may be attempted: no more than half of all attempts, so that fresh events always have
    /// the other half; and of a queue whose oldest deliveries make room, about half of what it may hold, so that there is
    /// something left that can go when fresh events come.
    func drainSlots(of queue: TargetQueue) -> Int {
        let slots = min(settings.inFlightPerTarget - queue.inFlight, max(1, settings.inFlightPerTarget / 2))
        guard let limits = dispatcher.backlogLimits(of: queue.target), limits.overflow == .dropOldest
        else { return slots }
        let share = queue.parked.bytes / max(1, queue.parked.count)
        let halves = [limits.maximumDeliveries, limits.maximumBytes.map { $0 / max(1, share) }].compactMap(\.self)
        return halves.reduce(slots) { min($0, max(1, Int(clamping: $1 / 2))) }
    }

    /// So many of the deliveries that were read as have no more than half of the bytes that a queue may hold whose oldest
    /// deliveries make room; one at least.
    func withinHalf(_ deliveries: [ParkedDelivery], of queue: TargetQueue) -> [ParkedDelivery] {
        guard let limits = dispatcher.backlogLimits(of: queue.target), limits.overflow == .dropOldest,
            let maximum = limits.maximumBytes
        else { return deliveries }
        var bytes: UInt64 = 0
        let fitting = deliveries.prefix { delivery in
            bytes += UInt64(delivery.event.count)
            return bytes <= maximum / 2
        }
        return Array(deliveries.prefix(max(1, fitting.count)))
    }

    /// Takes the oldest deliveries out of a queue that holds too many and makes room that way. Waits for its turn while the
    /// queue is read, lest a delivery be dropped and attempted at a time.
    func trim(_ queue: TargetQueue) {
        guard !isStopped, !queue.isDraining, let limits = dispatcher.backlogLimits(of: queue.target),
            limits.overflow == .dropOldest, clock.now >= queue.trimsFrom
        else { return }
        let excess = limits.excess(of: queue.staying)
        guard excess != .zero, queue.parked.count > 0 else { return }
        queue.isDraining = true
        let limit = Int(min(UInt64(settings.trimBatch), Self.deliveries(in: excess, of: queue.parked)))
        store.oldest(target: queue.target, acceptedBefore: .distantFuture, limit: limit) { [self] result in
            guard case .success(let old) = result, !old.isEmpty else {
                // Nothing is there yet that could go; the count is mended when the queue is read to its end.
                queue.isDraining = false
                queue.arrived = nil
                return scheduleDrain(of: queue.target, at: clock.now + settings.storeRetryDelay)
            }
            // What was under way may have arrived since the store was asked.
            let excess = limits.excess(of: queue.staying)
            guard excess != .zero else { return findNextDue(queue) }
            var rest = excess
            let gone = old.prefix { delivery in
                defer { rest -= [delivery].size }
                return rest != .zero
            }
            dispatcher.record(.overflowed(count: gone.count), target: queue.target)
            let text = limits.description(beyondBy: excess)
            bury(gone.map { overflow(DeliveryAttempt(parked: $0), text) }, on: queue)
        }
    }

    /// About how many of a queue's deliveries have to go; whoever looks at them finds how many it is.
    private static func deliveries(in excess: BacklogSize, of size: BacklogSize) -> UInt64 {
        max(excess.count, excess.bytes / max(1, size.bytes / max(1, size.count)) + 1)
    }

    private func overflow(_ attempt: DeliveryAttempt, _ limit: String) -> DeadLetter {
        let failure = DeliveryFailure(
            code: "RESOURCE_LIMIT_EXCEEDED",
            message: "The queue of the target holds \(limit), the most that it may.",
            isRetryable: false
        )
        return DeadLetter(attempt: attempt, failure: failure, exhausted: nil, retries: max(1, attempt.attempts) - 1)
    }

    /// Lets targets that are held back after failures be attempted at once, as when it is known that they are back.
    ///
    /// - Parameter targets: their keys, in the order in which they are to be attempted.
    public func retryNow(_ targets: [UInt64]) {
        let now = clock.now
        for target in targets {
            guard let queue = queues[target] else { continue }
            queue.breaker.endOpenTime(now: now)
            queue.returns += 1
            // What failed often has a long wait before it.
            if queue.hasBacklog { queue.hurriesTo = now + settings.backoff.cap }
            if queue.hasBacklog, !queue.isDraining { due.setEarlier(now, for: target) }
            if queue.waiting > 0 { markDirty(queue) }
        }
        armTimer()
    }
}

extension Sequence<ParkedDelivery> {
    /// How many there are, and the bytes of their events.
    var size: BacklogSize {
        reduce(into: .zero) { $0 += BacklogSize(count: 1, bytes: UInt64($1.event.count)) }
    }
}
