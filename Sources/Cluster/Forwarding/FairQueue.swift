import EventModel
import SansIO

/// Items that wait for one cell, each account's in a line of its own. The lines take turns by deficit round robin
/// (DESIGN §9), so that an account which floods holds up its own items only.
///
/// A turn is worth one request. An item costs its bytes, but no less than its share of a request's items, so that many
/// small ones weigh as much as few large ones. Within a line items keep their order.
///
/// When all room is taken, an account that has less than its equal share of it gets in, and the newest item of the line
/// that holds most has to go. One account alone may use all the room. Costs O(1) an item, and O(lines) where room is short.
struct FairQueue<Item> {
    /// What became of an item that was to wait.
    enum Admission {
        /// It waits.
        case taken
        /// It waits, and these of other accounts do not any more.
        case displacing([Item])
        /// There is no room for it.
        case refused
    }

    private struct Line {
        var account: AccountID
        var waiting: [(item: Item, bytes: Int)] = []
        /// Index of the first item that waits; the prefix is trimmed in large steps.
        var head = 0
        var bytes = 0
        /// What is left of the line's turn.
        var credit = 0
        var hasTurn = false
        /// The line whose turn is next; -1 for none.
        var next = -1
        var isForgotten = false

        var count: Int { waiting.count - head }
    }

    private enum Stop {
        case empty, spent, full
    }

    private let limits: BatchLimits
    private var lines: [Line] = []
    private var slots: [AccountID: Int] = [:]
    private var forgotten: [Int] = []
    /// The line that the last item went to; most often the next one goes there too.
    private var latest = -1
    private var first = -1
    private var last = -1
    /// Lines in which something waits.
    private var active = 0
    /// Lines that are remembered though nothing waits in them.
    private static var keptLines: Int { 16 }

    /// Accounts that are remembered, whether or not anything of theirs waits.
    var rememberedLines: Int { slots.count }

    /// Items that wait.
    private(set) var count = 0
    /// Their bytes.
    private(set) var bytes = 0

    init(_ limits: BatchLimits) {
        self.limits = limits
    }

    /// Lets an item wait.
    mutating func add(_ item: Item, of account: AccountID, bytes size: Int) -> Admission {
        let slot = slot(of: account)
        var displaced: [Item] = []
        while !hasRoom(size) {
            guard let item = displace(for: slot, size) else { return .refused }
            displaced.append(item)
        }
        if lines[slot].count == 0 { enter(slot) }
        lines[slot].waiting.append((item, size))
        lines[slot].bytes += size
        count += 1
        bytes += size
        return displaced.isEmpty ? .taken : .displacing(displaced)
    }

    /// Takes the items of the next request.
    mutating func take() -> [Item] {
        var batch: [Item] = []
        var size = 0
        while first >= 0 {
            let slot = first
            switch take(from: slot, into: &batch, &size) {
            case .full: return batch
            case .empty: leave(slot)
            case .spent: passTurn(slot)
            }
        }
        return batch
    }

    private mutating func take(from slot: Int, into batch: inout [Item], _ size: inout Int) -> Stop {
        let leastCost = limits.maximumBytes / limits.maximumItems
        if !lines[slot].hasTurn {
            lines[slot].hasTurn = true
            lines[slot].credit += limits.maximumBytes
        }
        while lines[slot].count > 0 {
            guard batch.count < limits.maximumItems else { return .full }
            let (item, bytes) = lines[slot].waiting[lines[slot].head]
            // An item beyond the bound on its own goes alone.
            if !batch.isEmpty, size + bytes > limits.maximumBytes { return .full }
            let cost = max(bytes, leastCost)
            guard cost <= lines[slot].credit else { return .spent }
            lines[slot].credit -= cost
            lines[slot].bytes -= bytes
            lines[slot].head += 1
            batch.append(item)
            size += bytes
            count -= 1
            self.bytes -= bytes
        }
        return .empty
    }

    private func hasRoom(_ size: Int) -> Bool {
        guard count < limits.maximumWaitingItems else { return false }
        return count == 0 || bytes + size <= limits.maximumWaitingBytes
    }

    /// Takes out the newest item of the line that holds most, if `slot` would hold no more than its share then.
    private mutating func displace(for slot: Int, _ size: Int) -> Item? {
        let sharing = active + (lines[slot].count == 0 ? 1 : 0)
        guard lines[slot].count < limits.maximumWaitingItems / sharing,
            lines[slot].bytes + size <= limits.maximumWaitingBytes / sharing
        else { return nil }
        let isShortOfItems = count >= limits.maximumWaitingItems
        var heaviest = -1
        var index = first
        while index >= 0 {
            let isHeavier =
                heaviest < 0
                || (isShortOfItems
                    ? lines[index].count > lines[heaviest].count : lines[index].bytes > lines[heaviest].bytes)
            if isHeavier { heaviest = index }
            index = lines[index].next
        }
        guard heaviest >= 0, heaviest != slot, let (item, bytes) = lines[heaviest].waiting.popLast() else { return nil }
        lines[heaviest].bytes -= bytes
        count -= 1
        self.bytes -= bytes
        if lines[heaviest].count == 0 { remove(heaviest) }
        return item
    }

    // The ring of lines in which something waits

    private mutating func enter(_ slot: Int) {
        lines[slot].next = -1
        if last >= 0 { lines[last].next = slot } else { first = slot }
        last = slot
        active += 1
    }

    private mutating func passTurn(_ slot: Int) {
        lines[slot].hasTurn = false
        dropTaken(slot)
        guard slot != last else { return }
        first = lines[slot].next
        lines[slot].next = -1
        lines[last].next = slot
        last = slot
    }

    /// The first line has nothing left; what it has not used of its turn is lost.
    private mutating func leave(_ slot: Int) {
        first = lines[slot].next
        if first < 0 { last = -1 }
        clear(slot)
    }

    /// Takes a line out of the middle of the ring.
    private mutating func remove(_ slot: Int) {
        guard slot != first else { return leave(slot) }
        var before = first
        while lines[before].next != slot { before = lines[before].next }
        lines[before].next = lines[slot].next
        if last == slot { last = before }
        clear(slot)
    }

    private mutating func clear(_ slot: Int) {
        active -= 1
        lines[slot].next = -1
        lines[slot].credit = 0
        lines[slot].hasTurn = false
        lines[slot].head = 0
        lines[slot].waiting.removeAll(keepingCapacity: lines[slot].waiting.capacity <= 1_024)
        guard lines.count - forgotten.count > Self.keptLines else { return }
        slots[lines[slot].account] = nil
        lines[slot].isForgotten = true
        lines[slot].waiting = []
        forgotten.append(slot)
    }

    private mutating func slot(of account: AccountID) -> Int {
        if latest >= 0, lines[latest].account == account, !lines[latest].isForgotten { return latest }
        if let known = slots[account] {
            latest = known
        } else if let free = forgotten.popLast() {
            lines[free] = Line(account: account)
            latest = free
        } else {
            latest = lines.count
            lines.append(Line(account: account))
        }
        slots[account] = latest
        return latest
    }

    private mutating func dropTaken(_ slot: Int) {
        guard lines[slot].head >= 64, lines[slot].head > lines[slot].waiting.count / 2 else { return }
        lines[slot].waiting.removeSubrange(..<lines[slot].head)
        lines[slot].head = 0
    }
}
