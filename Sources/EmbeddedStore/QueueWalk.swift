import SansIO

/// Walks the messages of a queue in the order in which they become visible: those of the line that were not received, and
/// those that have rows of their own.
struct QueueWalk {
    /// Where the walk stands.
    struct Head {
        var time: UInt64
        var key: MessageKey
        /// Whether it is a message of the line that was not received.
        var isUnread: Bool

        static func < (left: Head, right: Head) -> Bool {
            left.time != right.time ? left.time < right.time : left.key < right.key
        }
    }

    private let filed: RocksRows
    private let line: RocksRows
    private var nextFiled: Head?
    private var nextUnread: Head?

    init(_ queue: UInt64, _ state: QueueStates.QueueState, _ database: RocksDatabase) {
        let first = state.firstVisible
        let end = RowKey(queue, .max, .max, .max)
        filed = database.rows(.visible, from: RowKey(queue, first.time, first.major, first.minor), before: end)
        line = database.rows(.line, from: RowKey(queue, state.line.unread.major, state.line.unread.minor), before: end)
        findFiled()
        findUnread()
    }

    /// The next message, or nil behind the last.
    var head: Head? {
        guard let nextUnread else { return nextFiled }
        return nextFiled.map { $0 < nextUnread ? $0 : nextUnread } ?? nextUnread
    }

    /// Where the messages with rows of their own go on.
    var firstVisible: (time: UInt64, major: UInt64, minor: UInt64) {
        nextFiled.map { ($0.time, $0.key.major, $0.key.minor) } ?? (.max, .max, .max)
    }

    /// The content of the head, which is of the line and was not received.
    var content: [UInt8] { Array(line.value) }

    mutating func step() {
        guard let head else { return }
        if head.isUnread {
            line.next()
            findUnread()
        } else {
            filed.next()
            findFiled()
        }
    }

    private mutating func findFiled() {
        guard filed.isValid else { return nextFiled = nil }
        let key = filed.key
        nextFiled = Head(
            time: RowKey.word(1, of: key),
            key: MessageKey(major: RowKey.word(2, of: key), minor: RowKey.word(3, of: key)),
            isUnread: false
        )
    }

    private mutating func findUnread() {
        guard line.isValid else { return nextUnread = nil }
        let key = line.key
        nextUnread = Head(time: RowKey.word(3, of: key), key: RowKey.message(of: key), isUnread: true)
    }

    /// Throws when a walk ended because of an error instead of the last row.
    func check() throws(StoreError) {
        try filed.check()
        try line.check()
    }
}
