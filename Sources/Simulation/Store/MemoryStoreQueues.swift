import SansIO

/// Queues of a memory store.
extension MemoryStoreState {
    mutating func send(_ send: QueueSend) {
        for message in send.messages {
            if send.mayRepeat, queues[send.queue]?[message.key] != nil { continue }
            let row = Message(
                sentAt: message.sentAt,
                visibleAt: message.visibleAt,
                receiveCount: message.receiveCount,
                firstReceivedAt: nil,
                content: message.content
            )
            change(row, at: message.key, in: send.queue)
        }
        finish(send.finishing.map(\.ref))
        settle(send.settling)
    }

    mutating func receive(
        _ queue: UInt64,
        now: Timestamp,
        limit: Int,
        hiddenUntil: Timestamp,
        redrive: QueueRedrive?
    ) -> QueueReceipt {
        var receipt = QueueReceipt(messages: [])
        guard limit > 0 else { return receipt }
        // Each pass hides or moves what it looked at, unless it is to be visible again at once.
        var seen: Set<MessageKey> = []
        while receipt.messages.count < limit {
            let wanted = limit - receipt.messages.count + seen.count
            let visible = queues[queue]?.earliest(wanted, until: now).filter { !seen.contains($0.key) } ?? []
            guard !visible.isEmpty else { break }
            for (key, message) in visible where receipt.messages.count < limit {
                seen.insert(key)
                take(message, key, queue, now: now, hiddenUntil: hiddenUntil, redrive: redrive, into: &receipt)
            }
        }
        if receipt.messages.count < limit {
            let waiting = queues[queue]?.earliestTime(after: now)
            let hidden = receipt.messages.isEmpty ? nil : hiddenUntil
            receipt.nextVisibleAt = [waiting, hidden].compactMap { $0 }.min()
        }
        return receipt
    }

    private mutating func take(
        _ row: Message,
        _ key: MessageKey,
        _ queue: UInt64,
        now: Timestamp,
        hiddenUntil: Timestamp,
        redrive: QueueRedrive?,
        into receipt: inout QueueReceipt
    ) {
        var message = row
        if let redrive, message.receiveCount >= redrive.maxReceiveCount, redrive.deadLetterQueue != queue {
            message.visibleAt = now
            message.firstReceivedAt = nil
            change(Message?.none, at: key, in: queue)
            change(message, at: key, in: redrive.deadLetterQueue)
            receipt.redriven += 1
            return
        }
        message.receiveCount &+= 1
        message.firstReceivedAt = message.firstReceivedAt ?? now
        message.visibleAt = hiddenUntil
        change(message, at: key, in: queue)
        receipt.messages.append(
            ReceivedMessage(
                key: key,
                sentAt: message.sentAt,
                receiveCount: message.receiveCount,
                firstReceivedAt: message.firstReceivedAt ?? now,
                content: message.content
            )
        )
    }

    mutating func delete(_ queue: UInt64, _ keys: [MessageKey]) -> [Bool] {
        keys.map { key in
            guard queues[queue]?[key] != nil else { return false }
            change(Message?.none, at: key, in: queue)
            return true
        }
    }

    mutating func changeVisibility(
        _ queue: UInt64,
        _ key: MessageKey,
        now: Timestamp,
        visibleAt: Timestamp
    ) -> Bool {
        guard var message = queues[queue]?[key], message.firstReceivedAt != nil, message.visibleAt > now else {
            return false
        }
        message.visibleAt = visibleAt
        change(message, at: key, in: queue)
        return true
    }

    mutating func expireMessages(_ queue: UInt64, sentBefore: Timestamp) -> UInt64 {
        var old: [MessageKey] = []
        queues[queue]?.rows.visit { key, message in
            if message.sentAt < sentBefore { old.append(key) }
        }
        for key in old { change(Message?.none, at: key, in: queue) }
        return UInt64(old.count)
    }

    func counts(_ queue: UInt64, now: Timestamp) -> QueueCounts {
        var counts = QueueCounts(visible: 0, inFlight: 0, delayed: 0)
        queues[queue]?.rows.visit { _, message in
            if message.visibleAt <= now {
                counts.visible += 1
            } else if message.firstReceivedAt != nil {
                counts.inFlight += 1
            } else {
                counts.delayed += 1
            }
        }
        return counts
    }
}
