/// Several paths joined into one tree, so that a single walk over an event serves them all.
///
/// Equal paths share a node and with it a slot for the result.
struct PathTree: Sendable {
    struct NamedChild: Sendable {
        var name: [UInt8]
        var node: Int
    }

    struct IndexedChild: Sendable {
        var index: Int
        var node: Int
    }

    struct Node: Sendable {
        /// Sorted by length, then by bytes.
        var names: [NamedChild] = []
        /// Sorted by index.
        var indexes: [IndexedChild] = []
        var all: Int?
        /// Where a value that ends here is recorded.
        var slot: Int?
        /// The slots of this node and of everything below it.
        var slotsBelow: [Int] = []

        var hasElements: Bool { all != nil || !indexes.isEmpty }
    }

    private(set) var nodes = [Node()]
    /// For each path given, the slot of its result.
    private(set) var slots: [Int] = []
    /// For each slot, whether it takes a list.
    private(set) var takesList: [Bool] = []

    init(_ paths: [[InputPath.Step]]) {
        for path in paths {
            var trail = [0]
            var node = 0
            for step in path {
                node = child(of: node, step)
                trail.append(node)
            }
            let slot = nodes[node].slot ?? takesList.count
            slots.append(slot)
            guard slot == takesList.count else { continue }
            nodes[node].slot = slot
            takesList.append(path.contains(.all))
            for passed in trail { nodes[passed].slotsBelow.append(slot) }
        }
    }

    private mutating func child(of parent: Int, _ step: InputPath.Step) -> Int {
        let fresh = nodes.count
        switch step {
        case .name(let name):
            if let node = self.child(of: parent, named: name[...]) { return node }
            let place = nodes[parent].names.firstIndex { Self.order($0.name, name[...]) > 0 }
            nodes[parent].names.insert(
                NamedChild(name: name, node: fresh),
                at: place ?? nodes[parent].names.count
            )
        case .index(let index):
            if let node = self.child(of: parent, at: index) { return node }
            let place = nodes[parent].indexes.firstIndex { $0.index > index }
            nodes[parent].indexes.insert(
                IndexedChild(index: index, node: fresh),
                at: place ?? nodes[parent].indexes.count
            )
        case .all:
            if let node = nodes[parent].all { return node }
            nodes[parent].all = fresh
        }
        nodes.append(Node())
        return fresh
    }

    func child(of parent: Int, named name: ArraySlice<UInt8>) -> Int? {
        var low = 0
        var high = nodes[parent].names.count
        while low < high {
            let middle = (low + high) / 2
            let order = Self.order(nodes[parent].names[middle].name, name)
            if order == 0 { return nodes[parent].names[middle].node }
            if order < 0 { low = middle + 1 } else { high = middle }
        }
        return nil
    }

    func child(of parent: Int, at index: Int) -> Int? {
        var low = 0
        var high = nodes[parent].indexes.count
        while low < high {
            let middle = (low + high) / 2
            let found = nodes[parent].indexes[middle].index
            if found == index { return nodes[parent].indexes[middle].node }
            if found < index { low = middle + 1 } else { high = middle }
        }
        return nil
    }

    /// Negative, zero or positive as `left` stands before, at or behind `right`.
    private static func order(_ left: [UInt8], _ right: ArraySlice<UInt8>) -> Int {
        guard left.count == right.count else { return left.count - right.count }
        var place = right.startIndex
        for byte in left {
            if byte != right[place] { return Int(byte) - Int(right[place]) }
            place += 1
        }
        return 0
    }
}
