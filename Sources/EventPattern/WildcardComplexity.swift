/// The service's limit on wildcards (spec: patterns §2.15): how many states of the automaton of one field's operands can be
/// active at once.
enum WildcardComplexity {
    /// Sets of states that are looked at before a field is taken for too complex.
    private static let maximumSets = 20_000

    /// Refuses a pattern with a field whose complexity exceeds `limit`.
    static func check(_ pattern: Pattern, limit: Int) throws(PatternError) {
        for operands in fields(of: pattern) where complexity(operands, limit: limit) > limit {
            throw PatternError(
                "Rule is too complex - try using fewer wildcard characters or fewer repeating character sequences after "
                    + "a wildcard character"
            )
        }
    }

    /// The complexity of the most complex field, exactly up to `limit` and at least `limit + 1` beyond.
    static func complexity(of pattern: Pattern, limit: Int = .max) -> Int {
        fields(of: pattern).map { complexity($0, limit: limit) }.max() ?? 0
    }

    /// The operands of one field.
    private struct Operands {
        /// Operands of `wildcard`, each on its own.
        var single: [Wildcard] = []
        /// Lists of `anything-but`, which share leading states.
        var lists: [[Wildcard]] = []
    }

    /// The operands by field and place in the order of evaluation, over all branches.
    private static func fields(of pattern: Pattern) -> [Operands] {
        struct Place: Hashable {
            var depth: Int
            var path: Int
        }
        var places: [Place: Int] = [:]
        var fields: [Operands] = []
        var seen: Set<[Int]> = []
        for branch in pattern.branches {
            for (depth, index) in branch.conditions.enumerated() {
                let condition = pattern.conditions[Int(index)]
                if seen.insert([depth, Int(index)]).inserted {
                    let place = Place(depth: depth, path: condition.path)
                    if places[place] == nil {
                        places[place] = fields.count
                        fields.append(Operands())
                    }
                    if let field = places[place] { collect(condition, into: &fields[field]) }
                }
                // What only an absent field leads to is not looked at.
                if condition.alternatives.allSatisfy({ $0.isAbsence }) { break }
            }
        }
        return fields
    }

    private static func collect(_ condition: Pattern.Condition, into operands: inout Operands) {
        for alternative in condition.alternatives {
            switch alternative {
            case .wildcard(let wildcard):
                if !operands.single.contains(wildcard) { operands.single.append(wildcard) }
            case .anythingBut(.wildcards(let wildcards)):
                var distinct: [Wildcard] = []
                for wildcard in wildcards where !distinct.contains(wildcard) { distinct.append(wildcard) }
                if !operands.lists.contains(distinct) { operands.lists.append(distinct) }
            default:
                continue
            }
        }
    }

    private static func complexity(_ operands: Operands, limit: Int) -> Int {
        guard !operands.single.isEmpty || !operands.lists.isEmpty else { return 0 }
        var automaton = WildcardAutomaton()
        for wildcard in operands.single { automaton.add([wildcard]) }
        for list in operands.lists { automaton.add(list) }
        return automaton.mostActive(limit: limit, maximumSets: maximumSets)
    }
}

/// The automaton of a field's operands: a state is a place in one or, within a list, several operands.
private struct WildcardAutomaton {
    private enum Token: Hashable {
        case byte(UInt8)
        case star
    }

    private struct State {
        /// Whether the state stays active on any byte, since it stands behind a star.
        var stays = false
        /// The states that a byte leads to.
        var onByte: [(byte: UInt8, next: Int)] = []
        /// The states behind a star that follows.
        var onNothing: [Int] = []
    }

    private var states: [State] = []
    private var starts: [Int] = []

    /// Adds operands that share states; a lone operand shares none.
    mutating func add(_ wildcards: [Wildcard]) {
        let root = add(State())
        let final = add(State())
        starts.append(root)
        var trie: [Int: [Token: Int]] = [:]
        for wildcard in wildcards {
            let tokens = Self.tokens(of: wildcard)
            var state = root
            // Leading tokens up to and including the first star are shared, and so is the end.
            var isShared = true
            for (index, token) in tokens.enumerated() {
                let isLast = index == tokens.count - 1
                if isShared, let next = trie[state]?[token] {
                    state = next
                } else {
                    let next = isLast ? final : add(State(stays: token == .star))
                    connect(state, token, next)
                    if isShared { trie[state, default: [:]][token] = next }
                    state = next
                }
                if token == .star { isShared = false }
            }
        }
    }

    private mutating func add(_ state: State) -> Int {
        states.append(state)
        return states.count - 1
    }

    private mutating func connect(_ state: Int, _ token: Token, _ next: Int) {
        switch token {
        case .byte(let byte): states[state].onByte.append((byte, next))
        case .star: states[state].onNothing.append(next)
        }
    }

    /// The operand between quotes.
    private static func tokens(of wildcard: Wildcard) -> [Token] {
        var tokens: [Token] = [.byte(UInt8(ascii: "\""))]
        for (index, piece) in wildcard.pieces.enumerated() {
            if index > 0 { tokens.append(.star) }
            tokens.append(contentsOf: piece.map { .byte($0) })
        }
        tokens.append(.byte(UInt8(ascii: "\"")))
        return tokens
    }

    /// The largest number of states active at once behind any first byte; stops beyond `limit`.
    func mostActive(limit: Int, maximumSets: Int) -> Int {
        var most = 0
        var known: Set<[Int]> = []
        var open = successors(of: starts)
        while let set = open.popLast() {
            guard known.insert(set).inserted else { continue }
            most = max(most, set.count)
            guard most <= limit else { return most }
            guard known.count <= maximumSets else { return limit == .max ? most : limit + 1 }
            open.append(contentsOf: successors(of: set))
        }
        return most
    }

    /// The sets that follow a set: one for each byte that moves a state on, and one for any other byte.
    private func successors(of set: [Int]) -> [[Int]] {
        let staying = set.filter { states[$0].stays }
        var moves: [UInt8: [Int]] = [:]
        for state in set {
            for (byte, next) in states[state].onByte { moves[byte, default: []].append(next) }
        }
        var results = [staying]
        for byte in moves.keys.sorted() {
            results.append(closure(staying + (moves[byte] ?? [])))
        }
        return results.filter { !$0.isEmpty }
    }

    private func closure(_ set: [Int]) -> [Int] {
        var result = Set(set)
        for state in set { result.formUnion(states[state].onNothing) }
        return result.sorted()
    }
}
