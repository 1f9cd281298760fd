/// Decides whether one event satisfies one pattern, straight from the definition (spec: patterns §2.4).
struct PatternEvaluator {
    private let pattern: Pattern
    private let event: FlatEvent
    /// The event's path numbers by the pattern's.
    private let numbers: [Int32]
    /// For patterns of several branches: what is known of each condition taken alone.
    private var verdicts: [Verdict] = []
    private var budget: Int

    private enum Verdict: UInt8 {
        case unknown
        case satisfied
        case failed
        /// It depends on array memberships.
        case open
    }

    init(_ pattern: Pattern, _ event: FlatEvent, numbers: [Int32]) {
        self.pattern = pattern
        self.event = event
        self.numbers = numbers
        budget = BranchSearch.budget(for: event)
        if pattern.branches.count > 1 {
            verdicts = [Verdict](repeating: .unknown, count: pattern.conditions.count)
        }
    }

    mutating func matches() -> Bool {
        for branch in pattern.branches where matches(branch) { return true }
        return false
    }

    private mutating func matches(_ branch: Pattern.Branch) -> Bool {
        var isOpen = false
        for index in branch.conditions {
            switch verdict(Int(index)) {
            case .failed: return false
            case .open: isOpen = true
            case .satisfied, .unknown: continue
            }
        }
        guard isOpen else { return true }
        var search = BranchSearch(pattern, branch, event, numbers: numbers, budget: budget)
        let found = search.run()
        budget = search.budget
        return found
    }

    private mutating func verdict(_ index: Int) -> Verdict {
        if !verdicts.isEmpty, verdicts[index] != .unknown { return verdicts[index] }
        let verdict = judge(pattern.conditions[index])
        if !verdicts.isEmpty { verdicts[index] = verdict }
        return verdict
    }

    /// A condition taken alone. Tokens outside arrays of containers are consistent with every membership, so where a path
    /// has no others the answer does not depend on the rest of the branch.
    private func judge(_ condition: Pattern.Condition) -> Verdict {
        let text = event.storage.span
        var next = event.heads[Int(numbers[condition.path])]
        if next < 0 { return condition.acceptsAbsence ? .satisfied : .failed }
        var isAccepted = false
        var isScoped = false
        while next >= 0 {
            let entry = event.entries[Int(next)]
            if entry.scope > 0 { isScoped = true }
            if !isAccepted { isAccepted = condition.accepts(entry, text) }
            if isAccepted, isScoped || !event.hasScopedEntries { break }
            next = entry.next
        }
        guard isScoped else { return isAccepted ? .satisfied : .failed }
        return isAccepted || condition.acceptsAbsence ? .open : .failed
    }
}

extension Pattern.Condition {
    /// Whether one of the alternatives accepts a token.
    func accepts(_ entry: FlatEvent.Entry, _ text: Span<UInt8>) -> Bool {
        for alternative in alternatives where alternative.accepts(entry, text) { return true }
        return false
    }
}
