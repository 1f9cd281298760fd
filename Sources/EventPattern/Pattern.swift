/// An event pattern, expanded to branches (spec: patterns §2).
///
/// The pattern matches an event when one of its branches does; a branch matches when the event satisfies all of its
/// conditions. Branches share conditions, so both are kept in tables and named by index.
public struct Pattern: Hashable, Sendable {
    /// What a field must hold: one of the alternatives.
    public struct Condition: Hashable, Sendable {
        /// The field, as an index into ``Pattern/paths``.
        public let path: Int
        /// The alternatives in the pattern's order; never empty.
        public let alternatives: [ValueMatcher]
        /// Whether `{"exists": false}` is among the alternatives.
        public let acceptsAbsence: Bool

        init(path: Int, alternatives: [ValueMatcher]) {
            self.path = path
            self.alternatives = alternatives
            acceptsAbsence = alternatives.contains { $0.isAbsence }
        }
    }

    /// Conditions that hold together.
    public struct Branch: Hashable, Sendable {
        /// Indexes into ``Pattern/conditions``, ordered by path: the order of evaluation (spec: patterns §2.4).
        public let conditions: [Int32]
    }

    /// What a pattern may cost. The defaults are the service's limits.
    public struct Limits: Hashable, Sendable {
        /// Branches after expanding `$or` (spec: patterns §2.16).
        public var branches = 1_000
        /// Fields of one branch (spec: patterns §2.16).
        public var fieldsPerBranch = 256
        /// Wildcard complexity of any field (spec: patterns §2.15).
        public var wildcardComplexity = 10
        /// Objects and `$or` arrays within one another.
        public var depth = 1_000

        /// The defaults.
        public init() {}
    }

    /// The distinct paths, keys joined with `.` as UTF-8 (unpaired surrogates as WTF-8), ordered by UTF-16 units.
    public let paths: [[UInt8]]
    /// The distinct places of the pattern that name a field.
    public let conditions: [Condition]
    /// The branches in the order of expansion; never empty.
    public let branches: [Branch]

    /// Reads the text of a pattern. Whatever stands behind its closing brace is ignored (spec: patterns §3.2).
    ///
    /// - Parameters:
    ///   - text: the pattern's JSON text as UTF-8.
    ///   - limits: what the pattern may cost.
    /// - Returns: the pattern.
    /// - Throws: ``PatternError`` with the service's text.
    public static func parse(_ text: [UInt8], limits: Limits = Limits()) throws(PatternError) -> Pattern {
        guard String(validating: text, as: UTF8.self) != nil else {
            throw PatternError("The event pattern is not valid UTF-8")
        }
        var parser = PatternParser(text, limits: limits)
        let pattern = try parser.parse()
        try WildcardComplexity.check(pattern, limit: limits.wildcardComplexity)
        return pattern
    }

    /// Reads the text of a pattern.
    ///
    /// - Parameters:
    ///   - text: the pattern's JSON text.
    ///   - limits: what the pattern may cost.
    /// - Returns: the pattern.
    /// - Throws: ``PatternError`` with the service's text.
    public static func parse(_ text: String, limits: Limits = Limits()) throws(PatternError) -> Pattern {
        try parse(Array(text.utf8), limits: limits)
    }

    /// The plain strings that the pattern demands at a path, for policy conditions (spec: control §8.7).
    ///
    /// Only a field that nothing but plain strings satisfies has values: when a branch lacks the field, or any alternative
    /// is not a plain string, there are none.
    ///
    /// - Parameter path: keys joined with `.`, e.g. `source`.
    /// - Returns: the distinct strings in the pattern's order.
    public func literalStrings(at path: String) -> [String] {
        guard let index = paths.firstIndex(where: { $0.elementsEqual(path.utf8) }) else { return [] }
        var values: [String] = []
        var seen: Set<[UInt8]> = []
        for branch in branches {
            guard let condition = condition(of: branch, at: index) else { return [] }
            for alternative in condition.alternatives {
                switch alternative {
                case .string(let value), .address(_, let value):
                    if seen.insert(value).inserted { values.append(String(decoding: value, as: UTF8.self)) }
                default:
                    return []
                }
            }
        }
        return values
    }

    private func condition(of branch: Branch, at path: Int) -> Condition? {
        for index in branch.conditions where conditions[Int(index)].path == path {
            return conditions[Int(index)]
        }
        return nil
    }
}
