/// The paths that a set of patterns mentions, as a tree over the parts between dots.
///
/// A dotted key and nesting are the same path (spec: patterns §2.3), so both events and patterns are cut at every dot.
/// Flattening an event against a filter keeps only what some pattern can look at.
public struct PathFilter: Sendable {
    /// The number of a node, its path if it has one, and its children ordered by length and bytes.
    private struct Node: Sendable {
        var path: Int32 = -1
        var children: [Child] = []
    }

    private struct Child: Sendable {
        var part: [UInt8]
        var node: Int32
    }

    /// The distinct paths, in the order in which they were given.
    public private(set) var paths: [[UInt8]] = []
    private var nodes = [Node()]

    /// Creates the filter of some paths; repeats count once.
    public init(paths: some Sequence<[UInt8]>) {
        for path in paths { insert(path) }
    }

    /// Creates the filter of everything that some patterns mention.
    public init(_ patterns: some Sequence<Pattern>) {
        for pattern in patterns {
            for path in pattern.paths { insert(path) }
        }
    }

    /// The number of a path, which is its index in ``paths``, or nil when the filter does not hold it.
    public func number(of path: [UInt8]) -> Int? {
        let node = descend(from: 0, path.span, 0, path.count)
        guard node >= 0, nodes[Int(node)].path >= 0 else { return nil }
        return Int(nodes[Int(node)].path)
    }

    private mutating func insert(_ path: [UInt8]) {
        var node = 0
        for part in path.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false) {
            let (index, found) = search(node, path.span, part.startIndex, part.endIndex)
            if found {
                node = Int(nodes[node].children[index].node)
            } else {
                nodes.append(Node())
                nodes[node].children.insert(Child(part: Array(part), node: Int32(nodes.count - 1)), at: index)
                node = nodes.count - 1
            }
        }
        guard nodes[node].path < 0 else { return }
        nodes[node].path = Int32(paths.count)
        paths.append(path)
    }

    /// Where a part is, or belongs, among the children of a node.
    private func search(_ node: Int, _ bytes: Span<UInt8>, _ start: Int, _ end: Int) -> (index: Int, found: Bool) {
        var low = 0
        var high = nodes[node].children.count
        while low < high {
            let middle = (low + high) / 2
            let order = Self.compare(nodes[node].children[middle].part, bytes, start, end)
            if order == 0 { return (middle, true) }
            if order < 0 { low = middle + 1 } else { high = middle }
        }
        return (low, false)
    }

    /// Negative when `part` orders before `bytes[start..<end]`: by length, then by bytes.
    private static func compare(_ part: [UInt8], _ bytes: Span<UInt8>, _ start: Int, _ end: Int) -> Int {
        guard part.count == end - start else { return part.count - (end - start) }
        for index in part.indices where part[index] != bytes[start + index] {
            return Int(part[index]) - Int(bytes[start + index])
        }
        return 0
    }

    /// The node that a key leads to, which may itself hold dots; -1 when no path goes that way.
    func descend(from node: Int32, _ bytes: Span<UInt8>, _ start: Int, _ end: Int) -> Int32 {
        var node = node
        var position = start
        while true {
            var stop = position
            while stop < end, bytes[stop] != UInt8(ascii: ".") { stop += 1 }
            let (index, found) = search(Int(node), bytes, position, stop)
            guard found else { return -1 }
            node = nodes[Int(node)].children[index].node
            guard stop < end else { return node }
            position = stop + 1
        }
    }

    /// The number of the path that ends at a node, or -1.
    func path(at node: Int32) -> Int32 {
        nodes[Int(node)].path
    }

    /// Whether longer paths go through a node.
    func hasChildren(_ node: Int32) -> Bool {
        !nodes[Int(node)].children.isEmpty
    }
}
