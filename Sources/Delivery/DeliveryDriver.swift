import RetryControl
import SansIO

/// Brings accepted events to their targets: at once from memory, again from the store's retry queues, and at last to the
/// dead-letter queue (DESIGN §9).
///
/// Every delivery stays in the store until an outcome removes it, so a crash repeats deliveries and loses none. The driver
/// belongs to one shard; the dispatcher calls back on it.
public final class DeliveryDriver {
    let store: any StorePort
    let clock: any ClockPort
    let settings: DeliverySettings
    unowned let dispatcher: any DeliveryDispatcher
    var generator: SeededGenerator
    var queues: [UInt64: TargetQueue] = [:] {
        didSet { latest = nil }
    }
    /// The queue that was asked for last; the next question is mostly for it too.
    private var latest: TargetQueue?
    var due = DueHeap()
    private var dirty: [TargetQueue] = []
    private var isFlushScheduled = false
    private var timer: (token: TimerToken, due: Timestamp)?
    /// Bytes of first attempts that wait in memory or are under way.
    public private(set) var pendingBytes = 0
    private(set) var isStopped = false

    /// Creates a driver. The dispatcher must outlive it.
    public init(
        store: any StorePort,
        clock: any ClockPort,
        dispatcher: any DeliveryDispatcher,
        seed: UInt64,
        settings: DeliverySettings = DeliverySettings()
    ) {
        self.store = store
        self.clock = clock
        self.dispatcher = dispatcher
        self.settings = settings
        generator = SeededGenerator(seed: seed)
    }

    /// Reads which targets have retry queues and begins to work them off. Called once, after the store recovered.
    ///
    /// - Parameters:
    ///   - ignored: keys whose rows are not deliveries.
    ///   - completion: receives every backlog, the ignored ones included.
    public func start(ignoring ignored: Set<UInt64> = [], completion: @escaping StoreCompletion<[TargetBacklog]>) {
        store.backlogTargets { [self] result in
            if case .success(let backlogs) = result {
                for backlog in backlogs where !ignored.contains(backlog.target) {
                    queue(backlog.target).hasBacklog = true
                    queue(backlog.target).parked = backlog.size
                    due.set(backlog.nextDue, for: backlog.target)
                }
                armTimer()
            }
            completion(result)
        }
        _ = clock.schedule(after: settings.sweepInterval) { [weak self] in self?.sweep() }
    }

    /// Starts no further attempt; those under way finish. What waits stays in the store for the next start.
    public func stop() {
        isStopped = true
        if let timer { clock.cancel(timer.token) }
        timer = nil
    }

    /// Takes an event that is durable in the intake journal and attempts its deliveries on a later turn.
    ///
    /// - Parameters:
    ///   - sequence: the event's store sequence.
    ///   - acceptedAt: when it was accepted.
    ///   - event: its bytes as stored.
    ///   - targets: the target revisions' keys.
    ///   - mayRepeat: true for an event found again after a restart.
    public func accept(
        sequence: UInt64,
        acceptedAt: Timestamp,
        event: [UInt8],
        targets: [UInt64],
        mayRepeat: Bool = false
    ) {
        for target in targets {
            let queue = queue(target)
            queue.pending.append(
                DeliveryAttempt(
                    ref: DeliveryRef(event: sequence, target: target),
                    source: .intake,
                    acceptedAt: acceptedAt,
                    event: event,
                    attempts: 0,
                    mayRepeat: mayRepeat
                )
            )
            pendingBytes += event.count
            queue.freshBytes += UInt64(event.count)
            markDirty(queue)
        }
    }

    /// Takes events that are durable in the intake journal as records of these sequences; a further one may follow them.
    public func accept(_ records: [IntakeRecord], _ sequences: [UInt64]) {
        for index in records.indices {
            for target in records[index].targets {
                let queue = queue(target)
                let bytes = records[index].event.count
                queue.pending.append(
                    DeliveryAttempt(
                        ref: DeliveryRef(event: sequences[index], target: target),
                        source: .intake,
                        acceptedAt: records[index].acceptedAt,
                        event: records[index].event,
                        attempts: 0,
                        mayRepeat: false
                    )
                )
                pendingBytes += bytes
                queue.freshBytes += UInt64(bytes)
                markDirty(queue)
            }
        }
    }

    /// Deliveries that wait in memory or are under way.
    public var activeDeliveries: Int {
        queues.values.reduce(0) { $0 + $1.waiting + $1.inFlight }
    }

    /// Whether more waits in memory for a healthy target than an eighth of what may before the rest goes to the disk.
    public func isCrowded(_ target: UInt64) -> Bool {
        guard let queue = queues[target], queue.waiting > settings.pendingPerTarget / 8 else { return false }
        if case .closed = queue.breaker.state { return !isStopped }
        return false
    }

    /// Targets with a queue here; one that nothing came for in a while has none.
    public var knownTargets: Int { queues.count }

    /// Whether nothing at all waits for a target.
    public func isDrained(_ target: UInt64) -> Bool {
        queues[target]?.isIdle ?? true
    }

    func queue(_ target: UInt64) -> TargetQueue {
        if let latest, latest.target == target { return latest }
        if let queue = queues[target] {
            latest = queue
            return queue
        }
        let queue = TargetQueue(target: target, breaker: settings.breaker, now: clock.now)
        queues[target] = queue
        latest = queue
        return queue
    }

    func markDirty(_ queue: TargetQueue) {
        queue.isTouched = true
        if !queue.isDirty {
            queue.isDirty = true
            dirty.append(queue)
        }
        guard !isFlushScheduled else { return }
        isFlushScheduled = true
        _ = clock.schedule(after: .zero) { [weak self] in self?.flush() }
    }

    /// One round gives every waiting target one batch, so that a busy target does not hold up the others.
    private func flush() {
        isFlushScheduled = false
        guard !isStopped else { return }
        var round = dirty
        dirty = []
        for queue in round { queue.isDirty = false }
        while !round.isEmpty {
            round = round.filter(pumpOnce)
        }
    }

    /// Dispatches one batch; returns whether another could follow.
    private func pumpOnce(_ queue: TargetQueue) -> Bool {
        guard queue.waiting > 0 else { return false }
        shedFresh(queue)
        guard queue.waiting > 0 else { return false }
        let now = clock.now
        let room = room(of: queue)
        guard room.slots > 0, let next = queue.next, next.event.count <= room.bytes else {
            spill(queue, now: now)
            return false
        }
        switch queue.breaker.admit(now: now) {
        case .refused(let until):
            hold(queue, until: until, now: now)
            return false
        case .probing:
            // The probes end soon, and decide.
            hold(queue, until: now + .seconds(1), now: now)
            return false
        case .admitted(let pass):
            let limit = pass.isProbe ? settings.probes : settings.batch
            let batch = queue.takeBatch(min(room.slots, limit), bytes: room.bytes)
            for _ in batch { queue.budget.noteFreshAttempt(now: now) }
            dispatch(batch, pass: pass, on: queue)
            return queue.waiting > 0
        }
    }

    /// Lets what waits go to the retry queue, unless it makes room for newer ones better in memory: nothing can be pushed out of the
    /// retry queue while a batch of it is attempted.
    private func hold(_ queue: TargetQueue, until due: Timestamp, now: Timestamp) {
        if queue.draining.count > 0, dispatcher.backlogLimits(of: queue.target)?.overflow == .dropOldest {
            spill(queue, now: now)
        } else {
            parkFresh(queue.takeBatch(queue.waiting), due: due)
        }
    }

    /// Keeps memory bounded while a target is slow: what exceeds the head goes to the retry queue on disk.
    private func spill(_ queue: TargetQueue, now: Timestamp) {
        let excess = queue.waiting - settings.pendingPerTarget
        if pendingBytes > settings.pendingBytes {
            parkFresh(queue.takeBatch(queue.waiting), due: now)
        } else if excess > 0 {
            parkFresh(queue.takeBatch(excess), due: now)
        }
    }

    func dispatch(_ attempts: [DeliveryAttempt], pass: CircuitBreaker.Pass, on queue: TargetQueue) {
        let fresh = attempts.count { $0.source == .intake }
        let bytes = attempts.freshBytes
        queue.inFlight += attempts.count
        queue.freshInFlight += fresh
        queue.attemptedBytes += bytes
        let returns = queue.returns
        dispatcher.dispatch(attempts, target: queue.target) { [self] outcomes in
            precondition(outcomes.count == attempts.count, "a dispatcher answers every attempt")
            queue.inFlight -= attempts.count
            queue.freshInFlight -= fresh
            queue.attemptedBytes -= bytes
            releaseBytes(bytes, of: queue)
            settle(attempts, outcomes, pass: pass, isOutdated: returns != queue.returns, on: queue)
            if case .parked? = attempts.first?.source { endDrainStep(queue) }
        }
    }

    /// Hears that fresh events of so many bytes neither wait in memory nor are attempted any more.
    func releaseBytes(_ bytes: UInt64, of queue: TargetQueue) {
        pendingBytes -= Int(bytes)
        queue.freshBytes -= min(queue.freshBytes, bytes)
    }

    func noteProgress(_ queue: TargetQueue) {
        if queue.waiting > 0 { markDirty(queue) }
        if queue.isIdle { dispatcher.record(.drained, target: queue.target) }
    }

    /// Sets the one timer to the earliest due time.
    func armTimer() {
        guard !isStopped, let earliest = due.earliest else { return }
        if let timer {
            guard earliest < timer.due else { return }
            clock.cancel(timer.token)
        }
        let delay = max(.zero, earliest - clock.now)
        let token = clock.schedule(after: delay) { [weak self] in
            guard let self else { return }
            timer = nil
            drainDue()
        }
        timer = (token, earliest)
    }
}
