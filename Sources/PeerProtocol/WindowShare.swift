/// The ids of one bus that one sending cell made known, in two generations.
final class WindowShare: WindowOwner {
    /// Bytes of memory that a share takes beside its ids, with a cell of its own, rounded up.
    private static let ownBytes = 768

    let bus: String
    let number: UInt64
    let cell: WindowCell
    private var younger = WindowGeneration()
    private var older = WindowGeneration()

    init(bus: String, number: UInt64, cell: WindowCell) {
        self.bus = bus
        self.number = number
        self.cell = cell
    }

    private(set) var bytes = 0

    private func measure() {
        bytes = isEmpty ? 0 : Self.ownBytes + younger.bytes + older.bytes
    }

    /// Whether no id is known.
    var isEmpty: Bool { younger.count == 0 && older.count == 0 }

    func contains(_ id: DeliveryID, _ origin: UInt64) -> Bool {
        younger.contains(id, origin) || older.contains(id, origin)
    }

    /// Adds an id to the younger generation; false when it is there already.
    func insert(_ id: DeliveryID, _ origin: UInt64) -> Bool {
        defer { measure() }
        return younger.insert(id, origin)
    }

    /// Makes the younger generation the older one; returns how many ids are forgotten by that.
    func rotate() -> Int {
        let forgotten = older.count
        older = younger
        younger = WindowGeneration()
        measure()
        return forgotten
    }

    func forget(bytes wanted: Int, _ eviction: inout WindowEviction) {
        let target = bytes - wanted
        while bytes > target, !isEmpty {
            eviction.note(forgotten: older.count > 0 ? older.forgetFirstBlock() : younger.forgetFirstBlock())
            measure()
        }
    }
}

/// Ids that came in the same span of time.
final class WindowGeneration {
    /// The ids of one store and target are numbers of events, which rise.
    private struct Lane: Hashable {
        var origin: UInt64
        var target: UInt64
    }

    private static let laneBytes = 320

    private var lanes: [Lane: NumberSet] = [:]
    /// The lane that was asked for last.
    private var last: (lane: Lane, numbers: NumberSet)?
    /// Blocks in the order of their making; those before `first` are gone.
    private var blocks: [(lane: Lane, index: UInt64)] = []
    private var first = 0
    /// How many ids there are.
    private(set) var count = 0
    /// Bytes of memory, rounded up.
    private(set) var bytes = 0

    func contains(_ id: DeliveryID, _ origin: UInt64) -> Bool {
        guard count > 0 else { return false }
        return numbers(Lane(origin: origin, target: id.target))?.contains(id.event) ?? false
    }

    /// Adds an id; false when it is there already.
    func insert(_ id: DeliveryID, _ origin: UInt64) -> Bool {
        let lane = Lane(origin: origin, target: id.target)
        let numbers: NumberSet
        if let known = self.numbers(lane) {
            numbers = known
        } else {
            numbers = NumberSet()
            lanes[lane] = numbers
            last = (lane, numbers)
            bytes += Self.laneBytes
        }
        let (blockCount, size) = (numbers.blockCount, numbers.bytes)
        guard numbers.insert(id.event) else { return false }
        bytes += numbers.bytes - size
        if numbers.blockCount > blockCount { blocks.append((lane, NumberSet.block(of: id.event))) }
        count += 1
        return true
    }

    /// Forgets the ids of the block that was made first; returns their number.
    func forgetFirstBlock() -> Int {
        guard first < blocks.count else { return 0 }
        let (lane, index) = blocks[first]
        first += 1
        if first > 1_024, first > blocks.count / 2 {
            blocks.removeFirst(first)
            first = 0
        }
        guard let numbers = lanes[lane] else { return 0 }
        let size = numbers.bytes
        let forgotten = numbers.removeBlock(index)
        bytes += numbers.bytes - size
        if numbers.blockCount == 0 {
            lanes[lane] = nil
            last = nil
            bytes -= Self.laneBytes
        }
        count -= forgotten
        return forgotten
    }

    private func numbers(_ lane: Lane) -> NumberSet? {
        if let last, last.lane == lane { return last.numbers }
        guard let numbers = lanes[lane] else { return nil }
        last = (lane, numbers)
        return numbers
    }
}
