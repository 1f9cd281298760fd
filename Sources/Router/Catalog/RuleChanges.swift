import EventModel
import SansIO

/// Changes of rules and their targets (spec: control §4.2, §4.3).
extension Catalog {
    /// Creates a rule, or replaces everything of it but its creator, its tags and its targets.
    public func putRule(
        _ rule: Rule,
        on address: BusAddress,
        completion: @escaping (Result<Rule, CatalogError>) -> Void
    ) {
        perform(
            { state throws(CatalogError) in
                _ = try state.existingBus(address)
                var rule = rule
                if let present = try? state.existingRule(rule.name, on: address) {
                    rule.createdBy = present.createdBy
                    rule.tags = present.tags
                    rule.targets = present.targets
                } else if state.ruleCount(on: address) >= state.quotas.rulesPerBus {
                    throw .limit
                }
                return ([.rule(address, name: rule.name, rule)], rule)
            },
            completion: completion
        )
    }

    /// Changes a rule; `change` gets the present rule and returns the new one, or refuses.
    public func updateRule(
        _ name: String,
        on address: BusAddress,
        change: @escaping (Rule) throws(CatalogError) -> Rule,
        completion: @escaping (Result<Rule, CatalogError>) -> Void
    ) {
        perform(
            { state throws(CatalogError) in
                let present = try state.existingRule(name, on: address)
                let rule = try change(present)
                return (rule == present ? [] : [.rule(address, name: name, rule)], rule)
            },
            completion: completion
        )
    }

    /// Deletes a rule; deleting one that is not there succeeds on a bus that is.
    public func deleteRule(
        _ name: String,
        on address: BusAddress,
        completion: @escaping (Result<Void, CatalogError>) -> Void
    ) {
        perform(
            { state throws(CatalogError) in
                _ = try state.existingBus(address)
                guard let rule = try? state.existingRule(name, on: address) else { return ([], ()) }
                guard rule.targets.isEmpty else { throw .ruleHasTargets }
                return ([.rule(address, name: name, nil)], ())
            },
            completion: completion
        )
    }

    /// Adds targets to a rule, or replaces those of the same id as a whole. Every target becomes a new revision.
    ///
    /// - Parameters:
    ///   - targets: id, ARN and definition of each; the last of one id counts.
    ///   - name: the rule.
    ///   - address: its bus.
    ///   - completion: receives the rule as it is then.
    public func putTargets(
        _ targets: [(id: String, arn: String, definition: JSONObject)],
        rule name: String,
        on address: BusAddress,
        completion: @escaping (Result<Rule, CatalogError>) -> Void
    ) {
        perform(
            { [self] state throws(CatalogError) in
                var rule = try state.existingRule(name, on: address)
                var deltas: [CatalogDelta] = []
                for target in targets {
                    let revision = Target(
                        key: nextKey(),
                        id: target.id,
                        arn: target.arn,
                        definition: target.definition
                    )
                    if let index = rule.targets.firstIndex(where: { $0.id == target.id }) {
                        rule.targets[index] = revision
                    } else {
                        rule.targets.append(revision)
                    }
                }
                guard rule.targets.count <= state.quotas.targetsPerRule else { throw .limit }
                for target in rule.targets where state.revision(target.key) == nil {
                    let revision = TargetRevision(bus: address, rule: name, target: target)
                    deltas.append(.revision(key: target.key, revision))
                }
                deltas.append(.rule(address, name: name, rule))
                return (deltas, rule)
            },
            completion: completion
        )
    }

    /// Removes targets by id and completes with the ids that were not there.
    ///
    /// Their revisions stay until ``forget(revisions:)`` says that nothing waits for them.
    public func removeTargets(
        _ ids: [String],
        rule name: String,
        on address: BusAddress,
        completion: @escaping (Result<[String], CatalogError>) -> Void
    ) {
        perform(
            { state throws(CatalogError) in
                var rule = try state.existingRule(name, on: address)
                let missing = ids.filter { id in !rule.targets.contains { $0.id == id } }
                rule.targets.removeAll { ids.contains($0.id) }
                return (missing.count == ids.count ? [] : [.rule(address, name: name, rule)], missing)
            },
            completion: completion
        )
    }

    /// The keys of target revisions that no rule has any more.
    public var retiredRevisions: [UInt64] {
        var current: Set<UInt64> = []
        for entry in state.entries.values {
            for rule in entry.rules.values {
                for target in rule.targets { current.insert(target.key) }
            }
        }
        return state.revisions.keys.filter { !current.contains($0) }.sorted()
    }

    /// Removes target revisions that no rule has and no delivery waits for.
    public func forget(revisions keys: [UInt64]) {
        guard !keys.isEmpty else { return }
        perform(
            { state throws(CatalogError) in
                (keys.filter { state.revision($0) != nil }.map { .revision(key: $0, nil) }, ())
            },
            completion: { _ in }
        )
    }
}
