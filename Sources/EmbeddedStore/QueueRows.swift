import SansIO

/// Queues as rows.
extension RocksEngine {
    private static let received: [UInt8] = [1]
    private static let fresh: [UInt8] = [0]
    /// How many messages one receive moves to the dead-letter queue at most, so it does not hold up the others.
    private static let redriveLimit = 1000

    func messageRow(_ message: QueuedKey) throws(StoreError) -> MessageRow? {
        if let known = overlay.messages[message] { return known }
        guard queues[message.queue].count > 0 else { return nil }
        return try database.read(.message, message.row) { MessageRow($0) } ?? nil
    }

    /// Writes the rows that say where a message stands.
    private func file(_ message: QueuedKey, _ row: MessageRow) {
        let key = message.key
        batch.put(
            .visible,
            RowKey(message.queue, row.visibleAt.ordered, key.major, key.minor),
            row.firstReceivedAt == nil ? Self.fresh : Self.received
        )
        batch.put(.message, message.row, row.encoded)
        overlay.messages[message] = .some(row)
        queues.place(message.queue, row, key)
    }

    private func unfile(_ message: QueuedKey, _ row: MessageRow) {
        batch.remove(
            .visible,
            RowKey(message.queue, row.visibleAt.ordered, message.key.major, message.key.minor)
        )
    }

    private func removeAge(_ message: QueuedKey, _ row: MessageRow) {
        batch.remove(.age, RowKey(message.queue, row.sentAt.ordered, message.key.major, message.key.minor))
    }

    private func remove(_ message: QueuedKey, _ row: MessageRow) {
        unfile(message, row)
        removeAge(message, row)
        batch.remove(.message, message.row)
        batch.remove(.content, message.row)
        overlay.messages[message] = .some(nil)
        queues.subtract(message.queue)
    }

    private func add(_ message: QueuedKey, _ row: MessageRow, content: UnsafeRawBufferPointer) throws(StoreError) {
        // Most keys are higher than any before, and need not be looked for.
        let isNewest = queues[message.queue].newest.map { $0 < message.key } ?? false
        if !isNewest, let old = try messageRow(message) {
            unfile(message, old)
            removeAge(message, old)
        } else {
            queues.add(message)
        }
        batch.put(
            .age,
            RowKey(message.queue, row.sentAt.ordered, message.key.major, message.key.minor),
            UnsafeRawBufferPointer(start: nil, count: 0)
        )
        batch.put(.content, message.row, content)
        file(message, row)
    }

    /// Looks for the highest key of a queue, once; every message that comes is noted from then on. Call it before an
    /// operation writes anything, since it writes what earlier ones left.
    private func findNewest(of queue: UInt64) throws(StoreError) {
        let state = queues[queue]
        guard state.newest == nil else { return }
        var newest = MessageKey(major: 0, minor: 0)
        if state.count > 0 {
            try flush()
            let last = try database.lastKey(.message, from: RowKey(queue), before: RowKey(queue, .max, .max))
            last?.withUnsafeBytes { newest = MessageKey(major: RowKey.word(1, of: $0), minor: RowKey.word(2, of: $0)) }
        }
        queues.note(queue, newest: newest)
    }

    func send(_ send: QueueSend) throws(StoreError) {
        if send.durable { try requireSpace() }
        try findNewest(of: send.queue)
        for message in send.messages {
            let place = QueuedKey(queue: send.queue, key: message.key)
            if send.mayRepeat, try messageRow(place) != nil { continue }
            let row = MessageRow(
                visibleAt: message.visibleAt,
                receiveCount: message.receiveCount,
                firstReceivedAt: nil,
                sentAt: message.sentAt
            )
            var outcome: Result<Void, StoreError> = .success(())
            message.content.withUnsafeBytes { bytes in
                do throws(StoreError) { try add(place, row, content: bytes) } catch { outcome = .failure(error) }
            }
            try outcome.get()
        }
        try finish(send.finishing.lazy.map(\.ref))
        settleSpilled(send.settling)
        noteWhenSynchronised(send.settling)
    }

    func receive(
        queue: UInt64,
        now: Timestamp,
        limit: Int,
        hiddenUntil: Timestamp,
        redrive: QueueRedrive?
    ) throws(StoreError) -> QueueReceipt {
        try flush()
        var receipt = QueueReceipt(messages: [])
        guard queues[queue].count > 0, limit > 0 else { return receipt }
        let first = queues[queue].firstVisible
        let rows = try database.rows(
            .visible,
            from: RowKey(queue, first.time, first.major, first.minor),
            before: RowKey(queue, .max, .max, .max)
        )
        while rows.isValid, receipt.messages.count < limit, receipt.redriven < Self.redriveLimit {
            guard RowKey.word(1, of: rows.key) <= now.ordered else { break }
            let key = MessageKey(major: RowKey.word(2, of: rows.key), minor: RowKey.word(3, of: rows.key))
            let message = QueuedKey(queue: queue, key: key)
            guard let row = try messageRow(message) else {
                throw StoreError(.corrupt, "message \(key.major) of queue \(queue) has no row")
            }
            let content = try content(of: message)
            if let redrive, row.receiveCount >= redrive.maxReceiveCount, redrive.deadLetterQueue != queue {
                try move(message, row, content, to: redrive.deadLetterQueue, now: now)
                receipt.redriven += 1
            } else {
                receipt.messages.append(hand(message, row, content, now: now, hiddenUntil: hiddenUntil))
            }
            rows.next()
        }
        try rows.check()
        advance(queue, to: rows, receipt, hiddenUntil)
        if receipt.messages.count < limit {
            let waiting = rows.isValid ? Timestamp(ordered: RowKey.word(1, of: rows.key)) : nil
            let hidden = receipt.messages.isEmpty ? nil : hiddenUntil
            receipt.nextVisibleAt = [waiting, hidden].compactMap { $0 }.min()
        }
        return receipt
    }

    /// Every row before where the walk stopped was received or moved away.
    private func advance(_ queue: UInt64, to rows: RocksRows, _ receipt: QueueReceipt, _ hiddenUntil: Timestamp) {
        if rows.isValid {
            let key = rows.key
            queues.advance(
                queue,
                firstVisible: (RowKey.word(1, of: key), RowKey.word(2, of: key), RowKey.word(3, of: key))
            )
        } else {
            queues.advance(queue, firstVisible: (.max, .max, .max))
        }
        for message in receipt.messages {
            let row = MessageRow(visibleAt: hiddenUntil, receiveCount: 0, firstReceivedAt: nil, sentAt: message.sentAt)
            queues.place(queue, row, message.key)
        }
    }

    private func content(of message: QueuedKey) throws(StoreError) -> [UInt8] {
        guard let content = try database.read(.content, message.row, { Array($0) }) else {
            throw StoreError(.corrupt, "message \(message.key.major) of queue \(message.queue) has no content")
        }
        return content
    }

    private func hand(
        _ message: QueuedKey,
        _ row: MessageRow,
        _ content: [UInt8],
        now: Timestamp,
        hiddenUntil: Timestamp
    ) -> ReceivedMessage {
        unfile(message, row)
        var changed = row
        changed.visibleAt = hiddenUntil
        changed.receiveCount = row.receiveCount &+ 1
        changed.firstReceivedAt = row.firstReceivedAt ?? now
        file(message, changed)
        return ReceivedMessage(
            key: message.key,
            sentAt: row.sentAt,
            receiveCount: changed.receiveCount,
            firstReceivedAt: changed.firstReceivedAt ?? now,
            content: content
        )
    }

    private func move(
        _ message: QueuedKey,
        _ row: MessageRow,
        _ content: [UInt8],
        to deadLetterQueue: UInt64,
        now: Timestamp
    ) throws(StoreError) {
        remove(message, row)
        var moved = row
        moved.visibleAt = now
        moved.firstReceivedAt = nil
        let place = QueuedKey(queue: deadLetterQueue, key: message.key)
        var outcome: Result<Void, StoreError> = .success(())
        content.withUnsafeBytes { bytes in
            do throws(StoreError) { try add(place, moved, content: bytes) } catch { outcome = .failure(error) }
        }
        try outcome.get()
    }

    func delete(queue: UInt64, keys: [MessageKey]) throws(StoreError) -> [Bool] {
        var found: [Bool] = []
        found.reserveCapacity(keys.count)
        for key in keys {
            let message = QueuedKey(queue: queue, key: key)
            let row = try messageRow(message)
            if let row { remove(message, row) }
            found.append(row != nil)
        }
        return found
    }

    func changeVisibility(
        queue: UInt64,
        key: MessageKey,
        now: Timestamp,
        visibleAt: Timestamp
    ) throws(StoreError) -> Bool {
        let message = QueuedKey(queue: queue, key: key)
        guard var row = try messageRow(message), row.isInFlight(at: now) else { return false }
        unfile(message, row)
        row.visibleAt = visibleAt
        file(message, row)
        return true
    }

    func purge(queue: UInt64) throws(StoreError) {
        try flush()
        let count = queues[queue].count
        guard count > 0 else { return }
        for family in [RowFamily.visible, .age, .message, .content] {
            batch.removeRange(family, from: RowKey(queue), before: RowKey(queue, .max, .max, .max))
        }
        queues.subtract(queue, count)
        try flush()
    }

    func expireMessages(queue: UInt64, sentBefore: Timestamp) throws(StoreError) -> UInt64 {
        try flush()
        guard queues[queue].count > 0 else { return 0 }
        let rows = try database.rows(
            .age,
            from: RowKey(queue, queues[queue].firstSent),
            before: RowKey(queue, sentBefore.ordered)
        )
        var removed: UInt64 = 0
        while rows.isValid {
            let key = MessageKey(major: RowKey.word(2, of: rows.key), minor: RowKey.word(3, of: rows.key))
            let message = QueuedKey(queue: queue, key: key)
            if let row = try messageRow(message) {
                remove(message, row)
                removed += 1
            }
            rows.next()
            if batch.byteCount > 1 << 20 { try flush() }
        }
        try rows.check()
        if sentBefore.ordered > queues[queue].firstSent {
            queues.advance(queue, firstSent: sentBefore.ordered)
        }
        try flush()
        return removed
    }

    func counts(queue: UInt64, now: Timestamp) throws(StoreError) -> QueueCounts {
        try flush()
        var counts = QueueCounts(visible: queues[queue].count, inFlight: 0, delayed: 0)
        guard counts.visible > 0 else { return counts }
        let rows = try database.rows(
            .visible,
            from: RowKey(queue, now.ordered, .max, .max),
            before: RowKey(queue, .max, .max, .max)
        )
        while rows.isValid {
            if rows.value.first == 1 { counts.inFlight += 1 } else { counts.delayed += 1 }
            rows.next()
        }
        try rows.check()
        counts.visible -= min(counts.visible, counts.inFlight + counts.delayed)
        return counts
    }
}
