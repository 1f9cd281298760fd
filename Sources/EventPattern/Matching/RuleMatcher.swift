/// Many rules compiled into one structure, matched in one pass over an event's bytes.
///
/// A matcher is a value: a copy is a snapshot that later changes of the original leave alone. Copies share all that did not
/// change, so that publishing a copy after every change costs the same at any number of rules. Any number of threads
/// may match against the same matcher, each with a ``MatchScratch`` of its own; they take no locks and count no references.
///
/// The decisions are those of ``Pattern/matches(_:)-(FlatEvent)``.
///
/// How it works: every comparison that rules make is an *atom*, kept once per path and found by hashing the path's parts and
/// the token, whatever the number of rules. Each branch of a rule waits for the atoms of its most selective condition only; when
/// one fires, the branch is noted, and at the event's end its other conditions are looked up among the atoms that fired.
/// A branch with several fields below an array with several containers is then decided by the search for consistent
/// memberships (spec: patterns §2.4).
public struct RuleMatcher: Sendable {
    var storage: MatcherStorage

    /// A matcher without rules.
    public init() {
        storage = MatcherStorage()
    }

    /// The number of rules.
    public var count: Int { storage.count }

    /// Adds a rule.
    ///
    /// - Parameters:
    ///   - rule: the number that tells the rule from the others; a rule that has it already is replaced.
    ///   - pattern: the rule's pattern.
    public mutating func add(_ rule: UInt32, _ pattern: Pattern) {
        own()
        if storage.recipe(of: rule) != nil { storage.remove(rule) }
        storage.add(rule, pattern)
    }

    /// Removes a rule.
    ///
    /// - Parameter rule: its number.
    /// - Returns: whether there was such a rule.
    @discardableResult public mutating func remove(_ rule: UInt32) -> Bool {
        guard storage.recipe(of: rule) != nil else { return false }
        own()
        storage.remove(rule)
        return true
    }

    /// A matcher with one more rule, or one replaced.
    public func adding(_ rule: UInt32, _ pattern: Pattern) -> RuleMatcher {
        var copy = self
        copy.add(rule, pattern)
        return copy
    }

    /// A matcher without a rule.
    public func removing(_ rule: UInt32) -> RuleMatcher {
        var copy = self
        copy.remove(rule)
        return copy
    }

    private mutating func own() {
        if !isKnownUniquelyReferenced(&storage) { storage = MatcherStorage(copying: storage) }
    }
}

/// The roots of a matcher. Immutable while it is shared; ``RuleMatcher`` sees to that.
final class MatcherStorage: @unchecked Sendable {
    /// The node of the whole event.
    var root: Block?
    /// From rules' numbers to their recipes.
    var rules: Block?
    /// Branches that no atom brings up.
    var always = ItemList()
    var count = 0
    private var lastID: UInt64 = 0

    init() {
        root = PathNode.make(id: 0)
    }

    init(copying other: MatcherStorage) {
        root = other.root
        rules = other.rules
        always = other.always
        count = other.count
        lastID = other.lastID
        if let root { Blocks.retain(root) }
        if let rules { Blocks.retain(rules) }
        always.visitReferences(Blocks.retain)
    }

    deinit {
        if let root { Blocks.release(root) }
        if let rules { Blocks.release(rules) }
        always.visitReferences(Blocks.release)
    }

    func newID() -> UInt64 {
        lastID += 1
        return lastID
    }

    /// The recipe of a rule.
    func recipe(of rule: UInt32) -> Block? {
        withKey(of: rule) { key in MatcherMap.find(rules, key).flatMap { MapEntry.at($0).pointee.child } }
    }

    /// The pattern of a rule that may need the search.
    func pattern(of rule: UInt32) -> Pattern? {
        recipe(of: rule).flatMap { RecipeBlock.at($0).pointee.pattern?.takeUnretainedValue().pattern }
    }

    func withKey<Result>(of rule: UInt32, _ body: (MapKey) -> Result) -> Result {
        var writer = KeyWriter()
        writer.append(rule)
        return AtomKey(kind: .rule, bytes: writer.bytes).withKey(body)
    }
}
