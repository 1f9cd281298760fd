/// Something that takes memory of a window, and of which a part can be forgotten.
protocol WindowOwner: AnyObject {
    /// Bytes of memory, rounded up; 0 when it holds nothing.
    var bytes: Int { get }
    /// The younger of two has the greater number.
    var number: UInt64 { get }

    /// Forgets what came first until so many bytes are free or nothing is left.
    func forget(bytes wanted: Int, _ eviction: inout WindowEviction)
}

/// What is done to make room in a window.
///
/// Those with most are cut to one height: nobody who has less than that loses anything, and it does not matter by how many
/// names the others go. The work is that of looking at everything a few times, and of putting those in order that are cut.
struct WindowEviction {
    /// Ids that were forgotten.
    private(set) var forgotten = 0
    /// Owners that were looked at.
    private(set) var looks = 0
    /// Cells that have nothing any more.
    private(set) var emptied: [WindowCell] = []

    /// Frees so many bytes, or all that the owners have. Of those with equally much, the older ones go first.
    ///
    /// - Returns: the bytes that are free, and whom they were taken from.
    @discardableResult
    mutating func free<Owner: WindowOwner>(_ wanted: Int, of owners: [Owner]) -> (bytes: Int, cut: [Owner]) {
        looks += owners.count
        let height = owners.count == 1 ? 0 : Self.height(of: owners.map(\.bytes), without: wanted)
        var largest = LargestOwners(owners, above: height)
        var freed = 0
        var cut: [Owner] = []
        while freed < wanted, let (bytes, index) = largest.removeFirst() {
            let owner = owners[index]
            owner.forget(bytes: min(wanted - freed, bytes - height), &self)
            freed += bytes - owner.bytes
            cut.append(owner)
        }
        return (freed, cut)
    }

    mutating func note(forgotten count: Int) { forgotten += count }

    mutating func note(emptied cell: WindowCell) { emptied.append(cell) }

    /// The height to which the largest are cut when `wanted` bytes are to go: the greatest above which there are as many.
    private static func height(of sizes: [Int], without wanted: Int) -> Int {
        var low = 0
        var high = sizes.max() ?? 0
        while low < high {
            let middle = low + (high - low + 1) / 2
            let above = sizes.reduce(0) { $0 + max(0, $1 - middle) }
            if above >= wanted { low = middle } else { high = middle - 1 }
        }
        return low
    }
}

/// Owners with the largest first, and of equal ones the oldest: a binary heap, as a few of very many are wanted.
private struct LargestOwners {
    private var heap: [(bytes: Int, number: UInt64, index: Int)]

    init(_ owners: [some WindowOwner], above height: Int) {
        heap = []
        for (index, owner) in owners.enumerated() where owner.bytes > height {
            heap.append((owner.bytes, owner.number, index))
        }
        for parent in stride(from: heap.count / 2 - 1, through: 0, by: -1) { sink(parent) }
    }

    mutating func removeFirst() -> (bytes: Int, index: Int)? {
        guard let first = heap.first, let last = heap.popLast() else { return nil }
        if !heap.isEmpty {
            heap[0] = last
            sink(0)
        }
        return (first.bytes, first.index)
    }

    private func precedes(_ left: Int, _ right: Int) -> Bool {
        let (left, right) = (heap[left], heap[right])
        return left.bytes == right.bytes ? left.number < right.number : left.bytes > right.bytes
    }

    private mutating func sink(_ place: Int) {
        var parent = place
        while true {
            var first = parent
            for child in [2 * parent + 1, 2 * parent + 2] where child < heap.count && precedes(child, first) {
                first = child
            }
            guard first != parent else { return }
            heap.swapAt(parent, first)
            parent = first
        }
    }
}

/// What the cells of one authority made known.
final class WindowAuthority: WindowOwner {
    let number: UInt64
    var bytes = 0
    private(set) var cells: [WindowCell] = []

    init(number: UInt64) {
        self.number = number
    }

    func add(_ cell: WindowCell) { cells.append(cell) }

    /// Lets go of cells that have nothing.
    func removeEmptyCells() { cells.removeAll { $0.shares.isEmpty } }

    func forget(bytes wanted: Int, _ eviction: inout WindowEviction) {
        eviction.free(wanted, of: cells)
        if !eviction.emptied.isEmpty { removeEmptyCells() }
    }
}

/// What one sending cell made known, by bus.
final class WindowCell: WindowOwner {
    /// `authority/cell`.
    let name: String
    let number: UInt64
    let authority: WindowAuthority
    private(set) var bytes = 0
    private(set) var shares: [String: WindowShare] = [:]

    init(name: String, number: UInt64, authority: WindowAuthority) {
        self.name = name
        self.number = number
        self.authority = authority
        authority.add(self)
    }

    func add(_ share: WindowShare) { shares[share.bus] = share }

    /// Hears that a share takes more memory than before, or less.
    func changed(by difference: Int) {
        bytes += difference
        authority.bytes += difference
    }

    /// Begins a new generation; returns how many ids are forgotten by that.
    func rotate() -> Int {
        var forgotten = 0
        for share in shares.values {
            let before = share.bytes
            forgotten += share.rotate()
            changed(by: share.bytes - before)
        }
        removeEmptyShares()
        return forgotten
    }

    func forget(bytes wanted: Int, _ eviction: inout WindowEviction) {
        let (freed, cut) = eviction.free(wanted, of: Array(shares.values))
        changed(by: -freed)
        for share in cut where share.isEmpty { shares[share.bus] = nil }
        if shares.isEmpty { eviction.note(emptied: self) }
    }

    private func removeEmptyShares() {
        guard shares.values.contains(where: \.isEmpty) else { return }
        shares = shares.filter { !$0.value.isEmpty }
    }
}
