import PeerProtocol
import SansIO

/// Keeps the window of known deliveries durable, so that a crash of the receiver lets no repeat in (DESIGN §2).
///
/// The ids of a batch are appended in the write that makes its events durable, as a record of their own. The record belongs to
/// a target key that stands for a generation of the window; nothing is ever delivered to it. Every few seconds the small
/// records are replaced by one, which then moves to the retry queue under the same key, so that the journal is not
/// held up. When a generation has passed, its queue is dropped in one call. Ids of events that no rule wanted are not written:
/// their repeat after a crash reaches nobody.
final class DeliveryLedger {
    private struct Generation {
        var key: UInt64
        var began: Timestamp
        /// Rows that are being written or moved to the retry queue.
        var moving = 0
    }

    private(set) var window: DuplicateWindow
    /// Hears of the store's failures; what failed is tried again.
    var onFailure: (StoreError) -> Void = { _ in }

    private let store: any StorePort
    private let clock: any ClockPort
    /// Youngest last, never more than three.
    private var generations: [Generation] = []
    private var isTurning = false
    /// Records that only the journal holds.
    private var open: [(ref: DeliveryRef, record: WindowRecord)] = []
    private var isFlushScheduled = false
    /// Rows of the store that are the ledger's.
    private(set) var rows: UInt64 = 0
    private static let configurationKey = "peer/window"
    /// Ids of one row, some 64 KB.
    private static let idsPerRow = 4_096
    private static let flushDelay = Duration.seconds(2)
    private static let retryDelay = Duration.seconds(1)

    init(store: any StorePort, clock: any ClockPort, settings: DuplicateWindow.Settings) {
        self.store = store
        self.clock = clock
        window = DuplicateWindow(settings, now: clock.now)
    }

    /// Target keys that are the ledger's own.
    var keys: Set<UInt64> { Set(generations.map(\.key)) }

    /// Whether ids can be made durable: there is a generation for them.
    var isReady: Bool { !generations.isEmpty }

    /// Reads what is known from before.
    ///
    /// - Parameters:
    ///   - isNeeded: whether other cells may send; a generation is then begun if there is none.
    ///   - completion: hears when the window is complete but for the records of ``adopt(_:)``.
    func load(isNeeded: Bool, completion: @escaping (Result<Void, StoreError>) -> Void) {
        store.configuration(prefix: Self.configurationKey) { [self] result in
            switch result {
            case .failure(let error): completion(.failure(error))
            case .success(let entries):
                generations = entries.first.map { Self.decode($0.value) } ?? []
                readRows(generations.map(\.key)) { [self] result in
                    guard case .success = result, generations.isEmpty, isNeeded else { return completion(result) }
                    turn(completion: completion)
                }
            }
        }
    }

    private func readRows(_ keys: [UInt64], completion: @escaping (Result<Void, StoreError>) -> Void) {
        guard let key = keys.first else { return completion(.success(())) }
        store.oldest(target: key, acceptedBefore: .distantFuture, limit: 1 << 20) { [self] result in
            switch result {
            case .failure(let error): completion(.failure(error))
            case .success(let rows):
                self.rows += UInt64(rows.count)
                for row in rows { remember(row.event) }
                readRows(Array(keys.dropFirst()), completion: completion)
            }
        }
    }

    @discardableResult
    private func remember(_ bytes: [UInt8]) -> WindowRecord? {
        guard let record = try? WindowRecord(decoding: bytes) else { return nil }
        for section in record.sections {
            for id in section.ids { note(id, from: section.sender, on: section.bus) }
        }
        return record
    }

    /// Takes a record that the journal still held, if it is one of the ledger's.
    func adopt(_ record: RecoveredRecord) -> Bool {
        guard let key = record.targets.first, record.targets.count == 1, keys.contains(key) else { return false }
        let ref = DeliveryRef(event: record.sequence, target: key)
        if let ids = remember(record.event) {
            open.append((ref, ids))
            rows += 1
            scheduleFlush(after: Self.flushDelay)
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
        let now = clock.now
        if window.needsRotation(now: now) {
            window.rotate(now: now)
            turn { _ in }
        }
        window.insert(id, from: sender, on: bus, now: now)
    }

    /// The record that makes ids durable with their events.
    func record(_ ids: WindowRecord) -> IntakeRecord? {
        guard let generation = generations.last, !ids.isEmpty else { return nil }
        return IntakeRecord(acceptedAt: clock.now, event: ids.encoded, targets: [generation.key])
    }

    /// Hears that a record of ``record(_:)`` is durable.
    func appended(_ sequence: UInt64, _ record: IntakeRecord, _ ids: WindowRecord) {
        guard let key = record.targets.first else { return }
        rows += 1
        open.append((DeliveryRef(event: sequence, target: key), ids))
        if open.count >= Self.idsPerRow { flush() } else { scheduleFlush(after: Self.flushDelay) }
    }

    private func scheduleFlush(after delay: Duration) {
        guard !isFlushScheduled else { return }
        isFlushScheduled = true
        _ = clock.schedule(after: delay) { [weak self] in
            self?.isFlushScheduled = false
            self?.flush()
        }
    }

    /// Replaces the small records by large ones.
    private func flush() {
        guard !open.isEmpty else { return }
        let small = open
        open = []
        var merged: [(key: UInt64, record: WindowRecord)] = []
        for (ref, record) in small {
            if let last = merged.indices.last, merged[last].key == ref.target,
                merged[last].record.count + record.count <= Self.idsPerRow
            {
                merged[last].record.add(record)
            } else {
                merged.append((ref.target, record))
            }
        }
        let now = clock.now
        let records = merged.map { IntakeRecord(acceptedAt: now, event: $0.record.encoded, targets: [$0.key]) }
        for row in merged { count(row.key, 1) }
        store.append(records, settling: small.map(\.ref)) { [self] result in
            defer { for row in merged { count(row.key, -1) } }
            switch result {
            case .success(let sequences):
                self.rows += UInt64(records.count)
                self.rows -= UInt64(small.count)
                let rows = zip(sequences, records).map { sequence, record in
                    ParkedDelivery(
                        ref: DeliveryRef(event: sequence, target: record.targets[0]),
                        due: .distantFuture,
                        attempts: 0,
                        acceptedAt: now,
                        event: record.event,
                        state: []
                    )
                }
                for row in rows { move(row) }
            case .failure(let error):
                onFailure(error)
                guard error.code != .closed else { return }
                open = small + open
                scheduleFlush(after: Self.retryDelay)
            }
        }
    }

    private func move(_ row: ParkedDelivery) {
        count(row.ref.target, 1)
        store.park([row]) { [self] result in
            count(row.ref.target, -1)
            guard case .failure(let error) = result else { return dropOld() }
            onFailure(error)
            guard error.code != .closed else { return }
            _ = clock.schedule(after: Self.retryDelay) { [weak self] in self?.move(row) }
        }
    }

    private func count(_ key: UInt64, _ change: Int) {
        guard let index = generations.firstIndex(where: { $0.key == key }) else { return }
        generations[index].moving += change
    }

    /// Begins a generation of rows. Until it is durable, ids go on in the last one.
    private func turn(completion: @escaping (Result<Void, StoreError>) -> Void) {
        guard !isTurning else { return completion(.success(())) }
        isTurning = true
        flush()
        let next = generations + [Generation(key: store.nextSequence(), began: clock.now)]
        configure(next) { [self] result in
            isTurning = false
            switch result {
            case .success:
                generations = next.map { generation in
                    generations.first { $0.key == generation.key } ?? generation
                }
                dropOld()
            case .failure(let error): onFailure(error)
            }
            completion(result)
        }
    }

    /// Drops the rows of generations that have passed, once nothing is on its way to them.
    private func dropOld() {
        guard !isTurning, generations.count > 2, generations[0].moving == 0,
            !open.contains(where: { $0.ref.target == generations[0].key })
        else { return }
        isTurning = true
        let old = generations[0]
        store.dropTarget(old.key) { [self] result in
            guard case .success(let dropped) = result else {
                isTurning = false
                return
            }
            rows -= min(rows, dropped)
            configure(Array(generations.dropFirst())) { [self] result in
                isTurning = false
                guard case .success = result else { return }
                generations.removeAll { $0.key == old.key }
                dropOld()
            }
        }
    }

    private func configure(
        _ generations: [Generation],
        completion: @escaping (Result<Void, StoreError>) -> Void
    ) {
        let text = generations.map { "\($0.key) \($0.began.milliseconds)" }.joined(separator: "\n")
        store.configure(
            [ConfigurationChange(key: Self.configurationKey, value: Array(text.utf8))],
            completion: completion
        )
    }

    private static func decode(_ bytes: [UInt8]) -> [Generation] {
        String(decoding: bytes, as: UTF8.self).split(separator: "\n").compactMap { line in
            let parts = line.split(separator: " ")
            guard parts.count == 2, let key = UInt64(parts[0]), let began = Int64(parts[1]) else { return nil }
            return Generation(key: key, began: Timestamp(milliseconds: began))
        }
    }
}
