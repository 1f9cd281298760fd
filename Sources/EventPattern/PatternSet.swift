import EventModel

/// Patterns that are matched together: an event is flattened once for all of them.
public struct PatternSet: Sendable {
    /// The patterns in the order given.
    public let patterns: [Pattern]
    /// Every path that some pattern mentions.
    public let filter: PathFilter
    /// For each pattern, the numbers of its paths in `filter`.
    private let numbers: [[Int32]]

    /// Creates a set.
    public init(_ patterns: [Pattern]) {
        self.patterns = patterns
        let filter = PathFilter(patterns)
        self.filter = filter
        numbers = patterns.map { $0.numbers(in: filter) }
    }

    /// Flattens an event for this set.
    ///
    /// - Parameter event: the event's JSON text.
    /// - Returns: the event's tokens at the paths that the patterns mention.
    /// - Throws: ``JSONError`` when the text is not a JSON object.
    public func flatten(_ event: [UInt8]) throws(JSONError) -> FlatEvent {
        try FlatEvent(event, filter: filter)
    }

    /// Whether the pattern at an index matches an event that ``flatten(_:)`` of this set made.
    public func matches(_ index: Int, _ event: FlatEvent) -> Bool {
        precondition(event.heads.count == filter.paths.count, "the event was flattened for another set")
        return PatternEvaluator.matches(patterns[index], event, numbers: numbers[index])
    }

    /// The indexes of the patterns that match an event, ascending.
    ///
    /// - Parameter event: the event's JSON text.
    /// - Returns: indexes into ``patterns``.
    /// - Throws: ``JSONError`` when the text is not a JSON object.
    public func matching(_ event: [UInt8]) throws(JSONError) -> [Int] {
        let flat = try flatten(event)
        return patterns.indices.filter { matches($0, flat) }
    }
}

extension Pattern {
    /// The numbers of this pattern's paths in a filter that holds them all.
    func numbers(in filter: PathFilter) -> [Int32] {
        paths.map { path in
            guard let number = filter.number(of: path) else {
                preconditionFailure("the event was flattened without the paths of this pattern")
            }
            return Int32(number)
        }
    }

    /// Whether the pattern matches an event.
    ///
    /// - Parameter event: an event whose filter holds all paths of this pattern; anything else is a caller's mistake.
    /// - Returns: whether it matches.
    public func matches(_ event: FlatEvent) -> Bool {
        PatternEvaluator.matches(self, event, numbers: numbers(in: event.filter))
    }

    /// Whether the pattern matches an event.
    ///
    /// - Parameter event: the event's JSON text.
    /// - Returns: whether it matches.
    /// - Throws: ``JSONError`` when the text is not a JSON object.
    public func matches(_ event: [UInt8]) throws(JSONError) -> Bool {
        matches(try FlatEvent(event, filter: PathFilter(paths: paths)))
    }
}
