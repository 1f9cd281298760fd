import PeerProtocol
import SansIO

/// Keeps the window of known deliveries durable, so that a crash of the receiver lets no repeat in (DESIGN §2).
///
/// The ids of a batch are appended in the write that makes its events durable, as a record of their own. The record belongs to
/// a target key that is the ledger's; nothing is ever delivered to it. Every few seconds the small records are replaced by
/// rows of up to 64 KB, which then move to the retry queue under the same key, so that the journal is not held up. Rows
/// are bounded twice: by the window's span, of which a quarter is pruned at a time, and by their number
/// (``DuplicateWindow/Settings/rows``). Ids of events that no rule wanted are not written: their repeat after a crash
/// reaches nobody.
final class DeliveryLedger {
    let window: DuplicateWindow
    /// Hears of the store's failures; what failed is tried again.
    var onFailure: (StoreError) -> Void = { _ in }
    /// Rows of the store that are the ledger's.
    var rows: UInt64 { UInt64(open.count + replacing + moving + index.count) }
    /// How often a row went before its time because there were too many.
    private(set) var earlyRows: UInt64 = 0

    private let store: any StorePort
    private let clock: any ClockPort
    private let settings: DuplicateWindow.Settings
    /// The target key of the rows; nil before ``load(isNeeded:completion:)``.
    private var key: UInt64?
    private var index = LedgerIndex()
    /// Records that only the journal holds.
    private var open: [(ref: DeliveryRef, record: WindowRecord)] = []
    private var openBytes = 0
    /// Records that are being replaced by rows.
    private var replacing = 0
    /// Rows on their way from the journal to the retry queue.
    private var moving = 0
    private var isFlushScheduled = false
    /// The time of the youngest row. Rows go by their age from the oldest on, so one that was made while the clock was ahead may
    /// not stand before younger ones with earlier times: those would stay behind it in the store and not in ``index``.
    private var latest = Timestamp.zero
    /// Whether the store refused rows and is not asked again before the next flush.
    private var isBackingOff = false
    private static let configurationKey = "peer/window"
    private static let rowBytes = 64 << 10
    /// Records that are gathered at the latest.
    private static let openRecords = 4_096
    /// Bytes of records that are gathered at the latest, and that one append replaces: less than any journal segment.
    private static let openBytes = 512 << 10
    /// Rows read at a time at the start, some 4 MB.
    private static let rowsPerRead = 64
    private static let flushDelay = Duration.seconds(2)
    private static let retryDelay = Duration.seconds(1)

    init(store: any StorePort, clock: any ClockPort, settings: DuplicateWindow.Settings) {
        self.store = store
        self.clock = clock
        self.settings = settings
        window = DuplicateWindow(settings, now: clock.now)
    }

    /// Target keys that are the ledger's own.
    var keys: Set<UInt64> { key.map { [$0] } ?? [] }

    /// Whether ids can be made durable.
    var isReady: Bool { key != nil }

    /// Reads what is known from before.
    ///
    /// - Parameters:
    ///   - isNeeded: whether other cells may send; a key is then made if there is none.
    ///   - completion: hears when the window is complete but for the records of ``adopt(_:)``.
    func load(isNeeded: Bool, completion: @escaping (Result<Void, StoreError>) -> Void) {
        store.configuration(prefix: Self.configurationKey) { [self] result in
            switch result {
            case .failure(let error): completion(.failure(error))
            case .success(let entries):
                if let entry = entries.first, let key = UInt64(String(decoding: entry.value, as: UTF8.self)) {
                    self.key = key
                    return read(key, after: nil, completion: completion)
                }
                guard isNeeded else { return completion(.success(())) }
                makeKey(completion: completion)
            }
        }
    }

    private func makeKey(completion: @escaping (Result<Void, StoreError>) -> Void) {
        let key = store.nextSequence()
        let change = ConfigurationChange(key: Self.configurationKey, value: Array(String(key).utf8))
        store.configure([change]) { [self] result in
            if case .success = result {
                self.key = key
                schedulePruning()
            }
            completion(result)
        }
    }

    /// Reads one piece of the rows, then the next.
    private func read(
        _ key: UInt64,
        after: UInt64?,
        completion: @escaping (Result<Void, StoreError>) -> Void
    ) {
        let limit = Self.rowsPerRead
        store.oldest(target: key, after: after, acceptedBefore: .distantFuture, limit: limit) { [self] result in
            switch result {
            case .failure(let error): completion(.failure(error))
            case .success(let rows):
                let passed = clock.now + (.zero - settings.span)
                for row in rows {
                    latest = max(latest, row.acceptedAt)
                    // What is past its time stays until it is pruned.
                    let record = row.acceptedAt < passed ? nil : remember(row.event)
                    index.add(ParkedRef(ref: row.ref, due: row.due), of: record?.cell, at: row.acceptedAt)
                }
                guard rows.count == limit, let last = rows.last else {
                    prune()
                    return completion(.success(()))
                }
                read(key, after: last.ref.event, completion: completion)
            }
        }
    }

    @discardableResult
    private func remember(_ bytes: [UInt8]) -> WindowRecord? {
        guard let record = try? WindowRecord(decoding: bytes) else { return nil }
        record.visit { note($0, from: $1, on: $2) }
        return record
    }

    /// Takes a record that the journal still held, if it is one of the ledger's.
    func adopt(_ record: RecoveredRecord) -> Bool {
        guard let key, record.targets == [key] else { return false }
        let ref = DeliveryRef(event: record.sequence, target: key)
        if let ids = remember(record.event) {
            gather(ref, ids)
        } else {
            store.resolve([ref])
        }
        return true
    }

    func contains(_ id: DeliveryID, from sender: DuplicateWindow.Sender, on bus: String) -> Bool {
        window.contains(id, from: sender, on: bus)
    }

    /// Notes that a delivery was taken in.
    func note(_ id: DeliveryID, from sender: DuplicateWindow.Sender, on bus: String) {
        note(id, from: sender, on: bus, now: clock.now)
    }

    func note(_ id: DeliveryID, from sender: DuplicateWindow.Sender, on bus: String, now: Timestamp) {
        if window.needsRotation(now: now) { window.rotate(now: now) }
        window.insert(id, from: sender, on: bus, now: now)
    }

    /// The record that makes ids durable with their events.
    func record(_ ids: WindowRecord) -> IntakeRecord? {
        guard let key, !ids.isEmpty else { return nil }
        return IntakeRecord(acceptedAt: clock.now, event: ids.encoded, targets: [key])
    }

    /// Hears that a record of ``record(_:)`` is durable.
    func appended(_ sequence: UInt64, _ record: IntakeRecord, _ ids: WindowRecord) {
        guard let key = record.targets.first else { return }
        gather(DeliveryRef(event: sequence, target: key), ids)
    }

    private func gather(_ ref: DeliveryRef, _ ids: WindowRecord) {
        open.append((ref, ids))
        openBytes += ids.byteCount
        if !isBackingOff, open.count >= Self.openRecords || openBytes >= Self.openBytes {
            flush()
        } else {
            scheduleFlush(after: Self.flushDelay)
        }
    }

    private func scheduleFlush(after delay: Duration) {
        guard !isFlushScheduled else { return }
        isFlushScheduled = true
        _ = clock.schedule(after: delay) { [weak self] in
            self?.isFlushScheduled = false
            self?.isBackingOff = false
            self?.flush()
        }
    }

    /// Replaces the small records by rows, some in each append.
    private func flush() {
        guard let key else { return }
        let all = open
        open = []
        openBytes = 0
        var small: [(ref: DeliveryRef, record: WindowRecord)] = []
        var bytes = 0
        for one in all {
            if bytes > 0, bytes + one.record.byteCount > Self.openBytes {
                replace(small, key)
                small = []
                bytes = 0
            }
            small.append(one)
            bytes += one.record.byteCount
        }
        if !small.isEmpty { replace(small, key) }
    }

    private func replace(_ small: [(ref: DeliveryRef, record: WindowRecord)], _ key: UInt64) {
        var all = WindowRecord()
        for one in small { all.add(one.record) }
        let pieces = all.pieces(of: Self.rowBytes)
        latest = max(latest, clock.now)
        let now = latest
        let records = pieces.map { IntakeRecord(acceptedAt: now, event: $0.encoded, targets: [key]) }
        replacing += small.count
        store.append(records, settling: small.map(\.ref)) { [self] result in
            replacing -= small.count
            switch result {
            case .success(let sequences):
                moving += records.count
                for (sequence, (record, piece)) in zip(sequences, zip(records, pieces)) {
                    let row = ParkedDelivery(
                        ref: DeliveryRef(event: sequence, target: key),
                        due: .distantFuture,
                        attempts: 0,
                        acceptedAt: now,
                        event: record.event,
                        state: []
                    )
                    move(row, of: piece.cell)
                }
            case .failure(let error):
                onFailure(error)
                guard error.code != .closed else { return }
                open = small + open
                openBytes += small.reduce(0) { $0 + $1.record.byteCount }
                isBackingOff = true
                scheduleFlush(after: Self.retryDelay)
            }
        }
    }

    private func move(_ row: ParkedDelivery, of cell: String?) {
        store.park([row]) { [self] result in
            switch result {
            case .success:
                moving -= 1
                index.add(ParkedRef(ref: row.ref, due: row.due), of: cell, at: row.acceptedAt)
                trim()
            case .failure(let error):
                onFailure(error)
                guard error.code != .closed else { return }
                _ = clock.schedule(after: Self.retryDelay) { [weak self] in self?.move(row, of: cell) }
            }
        }
    }

    /// Removes rows that are more than the disk is to hold.
    private func trim() {
        var excess: [ParkedRef] = []
        while index.count > settings.rows, let row = index.removeFirstOfLargest() { excess.append(row) }
        guard !excess.isEmpty else { return }
        earlyRows += UInt64(excess.count)
        store.finish(excess)
    }

    /// Removes the rows whose time has passed; there is a quarter of a span of them, as a rule.
    private func prune() {
        guard let key else { return }
        let passed = clock.now + (.zero - settings.span)
        store.expire(target: key, acceptedBefore: passed) { [self] result in
            switch result {
            case .success:
                index.remove(before: passed)
                trim()
            case .failure(let error):
                onFailure(error)
                guard error.code != .closed else { return }
            }
            schedulePruning()
        }
    }

    private func schedulePruning() {
        _ = clock.schedule(after: max(Self.flushDelay, settings.span / 4)) { [weak self] in self?.prune() }
    }
}
