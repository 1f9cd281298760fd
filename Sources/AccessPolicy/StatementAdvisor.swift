import EventModel

/// Finds what is suspicious about one statement.
struct StatementAdvisor {
    let statement: PolicyStatement
    let version: PolicyDocument.Version

    func warnings() -> [PolicyAdvice.Warning] {
        var warnings = principalWarnings()
        for resource in statement.resources.values {
            warnings += arnWarnings(resource) + variableWarnings(resource)
        }
        if !hasActionForResource { warnings.append(.noActionForResource) }
        for condition in statement.conditions {
            warnings += keyWarnings(condition) + valueWarnings(condition)
        }
        return warnings + contradictions()
    }

    private func principalWarnings() -> [PolicyAdvice.Warning] {
        (statement.principals?.names ?? []).compactMap { name in
            guard case .aws(let text) = name, text.utf8.contains(where: Self.isWildcard) else { return nil }
            return .wildcardInPrincipal(text)
        }
    }

    private static func isWildcard(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: "*") || byte == UInt8(ascii: "?")
    }

    /// What is wrong with a pattern of ARNs. A wildcard may stand for colons in a resource, so only patterns without one
    /// before the place in question can be judged.
    private func arnWarnings(_ text: String) -> [PolicyAdvice.Warning] {
        let bytes = Array(text.utf8)
        if bytes.allSatisfy({ $0 == UInt8(ascii: "*") }) { return [] }
        guard let parts = PolicyARN.parts(of: bytes, variables: version == .v2012) else {
            return bytes.contains(UInt8(ascii: "*")) ? [] : [.impossibleARN(text)]
        }
        if parts[0...4].contains(where: { $0.contains(UInt8(ascii: "*")) }) { return accountWarnings(parts[4]) }
        let isImpossible =
            !parts[0].elementsEqual("arn".utf8) || parts[1].isEmpty || parts[2].isEmpty || parts[5].isEmpty
        return isImpossible ? [.impossibleARN(text)] : accountWarnings(parts[4])
    }

    private func accountWarnings(_ part: ArraySlice<UInt8>) -> [PolicyAdvice.Warning] {
        guard !part.isEmpty, part.count != 12, part.allSatisfy(Bytes.isDigit) else { return [] }
        return [.accountIDLength(String(decoding: part, as: UTF8.self))]
    }

    private func variableWarnings(_ text: String) -> [PolicyAdvice.Warning] {
        guard version == .v2008, !TextTemplate(text.utf8, wildcards: true, variables: true).variables.isEmpty else {
            return []
        }
        return [.variableIsLiteral(text)]
    }

    private func matchesAction(_ name: String) -> Bool {
        let program = statement.actions.values.map { value in
            GlobProgram(
                PolicyDocument.tokens(String(decoding: Bytes.lowercasedASCII(value), as: UTF8.self), variables: false)
            )
        }
        let lowered = Bytes.lowercasedASCII(name)
        return program.contains { $0.matches(lowered.span) } != statement.actions.isNegated
    }

    /// False only where every action of the statement is known and none has a resource that the statement covers.
    private var hasActionForResource: Bool {
        guard !statement.actions.isNegated, !statement.resources.isNegated else { return true }
        let isForEvents = statement.actions.values.allSatisfy { action in
            Bytes.lowercasedASCII(action).starts(with: "events:".utf8)
        }
        guard isForEvents else { return true }
        let known = KnownActions.events.filter { matchesAction($0.name) }
        // An action that is not in the table may have any resource.
        guard !known.isEmpty else { return true }
        return statement.resources.values.contains { resource in known.contains { covers(resource, $0) } }
    }

    /// Whether a resource can be one of an action's. A wildcard may cross the colons of an ARN, so only patterns with all six
    /// parts are judged, and by the parts as they stand.
    private func covers(_ resource: String, _ action: KnownActions.Action) -> Bool {
        let bytes = Array(resource.utf8)
        guard let parts = PolicyARN.parts(of: bytes, variables: version == .v2012) else {
            return !action.resources.isEmpty || bytes.allSatisfy { $0 == UInt8(ascii: "*") }
        }
        let service = PolicyDocument.tokens(String(decoding: parts[2], as: UTF8.self), variables: false)
        guard GlobToken.intersect(service, Self.tokens("events")) else { return false }
        let name = PolicyDocument.tokens(String(decoding: parts[5], as: UTF8.self), variables: version == .v2012)
        return action.resources.contains { GlobToken.intersect(name, Self.tokens($0 + "*")) }
    }

    private static func tokens(_ pattern: String) -> [GlobToken] {
        PolicyDocument.tokens(pattern, variables: false)
    }

    private func keyWarnings(_ condition: PolicyStatement.Condition) -> [PolicyAdvice.Warning] {
        let key = ConditionKey(condition.key)
        if let known = key.known {
            guard let actions = KnownActions.actions(for: known), !actions.contains(where: matchesAction) else {
                return []
            }
            return [.conditionKeyWithoutAction(condition.key)]
        }
        let tags = ["aws:principaltag/", "aws:requesttag/", "aws:resourcetag/"]
        if tags.contains(where: { key.custom.starts(with: $0.utf8) && key.custom.count > $0.utf8.count }) { return [] }
        let isJudged = ["aws:", "events:"].contains { key.custom.starts(with: $0.utf8) }
        if isJudged || !key.custom.contains(UInt8(ascii: ":")) { return [.unknownConditionKey(condition.key)] }
        // A key of another service makes sense with that service's actions only.
        let service = Array(key.custom.prefix { $0 != UInt8(ascii: ":") }) + [UInt8(ascii: ":")]
        let isUsed = statement.actions.values.contains { action in
            let lowered = Bytes.lowercasedASCII(action)
            return lowered.starts(with: service) || lowered.first.map(Self.isWildcard) ?? false
        }
        return isUsed || statement.actions.isNegated ? [] : [.conditionKeyWithoutAction(condition.key)]
    }

    private func valueWarnings(_ condition: PolicyStatement.Condition) -> [PolicyAdvice.Warning] {
        let key = ConditionKey(condition.key)
        let isAccount = key.known == .principalAccount || key.known == .sourceAccount || key.known == .creatorAccount
        return condition.values.flatMap { value -> [PolicyAdvice.Warning] in
            if !isReadable(value, condition.comparison) {
                return [.unreadableValue(name: condition.comparison.description, value: value)]
            }
            var warnings = condition.comparison.takesVariables ? variableWarnings(value) : []
            switch condition.comparison.comparison {
            case .arnEquals, .arnLike: warnings += arnWarnings(value)
            case .stringEquals where isAccount: warnings += accountWarnings(Array(value.utf8)[...])
            default: break
            }
            return warnings
        }
    }

    private func isReadable(_ value: String, _ comparison: ConditionOperator) -> Bool {
        let hasVariable =
            version == .v2012 && comparison.takesVariables
            && TextTemplate(value.utf8, wildcards: true, variables: true).hasVariables
        if hasVariable { return true }
        switch comparison.comparison {
        case .stringEquals, .stringEqualsIgnoreCase, .stringLike: return true
        case .numericEquals, .numericLessThan, .numericLessThanEquals, .numericGreaterThan, .numericGreaterThanEquals:
            return FixedDecimal.parse(value.utf8.span) != nil
        case .dateEquals, .dateLessThan, .dateLessThanEquals, .dateGreaterThan, .dateGreaterThanEquals:
            return PolicyDate.parse(value.utf8.span) != nil
        case .bool, .null: return Bytes.bool(value.utf8.span) != nil
        case .binaryEquals: return Base64.decode(value.utf8.span) != nil
        case .ipAddress: return AddressRange(value.utf8.span) != nil
        case .arnEquals, .arnLike: return PolicyARN.parts(of: Array(value.utf8), variables: version == .v2012) != nil
        }
    }

    /// Conditions that cannot hold, alone or together with another one on the same key.
    private func contradictions() -> [PolicyAdvice.Warning] {
        var warnings: [PolicyAdvice.Warning] = []
        for (index, condition) in statement.conditions.enumerated() {
            let comparison = condition.comparison
            let key = ConditionKey(condition.key)
            if needsPresence(comparison), !condition.values.contains(where: { isReadable($0, comparison) }) {
                warnings.append(.conditionNeverHolds(key: condition.key))
            }
            for other in statement.conditions[..<index] where ConditionKey(other.key) == key {
                if isContradiction(condition, other) || isContradiction(other, condition) {
                    warnings.append(.conditionNeverHolds(key: condition.key))
                }
            }
        }
        return warnings
    }

    /// Whether a condition fails without the key.
    private func needsPresence(_ comparison: ConditionOperator) -> Bool {
        comparison.comparison != .null && !comparison.ifExists && comparison.quantifier != .forAllValues
            && (!comparison.isNegated || comparison.quantifier == .forAnyValue)
    }

    private func isContradiction(_ one: PolicyStatement.Condition, _ other: PolicyStatement.Condition) -> Bool {
        if one.comparison.comparison == .null {
            let wantsAbsence = one.values.allSatisfy { Bytes.bool($0.utf8.span) == true }
            return wantsAbsence && needsPresence(other.comparison)
        }
        let comparisons = [one.comparison, other.comparison]
        guard comparisons.allSatisfy({ $0.comparison == .stringEquals && !$0.isNegated && needsPresence($0) }),
            comparisons.allSatisfy({ $0.quantifier == .none })
        else { return false }
        let texts = (one.values + other.values)
        guard !texts.contains(where: { $0.utf8.contains(UInt8(ascii: "$")) }) else { return false }
        return !one.values.contains { value in other.values.contains { $0.utf8.elementsEqual(value.utf8) } }
    }
}
