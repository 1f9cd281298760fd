import SansIO

/// What is kept in memory of each queue: its size, and where its first rows are. See ``Backlogs``.
struct QueueStates {
    struct QueueState {
        var count: UInt64 = 0
        /// No message is visible before this time and key.
        var firstVisible: (time: UInt64, major: UInt64, minor: UInt64) = (0, 0, 0)
        /// No message was sent before this time.
        var firstSent: UInt64 = 0
        /// No message has a higher key; nil until it was looked up.
        var newest: MessageKey?
        var isDirty = false

        mutating func place(_ row: MessageRow, _ key: MessageKey) {
            let visible = (time: row.visibleAt.ordered, major: key.major, minor: key.minor)
            if visible < firstVisible { firstVisible = visible }
            firstSent = min(firstSent, row.sentAt.ordered)
        }
    }

    static let kind: UInt64 = 2
    /// How many queues are kept in memory before empty ones are dropped.
    private static let remembered = 1 << 16

    private var states: [UInt64: QueueState] = [:]
    private var dirty: [UInt64] = []

    init(_ database: RocksDatabase) throws(StoreError) {
        for (queue, count, _) in try CountRows.load(Self.kind, database) {
            states[queue] = QueueState(count: count)
        }
    }

    subscript(queue: UInt64) -> QueueState { states[queue] ?? QueueState() }

    mutating func add(_ message: QueuedKey) {
        change(message.queue) { state in
            if state.count == 0 {
                // Nothing is there, so the message about to be placed is the first.
                state.firstVisible = (.max, .max, .max)
                state.firstSent = .max
            }
            state.count += 1
            if let newest = state.newest { state.newest = max(newest, message.key) }
        }
    }

    /// Notes the highest key of a queue.
    mutating func note(_ queue: UInt64, newest: MessageKey) {
        states[queue, default: QueueState()].newest = newest
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
            CountRows.write(Self.kind, queue, state.count, to: batch)
            let isForgotten = state.count == 0 && states.count > Self.remembered
            if isForgotten { states[queue] = nil } else { states[queue]?.isDirty = false }
        }
        dirty.removeAll(keepingCapacity: true)
    }
}
