import Synchronization

/// A reference-counted block of raw memory, the stuff that compiled rules are made of.
///
/// Matching reads blocks through plain pointers, without any counting: the ``RuleMatcher`` that is held for the duration keeps
/// its blocks alive. Editing follows copy-on-write block by block, which rests on these invariants:
/// - A block holds one count on every block that it points to; a ``RuleMatcher``'s storage holds one on its roots.
/// - A block is changed only by the owner of the only count on it, reached through blocks of which the same is true, all the
///   way from the storage of a matcher that is itself uniquely referenced. Everything else is immutable, whoever reads it.
/// - Every type of block begins with ``BlockHead`` and is trivial, so that its bytes may be copied.
typealias Block = UnsafeMutableRawPointer

/// What every block begins with.
struct BlockHead {
    /// An `Atomic<UInt32>`: how many pointers to this block are counted.
    var references: UInt32 = 1
    var type: BlockType
    /// The kind of key of an entry or a program.
    var kind: AtomKind = .edge
    /// Meaning by type.
    var flags: UInt16 = 0

    init(_ type: BlockType, kind: AtomKind = .edge) {
        self.type = type
        self.kind = kind
    }
}

/// The types of block.
enum BlockType: UInt8 {
    case path
    case map
    case entry
    case chunk
    case lengths
    case grams
    case program
    case branch
    case recipe
}

/// Counting and copying of blocks.
enum Blocks {
    static func allocate(_ bytes: Int) -> Block {
        Block.allocate(byteCount: (bytes + 7) & ~7, alignment: 8)
    }

    private static func counter(_ block: Block) -> UnsafeMutablePointer<Atomic<UInt32>> {
        block.assumingMemoryBound(to: Atomic<UInt32>.self)
    }

    static func head(_ block: Block) -> UnsafeMutablePointer<BlockHead> {
        block.assumingMemoryBound(to: BlockHead.self)
    }

    static func retain(_ block: Block) {
        counter(block).pointee.wrappingAdd(1, ordering: .relaxed)
    }

    static func isUnique(_ block: Block) -> Bool {
        counter(block).pointee.load(ordering: .acquiring) == 1
    }

    /// Gives up one count; frees what nothing counts any more. Works through a list, for paths may be thousands of parts long.
    static func release(_ block: Block) {
        guard counter(block).pointee.wrappingSubtract(1, ordering: .acquiringAndReleasing).oldValue == 1 else { return }
        var dead = [block]
        while let next = dead.popLast() {
            visitReferences(of: next) { reference in
                let count = counter(reference).pointee.wrappingSubtract(1, ordering: .acquiringAndReleasing)
                if count.oldValue == 1 { dead.append(reference) }
            }
            if head(next).pointee.type == .recipe { RecipeBlock.at(next).pointee.pattern?.release() }
            next.deallocate()
        }
    }

    /// A copy of a shared block with counts of its own; the caller's count moves from the original to the copy.
    static func unshared(_ block: Block) -> Block {
        if isUnique(block) { return block }
        let size = size(of: block)
        let copy = allocate(size)
        copy.copyMemory(from: block, byteCount: size)
        head(copy).pointee.references = 1
        visitReferences(of: copy, retain)
        release(block)
        return copy
    }

    private static func size(of block: Block) -> Int {
        switch head(block).pointee.type {
        case .path: MemoryLayout<PathNode>.size
        case .map: MapNode.size(MapNode.at(block).pointee.count)
        case .entry: MapEntry.size(Int(MapEntry.at(block).pointee.length))
        case .chunk: ItemChunk.size
        case .lengths: LengthTable.size(Int(LengthTable.at(block).pointee.count))
        case .grams: GramFilter.size
        case .program: Program.size(Int(Program.at(block).pointee.length))
        case .branch: BranchBlock.size(Int(BranchBlock.at(block).pointee.words))
        case .recipe: RecipeBlock.size(Int(RecipeBlock.at(block).pointee.length))
        }
    }

    private static func visitReferences(of block: Block, _ body: (Block) -> Void) {
        switch head(block).pointee.type {
        case .path:
            let node = PathNode.at(block)
            if let children = node.pointee.children { body(children) }
            if let values = node.pointee.values { body(values) }
            if let table = node.pointee.lengths.0 { body(table) }
            if let table = node.pointee.lengths.1 { body(table) }
            if let table = node.pointee.lengths.2 { body(table) }
            if let table = node.pointee.lengths.3 { body(table) }
            if let grams = node.pointee.grams { body(grams) }
            node.pointee.ranges.visitReferences(body)
            node.pointee.scans.visitReferences(body)
        case .map:
            let slots = MapNode.slots(block)
            for index in 0..<MapNode.at(block).pointee.count {
                if let reference = Block(bitPattern: slots[index] & ~1) { body(reference) }
            }
        case .entry:
            if let child = MapEntry.at(block).pointee.child { body(child) }
            MapEntry.at(block).pointee.items.visitReferences(body)
        case .chunk:
            let chunk = ItemChunk.at(block)
            if let next = chunk.pointee.next { body(next) }
            for index in 0..<Int(chunk.pointee.count) { ItemChunk.items(block)[index].visitReference(body) }
        case .lengths, .grams, .program, .branch, .recipe:
            break
        }
    }
}

/// A fixed value with the program to check a token against, for those matchers that no table can look up.
struct Program {
    var head: BlockHead
    var length: UInt32

    static func at(_ block: Block) -> UnsafeMutablePointer<Program> { block.assumingMemoryBound(to: Program.self) }
    static func size(_ length: Int) -> Int { 16 + length }
    /// The bytes of the atom's key.
    static func bytes(_ block: Block) -> UnsafeMutablePointer<UInt8> {
        (block + 16).assumingMemoryBound(to: UInt8.self)
    }

    static func make(_ key: AtomKey) -> Block {
        let block = Blocks.allocate(size(key.bytes.count))
        block.initializeMemory(
            as: Program.self,
            to: Program(head: BlockHead(.program, kind: key.kind), length: UInt32(key.bytes.count))
        )
        for (index, byte) in key.bytes.enumerated() { bytes(block)[index] = byte }
        return block
    }
}

/// A branch of a rule: the atoms of which each condition needs one.
///
/// For each condition the tail holds a word with the path's id shifted left by one, and 1 if absence satisfies it; a word with
/// the number of atoms in the low half and of exclusions in the high half; then the ids of atoms and exclusions.
struct BranchBlock {
    var head: BlockHead
    var rule: UInt32
    var index: UInt32
    var conditions: UInt32
    var words: UInt32

    /// The rule may come up more than once in an event.
    static let isRepeatable: UInt16 = 1
    /// Two of its fields lie below one node, so that array memberships may decide.
    static let sharesNodes: UInt16 = 2
    /// The only condition is that some atom fires, which it does when the branch comes up.
    static let isDecided: UInt16 = 4

    static func at(_ block: Block) -> UnsafeMutablePointer<BranchBlock> {
        block.assumingMemoryBound(to: BranchBlock.self)
    }
    static func size(_ words: Int) -> Int { 24 + 8 * words }
    static func words(_ block: Block) -> UnsafeMutablePointer<UInt64> {
        (block + 24).assumingMemoryBound(to: UInt64.self)
    }
}

/// What is needed to take a rule out again.
struct RecipeBlock {
    var head: BlockHead
    var length: UInt32
    /// The pattern itself, for rules whose matching may need the search for array memberships.
    var pattern: Unmanaged<PatternBox>?

    static func at(_ block: Block) -> UnsafeMutablePointer<RecipeBlock> {
        block.assumingMemoryBound(to: RecipeBlock.self)
    }
    static func size(_ length: Int) -> Int { 24 + length }
    static func bytes(_ block: Block) -> UnsafeMutablePointer<UInt8> {
        (block + 24).assumingMemoryBound(to: UInt8.self)
    }
}

/// A pattern by reference.
final class PatternBox: Sendable {
    let pattern: Pattern

    init(_ pattern: Pattern) {
        self.pattern = pattern
    }
}
