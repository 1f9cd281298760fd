import SansIO

/// The rows of the ledger in the retry queue: which cell each is of, so that what is too much can go by shares.
struct LedgerIndex {
    private struct Row {
        var pointer: ParkedRef
        var at: Timestamp
    }

    /// Oldest first, by the cell whose ids they hold; under the empty name those that hold ids of several.
    private var rows: [String: [Row]] = [:]
    /// How many rows there are.
    private(set) var count = 0

    /// Adds the youngest row.
    mutating func add(_ pointer: ParkedRef, of cell: String?, at: Timestamp) {
        rows[cell ?? "", default: []].append(Row(pointer: pointer, at: at))
        count += 1
    }

    /// Forgets rows that are older than a time.
    mutating func remove(before: Timestamp) {
        for cell in rows.keys {
            let old = rows[cell]?.prefix { $0.at < before }.count ?? 0
            rows[cell]?.removeFirst(old)
            count -= old
            if rows[cell]?.isEmpty ?? true { rows[cell] = nil }
        }
    }

    /// Takes out the oldest row of the cell with the most rows, among those of the authority with the most.
    mutating func removeFirstOfLargest() -> ParkedRef? {
        var authorities: [Substring: Int] = [:]
        for (cell, own) in rows { authorities[Self.authority(cell), default: 0] += own.count }
        let most = authorities.max { ($0.value, $1.key) < ($1.value, $0.key) }
        let largest = rows.filter { Self.authority($0.key) == most?.key }.max {
            ($0.value.count, $1.key) < ($1.value.count, $0.key)
        }
        guard let (cell, own) = largest, let row = own.first else { return nil }
        rows[cell]?.removeFirst()
        if own.count == 1 { rows[cell] = nil }
        count -= 1
        return row.pointer
    }

    private static func authority(_ cell: String) -> Substring { cell.prefix { $0 != "/" } }
}
