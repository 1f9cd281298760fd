import SansIO

/// A store in memory: the twin of the embedded store for tests and simulations.
///
/// An operation changes what later ones see at once; a durable one writes everything to disk before it completes.
/// ``crash()`` goes back to what is on disk, so everything that was not synchronised is lost: lazy notes, unsynchronised
/// rows, and operations that had not completed.
public final class MemoryStore: StorePort {
    private let schedule: (@escaping () -> Void) -> Void
    private var state = MemoryStoreState()
    private var sequence: UInt64 = 1
    private var isClosed = false
    private var figures = StoreStatistics()
    /// Rises with each crash; what was under way before then never completes.
    private var life = 0
    private var waiting: [() -> Void] = []
    /// Appended records that are not on disk.
    private var tail: [(records: [IntakeRecord], sequences: Range<UInt64>)] = []
    private static let longestTail = 1 << 16
    /// What writes under way take out of retry queues, by target, and out of the intake journal.
    private var finishing: [UInt64: BacklogSize] = [:]
    private var settling: [UInt64: BacklogSize] = [:]

    /// What goes wrong now. Ending a stall lets what waits go on.
    public var faults = MemoryStoreFaults() {
        didSet {
            guard !faults.isStalled, !waiting.isEmpty else { return }
            let actions = waiting
            waiting = []
            for action in actions { action() }
        }
    }

    /// Hears of appended records and their sequences as soon as they are on disk: a look at the disk from outside.
    public var onDurable: (([IntakeRecord], Range<UInt64>) -> Void)?

    /// Creates an empty store.
    ///
    /// - Parameter schedule: runs what it is given on a later turn of the shard, in order.
    public init(schedule: @escaping (@escaping () -> Void) -> Void) {
        self.schedule = schedule
    }

    /// Stops as a machine without power would: back to what is on disk, and nothing under way completes. The store is
    /// then as if opened anew.
    public func crash() {
        life += 1
        state.goBack()
        tail = []
        waiting = []
        finishing = [:]
        settling = [:]
        isClosed = false
        figures = StoreStatistics()
        // Numbers come in reserved blocks: those of the present block are lost.
        sequence += 1000
    }

    /// Opens the store again after ``close(completion:)``.
    public func reopen() {
        isClosed = false
        figures = StoreStatistics()
    }

    /// Writes everything to disk, as the embedded store does a moment after lazy operations.
    public func synchronise() {
        state.synchronise()
        guard let onDurable, !tail.isEmpty else { return }
        let appended = tail
        tail = []
        for (records, sequences) in appended { onDurable(records, sequences) }
    }

    /// The disk takes what is lazy, too, when much has gathered.
    private func limitTail() {
        guard state.unsynchronised > Self.longestTail, !faults.isStalled, !faults.isFailing else { return }
        synchronise()
    }

    /// Does `work` and completes on a later turn.
    private func run<Value>(
        _ kind: MemoryStoreKind,
        needsSpace: Bool = false,
        _ completion: @escaping StoreCompletion<Value>,
        _ work: () throws(StoreError) -> Value
    ) {
        let result: Result<Value, StoreError>
        if isClosed {
            result = .failure(StoreError(.closed, "the store is closed"))
        } else if needsSpace, faults.isFull {
            result = .failure(StoreError(.full, "the disk is full"))
        } else if needsSpace, let unreserved {
            result = .failure(unreserved)
        } else if faults.isFailing {
            result = .failure(StoreError(.failed, "the disk fails"))
        } else {
            do { result = .success(try work()) } catch { result = .failure(error) }
        }
        limitTail()
        let life = life
        let finish = { [self] in
            guard life == self.life else { return }
            if kind == .durable { synchronise() }
            completion(result)
        }
        if faults.isStalled, kind == .durable {
            waiting.append { [schedule] in schedule(finish) }
        } else {
            schedule(finish)
        }
    }

    /// Takes the next sequence from the block reserved on disk.
    public func nextSequence() -> UInt64 {
        defer { sequence += 1 }
        return sequence
    }

    /// Why nothing that may hold new sequences can be written, or nil.
    public var unreserved: StoreError? {
        faults.isUnreserved ? StoreError(.failed, "no sequences can be reserved on disk") : nil
    }

    /// Makes events durable with their targets; see ``StorePort``.
    public func append(
        _ records: [IntakeRecord],
        settling: [DeliveryRef],
        completion: @escaping StoreCompletion<[UInt64]>
    ) {
        let first = sequence
        sequence += UInt64(records.count)
        var leaving: [UInt64: BacklogSize] = [:]
        let finish: StoreCompletion<[UInt64]> = { [self] result in
            self.settling.subtract(leaving)
            completion(result)
        }
        run(.durable, needsSpace: true, finish) { () throws(StoreError) in
            leaving = state.settlingSizes(of: settling)
            self.settling.add(leaving)
            state.add(records, firstSequence: first)
            state.settle(settling)
            figures.appendedRecords += UInt64(records.count)
            figures.synchronisations += 1
            if onDurable != nil { tail.append((records, first..<first + UInt64(records.count))) }
            return Array(first..<first + UInt64(records.count))
        }
    }

    /// Hands over what was not resolved when the store was last open, some records a turn.
    public func recover(
        visit: @escaping ([RecoveredRecord]) -> Void,
        completion: @escaping StoreCompletion<[String]>
    ) {
        let records = state.unresolved
        let finish: StoreCompletion<[String]> = { result in
            if case .success = result, !records.isEmpty { visit(records) }
            completion(result)
        }
        run(.lazy, finish) { () throws(StoreError) in [] }
    }

    /// Notes that deliveries are done; the note is written with a later commit.
    public func resolve(_ refs: [DeliveryRef]) {
        guard !isClosed else { return }
        state.settle(refs)
        limitTail()
    }

    /// Moves intake deliveries to their targets' retry queues.
    public func park(_ deliveries: [ParkedDelivery], completion: @escaping StoreCompletion<Void>) {
        run(.lazy, completion) { () throws(StoreError) in state.park(deliveries) }
    }

    /// Reads the deliveries of a target that are due, earliest first.
    public func due(
        target: UInt64,
        now: Timestamp,
        limit: Int,
        completion: @escaping StoreCompletion<[ParkedDelivery]>
    ) {
        run(.lazy, completion) { () throws(StoreError) in state.due(target, now: now, limit: limit) }
    }

    /// The earliest due time of a target's retry queue.
    public func nextDue(target: UInt64, completion: @escaping StoreCompletion<Timestamp?>) {
        run(.lazy, completion) { () throws(StoreError) in state.nextDue(target) }
    }

    /// Every target with a retry queue that is not empty.
    public func backlogTargets(completion: @escaping StoreCompletion<[TargetBacklog]>) {
        run(.lazy, completion) { () throws(StoreError) in state.backlogs }
    }

    /// Files parked deliveries under new due times; those that are gone are passed over.
    public func reschedule(_ changes: [Reschedule], completion: @escaping StoreCompletion<Void>) {
        run(.lazy, completion) { () throws(StoreError) in state.reschedule(changes) }
    }

    /// Removes parked deliveries that are done; those that are gone are passed over.
    public func finish(_ parked: [ParkedRef]) {
        guard !isClosed else { return }
        state.finish(parked.map(\.ref))
        limitTail()
    }

    /// Reads the oldest deliveries of a target's retry queue.
    public func oldest(
        target: UInt64,
        after: UInt64?,
        acceptedBefore: Timestamp,
        limit: Int,
        completion: @escaping StoreCompletion<[ParkedDelivery]>
    ) {
        run(.lazy, completion) { () throws(StoreError) in
            state.oldest(target, after: after, acceptedBefore: acceptedBefore, limit: limit)
        }
    }

    /// Removes the oldest deliveries of a target's retry queue.
    public func expire(target: UInt64, acceptedBefore: Timestamp, completion: @escaping StoreCompletion<BacklogSize>) {
        run(.lazy, completion) { () throws(StoreError) in state.expire(target, acceptedBefore: acceptedBefore) }
    }

    /// Removes the whole retry queue of a target.
    public func dropTarget(_ target: UInt64, completion: @escaping StoreCompletion<UInt64>) {
        run(.durable, completion) { () throws(StoreError) in state.drop(target) }
    }

    /// Writes messages to a queue, and finishes or settles the deliveries that they replace.
    public func send(_ send: QueueSend, completion: @escaping StoreCompletion<Void>) {
        var leaving: [UInt64: BacklogSize] = [:]
        var done: [UInt64: BacklogSize] = [:]
        let finish: StoreCompletion<Void> = { [self] result in
            settling.subtract(leaving)
            finishing.subtract(done)
            completion(result)
        }
        run(send.durable ? .durable : .lazy, needsSpace: send.durable, finish) { () throws(StoreError) in
            leaving = state.settlingSizes(of: send.settling)
            done = state.finishingSizes(of: send.finishing)
            settling.add(leaving)
            finishing.add(done)
            state.send(send)
        }
    }

    /// Receives visible messages and hides them for a while.
    public func receive(
        queue: UInt64,
        now: Timestamp,
        limit: Int,
        hiddenUntil: Timestamp,
        redrive: QueueRedrive?,
        completion: @escaping StoreCompletion<QueueReceipt>
    ) {
        run(.lazy, completion) { () throws(StoreError) in
            state.receive(queue, now: now, limit: limit, hiddenUntil: hiddenUntil, redrive: redrive)
        }
    }

    /// Deletes messages durably.
    public func delete(queue: UInt64, keys: [MessageKey], completion: @escaping StoreCompletion<[Bool]>) {
        run(.durable, completion) { () throws(StoreError) in state.delete(queue, keys) }
    }

    /// Changes when a message in flight becomes visible again.
    public func changeVisibility(
        queue: UInt64,
        key: MessageKey,
        now: Timestamp,
        visibleAt: Timestamp,
        completion: @escaping StoreCompletion<Bool>
    ) {
        run(.lazy, completion) { () throws(StoreError) in
            state.changeVisibility(queue, key, now: now, visibleAt: visibleAt)
        }
    }

    /// Removes every message of a queue.
    public func purge(queue: UInt64, completion: @escaping StoreCompletion<Void>) {
        run(.durable, completion) { () throws(StoreError) in state.purge(queue) }
    }

    /// Removes messages sent before a time, in whatever order they were sent.
    public func expireMessages(queue: UInt64, sentBefore: Timestamp, completion: @escaping StoreCompletion<UInt64>) {
        run(.lazy, completion) { () throws(StoreError) in state.expireMessages(queue, sentBefore: sentBefore) }
    }

    /// Counts a queue's messages.
    public func counts(queue: UInt64, now: Timestamp, completion: @escaping StoreCompletion<QueueCounts>) {
        run(.lazy, completion) { () throws(StoreError) in state.counts(queue, now: now) }
    }

    /// Reads configuration entries by prefix.
    public func configuration(prefix: String, completion: @escaping StoreCompletion<[ConfigurationEntry]>) {
        run(.lazy, completion) { () throws(StoreError) in state.entries(prefix: prefix) }
    }

    /// Applies configuration changes, all or none.
    public func configure(_ changes: [ConfigurationChange], completion: @escaping StoreCompletion<Void>) {
        let needsSpace = changes.contains { $0.value != nil }
        run(.durable, needsSpace: needsSpace, completion) { () throws(StoreError) in try state.configure(changes) }
    }

    /// Writes what is pending and closes.
    public func close(completion: @escaping () -> Void) {
        if !isClosed { synchronise() }
        isClosed = true
        let life = life
        schedule { [self] in
            if life == self.life { completion() }
        }
    }

    /// What waits for each target, as a look from outside finds it: in the intake journal, in the retry queue, and what a
    /// write under way takes out of the retry queue.
    ///
    /// - Parameter leaving: whether what a write under way takes out of the intake journal counts, too.
    /// - Returns: counts and bytes of events by target key. Takes a look at every record.
    public func held(leaving: Bool) -> [UInt64: BacklogSize] {
        var held = state.held
        held.add(finishing)
        if leaving { held.add(settling) }
        return held
    }

    /// Figures for metrics.
    public var statistics: StoreStatistics {
        var figures = figures
        figures.unresolvedDeliveries = UInt64(state.unresolvedCount)
        figures.parkedDeliveries = UInt64(state.parkedCount)
        figures.isFull = faults.isFull
        return figures
    }
}
