import EventModel

/// What a path found in an event.
enum Selection {
    enum Kind {
        case container
        case string
        case scalar
        case null
    }

    /// A path without `[*]` found the value in that range.
    case value(Kind, Range<Int>)
    /// A path without `[*]` found no value.
    case nothing
    /// A path with `[*]`; the ranges are in the order of the text.
    case list([Range<Int>])
}

/// Walks an event once and records where the values of a ``PathTree`` are.
///
/// Cost: linear in the event; a key costs a binary search for each path that leads through its object. The recursion is as
/// deep as the longest path, never as deep as the event. Memory grows with the results of `[*]` only, up to
/// `maximumResults`. A text that is not JSON never traps; gross faults are reported, fine ones (say, `nul`) pass, since
/// events are validated where they are accepted.
struct PathCollector {
    private let tree: PathTree
    private let maximumResults: Int
    private var found: [Range<Int>]
    private var lists: [[Range<Int>]]
    private var results = 0
    /// Nodes that wait for the value being visited, a stack shared by all levels.
    private var active: [Int] = []
    /// Whether results of `[*]` were left out because there were more than `maximumResults`.
    private(set) var overflowed = false

    init(tree: PathTree, maximumResults: Int) {
        self.tree = tree
        self.maximumResults = maximumResults
        found = Array(repeating: 0..<0, count: tree.takesList.count)
        lists = tree.takesList.contains(true) ? Array(repeating: [], count: tree.takesList.count) : []
    }

    /// Returns false when the text is not one JSON value.
    mutating func collect(_ event: [UInt8]) -> Bool {
        active.append(0)
        let start = EventScanner.skipWhiteSpace(event, 0)
        guard let end = visit(event, start, 0..<1) else { return false }
        return EventScanner.skipWhiteSpace(event, end) == event.count
    }

    func selection(slot: Int, of event: [UInt8]) -> Selection {
        if tree.takesList[slot] { return .list(lists[slot]) }
        let range = found[slot]
        guard let first = range.first else { return .nothing }
        switch event[first] {
        case UInt8(ascii: "{"), UInt8(ascii: "["): return .value(.container, range)
        case UInt8(ascii: "\""): return .value(.string, range)
        case UInt8(ascii: "n"): return .value(.null, range)
        default: return .value(.scalar, range)
        }
    }

    /// Visits the value at `start` for the nodes in that part of the stack and returns the offset behind the value.
    private mutating func visit(_ event: [UInt8], _ start: Int, _ nodes: Range<Int>) -> Int? {
        guard start < event.count else { return nil }
        let end: Int?
        switch event[start] {
        case UInt8(ascii: "{") where nodes.contains { !tree.nodes[active[$0]].names.isEmpty }:
            end = object(event, start, nodes)
        case UInt8(ascii: "[") where nodes.contains { tree.nodes[active[$0]].hasElements }:
            end = array(event, start, nodes)
        default:
            end = EventScanner.skipValue(event, start)
        }
        guard let end else { return nil }
        for place in nodes {
            if let slot = tree.nodes[active[place]].slot { record(start..<end, slot) }
        }
        return end
    }

    private mutating func record(_ range: Range<Int>, _ slot: Int) {
        guard tree.takesList[slot] else {
            found[slot] = range
            return
        }
        guard results < maximumResults else {
            overflowed = true
            return
        }
        results += 1
        lists[slot].append(range)
    }

    /// Forgets what an earlier member of the same name left in the object that began at `start`.
    private mutating func forget(_ node: Int, since start: Int) {
        for slot in tree.nodes[node].slotsBelow {
            guard tree.takesList[slot] else {
                found[slot] = 0..<0
                continue
            }
            while let last = lists[slot].last, last.lowerBound > start {
                lists[slot].removeLast()
                results -= 1
            }
        }
    }

    private mutating func object(_ event: [UInt8], _ start: Int, _ nodes: Range<Int>) -> Int? {
        var position = EventScanner.skipWhiteSpace(event, start + 1)
        guard position < event.count else { return nil }
        if event[position] == UInt8(ascii: "}") { return position + 1 }
        while true {
            guard let key = EventScanner.string(event, position) else { return nil }
            position = EventScanner.skipWhiteSpace(event, key.end)
            guard position < event.count, event[position] == UInt8(ascii: ":") else { return nil }
            position = EventScanner.skipWhiteSpace(event, position + 1)
            let mark = active.count
            push(childrenNamed: event, key, of: nodes, objectStart: start)
            let end =
                active.count == mark
                ? EventScanner.skipValue(event, position) : visit(event, position, mark..<active.count)
            active.removeLast(active.count - mark)
            guard let end else { return nil }
            position = EventScanner.skipWhiteSpace(event, end)
            guard position < event.count else { return nil }
            if event[position] == UInt8(ascii: "}") { return position + 1 }
            guard event[position] == UInt8(ascii: ",") else { return nil }
            position = EventScanner.skipWhiteSpace(event, position + 1)
        }
    }

    private mutating func push(
        childrenNamed event: [UInt8],
        _ key: EventScanner.QuotedText,
        of nodes: Range<Int>,
        objectStart: Int
    ) {
        let name: ArraySlice<UInt8>
        if key.hasEscapes {
            guard let decoded = EventScanner.decode(event, key) else { return }
            name = decoded[...]
        } else {
            name = event[(key.start + 1)..<(key.end - 1)]
        }
        for place in nodes {
            guard let child = tree.child(of: active[place], named: name) else { continue }
            forget(child, since: objectStart)
            active.append(child)
        }
    }

    private mutating func array(_ event: [UInt8], _ start: Int, _ nodes: Range<Int>) -> Int? {
        var position = EventScanner.skipWhiteSpace(event, start + 1)
        guard position < event.count else { return nil }
        if event[position] == UInt8(ascii: "]") { return position + 1 }
        var index = 0
        while true {
            let mark = active.count
            for place in nodes {
                if let child = tree.child(of: active[place], at: index) { active.append(child) }
                if let child = tree.nodes[active[place]].all { active.append(child) }
            }
            let end =
                active.count == mark
                ? EventScanner.skipValue(event, position) : visit(event, position, mark..<active.count)
            active.removeLast(active.count - mark)
            guard let end else { return nil }
            position = EventScanner.skipWhiteSpace(event, end)
            guard position < event.count else { return nil }
            if event[position] == UInt8(ascii: "]") { return position + 1 }
            guard event[position] == UInt8(ascii: ",") else { return nil }
            position = EventScanner.skipWhiteSpace(event, position + 1)
            index += 1
        }
    }
}
