import SansIO

/// The RocksDB thread: runs operations in order, writes many in one batch, and synchronises the log once for all that wait
/// for it. Confined to that thread once it runs.
///
/// What an operation wrote is seen by later ones before the batch is written: rows that are looked up by key are kept in
/// an overlay meanwhile, and whoever walks rows calls ``flush()`` first.
final class RocksEngine {
    private let path: String
    private let configuration: EmbeddedStoreConfiguration
    private let files: FileOperations
    private let journal: Journal
    private let gate: ShardGate
    private let space: SpaceGuard
    private let floor: RocksFloor

    /// Nil only between a failed reopening and the next try, when no operation runs.
    private var opened: RocksDatabase?
    private(set) var batch: RocksBatch
    var overlay = RowOverlay()
    var backlogs: Backlogs
    var queues: QueueStates
    var spilled: SpilledIntake

    /// Why RocksDB must be opened again before it is used, or nil.
    private var breakage: StoreError?
    private var nextReopen: UInt64 = 0
    private var reopenDelay = RocksEngine.reopenDelays.lowerBound
    /// How many changes were written. Callers were told so, though they may not be on disk yet.
    private var written: UInt64 = 0
    private var uncommitted: [RocksOperation] = []
    /// How often the batch was written.
    private var flushes: UInt64 = 0
    /// Operations that nobody waits for and that failed, to be done again from this time on.
    private var postponed: [RocksOperation] = []
    private var nextRepeat: UInt64 = 0
    private var finished: [UInt64] = []
    private var posted: (parked: UInt64, spilled: UInt64)
    private var unsynchronised: [RocksOperation] = []
    private var unsynchronisedSince: UInt64?
    private var settledInBatch: [DeliveryRef] = []
    private var settledUnsynchronised: [DeliveryRef] = []
    private var releaseBefore: UInt64?
    private var isClosing = false

    private static let batchBytes = 1 << 20
    private static let reopenDelays: ClosedRange<UInt64> = 20_000_000...1_000_000_000
    private static let repeatDelay: UInt64 = 1_000_000_000
    /// Beyond this many, deliveries would merely repeat after a restart.
    private static let postponedLimit = 1 << 16

    /// Opens the database.
    ///
    /// - Throws: what RocksDB says, as a store error; `corrupt` when it lacks rows that were on disk.
    init(
        path: String,
        configuration: EmbeddedStoreConfiguration,
        files: FileOperations,
        journal: Journal,
        gate: ShardGate,
        space: SpaceGuard,
        floor: RocksFloor
    ) throws(StoreError) {
        self.path = path
        self.configuration = configuration
        self.files = files
        self.journal = journal
        self.gate = gate
        self.space = space
        self.floor = floor
        let database = try floor.open(path, configuration)
        opened = database
        batch = database.makeBatch()
        backlogs = try Backlogs(database)
        queues = try QueueStates(database)
        spilled = try SpilledIntake(database)
        posted = (backlogs.total, UInt64(spilled.count))
    }

    /// Runs operations until the last, which closes the store.
    func run(_ queue: RocksQueue) {
        let lag = configuration.lazySynchronisationMilliseconds * 1_000_000
        while !isClosing, let operations = queue.take(until: deadline(lag)) {
            repeatWhenDue()
            for operation in operations { perform(operation) }
            try? flush()
            postFinished()
            let isOverdue = unsynchronisedSince.map { $0 + lag <= monotonicNanoseconds() } ?? false
            if !unsynchronised.isEmpty || releaseBefore != nil || isOverdue || isClosing { synchronise() }
            postFinished()
        }
    }

    private func deadline(_ lag: UInt64) -> UInt64? {
        let synchronisation = unsynchronisedSince.map { $0 + lag }
        guard !postponed.isEmpty else { return synchronisation }
        let repetition = breakage == nil ? nextRepeat : nextReopen
        return min(synchronisation ?? repetition, repetition)
    }

    private func perform(_ operation: RocksOperation) {
        if operation.isLast { beginClosing() }
        var before = (flushes: flushes, byteCount: batch.byteCount)
        do throws(StoreError) {
            if breakage != nil {
                try reopen()
                before = (flushes, batch.byteCount)
            }
            if let breakage { throw breakage }
            try operation.work(self)
        } catch {
            operation.fail(error)
            // Half of an operation must not be written with the rest. What was there before it may have been written.
            let earlier = flushes == before.flushes ? before.byteCount : 0
            if breakage == nil, batch.byteCount > earlier { breakDown(error) }
            end(operation, with: error)
            return
        }
        if batch.isEmpty, uncommitted.isEmpty {
            finish(operation)
        } else {
            uncommitted.append(operation)
            if batch.byteCount >= Self.batchBytes { try? flush() }
        }
        if finished.count >= 64 { postFinished() }
    }

    /// What could not be done is tried a last time.
    private func beginClosing() {
        isClosing = true
        if nextReopen != .max { nextReopen = 0 }
        nextRepeat = 0
        repeatWhenDue()
    }

    /// A failed operation has ended if someone waits for it; the others are done again, since nobody else will.
    private func end(_ operation: RocksOperation, with error: StoreError) {
        guard operation.number == 0 else { return finish(operation) }
        if breakage == nil {
            guard error.code != .corrupt else { return }
            nextRepeat = monotonicNanoseconds() + Self.repeatDelay
        }
        if postponed.count < Self.postponedLimit { postponed.append(operation) }
    }

    private func repeatWhenDue() {
        guard !postponed.isEmpty, monotonicNanoseconds() >= (breakage == nil ? nextRepeat : nextReopen) else { return }
        if breakage != nil { try? reopen() } else { repeatPostponed() }
    }

    private func repeatPostponed() {
        let again = postponed
        postponed = []
        for operation in again { perform(operation) }
    }

    /// Writes what earlier operations put into the batch, so walks see it.
    ///
    /// - Throws: what RocksDB says. The operations in the batch have then failed.
    func flush() throws(StoreError) {
        if !batch.isEmpty {
            backlogs.writeCounts(to: batch)
            queues.writeCounts(to: batch)
            do throws(StoreError) {
                if let fault = files.engineFault() { throw fault }
                try database.write(batch)
                flushes += 1
                written = try database.latestSequence
            } catch {
                breakDown(error)
                throw error
            }
        }
        if !batch.isEmpty || !settledInBatch.isEmpty, unsynchronisedSince == nil {
            unsynchronisedSince = monotonicNanoseconds()
        }
        batch.clear()
        overlay.removeAll()
        settledUnsynchronised.append(contentsOf: settledInBatch)
        settledInBatch.removeAll(keepingCapacity: true)
        for operation in uncommitted { finish(operation) }
        uncommitted.removeAll(keepingCapacity: true)
    }

    private func finish(_ operation: RocksOperation) {
        guard operation.number != 0 else { return }
        switch operation.completion {
        case .whenWritten: finished.append(operation.number)
        case .whenSynchronised: unsynchronised.append(operation)
        case .inSendOrder:
            if unsynchronised.isEmpty { finished.append(operation.number) } else { unsynchronised.append(operation) }
        }
    }

    private func postFinished() {
        let counts = (parked: backlogs.total, spilled: UInt64(spilled.count))
        guard !finished.isEmpty || counts != posted else { return }
        gate.post(operations: finished, parked: counts.parked, spilled: counts.spilled)
        posted = counts
        finished.removeAll(keepingCapacity: true)
    }

    private func synchronise() {
        if unsynchronisedSince != nil {
            do throws(StoreError) {
                if breakage != nil {
                    try reopen()
                    try flush()
                }
                if let fault = files.engineFault() { throw fault }
                // Before the call: another write may follow what it synchronises.
                let sequence = try database.latestSequence
                try database.synchronise()
                floor.raise(to: sequence)
            } catch {
                let outcome = StoreError(error.code == .full ? .full : .failed, error.message)
                for operation in unsynchronised { operation.fail(outcome) }
                if breakage == nil { breakDown(error) }
                unsynchronisedSince = monotonicNanoseconds()
                finished.append(contentsOf: unsynchronised.map(\.number))
                unsynchronised.removeAll(keepingCapacity: true)
                return
            }
        }
        unsynchronisedSince = nil
        finished.append(contentsOf: unsynchronised.map(\.number))
        unsynchronised.removeAll(keepingCapacity: true)
        if !settledUnsynchronised.isEmpty {
            journal.note(deliveries: settledUnsynchronised, events: [])
            settledUnsynchronised.removeAll(keepingCapacity: true)
        }
        if let oldest = releaseBefore {
            journal.release(before: oldest)
            releaseBefore = nil
        }
    }

    /// After a failed write RocksDB may refuse everything that follows, so it is opened again, which reads back what its
    /// log holds. What the batch meant to change is forgotten, in memory too.
    private func breakDown(_ error: StoreError) {
        breakage = error
        nextReopen = monotonicNanoseconds() + reopenDelay
        for operation in uncommitted {
            operation.fail(error)
            end(operation, with: error)
        }
        uncommitted.removeAll(keepingCapacity: true)
        settledInBatch.removeAll(keepingCapacity: true)
        batch.clear()
        overlay.removeAll()
    }

    private func reopen() throws(StoreError) {
        guard let breakage else { return }
        guard monotonicNanoseconds() >= nextReopen else { throw breakage }
        reopenDelay = min(reopenDelay * 2, Self.reopenDelays.upperBound)
        nextReopen = monotonicNanoseconds() + reopenDelay
        if let fault = files.engineFault() { throw fault }
        // RocksDB ends the process when it finds no room for what its logs hold.
        try RocksFloor.requireRoom(for: configuration.directory, rocks: path, files: files)
        opened = nil
        let database = try floor.open(path, configuration)
        let found = database.latestSequence
        guard found >= written else {
            // What is gone was not on disk yet, so the journal still has it, but only a new start reads that.
            let what = "\(path) lost the changes \(found + 1) to \(written); start again to repeat them"
            let loss = StoreError(.failed, what)
            self.breakage = loss
            nextReopen = .max
            throw loss
        }
        batch = database.makeBatch()
        backlogs = try Backlogs(database)
        queues = try QueueStates(database)
        spilled = try SpilledIntake(database)
        opened = database
        self.breakage = nil
        reopenDelay = Self.reopenDelays.lowerBound
        repeatPostponed()
    }

    /// The open database.
    var database: RocksDatabase {
        get throws(StoreError) {
            guard let opened else { throw breakage ?? StoreError(.closed, "the store is closed") }
            return opened
        }
    }

    /// Has the journal told, once the present writes are on disk, that these deliveries are done there.
    func noteWhenSynchronised(_ refs: [DeliveryRef]) {
        settledInBatch.append(contentsOf: refs)
    }

    /// The same for deliveries whose rows were there when the database was opened.
    func noteFromStart(_ refs: [DeliveryRef]) {
        guard !refs.isEmpty else { return }
        settledUnsynchronised.append(contentsOf: refs)
        unsynchronisedSince = monotonicNanoseconds()
    }

    /// Gives journal segments back once the present writes are on disk.
    func releaseSegments(before oldest: UInt64) {
        releaseBefore = max(oldest, releaseBefore ?? 0)
    }

    /// Fails when the disk has too little room for a durable write.
    func requireSpace() throws(StoreError) {
        if space.isFull(now: monotonicNanoseconds()) { throw space.error }
    }

    /// Closes the database. Called when ``run(_:)`` has returned.
    func shutDown() {
        opened = nil
    }
}
