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
/// names the others go. Each list of owners is ordered once, so the work is that of looking at everything once, however
/// many small things have to go.
struct WindowEviction {
    /// Ids that were forgotten.
    private(set) var forgotten = 0
    /// Owners that were looked at.
    private(set) var looks = 0

    /// Frees so many bytes, or all that the owners have. Of those with equally much, the older ones go first.
    mutating func free(_ wanted: Int, of owners: [some WindowOwner]) {
        looks += owners.count
        if owners.count == 1 { return owners[0].forget(bytes: wanted, &self) }
        let sorted = owners.map { (bytes: $0.bytes, number: $0.number, owner: $0) }.sorted {
            $0.bytes == $1.bytes ? $0.number < $1.number : $0.bytes > $1.bytes
        }
        let height = Self.height(of: sorted.lazy.map(\.bytes), without: wanted)
        var rest = wanted
        for (bytes, _, owner) in sorted {
            guard rest > 0 else { return }
            owner.forget(bytes: min(rest, max(1, bytes - height)), &self)
            rest -= bytes - owner.bytes
        }
    }

    mutating func note(forgotten count: Int) { forgotten += count }

    /// The height to which the largest are cut when `wanted` bytes are to go. The sizes fall.
    private static func height(of sizes: some Collection<Int>, without wanted: Int) -> Int {
        var sum = 0
        var count = 0
        for (size, next) in zip(sizes, Array(sizes.dropFirst()) + [0]) {
            sum += size
            count += 1
            if sum - count * next >= wanted { return (sum - wanted) / count }
        }
        return 0
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
        let before = shares.values.reduce(0) { $0 + $1.bytes }
        eviction.free(wanted, of: Array(shares.values))
        changed(by: shares.values.reduce(0) { $0 + $1.bytes } - before)
        removeEmptyShares()
    }

    private func removeEmptyShares() {
        guard shares.values.contains(where: \.isEmpty) else { return }
        shares = shares.filter { !$0.value.isEmpty }
    }
}
