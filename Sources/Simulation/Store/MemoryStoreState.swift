import SansIO

/// Everything a memory store holds. A value, so a crash is going back to an earlier one.
struct MemoryStoreState {
    struct Intake {
        var acceptedAt: Timestamp
        var event: [UInt8]
        var targets: [UInt64]
    }

    struct Parked {
        var due: Timestamp
        var attempts: UInt32
        var acceptedAt: Timestamp
        var event: [UInt8]
        var state: [UInt8]
    }

    struct Message {
        var sentAt: Timestamp
        var visibleAt: Timestamp
        var receiveCount: UInt32
        var firstReceivedAt: Timestamp?
        var content: [UInt8]
    }

    var intake: [UInt64: Intake] = [:]
    var parked: [UInt64: [UInt64: Parked]] = [:]
    var queues: [UInt64: [MessageKey: Message]] = [:]
    var configuration: [[UInt8]: ConfigurationEntry] = [:]

    mutating func add(_ records: [IntakeRecord], firstSequence: UInt64) {
        var sequence = firstSequence
        for record in records {
            intake[sequence] = Intake(acceptedAt: record.acceptedAt, event: record.event, targets: record.targets)
            sequence += 1
        }
    }

    mutating func settle(_ refs: [DeliveryRef]) {
        for ref in refs {
            guard var record = intake[ref.event] else { continue }
            record.targets.removeAll { $0 == ref.target }
            intake[ref.event] = record.targets.isEmpty ? nil : record
        }
    }

    var unresolved: [RecoveredRecord] {
        intake.keys.sorted().compactMap { sequence in
            guard let record = intake[sequence], !record.targets.isEmpty else { return nil }
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
            parked[delivery.ref.target, default: [:]][delivery.ref.event] = Parked(
                due: delivery.due,
                attempts: delivery.attempts,
                acceptedAt: delivery.acceptedAt,
                event: delivery.event,
                state: delivery.state
            )
        }
        settle(deliveries.map(\.ref))
    }

    mutating func finish(_ refs: [DeliveryRef]) {
        for ref in refs {
            parked[ref.target]?[ref.event] = nil
        }
    }

    mutating func reschedule(_ changes: [Reschedule]) {
        for change in changes {
            let ref = change.parked.ref
            guard var row = parked[ref.target]?[ref.event] else { continue }
            row.due = change.due
            row.attempts = change.attempts
            row.state = change.state
            parked[ref.target]?[ref.event] = row
        }
    }

    private func deliveries(_ target: UInt64, _ events: some Sequence<UInt64>) -> [ParkedDelivery] {
        events.compactMap { event in
            guard let row = parked[target]?[event] else { return nil }
            return ParkedDelivery(
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
        let rows = (parked[target] ?? [:]).filter { $0.value.due <= now }
        let order = rows.sorted { ($0.value.due, $0.key) < ($1.value.due, $1.key) }.map(\.key)
        return deliveries(target, order.prefix(max(0, limit)))
    }

    func nextDue(_ target: UInt64) -> Timestamp? {
        parked[target]?.values.map(\.due).min()
    }

    var backlogs: [TargetBacklog] {
        parked.keys.sorted().compactMap { target in
            guard let count = parked[target]?.count, let next = nextDue(target) else { return nil }
            return TargetBacklog(target: target, count: UInt64(count), nextDue: next)
        }
    }

    var parkedCount: UInt64 { UInt64(parked.values.reduce(0) { $0 + $1.count }) }

    private func old(_ target: UInt64, _ acceptedBefore: Timestamp) -> [UInt64] {
        let rows = parked[target] ?? [:]
        return Array(rows.keys.sorted().prefix { event in rows[event].map { $0.acceptedAt < acceptedBefore } ?? false })
    }

    func oldest(_ target: UInt64, acceptedBefore: Timestamp, limit: Int) -> [ParkedDelivery] {
        deliveries(target, old(target, acceptedBefore).prefix(max(0, limit)))
    }

    mutating func expire(_ target: UInt64, acceptedBefore: Timestamp) -> UInt64 {
        let events = old(target, acceptedBefore)
        for event in events { parked[target]?[event] = nil }
        return UInt64(events.count)
    }

    mutating func drop(_ target: UInt64) -> UInt64 {
        UInt64(parked.removeValue(forKey: target)?.count ?? 0)
    }

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
        var changed = configuration
        for change in changes {
            let key = Array(change.key.utf8)
            let present = changed[key]?.revision ?? 0
            if let expected = change.expectedRevision, expected != present {
                throw StoreError(.conflict, "\(change.key) has revision \(present), not \(expected)")
            }
            changed[key] = change.value.map {
                ConfigurationEntry(key: change.key, value: $0, revision: present + 1)
            }
        }
        configuration = changed
    }
}
