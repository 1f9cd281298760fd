import SansIO

/// The store of a cell with one node: an intake journal in front of RocksDB (DESIGN §10).
///
/// Belongs to one shard: every method is called there, and every completion runs there on a later turn. Two threads do the
/// disk's work: one writes the journal, many appends for one synchronisation; one runs RocksDB, many operations for one
/// batch. Results come back batched through the executor.
///
/// Beyond what ``StorePort`` says:
/// - ``oldest(target:acceptedBefore:limit:completion:)`` and ``expire(target:acceptedBefore:completion:)`` go by the order
///   of the events' sequences and stop at the first that was not accepted before the given time.
/// - When the journal nears its limit, deliveries that still wait spill to RocksDB. They stay intake: they are resolved,
///   settled, parked and recovered as if they were still in the journal, and are in no retry queue.
/// - While the disk is full appends, durable sends and configuration writes fail with `full`; everything else goes on.
public final class EmbeddedStore: StorePort {
    struct PendingAppend {
        var records: [IntakeRecord]
        var firstSequence: UInt64
        var settling: [DeliveryRef]
        var frameBytes: Int
        /// Why it never reached the journal, or nil.
        var refusal: StoreError?
        var completion: StoreCompletion<[UInt64]>
    }

    let configuration: EmbeddedStoreConfiguration
    let directory: DataDirectory
    let journal: Journal
    let queue: RocksQueue
    let gate: ShardGate
    let space: SpaceGuard
    private var threads: [WorkerThread] = []

    var table: IntakeTable
    var appends = AppendQueue()
    /// Deliveries resolved before their append completed.
    var resolvedEarly: [DeliveryRef] = []
    /// What waits for the RocksDB thread. Run by the store alone, so none of it holds the store before closing begins: one
    /// that is let go of with operations under way ends.
    var operations: [UInt64: () -> Void] = [:]
    var nextOperation: UInt64 = 1
    /// Work for a later turn that needs no thread.
    var deferred: [() -> Void] = []
    var damageReports: [String]
    /// The latest event that spilled, or zero.
    var latestSpilled: UInt64
    var isSpilling = false
    var isSpillDue = false
    /// After a failure, when moving is tried again.
    var nextSpill: UInt64 = 0
    var isRecovering = false
    var parkedCount: UInt64
    var spilledCount: UInt64
    /// How often moving met damage in the oldest segment, and how many records were given up for it.
    var damage: (segment: UInt64, tries: Int) = (0, 0)
    var unreadableRecords: UInt64 = 0
    var appendedRecords: UInt64 = 0
    private var isDraining = false
    private var kicks = Kicks()
    private var upcomingSequence: UInt64
    /// What was asked for, and what is known to be on disk.
    private var reservedSequence: UInt64
    private var knownReservation: UInt64

    /// Which threads have new work.
    struct Kicks {
        var journal = false
        var rocks = false
    }

    /// How far closing has come.
    enum Phase {
        case open
        /// What was under way is awaited; what follows from it is still done.
        case draining
        case closingRocks
        case closingJournal
        case closed
    }

    var phase = Phase.open
    var closeCompletion: (() -> Void)?
    /// What was asked for after closing began; it fails once closing is done, so no completion overtakes another.
    var refused: [() -> Void] = []

    init(_ parts: StoreParts) {
        configuration = parts.configuration
        directory = parts.directory
        journal = parts.journal
        queue = parts.queue
        gate = parts.gate
        space = parts.space
        table = parts.table
        damageReports = parts.reports
        parkedCount = parts.parked
        spilledCount = parts.spilled
        latestSpilled = parts.latestSpilled
        upcomingSequence = parts.start.nextSequence
        reservedSequence = parts.start.sequenceLimit
        knownReservation = parts.start.sequenceLimit
        gate.attach(self)
    }

    /// Begins the work. The gate knows the store by then: mail of a thread that finds nobody would never be brought in.
    func start(_ threads: [WorkerThread]) {
        self.threads = threads
    }

    deinit {
        guard phase != .closed else { return }
        journal.end(.abandon)
        queue.abandon()
        for thread in threads { thread.join() }
    }

    /// Takes the next sequence from the block reserved on disk.
    public func nextSequence() -> UInt64 {
        takeSequences(1)
    }

    /// Takes `count` sequences in a row. Half a block before the reserved ones run out, more are asked for.
    func takeSequences(_ count: Int) -> UInt64 {
        let first = upcomingSequence
        upcomingSequence += UInt64(count)
        if upcomingSequence + Journal.sequenceBlock / 2 > reservedSequence {
            reservedSequence = upcomingSequence + Journal.sequenceBlock
            journal.reserve(below: reservedSequence)
        }
        return first
    }

    /// Why nothing that may hold new sequences can be written, or nil. Half a block of them is left when reserving begins.
    public var unreserved: StoreError? {
        guard upcomingSequence > knownReservation else { return nil }
        knownReservation = journal.shared.withLock { $0.sequenceLimit }
        return upcomingSequence > knownReservation ? Journal.unreserved(knownReservation) : nil
    }

    /// Whether appends are taken. Once one was refused at the journal's own limit, not before there is room to spare, so
    /// that whoever asks does not hear something else each time.
    public var takesAppends: Bool {
        guard !statistics.isFull else { return false }
        guard !journal.takesAppends() else { return true }
        // Moving deliveries out of the journal goes on though nobody appends.
        gate.poke()
        return false
    }

    /// Has a thread woken at the end of this turn, so what one turn asks of it is done together.
    func kickLater(_ due: WritableKeyPath<Kicks, Bool>) {
        guard !kicks[keyPath: due] else { return }
        let isFirst = !kicks.journal && !kicks.rocks
        kicks[keyPath: due] = true
        if isFirst, !isDraining { gate.poke() }
    }

    private func kick() {
        if kicks.journal { journal.kick() }
        if kicks.rocks { queue.kick() }
        kicks = Kicks()
    }

    /// Brings in what the threads have done. Called by the executor.
    func drain() {
        isDraining = true
        defer {
            isDraining = false
            kick()
        }
        let mail = gate.collect()
        if let parked = mail.parked { parkedCount = parked }
        if let spilled = mail.spilled { spilledCount = spilled }
        for outcome in mail.journal { settleAppends(outcome) }
        failRefusedAppends()
        for number in mail.operations {
            operations.removeValue(forKey: number)?()
        }
        if !deferred.isEmpty {
            let work = deferred
            deferred = []
            for action in work { action() }
        }
        if phase == .open {
            releaseSegments()
            relievePressure()
        }
        closeRocksWhenIdle()
        if mail.journalEnded { finishClosing() }
    }

    /// Runs `action` on a later turn.
    func later(_ action: @escaping () -> Void) {
        deferred.append(action)
        gate.poke()
    }

    /// Hands an operation to the RocksDB thread.
    func submit<Value: Sendable>(
        _ whenDone: RocksOperation.Completion = .whenWritten,
        isUrgent: Bool = true,
        _ work: @escaping @Sendable (RocksEngine) throws(StoreError) -> Value,
        completion: @escaping StoreCompletion<Value>
    ) {
        guard phase == .open else {
            refuse(completion)
            return
        }
        enqueue(whenDone, isUrgent: isUrgent, work, completion: completion)
    }

    private func enqueue<Value: Sendable>(
        _ whenDone: RocksOperation.Completion,
        isUrgent: Bool,
        isLast: Bool = false,
        _ work: @escaping @Sendable (RocksEngine) throws(StoreError) -> Value,
        completion: @escaping StoreCompletion<Value>
    ) {
        let slot = OperationSlot<Value>()
        let number = nextOperation
        nextOperation += 1
        operations[number] = { completion(slot.result) }
        queue.add(
            RocksOperation(
                number: number,
                completion: whenDone,
                isLast: isLast,
                work: { engine throws(StoreError) in slot.succeed(try work(engine)) },
                fail: { slot.fail($0) }
            ),
            isUrgent: isUrgent
        )
        kickLater(\.rocks)
    }

    /// Hands over work that nobody waits for and that may be lost.
    func submit(_ work: @escaping @Sendable (RocksEngine) throws(StoreError) -> Void) {
        guard phase == .open || phase == .draining else { return }
        queue.add(RocksOperation(number: 0, completion: .whenWritten, work: work, fail: { _ in }), isUrgent: false)
        kickLater(\.rocks)
    }

    /// Has an operation that came after closing began fail.
    func refuse<Value>(_ completion: @escaping StoreCompletion<Value>) {
        let action = { completion(.failure(StoreError(.closed, "the store is closed"))) }
        if phase == .closed { later(action) } else { refused.append(action) }
    }

    /// Writes what is pending and closes.
    public func close(completion: @escaping () -> Void) {
        guard phase == .open else {
            if phase == .closed { later(completion) } else { refused.append(completion) }
            return
        }
        // Holds on to the store until it is closed.
        closeCompletion = { [self] in withExtendedLifetime(self) { completion() } }
        phase = .draining
        closeRocksWhenIdle()
    }

    /// Completions may settle rows, so RocksDB closes after the last of them.
    private func closeRocksWhenIdle() {
        guard phase == .draining, appends.first == nil, operations.isEmpty else { return }
        phase = .closingRocks
        enqueue(.whenSynchronised, isUrgent: true, isLast: true, { _ throws(StoreError) in }) { [self] _ in
            closeJournal()
        }
    }

    /// RocksDB's last notes are in the journal's hands now.
    private func closeJournal() {
        phase = .closingJournal
        journal.end(.close(nextSequence: upcomingSequence))
    }

    private func finishClosing() {
        guard phase == .closingJournal else { return }
        for thread in threads { thread.join() }
        phase = .closed
        directory.unlock()
        let actions = refused
        refused = []
        let completion = closeCompletion
        closeCompletion = nil
        completion?()
        for action in actions { action() }
    }

    /// Figures for metrics.
    public var statistics: StoreStatistics {
        var figures = StoreStatistics()
        figures.appendedRecords = appendedRecords
        figures.unresolvedDeliveries = UInt64(table.unresolved) + spilledCount
        figures.parkedDeliveries = parkedCount
        figures.unreadableRecords = unreadableRecords
        let now = monotonicNanoseconds()
        let isFull = space.isFull(now: now)
        let segmentBytes = journal.segmentBytes
        journal.shared.withLock { state in
            figures.synchronisations = state.synchronisations
            figures.journalBytesWritten = state.bytesWritten
            figures.journalBytes = UInt64(state.fileCount * segmentBytes)
            figures.isFull = isFull || state.isFull
        }
        if figures.isFull, !isFull { figures.isFull = journal.staysFull(now: now) }
        return figures
    }
}
