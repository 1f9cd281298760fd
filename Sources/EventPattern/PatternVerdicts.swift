import EventModel

extension Pattern {
    /// The verdict on every field of every branch, for people: a line each, and a heading for each branch if there are several.
    ///
    /// - Parameter event: the event's JSON text.
    /// - Returns: the lines; of at most ``PatternExplanation/maximumBranches`` branches.
    /// - Throws: ``JSONError`` when the text is not a JSON object.
    public func verdicts(_ event: [UInt8]) throws(JSONError) -> [String] {
        let flat = try FlatEvent(event, filter: PathFilter(paths: paths))
        let outcomes = explain(flat).branches
        var lines: [String] = []
        for (number, (branch, outcome)) in zip(branches, outcomes).enumerated() {
            if branches.count > 1 {
                lines.append("branch \(number + 1): \(outcome.matches ? "match" : "no match")")
            }
            for index in branch.conditions {
                let alone = self.alone(conditions[Int(index)]).explain(flat)
                let path = String(decoding: paths[conditions[Int(index)].path], as: UTF8.self)
                if let failure = alone.branches.first?.failure {
                    lines.append("  no   \(failure)")
                } else if let failure = outcome.failure, failure.path == path {
                    lines.append("  no   \(failure)")
                } else {
                    lines.append("  yes  \(path)")
                }
            }
        }
        if branches.count > outcomes.count { lines.append("and \(branches.count - outcomes.count) more branches") }
        return lines
    }

    /// The pattern of one condition, over the same paths.
    private func alone(_ condition: Condition) -> Pattern {
        Pattern(paths: paths, conditions: [condition], branches: [Branch(conditions: [0])])
    }
}
