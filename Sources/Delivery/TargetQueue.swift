import RetryControl
import SansIO

/// One target's queue: a small head in memory over the retry queue in the store.
final class TargetQueue {
    let target: UInt64
    /// First attempts that wait for a slot.
    var pending: [DeliveryAttempt] = []
    /// Index of the first waiting attempt in `pending`; the prefix is trimmed in large steps.
    private var head = 0
    /// Attempts under way, from memory and from the retry queue.
    var inFlight = 0
    /// Those of the attempts under way, and of the dead letters, that are not in the retry queue.
    var freshInFlight = 0
    /// Bytes of their events, and of the events that wait.
    var freshBytes: UInt64 = 0
    /// Bytes of the events of first attempts under way.
    var attemptedBytes: UInt64 = 0
    /// Those of the dead letters under way that are not in the retry queue: they are on their way out.
    var leaving = BacklogSize.zero
    /// True while the retry queue is being read or its deliveries are attempted: one batch at a time.
    var isDraining = false
    /// What is attempted of the retry queue, or was in the present batch: it cannot be pushed out until the batch has ended.
    var draining = BacklogSize.zero
    /// Steps of the present batch from the retry queue that have not come back: the attempts, then dead letters.
    var drainSteps = 0
    /// True after a batch with a failure that a retry may mend; retries then draw on the budget.
    var isFailing = false
    /// Bounds retries while the target fails.
    var budget: RetryBudget
    /// Bounds the rate after the target has come back.
    var ramp = RecoveryRamp()
    /// Deliveries in the retry queue and on their way there.
    var parked = BacklogSize.zero
    /// Deliveries of these that are on their way: the store was asked, or is to be asked again, and has not taken them.
    var parking = BacklogSize.zero
    /// When the first of the deliveries is due that came into the retry queue while it was read; nil if none did.
    var arrived: Timestamp?
    /// The backlog is not read before this time, because there was no room on this side.
    var drainsFrom = Timestamp.zero
    /// What is due up to this time is attempted now, because the target is known to be back; until an attempt fails that
    /// began after that was heard.
    var hurriesTo: Timestamp?
    /// How often it was heard that the target is back.
    var returns = 0
    /// Nothing is pushed out before this time, because dead letters could not be written.
    var trimsFrom = Timestamp.zero
    /// Bounds the rate at which the backlog is worked off, where that is configured.
    var drainPacer: (rate: Double, pacer: Pacer)?
    /// True when the store is known to hold parked deliveries of the target.
    var hasBacklog = false
    /// Stops attempts while the target keeps failing.
    var breaker: CircuitBreaker
    /// True when something came for the target since the last look for idle queues.
    var isTouched = true
    /// True while the target waits in the driver's list of targets to pump.
    var isDirty = false

    init(target: UInt64, breaker: CircuitBreaker.Settings, now: Timestamp) {
        self.target = target
        self.breaker = CircuitBreaker(breaker, now: now)
        budget = RetryBudget(now: now)
    }

    var waiting: Int { pending.count - head }

    /// Nothing waits and nothing is under way.
    var isIdle: Bool { waiting == 0 && inFlight == 0 && parking.count == 0 && !hasBacklog && !isDraining }

    /// What has waited longest.
    var next: DeliveryAttempt? { waiting > 0 ? pending[head] : nil }

    /// Takes out what came first, as many as have no more than so many bytes together.
    func takeBatch(_ limit: Int, bytes: UInt64) -> [DeliveryAttempt] {
        guard bytes < .max else { return takeBatch(limit) }
        var rest = bytes
        let fitting = pending[head...].prefix(limit).prefix { attempt in
            let size = UInt64(attempt.event.count)
            guard size <= rest else { return false }
            rest -= size
            return true
        }
        return takeBatch(fitting.count)
    }

    func takeBatch(_ limit: Int) -> [DeliveryAttempt] {
        let count = min(limit, waiting)
        let batch = Array(pending[head..<(head + count)])
        head += count
        if head == pending.count {
            pending.removeAll(keepingCapacity: pending.capacity <= 1024)
            head = 0
        } else if head > 1024 {
            pending.removeFirst(head)
            head = 0
        }
        return batch
    }

    /// Takes out what came last.
    func takeNewest(_ limit: Int) -> [DeliveryAttempt] {
        let newest = Array(pending.suffix(min(limit, waiting)))
        pending.removeLast(newest.count)
        return newest
    }

    /// What stays: everything but what is on its way out.
    var staying: BacklogSize {
        var rest = size
        rest -= leaving
        return rest
    }

    /// Everything that waits or is under way, in memory and on disk.
    var size: BacklogSize {
        parked + BacklogSize(count: UInt64(waiting + freshInFlight), bytes: freshBytes)
    }

    /// Notes that a parked delivery has left the store.
    func left(_ attempt: DeliveryAttempt) {
        let size = BacklogSize(count: 1, bytes: UInt64(attempt.event.count))
        parked -= size
        draining -= size
    }

    func takeAll() -> [DeliveryAttempt] {
        takeBatch(waiting)
    }
}
