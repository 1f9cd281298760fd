import SansIO

/// Queues as rows.
extension RocksEngine {
    private static let received: [UInt8] = [1]
    private static let fresh: [UInt8] = [0]
    /// How many messages one receive moves to the dead-letter queue at most, so it does not hold up the others.
    private static let redriveLimit = 1000

    func messageRow(_ message: QueuedKey) throws(StoreError) -> MessageRow? {
        if let known = overlay.messages[message] { return known }
        let state = queues[message.queue]
        guard state.count > 0 else { return nil }
        if let sentAt = state.line.sentAt(unwritten: message.key) { return MessageRow(unreadSentAt: sentAt) }
        if let row = try database.read(.message, message.row, { MessageRow($0) }) { return row }
        guard message.key >= state.line.unread else { return nil }
        let rows = try database.rows(
            .line,
            from: message.row,
            before: RowKey(message.queue, message.key.major, message.key.minor, .max)
        )
        try rows.check()
        return rows.isValid ? MessageRow(unreadSentAt: Timestamp(ordered: RowKey.word(3, of: rows.key))) : nil
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
        guard !row.isUnread else { return }
        batch.remove(
            .visible,
            RowKey(message.queue, row.visibleAt.ordered, message.key.major, message.key.minor)
        )
    }

    /// Removes what was written once and stays until the message goes.
    private func removeContent(_ message: QueuedKey, _ row: MessageRow) {
        if row.isInLine {
            batch.remove(.line, message.line(sentAt: row.sentAt))
        } else {
            batch.remove(.age, RowKey(message.queue, row.sentAt.ordered, message.key.major, message.key.minor))
            batch.remove(.content, message.row)
        }
    }

    func remove(_ message: QueuedKey, _ row: MessageRow) {
        unfile(message, row)
        removeContent(message, row)
        if !row.isUnread { batch.remove(.message, message.row) }
        overlay.messages[message] = .some(nil)
        queues.subtract(message.queue)
    }

    private func add(_ message: QueuedKey, _ row: MessageRow, content: UnsafeRawBufferPointer) throws(StoreError) {
        // Most keys are higher than any before, and need not be looked for.
        let isNewest = queues[message.queue].newest.map { $0 < message.key } ?? false
        if !isNewest, let old = try messageRow(message) {
            unfile(message, old)
            removeContent(message, old)
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
        var newestSent: UInt64 = 0
        if state.count > 0 {
            try flush()
            let lower = RowKey(queue)
            let upper = RowKey(queue, .max, .max, .max)
            let filed = try database.lastKey(.message, from: lower, before: upper)
            filed?.withUnsafeBytes { newest = RowKey.message(of: $0) }
            let last = try database.lastKey(.line, from: lower, before: upper)
            last?.withUnsafeBytes {
                newest = max(newest, RowKey.message(of: $0))
                newestSent = RowKey.word(3, of: $0)
            }
        }
        queues.note(queue, newest: newest, newestSent: newestSent)
    }

    func send(_ send: QueueSend) throws(StoreError) {
        if send.durable { try requireSpace() }
        try findNewest(of: send.queue)
        var index = 0
        while index < send.messages.count {
            let end = queues.takeInLine(send.queue, send.messages, from: index)
            for message in send.messages[index..<end] { putInLine(send.queue, message) }
            index = end
            guard index < send.messages.count else { break }
            try add(send.messages[index], to: send.queue, mayRepeat: send.mayRepeat)
            index += 1
        }
        try finish(send.finishing.lazy.map(\.ref))
        settleSpilled(send.settling)
        noteWhenSynchronised(send.settling)
    }

    private func putInLine(_ queue: UInt64, _ message: QueueMessage) {
        let key = QueuedKey(queue: queue, key: message.key).line(sentAt: message.sentAt)
        message.content.withUnsafeBytes { batch.put(.line, key, $0) }
    }

    private func add(_ message: QueueMessage, to queue: UInt64, mayRepeat: Bool) throws(StoreError) {
        let place = QueuedKey(queue: queue, key: message.key)
        if mayRepeat, try messageRow(place) != nil { return }
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
        var walk = QueueWalk(queue, queues[queue], try database)
        while let head = walk.head, receipt.messages.count < limit, receipt.redriven < Self.redriveLimit {
            guard head.time <= now.ordered else { break }
            let message = QueuedKey(queue: queue, key: head.key)
            let (row, content) = try read(message, at: head, of: walk)
            if let redrive, row.receiveCount >= redrive.maxReceiveCount, redrive.deadLetterQueue != queue {
                try move(message, row, content, to: redrive.deadLetterQueue, now: now)
                receipt.redriven += 1
            } else {
                receipt.messages.append(hand(message, row, content, now: now, hiddenUntil: hiddenUntil))
            }
            if head.isUnread { queues.advance(queue, unread: head.key.successor) }
            walk.step()
        }
        try walk.check()
        // Every row before where the walk stopped was received or moved away.
        queues.advance(queue, firstVisible: walk.firstVisible)
        for message in receipt.messages {
            let row = MessageRow(visibleAt: hiddenUntil, receiveCount: 0, firstReceivedAt: nil, sentAt: message.sentAt)
            queues.place(queue, row, message.key)
        }
        if receipt.messages.count < limit {
            let waiting = walk.head.map { Timestamp(ordered: $0.time) }
            let hidden = receipt.messages.isEmpty ? nil : hiddenUntil
            receipt.nextVisibleAt = [waiting, hidden].compactMap { $0 }.min()
        }
        return receipt
    }

    private func read(
        _ message: QueuedKey,
        at head: QueueWalk.Head,
        of walk: QueueWalk
    ) throws(StoreError) -> (row: MessageRow, content: [UInt8]) {
        if head.isUnread { return (MessageRow(unreadSentAt: Timestamp(ordered: head.time)), walk.content) }
        guard let row = try messageRow(message) else {
            throw StoreError(.corrupt, "message \(message.key.major) of queue \(message.queue) has no row")
        }
        let content =
            row.isInLine
            ? try database.read(.line, message.line(sentAt: row.sentAt)) { Array($0) }
            : try database.read(.content, message.row) { Array($0) }
        guard let content else {
            throw StoreError(.corrupt, "message \(message.key.major) of queue \(message.queue) has no content")
        }
        return (row, content)
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
        moved.isInLine = false
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
        for family in [RowFamily.line, .visible, .age, .message, .content] {
            batch.removeRange(family, from: RowKey(queue), before: RowKey(queue, .max, .max, .max))
        }
        queues.subtract(queue, count)
        try flush()
    }

}
