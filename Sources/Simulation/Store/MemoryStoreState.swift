import SansIO

/// Everything a memory store holds, with the way back to what its disk holds.
///
/// Each change of a row is noted with what was there before. ``synchronise()`` forgets the notes, ``goBack()`` undoes them
/// in reverse order: so neither a durable write nor a crash costs more than the changes since the last one.
struct MemoryStoreState {
    struct Intake {
        var acceptedAt: Timestamp
        var event: [UInt8]
        var targets: [UInt64]
    }

    /// A row of a retry queue.
    struct Parked: TimedRow {
        var due: Timestamp
        var attempts: UInt32
        var acceptedAt: Timestamp
        var event: [UInt8]
        var state: [UInt8]
        var time: Timestamp { due }
    }

    /// A message of a queue.
    struct Message: TimedRow {
        var sentAt: Timestamp
        var visibleAt: Timestamp
        var receiveCount: UInt32
        var firstReceivedAt: Timestamp?
        var content: [UInt8]
        var time: Timestamp { visibleAt }
    }

    /// A row as it was before a change; nil where there was none.
    private enum Note {
        case intake(UInt64, Intake?)
        case parked(DeliveryRef, Parked?)
        case message(UInt64, MessageKey, Message?)
        case entry([UInt8], ConfigurationEntry?)
        /// A retry queue that was dropped whole.
        case target(UInt64, RowsByTime<UInt64, Parked>)
        /// A queue that was purged.
        case queue(UInt64, RowsByTime<MessageKey, Message>)
    }

    private(set) var parked: [UInt64: RowsByTime<UInt64, Parked>] = [:]
    private(set) var queues: [UInt64: RowsByTime<MessageKey, Message>] = [:]
    private var intake = OrderedMap<UInt64, Intake>()
    private var configuration: [[UInt8]: ConfigurationEntry] = [:]
    private var notes: [Note] = []
    /// Deliveries of intake records that are not resolved.
    private(set) var unresolvedCount = 0
    private(set) var parkedCount = 0

    /// Changes that are not on disk.
    var unsynchronised: Int { notes.count }

    /// What there is now is on disk.
    mutating func synchronise() {
        notes.removeAll(keepingCapacity: notes.capacity <= 4096)
    }

    /// Goes back to what is on disk.
    mutating func goBack() {
        goBack(to: 0)
    }

    private mutating func goBack(to length: Int) {
        while notes.count > length, let note = notes.popLast() {
            switch note {
            case .intake(let sequence, let before): place(before, at: sequence)
            case .parked(let ref, let before): place(before, at: ref)
            case .message(let queue, let key, let before): place(before, at: key, in: queue)
            case .entry(let key, let before): configuration[key] = before
            case .target(let target, let rows):
                parked[target] = rows
                parkedCount += rows.count
            case .queue(let queue, let rows): queues[queue] = rows
            }
        }
    }

    @discardableResult
    private mutating func place(_ record: Intake?, at sequence: UInt64) -> Intake? {
        let before = intake.set(record, for: sequence)
        unresolvedCount += (record?.targets.count ?? 0) - (before?.targets.count ?? 0)
        return before
    }

    @discardableResult
    private mutating func place(_ row: Parked?, at ref: DeliveryRef) -> Parked? {
        let before = parked[ref.target, default: RowsByTime()].set(row, for: ref.event)
        parkedCount += (row == nil ? 0 : 1) - (before == nil ? 0 : 1)
        return before
    }

    @discardableResult
    private mutating func place(_ message: Message?, at key: MessageKey, in queue: UInt64) -> Message? {
        queues[queue, default: RowsByTime()].set(message, for: key)
    }

    private mutating func change(_ record: Intake?, at sequence: UInt64) {
        notes.append(.intake(sequence, place(record, at: sequence)))
    }

    private mutating func change(_ row: Parked?, at ref: DeliveryRef) {
        notes.append(.parked(ref, place(row, at: ref)))
    }

    mutating func change(_ message: Message?, at key: MessageKey, in queue: UInt64) {
        notes.append(.message(queue, key, place(message, at: key, in: queue)))
    }

    mutating func purge(_ queue: UInt64) {
        guard let rows = queues.removeValue(forKey: queue) else { return }
        notes.append(.queue(queue, rows))
    }
}

/// Intake and retry queues.
extension MemoryStoreState {
    mutating func add(_ records: [IntakeRecord], firstSequence: UInt64) {
        var sequence = firstSequence
        for record in records {
            let row = Intake(acceptedAt: record.acceptedAt, event: record.event, targets: record.targets)
            change(row, at: sequence)
            sequence += 1
        }
    }

    mutating func settle(_ refs: [DeliveryRef]) {
        for ref in refs {
            guard var record = intake[ref.event], record.targets.contains(ref.target) else { continue }
            record.targets.removeAll { $0 == ref.target }
            change(record.targets.isEmpty ? nil : record, at: ref.event)
        }
    }

    var unresolved: [RecoveredRecord] {
        intake.first(.max).compactMap { sequence, record in
            guard !record.targets.isEmpty else { return nil }
            return RecoveredRecord(
                sequence: sequence,
                acceptedAt: record.acceptedAt,
                event: record.event,
                targets: record.targets
            )
        }
    }

    mutating func park(_ deliveries: [ParkedDelivery]) {
        for delivery in deliveries {
            let row = Parked(
                due: delivery.due,
                attempts: delivery.attempts,
                acceptedAt: delivery.acceptedAt,
                event: delivery.event,
                state: delivery.state
            )
            change(row, at: delivery.ref)
        }
        settle(deliveries.map(\.ref))
    }

    mutating func finish(_ refs: [DeliveryRef]) {
        for ref in refs where parked[ref.target]?[ref.event] != nil { change(Parked?.none, at: ref) }
    }

    mutating func reschedule(_ changes: [Reschedule]) {
        for new in changes {
            let ref = new.parked.ref
            guard var row = parked[ref.target]?[ref.event] else { continue }
            row.due = new.due
            row.attempts = new.attempts
            row.state = new.state
            change(row, at: ref)
        }
    }

    private func deliveries(_ target: UInt64, _ rows: [(key: UInt64, value: Parked)]) -> [ParkedDelivery] {
        rows.map { event, row in
            ParkedDelivery(
                ref: DeliveryRef(event: event, target: target),
                due: row.due,
                attempts: row.attempts,
                acceptedAt: row.acceptedAt,
                event: row.event,
                state: row.state
            )
        }
    }

    func due(_ target: UInt64, now: Timestamp, limit: Int) -> [ParkedDelivery] {
        deliveries(target, parked[target]?.earliest(limit, until: now) ?? [])
    }

    func nextDue(_ target: UInt64) -> Timestamp? {
        parked[target]?.earliestTime
    }

    var backlogs: [TargetBacklog] {
        parked.keys.sorted().compactMap { target in
            guard let rows = parked[target], let next = rows.earliestTime else { return nil }
            let bytes = rows.rows.first(.max).reduce(UInt64(0)) { $0 + UInt64($1.value.event.count) }
            let size = BacklogSize(count: UInt64(rows.count), bytes: bytes)
            return TargetBacklog(target: target, size: size, nextDue: next)
        }
    }

    func oldest(_ target: UInt64, after: UInt64? = nil, acceptedBefore: Timestamp, limit: Int) -> [ParkedDelivery] {
        let isBeyond = { (event: UInt64) in after.map { event > $0 } ?? true }
        let rows = parked[target]?.rows.first(limit, beyond: isBeyond) { $1.acceptedAt < acceptedBefore }
        return deliveries(target, rows ?? [])
    }

    mutating func expire(_ target: UInt64, acceptedBefore: Timestamp) -> BacklogSize {
        let old = oldest(target, acceptedBefore: acceptedBefore, limit: .max)
        finish(old.map(\.ref))
        return BacklogSize(count: UInt64(old.count), bytes: old.reduce(0) { $0 + UInt64($1.event.count) })
    }

    mutating func drop(_ target: UInt64) -> UInt64 {
        guard let rows = parked.removeValue(forKey: target) else { return 0 }
        parkedCount -= rows.count
        notes.append(.target(target, rows))
        return UInt64(rows.count)
    }
}

/// What waits, by target.
extension MemoryStoreState {
    /// In the intake journal and in retry queues.
    var held: [UInt64: BacklogSize] {
        var held: [UInt64: BacklogSize] = [:]
        for backlog in backlogs { held[backlog.target] = backlog.size }
        for (_, record) in intake.first(.max) {
            for target in record.targets { held[target, default: .zero] += Self.size(of: record.event) }
        }
        return held
    }

    /// What of these deliveries is in the intake journal.
    func settlingSizes(of refs: [DeliveryRef]) -> [UInt64: BacklogSize] {
        refs.reduce(into: [:]) { sizes, ref in
            guard let record = intake[ref.event], record.targets.contains(ref.target) else { return }
            sizes[ref.target, default: .zero] += Self.size(of: record.event)
        }
    }

    /// What of these deliveries is in retry queues.
    func finishingSizes(of rows: [ParkedRef]) -> [UInt64: BacklogSize] {
        rows.reduce(into: [:]) { sizes, row in
            guard let parked = parked[row.ref.target]?[row.ref.event] else { return }
            sizes[row.ref.target, default: .zero] += Self.size(of: parked.event)
        }
    }

    private static func size(of event: [UInt8]) -> BacklogSize {
        BacklogSize(count: 1, bytes: UInt64(event.count))
    }
}

extension [UInt64: BacklogSize] {
    mutating func add(_ sizes: [UInt64: BacklogSize]) {
        merge(sizes) { $0 + $1 }
    }

    mutating func subtract(_ sizes: [UInt64: BacklogSize]) {
        for (target, size) in sizes { self[target]? -= size }
    }
}

/// Configuration.
extension MemoryStoreState {
    func entries(prefix: String) -> [ConfigurationEntry] {
        let start = Array(prefix.utf8)
        return configuration.filter { $0.key.starts(with: start) }
            .sorted { $0.key.lexicographicallyPrecedes($1.key) }
            .map(\.value)
    }

    /// Applies all changes, or none.
    ///
    /// - Throws: `conflict` when an expected revision is off.
    mutating func configure(_ changes: [ConfigurationChange]) throws(StoreError) {
        let before = notes.count
        for change in changes {
            let key = Array(change.key.utf8)
            let entry = configuration[key]
            let present = entry?.revision ?? 0
            if let expected = change.expectedRevision, expected != present {
                goBack(to: before)
                throw StoreError(.conflict, "\(change.key) has revision \(present), not \(expected)")
            }
            notes.append(.entry(key, entry))
            configuration[key] = change.value.map {
                ConfigurationEntry(key: change.key, value: $0, revision: present + 1)
            }
        }
    }
}
