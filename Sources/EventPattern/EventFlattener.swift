import EventModel

/// Walks an event's tokens and collects those at the paths of a filter.
struct EventFlattener {
    /// An open container below which some path goes.
    private struct Frame {
        var isObject: Bool
        /// For an array the place of the array; for an object the place of the member being read.
        var node: Int32
        /// For an object, the node of the object itself.
        var objectNode: Int32
        var scope: Int32
        /// For an array with containers among its elements, its number; else -1.
        var array: Int32 = -1
        /// For an array, the elements read so far.
        var count: Int32 = 0
    }

    private let bytes: [UInt8]
    private var reader: JSONReader
    private var frames: [Frame] = []
    private var decodedKey: [UInt8] = []

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
        reader = JSONReader(bytes)
        frames.reserveCapacity(16)
    }

    mutating func run(into event: inout FlatEvent) throws(JSONError) {
        let first = try reader.next()
        guard first.kind == .objectStart else { throw JSONError(.unexpectedCharacter, at: first.start) }
        frames.append(Frame(isObject: true, node: -1, objectNode: 0, scope: 0))
        while true {
            let token = try reader.next()
            switch token.kind {
            case .end:
                return
            case .key:
                frames[frames.count - 1].node = node(of: token, in: event.filter)
            case .objectStart, .arrayStart:
                try open(token, &event)
            case .objectEnd, .arrayEnd:
                guard let frame = frames.popLast() else { continue }
                if frame.array >= 0 { event.arrayEnds[Int(frame.array)] = Int32(event.scopes.count) }
            case .string: add(token, .string, &event)
            case .number: add(token, .number, &event)
            case .true: add(token, .true, &event)
            case .false: add(token, .false, &event)
            case .null: add(token, .null, &event)
            }
        }
    }

    /// The node that a member's name leads to.
    private mutating func node(of token: JSONToken, in filter: PathFilter) -> Int32 {
        let parent = frames[frames.count - 1].objectNode
        guard token.hasEscapes else { return filter.descend(from: parent, bytes.span, token.start, token.end) }
        decodedKey.removeAll(keepingCapacity: true)
        JSONStrings.decode(bytes, token, into: &decodedKey)
        return filter.descend(from: parent, decodedKey.span, 0, decodedKey.count)
    }

    /// Enters a container, or reads past it when no path goes inside.
    private mutating func open(_ token: JSONToken, _ event: inout FlatEvent) throws(JSONError) {
        let last = frames.count - 1
        let node = frames[last].node
        let isObject = token.kind == .objectStart
        if !frames[last].isObject { frames[last].count += 1 }
        guard node >= 0, !isObject || event.filter.hasChildren(node) else {
            try reader.skip(token)
            return
        }
        var scope = frames[last].scope
        if !frames[last].isObject {
            if frames[last].array < 0 {
                frames[last].array = Int32(event.arrayEnds.count)
                event.arrayEnds.append(0)
            }
            let element = FlatEvent.Scope(parent: scope, array: frames[last].array, index: frames[last].count - 1)
            event.scopes.append(element)
            scope = Int32(event.scopes.count - 1)
        }
        frames.append(Frame(isObject: isObject, node: isObject ? -1 : node, objectNode: node, scope: scope))
    }

    /// Keeps a scalar when its path is one of the filter's.
    private mutating func add(_ token: JSONToken, _ kind: FlatEvent.Kind, _ event: inout FlatEvent) {
        let last = frames.count - 1
        let node = frames[last].node
        if !frames[last].isObject { frames[last].count += 1 }
        guard node >= 0 else { return }
        let path = Int(event.filter.path(at: node))
        guard path >= 0 else { return }
        var entry = FlatEvent.Entry(
            kind: kind,
            start: Int32(token.start),
            end: Int32(token.end),
            scope: frames[last].scope
        )
        if kind == .number {
            entry.number = NumberValue.comparable(bytes, token.start, token.end) ?? .nan
        } else if token.hasEscapes {
            entry.start = Int32(event.storage.count)
            JSONStrings.decode(bytes, token, into: &event.storage)
            entry.end = Int32(event.storage.count)
        }
        let index = Int32(event.entries.count)
        event.entries.append(entry)
        if event.tails[path] >= 0 {
            event.entries[Int(event.tails[path])].next = index
        } else {
            event.heads[path] = index
        }
        event.tails[path] = index
        if entry.scope > 0 { event.hasScopedEntries = true }
    }
}
