import SansIO

/// The small row of a parked delivery; the event's bytes lie in a row of their own and are not rewritten.
struct ParkedRow: Equatable {
    var due: Timestamp
    var attempts: UInt32
    var acceptedAt: Timestamp
    var state: [UInt8]
    /// Bytes of the event; nil in rows that earlier releases wrote, and in those of no single delivery.
    var eventBytes: UInt32?

    /// Marks, in the place of the attempts, that the event's bytes follow.
    private static let hasBytes: UInt32 = 1 << 31

    init(due: Timestamp, attempts: UInt32, acceptedAt: Timestamp, state: [UInt8], eventBytes: UInt32? = nil) {
        self.due = due
        self.attempts = attempts
        self.acceptedAt = acceptedAt
        self.state = state
        self.eventBytes = eventBytes
    }

    init?(_ bytes: UnsafeRawBufferPointer) {
        var reader = RawReader(bytes)
        guard let due = reader.take(Int64.self), let attempts = reader.take(UInt32.self),
            let acceptedAt = reader.take(Int64.self)
        else { return nil }
        if attempts & Self.hasBytes != 0 {
            guard let bytes = reader.take(UInt32.self) else { return nil }
            eventBytes = bytes
        }
        guard let state = reader.take(count: reader.remaining) else { return nil }
        self.due = Timestamp(milliseconds: due)
        self.attempts = attempts & ~Self.hasBytes
        self.acceptedAt = Timestamp(milliseconds: acceptedAt)
        self.state = Array(state)
    }

    var encoded: [UInt8] {
        let size = (eventBytes == nil ? 20 : 24) + state.count
        return [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
            guard let start = buffer.baseAddress else { return }
            var writer = RawWriter(UnsafeMutableRawPointer(start))
            writer.put(due.milliseconds)
            writer.put(min(attempts, ~Self.hasBytes) | (eventBytes == nil ? 0 : Self.hasBytes))
            writer.put(acceptedAt.milliseconds)
            if let eventBytes { writer.put(eventBytes) }
            writer.put(state)
            count = size
        }
    }
}

/// The small row of a queue's message; the content lies in a row of its own. A message of the line has none before it is
/// received.
struct MessageRow: Equatable {
    var visibleAt: Timestamp
    var receiveCount: UInt32
    /// When this queue handed the message out first, or nil.
    var firstReceivedAt: Timestamp?
    var sentAt: Timestamp
    /// Whether the content lies in the line, in the order of sending.
    var isInLine = false

    private static let received: UInt8 = 1
    private static let inLine: UInt8 = 2

    /// What is true of a message of the line that was not received.
    init(unreadSentAt sentAt: Timestamp) {
        self.init(visibleAt: sentAt, receiveCount: 0, firstReceivedAt: nil, sentAt: sentAt)
        isInLine = true
    }

    init(visibleAt: Timestamp, receiveCount: UInt32, firstReceivedAt: Timestamp?, sentAt: Timestamp) {
        self.visibleAt = visibleAt
        self.receiveCount = receiveCount
        self.firstReceivedAt = firstReceivedAt
        self.sentAt = sentAt
    }

    init?(_ bytes: UnsafeRawBufferPointer) {
        var reader = RawReader(bytes)
        guard let visibleAt = reader.take(Int64.self), let receiveCount = reader.take(UInt32.self),
            let flags = reader.take(UInt8.self), let firstReceivedAt = reader.take(Int64.self),
            let sentAt = reader.take(Int64.self)
        else { return nil }
        self.visibleAt = Timestamp(milliseconds: visibleAt)
        self.receiveCount = receiveCount
        self.firstReceivedAt = flags & Self.received != 0 ? Timestamp(milliseconds: firstReceivedAt) : nil
        self.sentAt = Timestamp(milliseconds: sentAt)
        isInLine = flags & Self.inLine != 0
    }

    var encoded: [UInt8] {
        [UInt8](unsafeUninitializedCapacity: 29) { buffer, count in
            guard let start = buffer.baseAddress else { return }
            var writer = RawWriter(UnsafeMutableRawPointer(start))
            writer.put(visibleAt.milliseconds)
            writer.put(receiveCount)
            writer.put((firstReceivedAt == nil ? 0 : Self.received) | (isInLine ? Self.inLine : 0))
            writer.put(firstReceivedAt?.milliseconds ?? 0)
            writer.put(sentAt.milliseconds)
            count = 29
        }
    }

    /// Whether its place in the line is all that there is of the message.
    var isUnread: Bool { isInLine && firstReceivedAt == nil }

    /// Whether a consumer holds the message at `now`.
    func isInFlight(at now: Timestamp) -> Bool {
        firstReceivedAt != nil && visibleAt > now
    }
}

/// One message of one queue.
struct QueuedKey: Hashable {
    var queue: UInt64
    var key: MessageKey

    var row: RowKey { RowKey(queue, key.major, key.minor) }

    /// The key of its content in the line.
    func line(sentAt: Timestamp) -> RowKey { RowKey(queue, key.major, key.minor, sentAt.ordered) }
}

/// Small rows as the unwritten batch changes them: a row, or nil for one that is removed.
struct RowOverlay {
    var parked: [DeliveryRef: ParkedRow?] = [:]
    var messages: [QueuedKey: MessageRow?] = [:]

    mutating func removeAll() {
        if !parked.isEmpty { parked.removeAll(keepingCapacity: parked.count <= 4096) }
        if !messages.isEmpty { messages.removeAll(keepingCapacity: messages.count <= 4096) }
    }
}
