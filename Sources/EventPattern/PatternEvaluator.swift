/// Decides whether one event satisfies one pattern, straight from the definition (spec: patterns §2.4).
enum PatternEvaluator {
    private enum Verdict: UInt8 {
        case unknown
        case satisfied
        case failed
        /// It depends on array memberships.
        case open
    }

    /// Whether some branch matches.
    ///
    /// - Parameters:
    ///   - pattern: the pattern.
    ///   - event: the event.
    ///   - numbers: the event's path numbers by the pattern's.
    /// - Returns: whether the pattern matches.
    static func matches(_ pattern: Pattern, _ event: FlatEvent, numbers: [Int32]) -> Bool {
        var budget = -1
        guard pattern.branches.count > 1 else {
            return matches(pattern, pattern.branches[0], event, numbers, &budget) { index in
                judge(pattern.conditions[index], event, numbers)
            }
        }
        // Branches share conditions.
        var verdicts = [Verdict](repeating: .unknown, count: pattern.conditions.count)
        for branch in pattern.branches {
            let found = matches(pattern, branch, event, numbers, &budget) { index in
                if verdicts[index] == .unknown { verdicts[index] = judge(pattern.conditions[index], event, numbers) }
                return verdicts[index]
            }
            if found { return true }
        }
        return false
    }

    private static func matches(
        _ pattern: Pattern,
        _ branch: Pattern.Branch,
        _ event: FlatEvent,
        _ numbers: [Int32],
        _ budget: inout Int,
        _ verdict: (Int) -> Verdict
    ) -> Bool {
        var isOpen = false
        for index in branch.conditions {
            switch verdict(Int(index)) {
            case .failed: return false
            case .open: isOpen = true
            case .satisfied, .unknown: continue
            }
        }
        guard isOpen else { return true }
        if budget < 0 { budget = BranchSearch.budget(for: event) }
        var search = BranchSearch(pattern, branch, event, numbers: numbers, budget: budget)
        let found = search.run()
        budget = max(0, search.budget)
        return found
    }

    /// A condition taken alone. Tokens outside arrays of containers are consistent with every membership, so where a path
    /// has no others the answer does not depend on the rest of the branch.
    private static func judge(_ condition: Pattern.Condition, _ event: FlatEvent, _ numbers: [Int32]) -> Verdict {
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
