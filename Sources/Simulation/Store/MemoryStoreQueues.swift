import SansIO

/// Queues of a memory store.
extension MemoryStoreState {
    mutating func send(_ send: QueueSend) {
        for message in send.messages {
            if send.mayRepeat, queues[send.queue]?[message.key] != nil { continue }
            queues[send.queue, default: [:]][message.key] = Message(
                sentAt: message.sentAt,
                visibleAt: message.visibleAt,
                receiveCount: message.receiveCount,
                firstReceivedAt: nil,
                content: message.content
            )
        }
        finish(send.finishing.map(\.ref))
        settle(send.settling)
    }

    private func order(_ queue: UInt64) -> [MessageKey] {
        (queues[queue] ?? [:]).sorted { ($0.value.visibleAt, $0.key) < ($1.value.visibleAt, $1.key) }.map(\.key)
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
        var waiting: Timestamp?
        for key in order(queue) {
            guard receipt.messages.count < limit, var message = queues[queue]?[key] else { break }
            guard message.visibleAt <= now else {
                waiting = message.visibleAt
                break
            }
            if let redrive, message.receiveCount >= redrive.maxReceiveCount, redrive.deadLetterQueue != queue {
                queues[queue]?[key] = nil
                message.visibleAt = now
                message.firstReceivedAt = nil
                queues[redrive.deadLetterQueue, default: [:]][key] = message
                receipt.redriven += 1
                continue
            }
            message.receiveCount &+= 1
            message.firstReceivedAt = message.firstReceivedAt ?? now
            message.visibleAt = hiddenUntil
            queues[queue]?[key] = message
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
        if receipt.messages.count < limit {
            let hidden = receipt.messages.isEmpty ? nil : hiddenUntil
            receipt.nextVisibleAt = [waiting, hidden].compactMap { $0 }.min()
        }
        return receipt
    }

    mutating func delete(_ queue: UInt64, _ keys: [MessageKey]) -> [Bool] {
        keys.map { queues[queue]?.removeValue(forKey: $0) != nil }
    }

    mutating func changeVisibility(
        _ queue: UInt64,
        _ key: MessageKey,
        now: Timestamp,
        visibleAt: Timestamp
    ) -> Bool {
        guard let message = queues[queue]?[key], message.firstReceivedAt != nil, message.visibleAt > now else {
            return false
        }
        queues[queue]?[key]?.visibleAt = visibleAt
        return true
    }

    mutating func purge(_ queue: UInt64) {
        queues[queue] = nil
    }

    mutating func expireMessages(_ queue: UInt64, sentBefore: Timestamp) -> UInt64 {
        let old = (queues[queue] ?? [:]).filter { $0.value.sentAt < sentBefore }.map(\.key)
        for key in old { queues[queue]?[key] = nil }
        return UInt64(old.count)
    }

    func counts(_ queue: UInt64, now: Timestamp) -> QueueCounts {
        var counts = QueueCounts(visible: 0, inFlight: 0, delayed: 0)
        for message in (queues[queue] ?? [:]).values {
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
