import SansIO

/// What is kept in memory of each retry queue that is not empty: its size, and where its first rows are, so reads step
/// over the marks of removed rows. The sizes are written with the rows they count, so they are right after a crash too.
struct Backlogs {
    struct Backlog {
        var size = BacklogSize.zero
        var count: UInt64 { size.count }
        /// No row is due before this time and event.
        var firstDue: (due: UInt64, event: UInt64) = (0, 0)
        /// No row has an earlier event.
        var firstEvent: UInt64 = 0
        /// No row has a later event; nil when rows were there before the database was opened.
        var lastEvent: UInt64?
        var isDirty = false
    }

    static let kind: UInt64 = 1
    /// How many targets are kept in memory before empty ones are dropped.
    private static let remembered = 1 << 16

    private var backlogs: [UInt64: Backlog] = [:]
    private var dirty: [UInt64] = []
    /// Deliveries in all retry queues.
    private(set) var total: UInt64 = 0

    init(_ database: RocksDatabase) throws(StoreError) {
        for (target, count, more) in try CountRows.load(Self.kind, database) {
            // Earlier releases did not count bytes, so they are counted once.
            let known = if let bytes = more.first { bytes } else { try Self.eventBytes(of: target, database) }
            backlogs[target] = Backlog(size: BacklogSize(count: count, bytes: known))
            total += count
        }
    }

    private static func eventBytes(of target: UInt64, _ database: RocksDatabase) throws(StoreError) -> UInt64 {
        let rows = database.rows(.payload, from: RowKey(target), before: RowKey(target, .max, .max))
        var bytes: UInt64 = 0
        while rows.isValid {
            bytes += UInt64(rows.value.count)
            rows.next()
        }
        try rows.check()
        return bytes
    }

    /// Every target that has parked deliveries, in order.
    var targets: [UInt64] {
        backlogs.filter { $0.value.count > 0 }.keys.sorted()
    }

    subscript(target: UInt64) -> Backlog { backlogs[target] ?? Backlog() }

    /// Counts a new row, whose event has so many bytes.
    mutating func add(_ target: UInt64, bytes: UInt64) {
        change(target) { backlog in
            if backlog.count == 0 {
                // Nothing is there, so the row about to be placed is the first.
                backlog.firstDue = (.max, .max)
                backlog.firstEvent = .max
                backlog.lastEvent = 0
            }
            backlog.size += BacklogSize(count: 1, bytes: bytes)
        }
        total += 1
    }

    /// Counts rows out.
    mutating func subtract(_ target: UInt64, _ size: BacklogSize) {
        change(target) { $0.size -= size }
        total -= min(total, size.count)
    }

    /// Counts another event in the place of a row's.
    mutating func replace(_ target: UInt64, bytes old: UInt64, by new: UInt64) {
        guard old != new else { return }
        change(target) { $0.size.bytes = $0.size.bytes - min($0.size.bytes, old) + new }
    }

    /// Notes a row that may be the first.
    mutating func place(_ target: UInt64, due: Timestamp, event: UInt64) {
        guard var backlog = backlogs[target] else { return }
        let key = (due: due.ordered, event: event)
        if key < backlog.firstDue { backlog.firstDue = key }
        backlog.firstEvent = min(backlog.firstEvent, event)
        backlog.lastEvent = backlog.lastEvent.map { max($0, event) }
        backlogs[target] = backlog
    }

    /// Whether an event comes after those of all rows, so that it need not be looked for.
    func isLater(_ target: UInt64, event: UInt64) -> Bool {
        guard let backlog = backlogs[target], backlog.count > 0 else { return true }
        return backlog.lastEvent.map { $0 < event } ?? false
    }

    /// Notes where the first due row was found.
    mutating func advance(_ target: UInt64, firstDue: (due: UInt64, event: UInt64)) {
        backlogs[target]?.firstDue = firstDue
    }

    /// Notes where the oldest event was found.
    mutating func advance(_ target: UInt64, firstEvent: UInt64) {
        backlogs[target]?.firstEvent = firstEvent
    }

    private mutating func change(_ target: UInt64, _ body: (inout Backlog) -> Void) {
        var backlog = backlogs[target] ?? Backlog()
        body(&backlog)
        if !backlog.isDirty {
            backlog.isDirty = true
            dirty.append(target)
        }
        backlogs[target] = backlog
    }

    /// Adds the changed sizes to a batch that is about to be written.
    mutating func writeCounts(to batch: RocksBatch) {
        for target in dirty {
            guard let backlog = backlogs[target] else { continue }
            CountRows.write(Self.kind, target, backlog.count, backlog.size.bytes, to: batch)
            let isForgotten = backlog.count == 0 && backlogs.count > Self.remembered
            if isForgotten { backlogs[target] = nil } else { backlogs[target]?.isDirty = false }
        }
        dirty.removeAll(keepingCapacity: true)
    }
}

/// The rows that keep sizes: a number of rows and, behind it, for retry queues the bytes of their events, for queues the
/// key from which on no message of the line was received.
enum CountRows {
    static func load(
        _ kind: UInt64,
        _ database: RocksDatabase
    ) throws(StoreError) -> [(subject: UInt64, count: UInt64, more: [UInt64])] {
        let rows = database.rows(.count, from: RowKey(kind), before: RowKey(kind + 1))
        var found: [(subject: UInt64, count: UInt64, more: [UInt64])] = []
        while rows.isValid {
            var reader = RawReader(rows.value)
            let count = reader.take(UInt64.self) ?? 0
            var more: [UInt64] = []
            while let word = reader.take(UInt64.self) { more.append(word) }
            found.append((RowKey.word(1, of: rows.key), count, more))
            rows.next()
        }
        try rows.check()
        return found
    }

    static func write(_ kind: UInt64, _ subject: UInt64, _ count: UInt64, _ more: UInt64..., to batch: RocksBatch) {
        guard count > 0 else {
            batch.remove(.count, RowKey(kind, subject))
            return
        }
        let words = [count.littleEndian] + more.map(\.littleEndian)
        words.withUnsafeBytes { batch.put(.count, RowKey(kind, subject), $0) }
    }
}
