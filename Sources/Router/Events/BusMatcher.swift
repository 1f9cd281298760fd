import EventModel
import EventPattern

/// The enabled rules of a bus, compiled; an immutable snapshot that a rule change replaces.
///
/// A changed copy shares all but the changed rule with the original, whatever the number of rules.
public struct BusMatcher: Sendable {
    /// A rule that takes events.
    struct CompiledRule: Sendable {
        let name: String
        let targets: [UInt64]
    }

    /// By the rules' numbers in `matcher`; nil where a rule was taken out.
    private var rules: [CompiledRule?] = []
    private var numbers: [String: UInt32] = [:]
    private var free: [UInt32] = []
    private var matcher = RuleMatcher()
    private let scratch = SharedMatchScratch()

    /// A bus without rules.
    static let empty = BusMatcher(rules: [])

    init(rules: [Rule]) {
        for rule in rules { put(rule) }
    }

    /// Adds a rule, or replaces the one of the same name. A rule that is disabled or has no pattern takes no events.
    mutating func put(_ rule: Rule) {
        remove(rule.name)
        guard rule.state != .disabled, let text = rule.pattern, let pattern = try? Pattern.parse(text) else { return }
        let compiled = CompiledRule(name: rule.name, targets: rule.targets.map(\.key))
        let number = free.popLast() ?? UInt32(rules.count)
        if Int(number) == rules.count { rules.append(compiled) } else { rules[Int(number)] = compiled }
        numbers[rule.name] = number
        matcher.add(number, pattern)
    }

    /// Takes a rule out, if it is there.
    mutating func remove(_ name: String) {
        guard let number = numbers.removeValue(forKey: name) else { return }
        matcher.remove(number)
        rules[Int(number)] = nil
        free.append(number)
    }

    /// What an event sets off.
    struct Outcome {
        /// Rules that matched.
        var matchedRules = 0
        /// Their targets' keys, each once: the key of a revision names rule and target.
        var targets: [UInt64] = []
        /// False when the event could not be read; nothing then matched, and nobody may take it for unmatched.
        var isReadable = true
    }

    /// Matches one event, which stands in `bytes` behind an offset.
    func match(_ bytes: [UInt8], from start: Int = 0) -> Outcome {
        var outcome = Outcome()
        guard matcher.count > 0 else { return outcome }
        guard let matching = scratch.matching(bytes, from: start, matcher) else {
            outcome.isReadable = false
            return outcome
        }
        for number in matching {
            guard let rule = rules[Int(number)] else { continue }
            outcome.matchedRules += 1
            // Most events match one rule, whose list of targets they then share.
            if outcome.targets.isEmpty {
                outcome.targets = rule.targets
            } else {
                outcome.targets.append(contentsOf: rule.targets)
            }
        }
        return outcome
    }
}
