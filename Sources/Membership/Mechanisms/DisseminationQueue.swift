/// News that are still to be told, least told first.
///
/// One level for each number of times told; within a level the oldest first, so that no news starve. What an item tells
/// may have been overtaken since: the owner then says so when the item comes up, and it is dropped. At most one item per
/// claim and per suspicion is useful, so the owner's bounds of those bound the queue, up to stale items that have not
/// come up yet; ``count`` counts those too.
struct DisseminationQueue: Sendable {
    /// What to tell.
    enum Item: Equatable, Sendable {
        /// A node's claim of that incarnation.
        case claim(slot: Int, incarnation: UInt64)
        /// A suspicion of a node, by the order in which its signers were heard.
        case suspicion(slot: Int, serial: UInt64, signer: Int)
        /// A leaf's claim of that incarnation.
        case leaf(NodeKey, incarnation: UInt64)
        /// A sponsor's word about a leaf.
        case attachment(NodeKey, sponsor: NodeKey, number: UInt64)
    }

    /// What to do with an item that came up.
    enum Verdict {
        /// It was told now.
        case told
        /// It does not fit into what is being filled; later ones may.
        case tooLong
        /// It is not news any more.
        case stale
    }

    private struct Level: Sendable {
        var items: [Item] = []
        var head = 0

        var count: Int { items.count - head }
    }

    private var levels: [Level] = []
    private(set) var count = 0

    var isEmpty: Bool { count == 0 }

    mutating func add(_ item: Item) {
        append(item, level: 0)
        count += 1
    }

    /// Offers items to `tell`, least told first, until one budget of misses is used up or all were offered.
    ///
    /// - Parameters:
    ///   - limit: how often an item is told in all.
    ///   - tell: fills the item into a message if it can.
    mutating func drain(limit: Int, _ tell: (Item) -> Verdict) {
        var misses = 0
        var moved: [(Item, Int)] = []
        var level = 0
        while level < levels.count, misses < 4 {
            let offered = levels[level].count
            for _ in 0..<offered {
                guard misses < 4, let item = pop(level) else { break }
                switch tell(item) {
                case .told:
                    if level + 1 < limit { moved.append((item, level + 1)) } else { count -= 1 }
                case .tooLong:
                    misses += 1
                    moved.append((item, level))
                case .stale:
                    count -= 1
                }
            }
            level += 1
        }
        for (item, level) in moved { append(item, level: level) }
    }

    private mutating func append(_ item: Item, level: Int) {
        while levels.count <= level { levels.append(Level()) }
        levels[level].items.append(item)
    }

    private mutating func pop(_ level: Int) -> Item? {
        guard levels[level].count > 0 else { return nil }
        let item = levels[level].items[levels[level].head]
        levels[level].head += 1
        if levels[level].head == levels[level].items.count {
            levels[level].items.removeAll(keepingCapacity: levels[level].items.count <= 64)
            levels[level].head = 0
        } else if levels[level].head >= 256 {
            levels[level].items.removeFirst(levels[level].head)
            levels[level].head = 0
        }
        return item
    }
}
