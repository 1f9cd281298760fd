import SansIO

/// A row that waits for a time.
protocol TimedRow {
    var time: Timestamp { get }
}

/// Rows by their keys, and in order of their times.
struct RowsByTime<Key: Comparable, Row: TimedRow> {
    /// A place in the order of time; rows of one time are in the order of their keys.
    private struct Place: Comparable {
        var time: Timestamp
        var key: Key

        static func < (left: Place, right: Place) -> Bool {
            left.time != right.time ? left.time < right.time : left.key < right.key
        }
    }

    private(set) var rows = OrderedMap<Key, Row>()
    private var order = OrderedMap<Place, Void>()

    var count: Int { rows.count }

    var earliestTime: Timestamp? { order.firstKey?.time }

    /// The earliest time of a row that comes after `time`.
    func earliestTime(after time: Timestamp) -> Timestamp? {
        order.firstKey { $0.time > time }?.time
    }

    subscript(key: Key) -> Row? { rows[key] }

    /// Puts a row in the place of the one that was there, which it returns; nil takes it away.
    @discardableResult
    mutating func set(_ row: Row?, for key: Key) -> Row? {
        let before = rows.set(row, for: key)
        guard before?.time != row?.time else { return before }
        if let before { order.set(nil, for: Place(time: before.time, key: key)) }
        if let row { order.set((), for: Place(time: row.time, key: key)) }
        return before
    }

    /// The rows of the earliest times, none of them after `limit`.
    func earliest(_ count: Int, until limit: Timestamp) -> [(key: Key, value: Row)] {
        order.first(count) { place, _ in place.time <= limit }.compactMap { place, _ in
            rows[place.key].map { (place.key, $0) }
        }
    }
}
