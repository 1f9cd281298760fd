import EventModel

/// An event as matching sees it: the tokens at the paths that patterns mention (spec: patterns §2.2).
public struct FlatEvent: Sendable {
    /// The kinds of token.
    public enum Kind: UInt8, Sendable {
        /// A string.
        case string
        /// A number.
        case number
        /// `true`
        case `true`
        /// `false`
        case `false`
        /// `null`
        case null
    }

    /// One token.
    struct Entry: Sendable {
        var kind: Kind
        /// Where the token's text is in `storage`: strings decoded and without quotes, the rest as it stands.
        var start: Int32
        var end: Int32
        /// The element of an array of containers that the token is in, as an index into `scopes`; 0 for none.
        var scope: Int32
        /// The next entry of the same path, or -1.
        var next: Int32 = -1
        /// The value of a comparable number; NaN for everything else (spec: patterns §2.6).
        var number = Double.nan
    }

    /// An element of an array that is a container itself, which its tokens are members of.
    struct Scope: Sendable {
        /// The scope around the array.
        var parent: Int32
        /// The array, as an index into `arrays`.
        var array: Int32
        /// The place among the array's elements.
        var index: Int32
    }

    /// The paths that were looked for.
    public let filter: PathFilter
    /// The event's text, with decoded strings behind it.
    var storage: [UInt8]
    /// The tokens in the order of the text.
    var entries: [Entry] = []
    /// The first and last entry of each path, or -1.
    var heads: [Int32]
    var tails: [Int32]
    /// The elements that are containers, in the order in which they begin; the first stands for the whole event.
    var scopes = [Scope(parent: -1, array: -1, index: 0)]
    /// For each array with such elements, the scope behind its last one, inner ones included.
    var arrayEnds: [Int32] = []
    /// Whether any token is inside an element of an array of containers.
    var hasScopedEntries = false

    /// Flattens an event.
    ///
    /// The work and the memory are linear in the size of the event.
    ///
    /// - Parameters:
    ///   - event: the event's JSON text, at most 2 GB.
    ///   - filter: the paths to keep.
    /// - Throws: ``JSONError`` when the text is not a JSON object.
    public init(_ event: [UInt8], filter: PathFilter) throws(JSONError) {
        guard event.count < Int(Int32.max) / 4 else { throw JSONError(.tooDeep, at: event.count) }
        self.filter = filter
        storage = event
        heads = [Int32](repeating: -1, count: filter.paths.count)
        tails = heads
        var flattener = EventFlattener(event)
        try flattener.run(into: &self)
    }

    /// One token as a value, for people and tests.
    public struct Token: Hashable, Sendable {
        /// What it is.
        public var kind: Kind
        /// Its text: strings decoded and without quotes, the rest as it stands.
        public var text: [UInt8]
        /// The array memberships: array by number, in the order in which the arrays' first containers begin, and index.
        public var memberships: [Int: Int]
    }

    /// The tokens at a path, in the order of the text; none for a path that the filter does not hold.
    public func tokens(at path: String) -> [Token] {
        guard let number = filter.number(of: Array(path.utf8)) else { return [] }
        var tokens: [Token] = []
        var index = heads[number]
        while index >= 0 {
            let entry = entries[Int(index)]
            var memberships: [Int: Int] = [:]
            var scope = entry.scope
            while scope > 0 {
                let element = scopes[Int(scope)]
                memberships[Int(element.array)] = Int(element.index)
                scope = element.parent
            }
            let text = Array(storage[Int(entry.start)..<Int(entry.end)])
            tokens.append(Token(kind: entry.kind, text: text, memberships: memberships))
            index = entry.next
        }
        return tokens
    }
}
