import EventModel
import EventPattern

/// The enabled rules of a bus, compiled; an immutable snapshot that a rule change replaces.
public struct BusMatcher: Sendable {
    /// A rule that takes events.
    struct CompiledRule: Sendable {
        let name: String
        let targets: [UInt64]
    }

    private let rules: [CompiledRule]
    private let patterns: PatternSet

    /// A bus without rules.
    static let empty = BusMatcher(rules: [])

    init(rules: [Rule]) {
        var patterns: [Pattern] = []
        self.rules = rules.compactMap { rule in
            guard rule.state != .disabled, let text = rule.pattern, let pattern = try? Pattern.parse(text) else {
                return nil
            }
            patterns.append(pattern)
            return CompiledRule(name: rule.name, targets: rule.targets.map(\.key))
        }
        self.patterns = PatternSet(patterns)
    }

    /// What an event sets off.
    struct Outcome {
        /// False when the event could not be read; nothing then matched, and nobody may take it for unmatched.
        var isReadable = true
        /// Rules that matched.
        var matchedRules = 0
        /// Their targets' keys, each once: the key of a revision names rule and target.
        var targets: [UInt64] = []
    }

    /// Matches one event.
    func match(_ envelope: [UInt8]) -> Outcome {
        var outcome = Outcome()
        guard !rules.isEmpty else { return outcome }
        guard let event = try? patterns.flatten(envelope) else {
            outcome.isReadable = false
            return outcome
        }
        for (index, rule) in rules.enumerated() where patterns.matches(index, event) {
            outcome.matchedRules += 1
            outcome.targets.append(contentsOf: rule.targets)
        }
        return outcome
    }
}
