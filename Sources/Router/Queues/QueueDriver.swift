import EventModel
import SansIO

/// The queues of a node: their catalog and their messages (spec: control §13).
///
/// A driver belongs to one shard. Every operation returns at once; a completion runs on the shard, either inside the call,
/// when the answer is known, or later. The catalog lives in the store's configuration and in memory; messages live in the
/// store alone.
public final class QueueDriver {
    let store: any StorePort
    let clock: any ClockPort
    let quotas: Quotas
    let limits: QueueLimits
    var generator: SeededGenerator

    var queues: [QueueKey: QueueState] = [:]
    var queuesByNumber: [UInt64: QueueState] = [:]
    /// The names of each tenant's queues in the order of their bytes.
    var names: [QueueTenant: [String]] = [:]

    /// Catalog changes run one after another, so each sees what the one before it left.
    var changes: [() -> Void] = []
    var isChanging = false

    var waiting: [UInt64: QueueWaiter] = [:]
    var lastWaiter: UInt64 = 0

    var sweepTimer: TimerToken?
    /// Message move tasks by the number of their source, oldest first.
    var moves: [UInt64: [QueueMove]] = [:]
    var isShutDown = false

    /// Figures for metrics.
    public internal(set) var statistics = QueueStatistics()

    /// Creates a driver; call ``load(completion:)`` before anything else.
    ///
    /// - Parameters:
    ///   - store: where messages and the catalog live.
    ///   - clock: time and timers of the shard.
    ///   - seed: seeds the generator of message ids.
    ///   - quotas: limits of the service.
    ///   - limits: limits of the driver.
    public init(
        store: any StorePort,
        clock: any ClockPort,
        seed: UInt64,
        quotas: Quotas = Quotas(),
        limits: QueueLimits = QueueLimits()
    ) {
        self.store = store
        self.clock = clock
        self.quotas = quotas
        self.limits = limits
        generator = SeededGenerator(seed: seed)
    }

    /// Reads the catalog and finishes removals that a crash interrupted, then starts the retention sweep.
    ///
    /// Completes with a line for each catalog entry that could not be read; such an entry is left in the store.
    public func load(completion: @escaping StoreCompletion<[String]>) {
        store.configuration(prefix: QueueKey.configurationPrefix) { [self] result in
            switch result {
            case .failure(let error): completion(.failure(error))
            case .success(let entries):
                var faults: [String] = []
                for entry in entries {
                    if let queue = Queue(entry) {
                        // What was in flight before the restart is unknown until the first receive counts it.
                        install(queue, inFlight: limits.inFlightPerQueue)
                    } else {
                        faults.append("queue catalog entry \(entry.key) cannot be read")
                    }
                }
                finishRemovals(faults, completion)
            }
        }
    }

    private func finishRemovals(_ faults: [String], _ completion: @escaping StoreCompletion<[String]>) {
        store.configuration(prefix: Self.removalPrefix) { [self] result in
            switch result {
            case .failure(let error): completion(.failure(error))
            case .success(let entries):
                for entry in entries {
                    if let number = UInt64(entry.key.dropFirst(Self.removalPrefix.utf8.count)) {
                        purgeRemoved(number)
                    }
                }
                scheduleSweep()
                completion(.success(faults))
            }
        }
    }

    /// Stops timers and move tasks and answers every waiting receive with no messages.
    public func shutDown() {
        isShutDown = true
        if let sweepTimer { clock.cancel(sweepTimer) }
        sweepTimer = nil
        for number in waiting.keys.sorted() {
            if let waiter = waiting[number] { finish(waiter, .success([])) }
        }
        for state in queuesByNumber.values {
            if let timer = state.wakeTimer { clock.cancel(timer) }
            state.wakeTimer = nil
        }
        stopMoveTasks()
    }

    /// The queue of that key, or nil.
    public func queue(_ key: QueueKey) -> Queue? {
        queues[key]?.queue
    }

    /// The owner of a queue and its policy text, nil when there is no such queue.
    public func policy(of queue: ARN) -> (owner: AccountID, policy: String?)? {
        guard let state = state(of: queue) else { return nil }
        return (state.queue.key.account, state.queue.attributes.policy)
    }

    /// The keys of an account's queues in a region by name, from the first name behind `after` on, at most `limit`.
    public func list(
        region: String,
        account: AccountID,
        prefix: String = "",
        after: String? = nil,
        limit: Int
    ) -> [QueueKey] {
        var result: [QueueKey] = []
        for name in names[QueueTenant(region: region, account: account)] ?? [] {
            if result.count >= limit { break }
            if let after, !after.utf8.lexicographicallyPrecedes(name.utf8) { continue }
            guard name.utf8.starts(with: prefix.utf8) else { continue }
            result.append(QueueKey(region: region, account: account, name: name))
        }
        return result
    }

    /// The queues of the same account and region that name `key` as their dead-letter queue, by name.
    public func sources(ofDeadLetterQueue key: QueueKey) -> [QueueKey] {
        let tenant = QueueTenant(region: key.region, account: key.account)
        return (names[tenant] ?? []).compactMap { name in
            let source = QueueKey(region: key.region, account: key.account, name: name)
            guard let redrive = queues[source]?.queue.attributes.redrive,
                QueueKey(redrive.deadLetterTarget) == key
            else { return nil }
            return source
        }
    }

    func state(of arn: ARN) -> QueueState? {
        QueueKey(arn).flatMap { queues[$0] }
    }
}

/// A queue with what the driver remembers of it while it runs.
final class QueueState {
    var queue: Queue
    let arn: String
    /// Grows whenever a message may have become available; a receive that saw an older value must look again.
    var version: UInt64 = 0
    /// Receives that wait, longest first.
    var waiters: [QueueWaiter] = []
    var isPumping = false
    var wakeTimer: TimerToken?
    /// Messages in flight, never less than there are: timeouts that pass are not seen, so it is recounted at the limit.
    var inFlight: Int
    var purgedAt: Timestamp?
    var isRemoved = false

    init(_ queue: Queue, inFlight: Int) {
        self.queue = queue
        self.inFlight = inFlight
        arn = queue.arn.description
    }
}
