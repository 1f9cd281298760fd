/// A key with what it leads to: an atom with the items that it sets off, a path's next part, or a rule's recipe.
struct MapEntry {
    var head: BlockHead
    var length: UInt32
    /// Conditions, lists and rules that need this entry.
    var users: UInt32
    var hash: UInt64
    /// Tells atoms and exclusions apart; never used twice.
    var id: UInt64
    var items: ItemList
    /// The node that a part of a path leads to, or a rule's recipe.
    var child: Block?

    /// Some item is to be looked at for every token, not only once an event.
    static let actsOnEveryToken: UInt16 = 1

    static func at(_ block: Block) -> UnsafeMutablePointer<MapEntry> { block.assumingMemoryBound(to: MapEntry.self) }
    static func size(_ length: Int) -> Int { MemoryLayout<MapEntry>.size + length }
    static func bytes(_ block: Block) -> UnsafeMutablePointer<UInt8> {
        (block + MemoryLayout<MapEntry>.size).assumingMemoryBound(to: UInt8.self)
    }
}

/// A node of a hash trie: five bits of the hash choose among 32 slots, of which only those in use are there.
struct MapNode {
    var head: BlockHead
    var bitmap: UInt32
    private var padding: UInt32 = 0

    init(bitmap: UInt32) {
        head = BlockHead(.map)
        self.bitmap = bitmap
    }

    var count: Int { bitmap.nonzeroBitCount }

    static func at(_ block: Block) -> UnsafeMutablePointer<MapNode> { block.assumingMemoryBound(to: MapNode.self) }
    static func size(_ count: Int) -> Int { 16 + 8 * count }
    /// Pointers to nodes, or to entries with the lowest bit set.
    static func slots(_ block: Block) -> UnsafeMutablePointer<UInt> { (block + 16).assumingMemoryBound(to: UInt.self) }
}

/// A key to look up.
struct MapKey {
    var kind: AtomKind
    var bytes: UnsafePointer<UInt8>
    var count: Int
    var hash: UInt64

    @inline(__always) init(_ kind: AtomKind, _ bytes: UnsafePointer<UInt8>, _ count: Int) {
        self.kind = kind
        self.bytes = bytes
        self.count = count
        hash = ByteHash.hash(bytes, count, seed: UInt64(kind.rawValue))
    }

    @inline(__always) func equals(_ entry: Block) -> Bool {
        let found = MapEntry.at(entry)
        guard found.pointee.head.kind == kind, Int(found.pointee.length) == count else { return false }
        return ByteHash.equal(MapEntry.bytes(entry), bytes, count)
    }
}

/// A persistent map from keys to entries, by the root of its trie.
///
/// Two keys with the same 64-bit hash are told apart by hashing the hash again. An entry in the middle of such a chain
/// stays behind as a key of no kind when it is removed.
enum MatcherMap {
    @inline(__always) static func find(_ root: Block?, _ key: MapKey) -> Block? {
        guard let root else { return nil }
        var hash = key.hash
        while let entry = find(root, hash: hash) {
            if key.equals(entry) { return entry }
            hash = ByteHash.next(hash)
        }
        return nil
    }

    @inline(__always) private static func find(_ root: Block, hash: UInt64) -> Block? {
        var node = root
        var rest = hash
        while true {
            let bitmap = MapNode.at(node).pointee.bitmap
            let bit = UInt32(1) &<< UInt32(truncatingIfNeeded: rest & 31)
            guard bitmap & bit != 0 else { return nil }
            let slot = MapNode.slots(node)[(bitmap & (bit &- 1)).nonzeroBitCount]
            // A used slot never holds a null pointer.
            guard let next = Block(bitPattern: slot & ~1) else { return nil }
            if slot & 1 != 0 { return MapEntry.at(next).pointee.hash == hash ? next : nil }
            node = next
            rest = rest &>> 5
        }
    }

    /// The entry of a key, made if it is not there; it and all nodes above it are the caller's own afterwards.
    static func own(_ root: inout Block?, _ key: MapKey) -> (entry: Block, isNew: Bool) {
        var hash = key.hash
        if let root {
            while let entry = find(root, hash: hash), !key.equals(entry) { hash = ByteHash.next(hash) }
        }
        return own(&root, key, hash)
    }

    private static func own(_ root: inout Block?, _ key: MapKey, _ hash: UInt64) -> (entry: Block, isNew: Bool) {
        var node = root.map(Blocks.unshared) ?? makeNode(bitmap: 0, [])
        root = node
        // Where the pointer to `node` stands, for it moves when it grows.
        var place: UnsafeMutablePointer<UInt>?
        var depth: UInt64 = 0
        while true {
            let bit = UInt32(1) << UInt32(hash >> depth & 31)
            let bitmap = MapNode.at(node).pointee.bitmap
            let index = (bitmap & (bit - 1)).nonzeroBitCount
            guard bitmap & bit != 0 else {
                let entry = makeEntry(key, hash)
                let grown = insert(UInt(bitPattern: entry) | 1, bit, index, into: node)
                if let place { place.pointee = UInt(bitPattern: grown) } else { root = grown }
                return (entry, true)
            }
            let slots = MapNode.slots(node)
            guard let next = Block(bitPattern: slots[index] & ~1) else {
                preconditionFailure("an empty slot is in use")
            }
            if slots[index] & 1 == 0 {
                let own = Blocks.unshared(next)
                slots[index] = UInt(bitPattern: own)
                place = slots + index
                node = own
            } else if MapEntry.at(next).pointee.hash == hash {
                let own = Blocks.unshared(next)
                slots[index] = UInt(bitPattern: own) | 1
                return (own, false)
            } else {
                let inner = UInt32(1) << UInt32(MapEntry.at(next).pointee.hash >> (depth + 5) & 31)
                let lower = makeNode(bitmap: inner, [slots[index]])
                slots[index] = UInt(bitPattern: lower)
                place = slots + index
                node = lower
            }
            depth += 5
        }
    }

    /// Removes the entry of a key that is there. Nodes that become empty go as well.
    static func remove(_ root: inout Block?, _ key: MapKey) {
        let (entry, _) = own(&root, key)
        let hash = MapEntry.at(entry).pointee.hash
        guard let top = root else { return }
        if find(top, hash: ByteHash.next(hash)) != nil {
            MapEntry.at(entry).pointee.head.kind = .removed
            return
        }
        var path: [(node: Block, bit: UInt32)] = []
        var node = top
        while true {
            let bit = UInt32(1) << UInt32(hash >> UInt64(5 * path.count) & 31)
            path.append((node, bit))
            let index = (MapNode.at(node).pointee.bitmap & (bit - 1)).nonzeroBitCount
            let slot = MapNode.slots(node)[index]
            guard slot & 1 == 0, let next = Block(bitPattern: slot) else { break }
            node = next
        }
        // All of these are unique by now.
        var gone: Block? = entry
        while let (node, bit) = path.popLast(), let dead = gone {
            let bitmap = MapNode.at(node).pointee.bitmap
            let index = (bitmap & (bit - 1)).nonzeroBitCount
            let slots = MapNode.slots(node)
            let count = bitmap.nonzeroBitCount
            for place in index..<(count - 1) { slots[place] = slots[place + 1] }
            MapNode.at(node).pointee.bitmap = bitmap & ~bit
            Blocks.release(dead)
            gone = count == 1 ? node : nil
            if count == 1, path.isEmpty { root = nil }
        }
        if root == nil, let gone { Blocks.release(gone) }
    }

    private static func makeNode(bitmap: UInt32, _ slots: [UInt]) -> Block {
        let block = Blocks.allocate(MapNode.size(slots.count))
        block.initializeMemory(as: MapNode.self, to: MapNode(bitmap: bitmap))
        for (index, slot) in slots.enumerated() { MapNode.slots(block)[index] = slot }
        return block
    }

    private static func makeEntry(_ key: MapKey, _ hash: UInt64) -> Block {
        let block = Blocks.allocate(MapEntry.size(key.count))
        let entry = MapEntry(
            head: BlockHead(.entry, kind: key.kind),
            length: UInt32(key.count),
            users: 0,
            hash: hash,
            id: 0,
            items: ItemList(),
            child: nil
        )
        block.initializeMemory(as: MapEntry.self, to: entry)
        MapEntry.bytes(block).update(from: key.bytes, count: key.count)
        return block
    }

    /// A node with one more slot; the node given is consumed.
    private static func insert(_ slot: UInt, _ bit: UInt32, _ index: Int, into node: Block) -> Block {
        let bitmap = MapNode.at(node).pointee.bitmap
        let count = bitmap.nonzeroBitCount
        let old = MapNode.slots(node)
        let grown = Blocks.allocate(MapNode.size(count + 1))
        grown.initializeMemory(as: MapNode.self, to: MapNode(bitmap: bitmap | bit))
        let slots = MapNode.slots(grown)
        slots.update(from: old, count: index)
        slots[index] = slot
        (slots + index + 1).update(from: old + index, count: count - index)
        // The counts that it held have moved.
        node.deallocate()
        return grown
    }
}
