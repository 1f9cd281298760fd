import Glibc
import SansIO

/// What opening put together, before the threads run.
struct StoreParts {
    var configuration: EmbeddedStoreConfiguration
    var directory: DataDirectory
    var journal: Journal
    var queue: RocksQueue
    var gate: ShardGate
    var space: SpaceGuard
    var table: IntakeTable
    var reports: [String]
    var start: Journal.Start
    var parked: UInt64
    var spilled: UInt64
    var latestSpilled: UInt64
}

extension EmbeddedStore {
    /// Opens the store in a directory, creating it when it is missing.
    ///
    /// Reads the whole journal, so it takes the calling thread up to some seconds after a crash.
    ///
    /// - Parameters:
    ///   - configuration: where the data is, and how much.
    ///   - executor: runs what it is given on the shard, on a later turn, in order; called from other threads too.
    /// - Returns: the store, which belongs to the shard. Call ``recover(visit:completion:)`` first.
    /// - Throws: `failed` when another process has the directory open or the disk refuses, `corrupt` when the data has
    ///   another format or RocksDB's files are damaged, `full` when there is no room to begin.
    public static func open(
        configuration: EmbeddedStoreConfiguration,
        executor: @escaping @Sendable (@escaping @Sendable () -> Void) -> Void
    ) throws(StoreError) -> EmbeddedStore {
        try open(configuration: configuration, files: .system, executor: executor)
    }

    static func open(
        configuration: EmbeddedStoreConfiguration,
        files: FileOperations,
        executor: @escaping @Sendable (@escaping @Sendable () -> Void) -> Void
    ) throws(StoreError) -> EmbeddedStore {
        let directory = try DataDirectory(configuration.directory, files: files)
        try RocksFloor.requireRoom(for: directory.path, rocks: directory.rocks, files: files)
        let space = SpaceGuard(path: configuration.directory, minimum: configuration.minimumFreeBytes, files: files)
        let gate = ShardGate(executor: executor)
        let scan = try JournalScan(directory: directory.journal)
        let wasUsed = scan.hasFiles || access(directory.rocks + "/CURRENT", F_OK) == 0
        let sequences = try SequenceFile(path: directory.sequences, files: files, isExpected: wasUsed)
        let start = try makeStart(scan, sequences)
        let journal = Journal(
            configuration: configuration,
            directory: directory.journal,
            start: start,
            files: files,
            space: space,
            sequences: sequences
        )
        let engine = try RocksEngine(
            path: directory.rocks,
            configuration: configuration,
            files: files,
            journal: journal,
            gate: gate,
            space: space,
            floor: try RocksFloor(path: directory.floor, files: files, isExpected: scan.hasFiles)
        )
        var table = scan.table
        try removeMoved(from: &table, engine)
        let parts = StoreParts(
            configuration: configuration,
            directory: directory,
            journal: journal,
            queue: RocksQueue(),
            gate: gate,
            space: space,
            table: table,
            reports: scan.reports,
            start: start,
            parked: engine.backlogs.total,
            spilled: UInt64(engine.spilled.count),
            latestSpilled: engine.spilled.latest
        )
        let store = EmbeddedStore(parts)
        store.start(try startThreads(parts, engine))
        return store
    }

    /// Sequences begin above all that may have been used, and the first block is reserved before anyone takes one.
    private static func makeStart(
        _ scan: JournalScan,
        _ sequences: SequenceFile
    ) throws(StoreError) -> Journal.Start {
        let next = max(sequences.found, scan.highestSequence + 1, 1)
        let limit = next + sequenceBlock
        let code = sequences.reserve(below: limit, turn: sequences.foundTurn + 1)
        guard code == 0 else { throw fileError(code, "cannot reserve sequences") }
        return Journal.Start(
            live: scan.live,
            free: scan.free,
            nextSegment: scan.nextSegment,
            nextFrame: scan.nextFrame,
            lastEnd: scan.lastEnd,
            nextFileIndex: scan.nextFileIndex,
            nextSequence: next,
            sequenceLimit: limit
        )
    }

    private static var sequenceBlock: UInt64 { Journal.sequenceBlock }

    /// A delivery may be parked or spilled while the note of it is lost: the rows own it then. It is noted again, or it
    /// would come back at the next opening if its rows went before its segment did.
    private static func removeMoved(from table: inout IntakeTable, _ engine: RocksEngine) throws(StoreError) {
        let moved = Array(engine.spilled.deliveries) + (try parked(in: table, engine))
        engine.noteFromStart(moved.filter { table.settle($0, moved: true) != .unknown })
    }

    private static func parked(in table: IntakeTable, _ engine: RocksEngine) throws(StoreError) -> [DeliveryRef] {
        guard engine.backlogs.total > 0, table.unresolved > 0 else { return [] }
        var parked: [DeliveryRef] = []
        var cursor = IntakeTable.Cursor()
        while let part = table.walk(cursor, limit: 4096) {
            for record in part.records {
                for target in record.targets where engine.backlogs[target].count > 0 {
                    let ref = DeliveryRef(event: record.sequence, target: target)
                    if try engine.parkedRow(ref) != nil { parked.append(ref) }
                }
            }
            cursor = part.next
        }
        return parked
    }

    private static func startThreads(_ parts: StoreParts, _ engine: RocksEngine) throws(StoreError) -> [WorkerThread] {
        let writer = ThreadOwned(JournalWriter(journal: parts.journal, start: parts.start, gate: parts.gate))
        let owned = ThreadOwned(engine)
        let queue = parts.queue
        let journal = try WorkerThread(name: "busbar-journal") { writer.value.run() }
        do {
            let rocks = try WorkerThread(name: "busbar-rocksdb") {
                owned.value.run(queue)
                owned.value.shutDown()
            }
            return [journal, rocks]
        } catch {
            parts.journal.end(.abandon)
            journal.join()
            throw error
        }
    }
}

/// Hands an object to the one thread that will use it.
///
/// Unchecked because the opener lets go of the object as soon as the thread has been started.
private final class ThreadOwned<Value>: @unchecked Sendable {
    let value: Value

    init(_ value: Value) {
        self.value = value
    }
}
