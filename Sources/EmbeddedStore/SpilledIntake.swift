import SansIO

/// Intake deliveries that moved from a crowded journal to rows, by event. Confined to the RocksDB thread.
///
/// Kept in memory too, which is little next to the events themselves: whoever delivers them still holds those.
struct SpilledIntake {
    /// What settling one delivery found.
    enum Settlement {
        /// The delivery is not here, or no longer.
        case unknown
        /// Other deliveries of the event are left.
        case partial
        /// That was the event's last delivery.
        case whole
    }

    private var targets: [UInt64: [UInt64]] = [:]
    /// Deliveries that are not resolved.
    private(set) var count = 0
    /// The latest event that is or was here, or zero.
    private(set) var latest: UInt64 = 0

    init(_ database: RocksDatabase) throws(StoreError) {
        let rows = database.rows(.due, from: SpillKey.all.lower, before: SpillKey.all.upper)
        while rows.isValid {
            add(event: RowKey.word(1, of: rows.key), targets: [RowKey.word(2, of: rows.key)])
            rows.next()
        }
        try rows.check()
    }

    /// Every delivery, in no order.
    var deliveries: some Sequence<DeliveryRef> {
        targets.lazy.flatMap { event, targets in targets.lazy.map { DeliveryRef(event: event, target: $0) } }
    }

    subscript(event: UInt64) -> [UInt64] { targets[event] ?? [] }

    mutating func add(event: UInt64, targets added: [UInt64]) {
        targets[event, default: []].append(contentsOf: added)
        count += added.count
        latest = max(latest, event)
    }

    mutating func settle(_ ref: DeliveryRef) -> Settlement {
        guard var left = targets[ref.event], let index = left.firstIndex(of: ref.target) else { return .unknown }
        left.remove(at: index)
        count -= 1
        targets[ref.event] = left.isEmpty ? nil : left
        return left.isEmpty ? .whole : .partial
    }
}

/// What moving some deliveries out of the journal came to.
struct SpilledPart: Sendable {
    /// The deliveries moved, without those that had been parked meanwhile.
    var moved: [DeliveryRef] = []
    /// Damaged records that were passed over.
    var unreadable: [UInt64] = []
    /// Why the next record could not be read, or nil when there is none: `corrupt` for a damaged place, `failed` for a disk
    /// that does not read.
    var failure: StoreError?
}

/// Keys of spilled intake. It shares the families of retry queues, as the queue of target zero, which no target has: (0,
/// event, target) in `due`, (0, event) in `parked` and `payload`.
enum SpillKey {
    static let all = (lower: RowKey(0), upper: RowKey(1))

    static func delivery(_ ref: DeliveryRef) -> RowKey { RowKey(0, ref.event, ref.target) }

    static func event(_ event: UInt64) -> RowKey { RowKey(0, event) }
}

/// Spilled intake as rows.
extension RocksEngine {
    /// Moves deliveries that still wait in the journal to rows.
    ///
    /// - Parameters:
    ///   - records: what to move, in the order of the journal.
    ///   - file: the segment that holds them.
    ///   - givesUp: true to pass over what is damaged. A restart could not read it either; until then whoever delivers it
    ///     still holds it. What the disk refuses to read it may read later.
    /// - Returns: what moved, maybe not all: what lies before a place that cannot be read does not wait for it.
    /// - Throws: what RocksDB says.
    func spill(
        _ records: [IntakeTable.Unresolved],
        from file: JournalFile,
        givesUp: Bool
    ) throws(StoreError) -> SpilledPart {
        let reader = JournalReader(file)
        var part = SpilledPart()
        var index = 0
        while index < records.count {
            let start = records[index].offset
            let frame: (header: FrameHeader, payload: UnsafeRawBufferPointer)
            do throws(StoreError) { frame = try reader.frame(at: start) } catch {
                guard givesUp, error.code == .corrupt else {
                    part.failure = error
                    break
                }
                while index < records.count, records[index].offset == start {
                    part.unreadable.append(records[index].sequence)
                    index += 1
                }
                continue
            }
            var outcome: Result<Void, StoreError> = .success(())
            _ = JournalPayload.decode(
                frame.payload,
                recordCount: frame.header.recordCount,
                settled: { _ in },
                settledEvent: { _ in },
                record: { found in
                    guard index < records.count, records[index].offset == start,
                        records[index].sequence == found.sequence
                    else { return }
                    do throws(StoreError) { part.moved += try spill(records[index], found) } catch {
                        outcome = .failure(error)
                    }
                    index += 1
                }
            )
            try outcome.get()
            guard givesUp || index == records.count || records[index].offset != start else {
                let what = "event \(records[index].sequence) is not where the journal had it"
                part.failure = StoreError(.corrupt, what)
                break
            }
            while index < records.count, records[index].offset == start {
                part.unreadable.append(records[index].sequence)
                index += 1
            }
        }
        noteWhenSynchronised(part.moved)
        return part
    }

    private func spill(
        _ record: IntakeTable.Unresolved,
        _ found: JournalRecord
    ) throws(StoreError) -> [DeliveryRef] {
        var moved: [DeliveryRef] = []
        for target in record.targets {
            let ref = DeliveryRef(event: record.sequence, target: target)
            if try parkedRow(ref) == nil { moved.append(ref) }
        }
        guard !moved.isEmpty else { return [] }
        let acceptedAt = Timestamp(milliseconds: found.acceptedAt)
        let row = ParkedRow(due: acceptedAt, attempts: 0, acceptedAt: acceptedAt, state: [])
        batch.put(.parked, SpillKey.event(record.sequence), row.encoded)
        batch.put(.payload, SpillKey.event(record.sequence), found.event)
        for ref in moved { batch.put(.due, SpillKey.delivery(ref), UnsafeRawBufferPointer(start: nil, count: 0)) }
        spilled.add(event: record.sequence, targets: moved.map(\.target))
        return moved
    }

    /// Removes deliveries that are done, or that other rows replace; those not there are passed over.
    func settleSpilled(_ refs: some Sequence<DeliveryRef>) {
        guard spilled.count > 0 else { return }
        for ref in refs {
            let found = spilled.settle(ref)
            guard found != .unknown else { continue }
            batch.remove(.due, SpillKey.delivery(ref))
            guard found == .whole else { continue }
            batch.remove(.parked, SpillKey.event(ref.event))
            batch.remove(.payload, SpillKey.event(ref.event))
        }
    }

    /// Reads spilled events behind `event`, in order, at most `limit`.
    func spilledRecords(after event: UInt64, limit: Int) throws(StoreError) -> [RecoveredRecord] {
        try flush()
        guard spilled.count > 0 else { return [] }
        let rows = try database.rows(.parked, from: SpillKey.event(event + 1), before: SpillKey.all.upper)
        var records: [RecoveredRecord] = []
        while rows.isValid, records.count < limit {
            let sequence = RowKey.word(1, of: rows.key)
            guard let row = ParkedRow(rows.value),
                let bytes = try database.read(.payload, SpillKey.event(sequence), { Array($0) })
            else {
                throw StoreError(.corrupt, "the rows of event \(sequence), which left the journal, are not whole")
            }
            records.append(
                RecoveredRecord(
                    sequence: sequence,
                    acceptedAt: row.acceptedAt,
                    event: bytes,
                    targets: spilled[sequence]
                )
            )
            rows.next()
        }
        try rows.check()
        return records
    }
}
