/// A node of the tree of paths that rules mention: the part of a path behind it, and what rules ask of the tokens here.
struct PathNode {
    var head = BlockHead(.path)
    /// Kinds of atom that may be here, a bit for each; bits are only ever added.
    var kinds: UInt32 = 0
    /// Names the path in the counts of tokens.
    var id: UInt64
    /// A map from parts to nodes.
    var children: Block?
    /// A map from the keys of atoms to their entries.
    var values: Block?
    /// The lengths of prefixes and suffixes, exact and folded, in the order of ``LengthTable/index(of:)``.
    var lengths: (Block?, Block?, Block?, Block?) = (nil, nil, nil, nil)
    /// Which short pieces of text wildcards look for.
    var grams: Block?
    /// Programs for numbers: ranges.
    var ranges = ItemList()
    /// Programs for strings: address blocks and text to be compared unit by unit.
    var scans = ItemList()
    /// Conditions that need the number of tokens here.
    var counted: Int32 = 0
    /// Branches with several fields here or below.
    var shared: Int32 = 0

    /// Some child has children, so that a name with dots in it may lead somewhere. Never taken back.
    static let hasGrandchildren: UInt16 = 1

    init(id: UInt64) {
        self.id = id
    }

    static func at(_ block: Block) -> UnsafeMutablePointer<PathNode> { block.assumingMemoryBound(to: PathNode.self) }

    static func make(id: UInt64) -> Block {
        let block = Blocks.allocate(MemoryLayout<PathNode>.size)
        block.initializeMemory(as: PathNode.self, to: PathNode(id: id))
        return block
    }

    @inline(__always) func holds(_ kind: AtomKind) -> Bool { kinds & kind.bit != 0 }

    var isEmpty: Bool { children == nil && values == nil && counted == 0 && shared == 0 }

    /// Calls `body` with the place of the length table for a kind.
    mutating func withLengths(_ kind: AtomKind, _ body: (inout Block?) -> Void) {
        switch kind {
        case .prefix: body(&lengths.0)
        case .suffix: body(&lengths.1)
        case .foldedPrefix: body(&lengths.2)
        case .foldedSuffix: body(&lengths.3)
        default: break
        }
    }
}

/// The distinct lengths of some keys, ascending, each with the number of keys that have it.
struct LengthTable {
    struct Length {
        var length: UInt32
        var keys: UInt32
    }

    var head: BlockHead
    var count: UInt32
    private var padding: UInt32 = 0

    static func at(_ block: Block) -> UnsafeMutablePointer<LengthTable> {
        block.assumingMemoryBound(to: LengthTable.self)
    }
    static func size(_ count: Int) -> Int { 16 + 8 * count }
    static func lengths(_ block: Block) -> UnsafeMutablePointer<Length> {
        (block + 16).assumingMemoryBound(to: Length.self)
    }

    private static func make(_ lengths: [Length]) -> Block? {
        guard !lengths.isEmpty else { return nil }
        let block = Blocks.allocate(size(lengths.count))
        block.initializeMemory(
            as: LengthTable.self,
            to: LengthTable(head: BlockHead(.lengths), count: UInt32(lengths.count))
        )
        for (index, length) in lengths.enumerated() { Self.lengths(block)[index] = length }
        return block
    }

    private init(head: BlockHead, count: UInt32) {
        self.head = head
        self.count = count
    }

    /// Counts a key more or less of a length. The table is replaced.
    static func change(_ table: inout Block?, length: Int, by change: Int) {
        var all: [Length] = []
        if let table {
            all = Array(UnsafeBufferPointer(start: lengths(table), count: Int(at(table).pointee.count)))
            Blocks.release(table)
        }
        let place = all.firstIndex { Int($0.length) >= length } ?? all.count
        if place == all.count || Int(all[place].length) != length {
            all.insert(Length(length: UInt32(length), keys: 0), at: place)
        }
        all[place].keys = UInt32(Int(all[place].keys) + change)
        if all[place].keys == 0 { all.remove(at: place) }
        table = make(all)
    }
}

/// Which runs of one to four bytes wildcards look for: the lengths exactly, the bytes by a filter that may err on the side of
/// yes.
struct GramFilter {
    var head = BlockHead(.grams)
    /// Gram lengths that occur, a bit for each.
    var lengths: UInt64 = 0
    /// Grams that were ever added; the filter grows no emptier.
    var added: UInt64 = 0

    static let bits = 1 << 14
    static let size = 24 + bits / 8

    static func at(_ block: Block) -> UnsafeMutablePointer<GramFilter> {
        block.assumingMemoryBound(to: GramFilter.self)
    }
    @inline(__always) static func words(_ block: Block) -> UnsafeMutablePointer<UInt64> {
        (block + 24).assumingMemoryBound(to: UInt64.self)
    }

    static func make() -> Block {
        let block = Blocks.allocate(size)
        block.initializeMemory(as: GramFilter.self, to: GramFilter())
        words(block).initialize(repeating: 0, count: bits / 64)
        return block
    }

    /// The place of a gram, given as a little-endian word, among the bits.
    @inline(__always) static func place(_ gram: UInt32, _ length: Int) -> Int {
        Int(truncatingIfNeeded: ((gram &+ UInt32(truncatingIfNeeded: length)) &* 0x9E37_79B1) &>> 18)
    }

    static func add(_ gram: [UInt8], to block: Block) {
        var word: UInt32 = 0
        for (index, byte) in gram.enumerated() { word |= UInt32(byte) << UInt32(8 * index) }
        let place = place(word, gram.count)
        words(block)[place >> 6] |= 1 << UInt64(place & 63)
        at(block).pointee.lengths |= 1 << UInt64(gram.count)
        at(block).pointee.added += 1
    }
}
