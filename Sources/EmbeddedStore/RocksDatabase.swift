import CRocksDB
import Glibc
import SansIO

/// The kinds of rows, each in a column family of its own, so small rows that are scanned lie apart from big ones.
enum RowFamily: Int, CaseIterable {
    /// (kind, target or queue) → how many rows it has. RocksDB insists on a family of this name.
    case count
    /// (target, due, event) → nothing.
    case due
    /// (target, event) → due, attempts, accepted at, state.
    case parked
    /// (target, event) → the event's bytes.
    case payload
    /// (queue, major, minor, sent at) → content. Messages that came in order: all there is of one until it is received,
    /// and what orders it by age afterwards. Every other message has a row in each of the next four.
    case line
    /// (queue, visible at, major, minor) → nothing.
    case visible
    /// (queue, sent at, major, minor) → nothing.
    case age
    /// (queue, major, minor) → visible at, receive count, first received, sent at.
    case message
    /// (queue, major, minor) → content.
    case content
    /// key → revision, value.
    case configuration

    var name: String {
        switch self {
        case .count: "default"
        case .due: "due"
        case .parked: "parked"
        case .payload: "payload"
        case .line: "line"
        case .visible: "visible"
        case .age: "age"
        case .message: "message"
        case .content: "content"
        case .configuration: "configuration"
        }
    }

    /// Families of big values, which are compressed and need no filter because only rows known to exist are read.
    var holdsBodies: Bool { self == .payload || self == .content || self == .line }

    /// Families that earlier releases did not have. What opens a directory of theirs adds them.
    static let added: Set<String> = [RowFamily.line.name]
}

/// RocksDB behind a safe face. Confined to one thread at a time.
///
/// Column-family handles are destroyed before the database is closed, or RocksDB aborts.
final class RocksDatabase {
    private let database: OpaquePointer
    private let handles: [OpaquePointer]
    private let writeOptions: OpaquePointer
    private let readOptions: OpaquePointer

    private init(database: OpaquePointer, handles: [OpaquePointer]) {
        self.database = database
        self.handles = handles
        writeOptions = rocksdb_writeoptions_create()
        readOptions = rocksdb_readoptions_create()
    }

    deinit {
        rocksdb_readoptions_destroy(readOptions)
        rocksdb_writeoptions_destroy(writeOptions)
        for handle in handles { rocksdb_column_family_handle_destroy(handle) }
        rocksdb_close(database)
    }

    /// Opens the database at `path`, creating what is missing if it may.
    ///
    /// - Throws: `corrupt` when its log or its other files are damaged or missing, `full` or `failed` for the disk.
    static func open(
        path: String,
        memtableBytes: Int,
        cacheBytes: Int,
        mayCreate: Bool
    ) throws(StoreError) -> RocksDatabase {
        let tuning = RocksTuning(memtableBytes: memtableBytes, cacheBytes: cacheBytes, mayCreate: mayCreate)
        let families = RowFamily.allCases
        if !mayCreate, lacks(RowFamily.added, path, tuning) {
            rocksdb_options_set_create_missing_column_families(tuning.database, 1)
        }
        let names = families.map { strdup($0.name) }
        defer { for name in names { free(name) } }
        var namePointers = names.map { name in name.map { UnsafePointer($0) } }
        var options = families.map { OpaquePointer?(tuning.family($0)) }
        var handles = [OpaquePointer?](repeating: nil, count: families.count)
        var message: UnsafeMutablePointer<CChar>?
        let opened = rocksdb_open_column_families(
            tuning.database,
            path,
            Int32(families.count),
            &namePointers,
            &options,
            &handles,
            &message
        )
        if let error = takeError(message, "cannot open \(path)") { throw error }
        guard let opened else { throw StoreError(.failed, "cannot open \(path)") }
        return RocksDatabase(database: opened, handles: handles.compactMap { $0 })
    }

    /// Whether the database has every family but `added`. Any other that is missing is damage.
    private static func lacks(_ added: Set<String>, _ path: String, _ tuning: RocksTuning) -> Bool {
        var count = 0
        var message: UnsafeMutablePointer<CChar>?
        let list = rocksdb_list_column_families(tuning.database, path, &count, &message)
        // Opening says what is wrong.
        guard takeError(message, "cannot list the families of \(path)") == nil, let list else { return false }
        defer { rocksdb_list_column_families_destroy(list, count) }
        let found = Set((0..<count).compactMap { list[$0].map { String(cString: $0) } })
        return found == Set(RowFamily.allCases.map(\.name)).subtracting(added)
    }

    /// How many changes the database has seen in its life. A reopened one has seen all that were synchronised.
    var latestSequence: UInt64 {
        rocksdb_get_latest_sequence_number(database)
    }

    /// The value of a row, read by `body`, or nil when there is no row.
    func read<Value>(
        _ family: RowFamily,
        _ key: RowKey,
        _ body: (UnsafeRawBufferPointer) -> Value
    ) throws(StoreError) -> Value? {
        try read(family, key.withBytes { [UInt8]($0) }, body)
    }

    /// The same for a key of any length.
    func read<Value>(
        _ family: RowFamily,
        _ key: [UInt8],
        _ body: (UnsafeRawBufferPointer) -> Value
    ) throws(StoreError) -> Value? {
        var message: UnsafeMutablePointer<CChar>?
        let pinned = key.withUnsafeBytes { bytes in
            rocksdb_get_pinned_cf(
                database,
                readOptions,
                handles[family.rawValue],
                bytes.baseAddress?.assumingMemoryBound(to: CChar.self),
                bytes.count,
                &message
            )
        }
        if let error = Self.takeError(message, "cannot read a row of \(family.name)") { throw error }
        guard let pinned else { return nil }
        defer { rocksdb_pinnableslice_destroy(pinned) }
        var count = 0
        let start = rocksdb_pinnableslice_value(pinned, &count)
        return body(UnsafeRawBufferPointer(start: start, count: count))
    }

    /// An iterator over the rows of `family` from `lower` to before `upper`.
    func rows(_ family: RowFamily, from lower: RowKey, before upper: RowKey?) -> RocksRows {
        RocksRows(
            database: database,
            handle: handles[family.rawValue],
            from: lower.withBytes { [UInt8]($0) },
            before: upper?.withBytes { [UInt8]($0) }
        )
    }

    /// The same for keys of any length.
    func rows(_ family: RowFamily, from lower: [UInt8], before upper: [UInt8]?) -> RocksRows {
        RocksRows(database: database, handle: handles[family.rawValue], from: lower, before: upper)
    }

    /// The last key of `family` from `lower` to `upper`; nil when there is none.
    func lastKey(_ family: RowFamily, from lower: RowKey, before upper: RowKey) throws(StoreError) -> [UInt8]? {
        var last: [UInt8]?
        try eachKeyBackwards(family, from: lower, before: upper) { key in
            last = Array(key)
            return false
        }
        return last
    }

    /// Walks the keys of `family` from `upper` back to `lower` while `body` says so.
    func eachKeyBackwards(
        _ family: RowFamily,
        from lower: RowKey,
        before upper: RowKey,
        _ body: (UnsafeRawBufferPointer) -> Bool
    ) throws(StoreError) {
        // Without the bound RocksDB would go on through the marks of removed rows before it.
        var bound = lower.withBytes { $0.map { CChar(bitPattern: $0) } }
        let boundBytes = bound.count
        try bound.withUnsafeMutableBufferPointer { bytes throws(StoreError) in
            let options = rocksdb_readoptions_create()
            defer { rocksdb_readoptions_destroy(options) }
            rocksdb_readoptions_set_iterate_lower_bound(options, bytes.baseAddress, boundBytes)
            try eachKeyBackwards(family, options, before: upper, body)
        }
    }

    private func eachKeyBackwards(
        _ family: RowFamily,
        _ options: OpaquePointer?,
        before upper: RowKey,
        _ body: (UnsafeRawBufferPointer) -> Bool
    ) throws(StoreError) {
        let iterator = rocksdb_create_iterator_cf(database, options, handles[family.rawValue])
        defer { rocksdb_iter_destroy(iterator) }
        upper.withBytes { bytes in
            rocksdb_iter_seek_for_prev(iterator, bytes.baseAddress?.assumingMemoryBound(to: CChar.self), bytes.count)
        }
        var goesOn = true
        while goesOn, rocksdb_iter_valid(iterator) != 0 {
            var count = 0
            let start = rocksdb_iter_key(iterator, &count)
            let key = UnsafeRawBufferPointer(start: start, count: count)
            goesOn = body(key)
            if goesOn { rocksdb_iter_prev(iterator) }
        }
        var message: UnsafeMutablePointer<CChar>?
        rocksdb_iter_get_error(iterator, &message)
        if let error = Self.takeError(message, "cannot find the last rows") { throw error }
    }

    /// Writes a batch to RocksDB's log and memory, without waiting for the disk.
    func write(_ batch: RocksBatch) throws(StoreError) {
        var message: UnsafeMutablePointer<CChar>?
        rocksdb_write(database, writeOptions, batch.batch, &message)
        if let error = Self.takeError(message, "cannot write rows") { throw error }
    }

    /// Waits until everything written is on disk.
    func synchronise() throws(StoreError) {
        var message: UnsafeMutablePointer<CChar>?
        rocksdb_flush_wal(database, 1, &message)
        if let error = Self.takeError(message, "cannot synchronise the log") { throw error }
    }

    /// A batch for this database.
    func makeBatch() -> RocksBatch {
        RocksBatch(handles: handles)
    }

    static func takeError(_ message: UnsafeMutablePointer<CChar>?, _ what: String) -> StoreError? {
        guard let message else { return nil }
        defer { rocksdb_free(message) }
        let text = String(cString: message)
        let code: StoreError.Code =
            if text.contains("No space left") || text.contains("NoSpace") {
                .full
            } else if text.utf8.starts(with: "Corruption".utf8) {
                .corrupt
            } else {
                .failed
            }
        return StoreError(code, "\(what): \(text)")
    }
}

/// Changes that RocksDB applies together.
final class RocksBatch {
    fileprivate let batch: OpaquePointer
    private let handles: [OpaquePointer]
    private(set) var byteCount = 0

    fileprivate init(handles: [OpaquePointer]) {
        self.handles = handles
        batch = rocksdb_writebatch_create()
    }

    deinit {
        rocksdb_writebatch_destroy(batch)
    }

    var isEmpty: Bool { byteCount == 0 }

    func clear() {
        rocksdb_writebatch_clear(batch)
        byteCount = 0
    }

    func put(_ family: RowFamily, _ key: RowKey, _ value: UnsafeRawBufferPointer) {
        key.withBytes { put(family, $0, value) }
    }

    func put(_ family: RowFamily, _ key: RowKey, _ value: [UInt8]) {
        value.withUnsafeBytes { bytes in key.withBytes { put(family, $0, bytes) } }
    }

    func put(_ family: RowFamily, _ key: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) {
        rocksdb_writebatch_put_cf(
            batch,
            handles[family.rawValue],
            key.baseAddress?.assumingMemoryBound(to: CChar.self),
            key.count,
            value.baseAddress?.assumingMemoryBound(to: CChar.self),
            value.count
        )
        byteCount += key.count + value.count + 16
    }

    func remove(_ family: RowFamily, _ key: RowKey) {
        key.withBytes { remove(family, $0) }
    }

    func remove(_ family: RowFamily, _ key: UnsafeRawBufferPointer) {
        rocksdb_writebatch_delete_cf(
            batch,
            handles[family.rawValue],
            key.baseAddress?.assumingMemoryBound(to: CChar.self),
            key.count
        )
        byteCount += key.count + 16
    }

    func removeRange(_ family: RowFamily, from lower: RowKey, before upper: RowKey) {
        lower.withBytes { low in
            upper.withBytes { high in
                rocksdb_writebatch_delete_range_cf(
                    batch,
                    handles[family.rawValue],
                    low.baseAddress?.assumingMemoryBound(to: CChar.self),
                    low.count,
                    high.baseAddress?.assumingMemoryBound(to: CChar.self),
                    high.count
                )
            }
        }
        byteCount += 64
    }
}
