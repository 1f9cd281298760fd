/// Something that an atom sets off, in one word.
///
/// The low three bits tell what: the rest is a rule's number, an exclusion's id, or a counted pointer to a block.
struct MatcherItem: Equatable {
    var word: UInt64

    enum Kind: UInt64 {
        /// A rule that has nothing else to satisfy.
        case rule = 1
        /// An exclusion that names the token.
        case exclusion = 2
        /// A branch that may now match.
        case branch = 3
        /// A program to check the token with.
        case program = 4
    }

    static func rule(_ number: UInt32) -> MatcherItem { MatcherItem(word: UInt64(number) << 3 | Kind.rule.rawValue) }
    static func exclusion(_ id: UInt64) -> MatcherItem { MatcherItem(word: id << 3 | Kind.exclusion.rawValue) }
    static func branch(_ block: Block) -> MatcherItem {
        MatcherItem(word: UInt64(UInt(bitPattern: block)) | Kind.branch.rawValue)
    }
    static func program(_ block: Block) -> MatcherItem {
        MatcherItem(word: UInt64(UInt(bitPattern: block)) | Kind.program.rawValue)
    }

    var tag: UInt64 { word & 7 }
    var value: UInt64 { word >> 3 }
    var block: Block? { Block(bitPattern: UInt(word & ~7)) }

    func visitReference(_ body: (Block) -> Void) {
        if tag >= Kind.branch.rawValue, let block { body(block) }
    }
}

/// A list of items: empty, a single item in place, or a chain of chunks.
struct ItemList {
    /// Zero, an item, or a counted pointer to a chunk, whose low bits are zero.
    var word: UInt64 = 0

    var chunk: Block? { word & 7 == 0 ? Block(bitPattern: UInt(word)) : nil }

    /// The number of items.
    var count: Int {
        if word == 0 { return 0 }
        guard let chunk else { return 1 }
        return Int(ItemChunk.at(chunk).pointee.total)
    }

    func visitReferences(_ body: (Block) -> Void) {
        if let chunk { body(chunk) } else { MatcherItem(word: word).visitReference(body) }
    }

    /// Calls `body` with every item.
    @inline(__always) func visit(_ body: (MatcherItem) -> Void) {
        guard word != 0 else { return }
        guard word & 7 == 0 else { return body(MatcherItem(word: word)) }
        var next = chunk
        while let block = next {
            let items = ItemChunk.items(block)
            for index in 0..<Int(ItemChunk.at(block).pointee.count) { body(items[index]) }
            next = ItemChunk.at(block).pointee.next
        }
    }

    /// Adds an item, taking over the caller's count on its block. The list must be part of a block that may be changed.
    mutating func add(_ item: MatcherItem) {
        guard word != 0 else {
            word = item.word
            return
        }
        if chunk == nil {
            let first = MatcherItem(word: word)
            word = UInt64(UInt(bitPattern: ItemChunk.make(first, next: nil, total: 1)))
        }
        guard let chunk else { return }
        if Int(ItemChunk.at(chunk).pointee.count) == ItemChunk.capacity {
            let total = ItemChunk.at(chunk).pointee.total + 1
            word = UInt64(UInt(bitPattern: ItemChunk.make(item, next: chunk, total: total)))
            return
        }
        let own = Blocks.unshared(chunk)
        word = UInt64(UInt(bitPattern: own))
        ItemChunk.items(own)[Int(ItemChunk.at(own).pointee.count)] = item
        ItemChunk.at(own).pointee.count += 1
        ItemChunk.at(own).pointee.total += 1
    }

    /// Removes the first item that `matches` accepts; the work is linear in the length of the list.
    mutating func remove(_ matches: (MatcherItem) -> Bool) {
        var kept: [MatcherItem] = []
        var isFound = false
        visit { item in
            if !isFound, matches(item) { isFound = true } else { kept.append(item) }
        }
        guard isFound else { return }
        for item in kept { item.visitReference(Blocks.retain) }
        visitReferences(Blocks.release)
        word = 0
        for item in kept { add(item) }
    }
}

/// A link of a list of items.
struct ItemChunk {
    var head: BlockHead
    /// The items in this chunk.
    var count: UInt32
    /// The items in this chunk and those behind it.
    var total: UInt32
    var next: Block?

    static let capacity = 13
    static let size = 24 + 8 * capacity

    static func at(_ block: Block) -> UnsafeMutablePointer<ItemChunk> { block.assumingMemoryBound(to: ItemChunk.self) }
    static func items(_ block: Block) -> UnsafeMutablePointer<MatcherItem> {
        (block + 24).assumingMemoryBound(to: MatcherItem.self)
    }

    static func make(_ item: MatcherItem, next: Block?, total: UInt32) -> Block {
        let block = Blocks.allocate(size)
        block.initializeMemory(
            as: ItemChunk.self,
            to: ItemChunk(head: BlockHead(.chunk), count: 1, total: total, next: next)
        )
        items(block)[0] = item
        return block
    }
}
