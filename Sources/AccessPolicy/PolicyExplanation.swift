/// Why a request was allowed or refused, for people (`explain`).
public struct PolicyExplanation: Sendable, Hashable {
    /// A statement as people refer to it.
    public struct Statement: Sendable, Hashable, CustomStringConvertible {
        /// Its place.
        public var reference: StatementReference
        /// Its statement id, if it has one.
        public var sid: String?

        /// E.g. `statement 2 ("partners") of the resource-based policy`; counted from one.
        public var description: String {
            let name = sid.map { $0.isEmpty ? "" : " (\"\($0)\")" } ?? ""
            let number = reference.policy == .identity ? " \(reference.policyIndex + 1)" : ""
            return
                "statement \(reference.statementIndex + 1)\(name) of the \(reference.policy.adjectiveAndNoun)\(number)"
        }
    }

    /// An element of a statement that does not fit the request.
    public enum Mismatch: Sendable, Hashable, CustomStringConvertible {
        /// The caller is not among those listed, or is among those excepted.
        case principal(listed: [String], isNegated: Bool, caller: String)
        /// The action is not among those listed, or is among those excepted.
        case action(listed: [String], isNegated: Bool, requested: String)
        /// The resource is not among those listed, or is among those excepted.
        case resource(listed: [String], isNegated: Bool, requested: String)
        /// A condition does not hold. `seen` is empty when the request does not have the key.
        case condition(name: String, key: String, listed: [String], seen: [String])

        /// The mismatch in words.
        public var description: String {
            switch self {
            case .principal(let listed, let isNegated, let caller):
                return Self.sentence("principal", caller, isNegated ? "NotPrincipal" : "Principal", listed, isNegated)
            case .action(let listed, let isNegated, let requested):
                return Self.sentence("action", requested, isNegated ? "NotAction" : "Action", listed, isNegated)
            case .resource(let listed, let isNegated, let requested):
                return Self.sentence("resource", requested, isNegated ? "NotResource" : "Resource", listed, isNegated)
            case .condition(let name, let key, let listed, let seen):
                let value = seen.isEmpty ? "is absent" : "is " + Self.list(seen)
                return "condition \(name) on \(key) wants \(Self.list(listed)), the key \(value)"
            }
        }

        private static func sentence(
            _ noun: String,
            _ value: String,
            _ element: String,
            _ listed: [String],
            _ isNegated: Bool
        ) -> String {
            "\(noun) \(value) \(isNegated ? "matches" : "does not match") \(element) \(list(listed))"
        }

        private static func list(_ values: [String]) -> String {
            values.map { "\"\($0)\"" }.joined(separator: ", ")
        }
    }

    /// The `Allow` that came closest to granting a refused request.
    public struct NearMiss: Sendable, Hashable {
        /// The statement.
        public var statement: Statement
        /// What does not fit. Empty when the statement matches but names only the caller's account or role, which grants
        /// nothing by itself within the account.
        public var mismatches: [Mismatch]
    }

    /// The answer.
    public var decision: PolicyDecision
    /// The statement that decided, if one did.
    public var deciding: Statement?
    /// For an implicit refusal: the closest `Allow` in the policies of the kind that is missing one.
    public var nearest: NearMiss?

    /// The explanation in lines.
    public var lines: [String] {
        var lines: [String] = []
        switch decision {
        case .allow(by: .accountRoot): lines.append("allowed: the caller is the root of the owning account")
        case .allow(by: .unrestrictedIdentity): lines.append("allowed: the caller's side is not limited by policies")
        case .allow(by: .statement): lines.append("allowed by " + (deciding?.description ?? "a statement"))
        case .deny(.explicit): lines.append("explicitly denied by " + (deciding?.description ?? "a statement"))
        case .deny(.implicit(let missing)): lines.append("refused: no \(missing.adjectiveAndNoun) allows it")
        }
        guard let nearest else { return lines }
        lines.append("closest: \(nearest.statement)")
        if nearest.mismatches.isEmpty {
            lines.append(
                "  it matches, but names only the caller's account or role, which delegates to its own policies"
            )
        }
        for mismatch in nearest.mismatches {
            lines.append("  \(mismatch)")
        }
        return lines
    }
}

extension PolicyEvaluator {
    /// Decides a request and says why. Not for the hot path.
    ///
    /// - Parameters:
    ///   - request: who wants to do what to what.
    ///   - policies: the policies that apply.
    /// - Returns: the answer of ``decide(_:under:)``, the statement that decided, and for an implicit refusal the statement
    ///   that came closest with everything in it that did not fit.
    public static func explain(
        _ request: AuthorizationRequest,
        under policies: ApplicablePolicies
    ) -> PolicyExplanation {
        let decision = decide(request, under: policies)
        var explanation = PolicyExplanation(decision: decision)
        switch decision {
        case .allow(by: .statement(let reference)), .deny(.explicit(let reference)):
            explanation.deciding = describe(reference, policies)
        case .deny(.implicit(let missing)):
            explanation.nearest = nearest(request, missing, policies)
        case .allow: break
        }
        return explanation
    }

    private static func describe(
        _ reference: StatementReference,
        _ policies: ApplicablePolicies
    ) -> PolicyExplanation.Statement {
        PolicyExplanation.Statement(reference: reference, sid: policies.statement(reference)?.sid)
    }

    private static func nearest(
        _ request: AuthorizationRequest,
        _ kind: PolicyKind,
        _ policies: ApplicablePolicies
    ) -> PolicyExplanation.NearMiss? {
        // Where the caller's own policies are missing, a statement of the resource may have delegated to them.
        let kinds = kind == .identity ? [PolicyKind.identity, .resource] : [kind]
        for kind in kinds {
            var best: (distance: Int, miss: PolicyExplanation.NearMiss)?
            for (policyIndex, policy) in candidates(kind, policies) {
                for (index, statement) in policy.document.statements.enumerated() where statement.effect == .allow {
                    let mismatches = policy.tables.mismatches(index, statement, request)
                    let distance = mismatches.map(weight).reduce(0, +)
                    if let best, best.distance <= distance { continue }
                    let reference = StatementReference(policy: kind, policyIndex: policyIndex, statementIndex: index)
                    best = (distance, .init(statement: describe(reference, policies), mismatches: mismatches))
                }
            }
            if let best { return best.miss }
        }
        return nil
    }

    private static func candidates(
        _ kind: PolicyKind,
        _ policies: ApplicablePolicies
    ) -> [(index: Int, policy: CompiledPolicy)] {
        if kind == .identity {
            guard case .policies(let list) = policies.identity else { return [] }
            return list.enumerated().map { ($0.offset, $0.element) }
        }
        let reference = StatementReference(policy: kind, statementIndex: 0)
        return policies.policy(reference).map { [(0, $0)] } ?? []
    }

    /// A statement for another action is further away than any number of conditions that fail.
    private static func weight(_ mismatch: PolicyExplanation.Mismatch) -> Int {
        switch mismatch {
        case .action: 1_000_000
        case .resource: 300_000
        case .principal: 100_000
        case .condition: 1
        }
    }
}

extension PolicyTables {
    /// Every element of a statement that does not fit the request, in the order of the statement.
    func mismatches(
        _ index: Int,
        _ source: PolicyStatement,
        _ request: AuthorizationRequest
    ) -> [PolicyExplanation.Mismatch] {
        let statement = statements[index]
        var found: [PolicyExplanation.Mismatch] = []
        if let principals = source.principals, principalMatch(statement, request.principal.storage) == .none {
            let listed = principals.names.map(\.text)
            found.append(
                .principal(listed: listed, isNegated: principals.isNegated, caller: request.principal.arn)
            )
        }
        if !actionMatches(statement, request) {
            let actions = source.actions
            found.append(
                .action(listed: actions.values, isNegated: actions.isNegated, requested: request.action.name)
            )
        }
        if !resourceMatches(statement, request) {
            let resources = source.resources
            found.append(
                .resource(listed: resources.values, isNegated: resources.isNegated, requested: request.resource)
            )
        }
        for (offset, condition) in source.conditions.enumerated() {
            guard !conditionHolds(statement.conditions.range.lowerBound + offset, request) else { continue }
            found.append(
                .condition(
                    name: condition.comparison.description,
                    key: condition.key,
                    listed: condition.values,
                    seen: request.values(of: ConditionKey(condition.key))
                )
            )
        }
        return found
    }
}
