import EventModel

/// Why a pattern matches an event or does not: for each branch the first field that could not be satisfied.
public struct PatternExplanation: Hashable, Sendable {
    /// The outcome of one branch.
    public struct BranchOutcome: Hashable, Sendable {
        /// The field that failed; nil when the branch matches.
        public var failure: Failure?

        /// Whether the branch matches.
        public var matches: Bool { failure == nil }
    }

    /// A field that could not be satisfied.
    public struct Failure: Hashable, Sendable {
        /// The field, keys joined with `.`.
        public var path: String
        /// The alternatives, each as in a pattern, e.g. `{"prefix":"a"}`.
        public var alternatives: [String]
        /// The event's values at the path as JSON, at most ``PatternExplanation/maximumValues``; empty when it is absent.
        public var values: [String]
        /// Values beyond those listed.
        public var furtherValues: Int
        /// Whether some value is acceptable by itself, but not within the array element that satisfies the fields before.
        public var isInOtherElement: Bool
    }

    /// The most values that one failure lists.
    public static let maximumValues = 10
    /// The most branches that are explained; a pattern may have a thousand.
    public static let maximumBranches = 100

    /// Whether the pattern matches.
    public var matches: Bool
    /// The outcomes of the branches in their order, up to ``maximumBranches``.
    public var branches: [BranchOutcome]
}

extension PatternExplanation.Failure: CustomStringConvertible {
    /// One line, e.g. `detail.state must be "running" or {"prefix":"p"}, but is "stopped"`.
    public var description: String {
        let demand = "\(path) must be \(alternatives.joined(separator: " or "))"
        guard !values.isEmpty else { return demand + ", but is absent" }
        let further = furtherValues > 0 ? " and \(furtherValues) more" : ""
        let seen = values.joined(separator: ", ") + further
        return isInOtherElement ? demand + " in the same array element, but is \(seen)" : demand + ", but is \(seen)"
    }
}

extension Pattern {
    /// Explains the outcome for an event.
    ///
    /// - Parameter event: an event whose filter holds all paths of this pattern.
    /// - Returns: the explanation.
    public func explain(_ event: FlatEvent) -> PatternExplanation {
        let numbers = numbers(in: event.filter)
        let matches = PatternEvaluator.matches(self, event, numbers: numbers)
        var explanation = PatternExplanation(matches: matches, branches: [])
        for branch in branches.prefix(PatternExplanation.maximumBranches) {
            var search = BranchSearch(
                self,
                branch,
                event,
                numbers: numbers,
                budget: BranchSearch.budget(for: event)
            )
            let matches = search.run()
            let index = Int(branch.conditions[matches ? 0 : search.furthest])
            let failure = matches ? nil : self.failure(of: conditions[index], event, numbers)
            explanation.branches.append(PatternExplanation.BranchOutcome(failure: failure))
        }
        return explanation
    }

    /// Explains the outcome for an event.
    ///
    /// - Parameter event: the event's JSON text.
    /// - Returns: the explanation.
    /// - Throws: ``JSONError`` when the text is not a JSON object.
    public func explain(_ event: [UInt8]) throws(JSONError) -> PatternExplanation {
        explain(try FlatEvent(event, filter: PathFilter(paths: paths)))
    }

    private func failure(
        of condition: Condition,
        _ event: FlatEvent,
        _ numbers: [Int32]
    ) -> PatternExplanation.Failure {
        var failure = PatternExplanation.Failure(
            path: String(decoding: paths[condition.path], as: UTF8.self),
            alternatives: condition.alternatives.map(\.description),
            values: [],
            furtherValues: 0,
            isInOtherElement: false
        )
        var next = event.heads[Int(numbers[condition.path])]
        while next >= 0 {
            let entry = event.entries[Int(next)]
            if condition.accepts(entry, event.storage.span) { failure.isInOtherElement = true }
            if failure.values.count < PatternExplanation.maximumValues {
                failure.values.append(event.shown(entry))
            } else {
                failure.furtherValues += 1
            }
            next = entry.next
        }
        return failure
    }
}

extension FlatEvent {
    /// A token as JSON text, long strings cut.
    fileprivate func shown(_ entry: Entry) -> String {
        let limit = 256
        let text = storage[Int(entry.start)..<Int(entry.end)]
        let part = String(decoding: text.prefix(limit), as: UTF8.self) + (text.count > limit ? "..." : "")
        return entry.kind == .string ? JSONText.quoted(part.utf8) : part
    }
}
