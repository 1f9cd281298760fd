import SansIO

/// What is kept in memory of each queue: its size, and where its first rows are. See ``Backlogs``.
struct QueueStates {
    struct QueueState {
        var count: UInt64 = 0
        /// No message is visible before this time and key, but for those of the line.
        var firstVisible: (time: UInt64, major: UInt64, minor: UInt64) = (0, 0, 0)
        /// No message was sent before this time, but for those of the line.
        var firstSent: UInt64 = 0
        /// No message has a higher key; nil until it was looked up.
        var newest: MessageKey?
        var line = Line()
        var isDirty = false

        mutating func place(_ row: MessageRow, _ key: MessageKey) {
            let visible = (time: row.visibleAt.ordered, major: key.major, minor: key.minor)
            if visible < firstVisible { firstVisible = visible }
            if !row.isInLine { firstSent = min(firstSent, row.sentAt.ordered) }
        }
    }

    /// The messages that came in order, one row each; see ``RowFamily/line``.
    struct Line {
        /// From this key on no message was received; every one before it was, and has rows that say where it stands.
        /// Written with the queue's size.
        var unread = MessageKey(major: 0, minor: 0)
        /// No message of the line has a lower key.
        var first = MessageKey(major: 0, minor: 0)
        /// No message of the line was sent later.
        var newestSent: UInt64 = 0
        /// What the unwritten batch adds, in order.
        var unwritten: [(key: MessageKey, sentAt: Timestamp)] = []

        /// When a message was sent that the unwritten batch adds.
        func sentAt(unwritten key: MessageKey) -> Timestamp? {
            var low = 0
            var high = unwritten.count
            while low < high {
                let middle = (low + high) / 2
                if unwritten[middle].key < key { low = middle + 1 } else { high = middle }
            }
            guard low < unwritten.count, unwritten[low].key == key else { return nil }
            return unwritten[low].sentAt
        }
    }

    static let kind: UInt64 = 2
    /// How many queues are kept in memory before empty ones are dropped.
    private static let remembered = 1 << 16

    private var states: [UInt64: QueueState] = [:]
    private var dirty: [UInt64] = []

    init(_ database: RocksDatabase) throws(StoreError) {
        for (queue, count, more) in try CountRows.load(Self.kind, database) {
            var state = QueueState(count: count)
            // Earlier releases had no line, so nothing of theirs stands in it.
            if more.count == 2 { state.line.unread = MessageKey(major: more[0], minor: more[1]) }
            states[queue] = state
        }
    }

    subscript(queue: UInt64) -> QueueState { states[queue] ?? QueueState() }

    /// Adds the messages from `start` on that come in order to the line, up to the first that does not.
    ///
    /// In order is a message that was never received and is not delayed, with a higher key than any message of the queue and
    /// than any that was received, sent no earlier than the last of the line. The highest that was received may be gone, and
    /// after a restart nothing but ``Line/unread`` knows of it.
    ///
    /// - Returns: where it stopped.
    mutating func takeInLine(_ queue: UInt64, _ messages: [QueueMessage], from start: Int) -> Int {
        var index = start
        while index < messages.count, Self.isInLine(messages[index], self.states[queue]) {
            change(queue) { state in
                repeat {
                    let message = messages[index]
                    if state.count == 0 { state.begin(at: message.key) }
                    state.count += 1
                    state.newest = message.key
                    state.line.newestSent = message.sentAt.ordered
                    state.line.unwritten.append((message.key, message.sentAt))
                    index += 1
                } while index < messages.count && Self.isInLine(messages[index], state)
            }
        }
        return index
    }

    private static func isInLine(_ message: QueueMessage, _ state: QueueState?) -> Bool {
        guard let state, let newest = state.newest else { return false }
        return message.key > newest && message.key >= state.line.unread
            && message.sentAt.ordered >= state.line.newestSent
            && message.visibleAt == message.sentAt && message.receiveCount == 0
    }

    mutating func add(_ message: QueuedKey) {
        change(message.queue) { state in
            if state.count == 0 { state.begin(at: message.key) }
            state.count += 1
            if let newest = state.newest { state.newest = max(newest, message.key) }
        }
    }

    /// Notes the highest key of a queue, and when the last message of its line was sent.
    mutating func note(_ queue: UInt64, newest: MessageKey, newestSent: UInt64) {
        states[queue, default: QueueState()].newest = newest
        states[queue, default: QueueState()].line.newestSent = newestSent
    }

    mutating func subtract(_ queue: UInt64, _ count: UInt64 = 1) {
        change(queue) { $0.count -= min($0.count, count) }
    }

    /// Notes rows of a message that may be the first.
    mutating func place(_ queue: UInt64, _ row: MessageRow, _ key: MessageKey) {
        states[queue]?.place(row, key)
    }

    mutating func advance(_ queue: UInt64, firstVisible: (time: UInt64, major: UInt64, minor: UInt64)) {
        states[queue]?.firstVisible = firstVisible
    }

    mutating func advance(_ queue: UInt64, firstSent: UInt64) {
        states[queue]?.firstSent = firstSent
    }

    mutating func advance(_ queue: UInt64, unread: MessageKey) {
        change(queue) { $0.line.unread = unread }
    }

    mutating func advance(_ queue: UInt64, firstInLine: MessageKey) {
        states[queue]?.line.first = firstInLine
    }

    private mutating func change(_ queue: UInt64, _ body: (inout QueueState) -> Void) {
        let wasDirty = Self.mark(&states[queue, default: QueueState()], body)
        if !wasDirty { dirty.append(queue) }
    }

    private static func mark(_ state: inout QueueState, _ body: (inout QueueState) -> Void) -> Bool {
        body(&state)
        defer { state.isDirty = true }
        return state.isDirty
    }

    /// Adds the changed sizes to a batch that is about to be written.
    mutating func writeCounts(to batch: RocksBatch) {
        for queue in dirty {
            guard let state = states[queue] else { continue }
            let unread = state.line.unread
            CountRows.write(Self.kind, queue, state.count, unread.major, unread.minor, to: batch)
            let isForgotten = state.count == 0 && states.count > Self.remembered
            if isForgotten {
                states[queue] = nil
            } else {
                states[queue]?.isDirty = false
                states[queue]?.line.unwritten.removeAll(keepingCapacity: true)
            }
        }
        dirty.removeAll(keepingCapacity: true)
    }
}

extension QueueStates.QueueState {
    /// Nothing is there, so the message about to be placed is the first.
    fileprivate mutating func begin(at key: MessageKey) {
        firstVisible = (.max, .max, .max)
        firstSent = .max
        // A key below the highest can only come outside of the line, which begins behind the highest.
        let next = max(newest.map(\.successor) ?? key, key)
        line.first = next
        line.unread = next
    }
}

extension MessageKey {
    /// The next key.
    var successor: MessageKey {
        minor == .max ? MessageKey(major: major &+ 1, minor: 0) : MessageKey(major: major, minor: minor + 1)
    }
}
