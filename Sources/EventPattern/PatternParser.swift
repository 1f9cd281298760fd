/// Reads a pattern's objects and expands `$or` on the way (spec: patterns §2.16), with a stack of its own.
struct PatternParser {
    /// A branch under construction: condition by path.
    private typealias Draft = [Int32: Int32]

    private enum Frame {
        /// An object; `pathLength` is the length of the path to restore behind it.
        case object(pathLength: Int, isRoot: Bool, isEmpty: Bool, insideOr: Bool)
        /// A `$or` array: the branches before it, those of its alternatives so far, and how many alternatives there were.
        case alternatives(before: [Draft], result: [Draft], count: Int)
    }

    private static let reservedNames: Set<[UInt8]> = Set(
        [
            "exactly", "equals-ignore-case", "prefix", "suffix", "anything-but", "exists", "wildcard", "numeric",
            "cidr",
            "=", "<", "<=", ">", ">=", "regex", "not-wildcard", "not-equals-ignore-case", "date-after",
            "date-on-or-after", "date-before", "date-on-or-before", "in-date-range", "ip-address-in-range",
            "ip-address-not-in-range",
        ].map { Array($0.utf8) }
    )

    private var tokens: PatternTokenizer
    private let limits: Pattern.Limits
    private var frames: [Frame] = []
    private var path: [UInt8] = []
    private var paths: [[UInt8]] = []
    private var pathNumbers: [[UInt8]: Int32] = [:]
    private var conditions: [(path: Int32, alternatives: [ValueMatcher])] = []
    private var branches: [Draft] = [[:]]

    init(_ text: [UInt8], limits: Pattern.Limits) {
        tokens = PatternTokenizer(text)
        self.limits = limits
    }

    mutating func parse() throws(PatternError) -> Pattern {
        guard try tokens.next() == .objectStart else { throw tokens.error("Filter is not an object") }
        try push(.object(pathLength: 0, isRoot: true, isEmpty: true, insideOr: false))
        while let frame = frames.popLast() {
            switch frame {
            case .object(let pathLength, let isRoot, let isEmpty, let insideOr):
                let token = try tokens.next()
                guard token == .name else {
                    guard !isEmpty else { throw tokens.error("Empty objects are not allowed") }
                    path.removeLast(path.count - pathLength)
                    try endAlternative()
                    continue
                }
                frames.append(.object(pathLength: pathLength, isRoot: isRoot, isEmpty: false, insideOr: insideOr))
                try member(isRoot: isRoot, insideOr: insideOr)
            case .alternatives(let before, let result, let count):
                try alternative(before: before, result: result, count: count)
            }
        }
        return finish()
    }

    private mutating func push(_ frame: Frame) throws(PatternError) {
        guard frames.count < limits.depth else { throw tokens.error("Event pattern is nested too deeply") }
        frames.append(frame)
    }

    /// Reads one member of an object, its name being the current token.
    private mutating func member(isRoot: Bool, insideOr: Bool) throws(PatternError) {
        let name = tokens.name
        if name.elementsEqual("$or".utf8) {
            guard try tokens.next() == .arrayStart else { throw tokens.error("It must be an Array followed with $or.") }
            try push(.alternatives(before: branches, result: [], count: 0))
            return
        }
        let shown = String(decoding: name, as: UTF8.self)
        guard !insideOr || !Self.reservedNames.contains(name) else {
            throw tokens.error("\(shown) is Ruler reserved fieldName which cannot be used inside $or.")
        }
        let token = try tokens.next()
        let outer = path.count
        if !isRoot { path.append(UInt8(ascii: ".")) }
        path.append(contentsOf: name)
        switch token {
        case .objectStart:
            try push(.object(pathLength: outer, isRoot: false, isEmpty: true, insideOr: insideOr))
        case .arrayStart:
            try add(try MatcherParser.alternatives(&tokens))
            path.removeLast(path.count - outer)
        default:
            throw tokens.error("\"\(shown)\" must be an object or an array")
        }
    }

    /// Gives every current branch a condition at the current path, in the place of an earlier one.
    private mutating func add(_ alternatives: [ValueMatcher]) throws(PatternError) {
        let number: Int32
        if let known = pathNumbers[path] {
            number = known
        } else {
            number = Int32(paths.count)
            pathNumbers[path] = number
            paths.append(path)
        }
        conditions.append((number, alternatives))
        for index in branches.indices {
            branches[index][number] = Int32(conditions.count - 1)
            guard branches[index].count <= limits.fieldsPerBranch else {
                throw PatternError("A branch of the pattern has more than \(limits.fieldsPerBranch) fields")
            }
        }
    }

    /// Reads what follows inside a `$or` array.
    private mutating func alternative(before: [Draft], result: [Draft], count: Int) throws(PatternError) {
        switch try tokens.next() {
        case .arrayEnd:
            guard count >= 2 else {
                throw tokens.error("There must have at least 2 Objects in $or relationship.")
            }
            branches = result
        case .objectStart:
            frames.append(.alternatives(before: before, result: result, count: count + 1))
            branches = before
            // A member of an alternative extends the same path as a member beside the `$or`.
            let isRoot = enclosingObjectIsRoot
            try push(.object(pathLength: path.count, isRoot: isRoot, isEmpty: true, insideOr: true))
        default:
            throw tokens.error("Only JSON object is allowed in array of $or relationship.")
        }
    }

    private var enclosingObjectIsRoot: Bool {
        for frame in frames.reversed() {
            if case .object(_, let isRoot, _, _) = frame { return isRoot }
        }
        return true
    }

    /// Adds the branches of an alternative that has just ended, if the enclosing frame is a `$or` array.
    private mutating func endAlternative() throws(PatternError) {
        guard case .alternatives(let before, var result, let count)? = frames.last else { return }
        frames.removeLast()
        result.append(contentsOf: branches)
        guard result.count <= limits.branches else {
            throw PatternError("The pattern expands to more than \(limits.branches) branches")
        }
        frames.append(.alternatives(before: before, result: result, count: count))
    }

    /// Numbers paths by their order and drops conditions that others replaced.
    private func finish() -> Pattern {
        let order = paths.indices.sorted { WTF8.precedes(paths[$0], paths[$1]) }
        var rank = [Int](repeating: 0, count: paths.count)
        for (position, index) in order.enumerated() { rank[index] = position }
        var isUsed = [Bool](repeating: false, count: conditions.count)
        for branch in branches {
            for index in branch.values { isUsed[Int(index)] = true }
        }
        var numbers = [Int32](repeating: 0, count: conditions.count)
        var kept: [Pattern.Condition] = []
        for (index, condition) in conditions.enumerated() where isUsed[index] {
            numbers[index] = Int32(kept.count)
            kept.append(Pattern.Condition(path: rank[Int(condition.path)], alternatives: condition.alternatives))
        }
        let ordered = branches.map { draft in
            let fields = draft.sorted { rank[Int($0.key)] < rank[Int($1.key)] }
            return Pattern.Branch(conditions: fields.map { numbers[Int($0.value)] })
        }
        return Pattern(paths: order.map { paths[$0] }, conditions: kept, branches: ordered)
    }
}
