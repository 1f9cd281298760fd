import SansIO

/// Retry queues as rows.
extension RocksEngine {
    private static var noBytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: nil, count: 0) }
    /// Up to this many neighbouring rows are removed one by one; a range mark slows the reads that cross it.
    private static let rangeThreshold = 256

    func parkedRow(_ ref: DeliveryRef) throws(StoreError) -> ParkedRow? {
        if let known = overlay.parked[ref] { return known }
        guard backlogs[ref.target].count > 0 else { return nil }
        return try database.read(.parked, RowKey(ref.target, ref.event)) { ParkedRow($0) } ?? nil
    }

    /// Files a delivery, replacing what is filed under its reference.
    func park(_ ref: DeliveryRef, _ row: ParkedRow, event: UnsafeRawBufferPointer) throws(StoreError) {
        if !backlogs.isLater(ref.target, event: ref.event), let old = try parkedRow(ref) {
            batch.remove(.due, RowKey(ref.target, old.due.ordered, ref.event))
            backlogs.replace(ref.target, bytes: try eventBytes(ref, old), by: UInt64(event.count))
        } else {
            backlogs.add(ref.target, bytes: UInt64(event.count))
        }
        batch.put(.payload, RowKey(ref.target, ref.event), event)
        file(ref, row)
    }

    func park(_ deliveries: [ParkedDelivery]) throws(StoreError) {
        for delivery in deliveries {
            let row = ParkedRow(
                due: delivery.due,
                attempts: delivery.attempts,
                acceptedAt: delivery.acceptedAt,
                state: delivery.state,
                eventBytes: UInt32(clamping: delivery.event.count)
            )
            var outcome: Result<Void, StoreError> = .success(())
            delivery.event.withUnsafeBytes { bytes in
                do throws(StoreError) { try park(delivery.ref, row, event: bytes) } catch { outcome = .failure(error) }
            }
            try outcome.get()
        }
        settleSpilled(deliveries.lazy.map(\.ref))
        noteWhenSynchronised(deliveries.map(\.ref))
    }

    private func file(_ ref: DeliveryRef, _ row: ParkedRow) {
        batch.put(.due, RowKey(ref.target, row.due.ordered, ref.event), Self.noBytes)
        batch.put(.parked, RowKey(ref.target, ref.event), row.encoded)
        overlay.parked[ref] = .some(row)
        backlogs.place(ref.target, due: row.due, event: ref.event)
    }

    /// Removes parked deliveries; those not there are passed over.
    func finish(_ refs: some Sequence<DeliveryRef>) throws(StoreError) {
        for ref in refs {
            guard let row = try parkedRow(ref) else { continue }
            backlogs.subtract(ref.target, BacklogSize(count: 1, bytes: try eventBytes(ref, row)))
            remove(ref, due: row.due)
        }
    }

    /// Bytes of a delivery's event; a row of an earlier release does not tell, so the event is looked at.
    private func eventBytes(_ ref: DeliveryRef, _ row: ParkedRow) throws(StoreError) -> UInt64 {
        if let bytes = row.eventBytes { return UInt64(bytes) }
        return try database.read(.payload, RowKey(ref.target, ref.event)) { UInt64($0.count) } ?? 0
    }

    private func remove(_ ref: DeliveryRef, due: Timestamp) {
        batch.remove(.due, RowKey(ref.target, due.ordered, ref.event))
        batch.remove(.parked, RowKey(ref.target, ref.event))
        batch.remove(.payload, RowKey(ref.target, ref.event))
        overlay.parked[ref] = .some(nil)
    }

    /// Files deliveries under new times; those not there are passed over.
    func reschedule(_ changes: [Reschedule]) throws(StoreError) {
        for change in changes {
            let ref = change.parked.ref
            guard let old = try parkedRow(ref) else { continue }
            batch.remove(.due, RowKey(ref.target, old.due.ordered, ref.event))
            let row = ParkedRow(
                due: change.due,
                attempts: change.attempts,
                acceptedAt: old.acceptedAt,
                state: change.state,
                eventBytes: old.eventBytes
            )
            file(ref, row)
        }
    }

    func due(target: UInt64, now: Timestamp, limit: Int) throws(StoreError) -> [ParkedDelivery] {
        try flush()
        guard backlogs[target].count > 0, limit > 0 else { return [] }
        let first = backlogs[target].firstDue
        let upper = RowKey(target, now.ordered, .max)
        let rows = try database.rows(.due, from: RowKey(target, first.due, first.event), before: upper)
        try rows.check()
        if rows.isValid {
            backlogs.advance(target, firstDue: (RowKey.word(1, of: rows.key), RowKey.word(2, of: rows.key)))
        } else if (now.ordered, UInt64.max) > first {
            backlogs.advance(target, firstDue: (now.ordered, .max))
        }
        var deliveries: [ParkedDelivery] = []
        while rows.isValid, deliveries.count < limit {
            let ref = DeliveryRef(event: RowKey.word(2, of: rows.key), target: target)
            if let row = try parkedRow(ref) { deliveries.append(try delivery(ref, row)) }
            rows.next()
        }
        try rows.check()
        return deliveries
    }

    private func delivery(_ ref: DeliveryRef, _ row: ParkedRow) throws(StoreError) -> ParkedDelivery {
        guard let event = try database.read(.payload, RowKey(ref.target, ref.event), { Array($0) }) else {
            throw StoreError(.corrupt, "the event of delivery \(ref.event) to target \(ref.target) is missing")
        }
        return ParkedDelivery(
            ref: ref,
            due: row.due,
            attempts: row.attempts,
            acceptedAt: row.acceptedAt,
            event: event,
            state: row.state
        )
    }

    func nextDue(target: UInt64) throws(StoreError) -> Timestamp? {
        try flush()
        guard backlogs[target].count > 0 else { return nil }
        let first = backlogs[target].firstDue
        let rows = try database.rows(
            .due,
            from: RowKey(target, first.due, first.event),
            before: RowKey(target, .max, .max, .max)
        )
        guard rows.isValid else {
            try rows.check()
            return nil
        }
        let found = (due: RowKey.word(1, of: rows.key), event: RowKey.word(2, of: rows.key))
        backlogs.advance(target, firstDue: found)
        return Timestamp(ordered: found.due)
    }

    func backlogTargets() throws(StoreError) -> [TargetBacklog] {
        try flush()
        var found: [TargetBacklog] = []
        for target in backlogs.targets {
            guard let next = try nextDue(target: target) else { continue }
            found.append(TargetBacklog(target: target, size: backlogs[target].size, nextDue: next))
        }
        return found
    }

    /// Rows of `target` in the order of their events, up to the first that was not accepted before `acceptedBefore`.
    private func eachOld(
        target: UInt64,
        after: UInt64? = nil,
        acceptedBefore: Timestamp,
        _ body: (DeliveryRef, ParkedRow) throws(StoreError) -> Bool
    ) throws(StoreError) {
        guard after != .max else { return }
        let first = backlogs[target].firstEvent
        let start = after.map { max($0 + 1, first) } ?? first
        let rows = try database.rows(.parked, from: RowKey(target, start), before: RowKey(target, .max, .max))
        if rows.isValid, start == first { backlogs.advance(target, firstEvent: RowKey.word(1, of: rows.key)) }
        while rows.isValid {
            guard let row = ParkedRow(rows.value) else {
                throw StoreError(.corrupt, "a row of target \(target)'s retry queue does not parse")
            }
            guard row.acceptedAt < acceptedBefore else { break }
            guard try body(DeliveryRef(event: RowKey.word(1, of: rows.key), target: target), row) else { break }
            rows.next()
        }
        try rows.check()
    }

    func oldest(
        target: UInt64,
        after: UInt64?,
        acceptedBefore: Timestamp,
        limit: Int
    ) throws(StoreError) -> [ParkedDelivery] {
        try flush()
        guard backlogs[target].count > 0, limit > 0 else { return [] }
        var deliveries: [ParkedDelivery] = []
        try eachOld(target: target, after: after, acceptedBefore: acceptedBefore) { ref, row throws(StoreError) in
            deliveries.append(try delivery(ref, row))
            return deliveries.count < limit
        }
        return deliveries
    }

    func expire(target: UInt64, acceptedBefore: Timestamp) throws(StoreError) -> BacklogSize {
        try flush()
        guard backlogs[target].count > 0 else { return .zero }
        var removed = BacklogSize.zero
        var chunk: [DeliveryRef] = []
        var bytes: UInt64 = 0
        try eachOld(target: target, acceptedBefore: acceptedBefore) { ref, row throws(StoreError) in
            batch.remove(.due, RowKey(target, row.due.ordered, ref.event))
            chunk.append(ref)
            let size = try eventBytes(ref, row)
            bytes += size
            removed += BacklogSize(count: 1, bytes: size)
            if chunk.count == 8192 { try removeBodies(&chunk, &bytes) }
            return true
        }
        try removeBodies(&chunk, &bytes)
        return removed
    }

    /// Removes the rows of neighbouring deliveries, whose events have so many bytes, and writes the batch.
    private func removeBodies(_ chunk: inout [DeliveryRef], _ bytes: inout UInt64) throws(StoreError) {
        guard let first = chunk.first, let last = chunk.last else { return }
        if chunk.count > Self.rangeThreshold {
            let lower = RowKey(first.target, first.event)
            let upper = RowKey(last.target, last.event, 0)
            batch.removeRange(.parked, from: lower, before: upper)
            batch.removeRange(.payload, from: lower, before: upper)
        } else {
            for ref in chunk {
                batch.remove(.parked, RowKey(ref.target, ref.event))
                batch.remove(.payload, RowKey(ref.target, ref.event))
            }
        }
        backlogs.subtract(first.target, BacklogSize(count: UInt64(chunk.count), bytes: bytes))
        bytes = 0
        chunk.removeAll(keepingCapacity: true)
        try flush()
    }

    func dropTarget(_ target: UInt64) throws(StoreError) -> UInt64 {
        try flush()
        let size = backlogs[target].size
        guard size.count > 0 else { return 0 }
        let upper = RowKey(target, .max, .max, .max)
        batch.removeRange(.due, from: RowKey(target), before: upper)
        batch.removeRange(.parked, from: RowKey(target), before: upper)
        batch.removeRange(.payload, from: RowKey(target), before: upper)
        backlogs.subtract(target, size)
        try flush()
        return size.count
    }
}
