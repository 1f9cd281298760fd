import SansIO

/// What is asked of a whole queue: what is too old, and how much there is.
extension RocksEngine {
    func expireMessages(queue: UInt64, sentBefore: Timestamp) throws(StoreError) -> UInt64 {
        try flush()
        guard queues[queue].count > 0 else { return 0 }
        let removed = try expireLine(queue, sentBefore) + expireOthers(queue, sentBefore)
        try flush()
        return removed
    }

    /// The line is in the order of sending.
    private func expireLine(_ queue: UInt64, _ sentBefore: Timestamp) throws(StoreError) -> UInt64 {
        let line = queues[queue].line
        let rows = try database.rows(
            .line,
            from: RowKey(queue, line.first.major, line.first.minor),
            before: RowKey(queue, .max, .max, .max)
        )
        var removed: UInt64 = 0
        while rows.isValid, RowKey.word(3, of: rows.key) < sentBefore.ordered {
            let key = RowKey.message(of: rows.key)
            let message = QueuedKey(queue: queue, key: key)
            let unread = MessageRow(unreadSentAt: Timestamp(ordered: RowKey.word(3, of: rows.key)))
            remove(message, key < line.unread ? try messageRow(message) ?? unread : unread)
            removed += 1
            rows.next()
            if batch.byteCount > 1 << 20 { try flush() }
        }
        try rows.check()
        queues.advance(queue, firstInLine: rows.isValid ? RowKey.message(of: rows.key) : max(line.first, line.unread))
        return removed
    }

    private func expireOthers(_ queue: UInt64, _ sentBefore: Timestamp) throws(StoreError) -> UInt64 {
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
        return removed
    }

    func counts(queue: UInt64, now: Timestamp) throws(StoreError) -> QueueCounts {
        try flush()
        var counts = QueueCounts(visible: queues[queue].count, inFlight: 0, delayed: 0)
        guard counts.visible > 0 else { return counts }
        let end = RowKey(queue, .max, .max, .max)
        let rows = try database.rows(.visible, from: RowKey(queue, now.ordered, .max, .max), before: end)
        while rows.isValid {
            if rows.value.first == 1 { counts.inFlight += 1 } else { counts.delayed += 1 }
            rows.next()
        }
        try rows.check()
        let state = queues[queue]
        if state.newest == nil || state.line.newestSent > now.ordered {
            // Something of the line is delayed only when the clock went back since.
            let unread = RowKey(queue, state.line.unread.major, state.line.unread.minor)
            try database.eachKeyBackwards(.line, from: unread, before: end) { key in
                guard RowKey.word(3, of: key) > now.ordered else { return false }
                counts.delayed += 1
                return true
            }
        }
        counts.visible -= min(counts.visible, counts.inFlight + counts.delayed)
        return counts
    }
}
