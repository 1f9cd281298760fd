extension PolicyTables {
    func conditionsHold(_ statement: CompiledStatement, _ request: AuthorizationRequest) -> Bool {
        for index in statement.conditions.range where !conditionHolds(index, request) {
            return false
        }
        return true
    }

    /// Spec: control §8.5.
    func conditionHolds(_ index: Int, _ request: AuthorizationRequest) -> Bool {
        let condition = conditions[index]
        let tally = tally(condition, request)
        if condition.comparison == .null {
            return tally.total == 0 ? condition.takesTrue : condition.takesFalse
        }
        let holding = condition.isNegated ? tally.total - tally.matching : tally.matching
        switch condition.quantifier {
        case .forAllValues: return holding == tally.total
        case .forAnyValue: return tally.total == 0 ? condition.ifExists : holding > 0
        case .none:
            switch tally.total {
            case 0: return condition.ifExists || condition.isNegated
            case 1: return holding == 1
            // Several values equal no single one.
            default: return condition.isNegated
            }
        }
    }

    /// How many values the key has, and how many of them match a value of the condition, negation aside.
    private func tally(_ condition: CompiledCondition, _ request: AuthorizationRequest) -> (total: Int, matching: Int) {
        let own = tally(condition, request.principal.storage.context, request)
        return own.total > 0 ? own : tally(condition, request.context, request)
    }

    private func tally(
        _ condition: CompiledCondition,
        _ context: borrowing RequestContext,
        _ request: AuthorizationRequest
    ) -> (total: Int, matching: Int) {
        guard context.mask & (1 << UInt64(condition.keyCode)) != 0 else { return (0, 0) }
        var total = 0
        var matching = 0
        for index in context.entries.indices {
            let entry = context.entries[index]
            guard entry.code == condition.keyCode else { continue }
            if entry.code == 0 {
                let name = context.pool.span.extracting(entry.name.range)
                guard Bytes.equal(name, pool.span.extracting(condition.keyName.range)) else { continue }
            }
            total += 1
            if matches(condition, context.pool.span.extracting(entry.value.range), request) { matching += 1 }
        }
        return (total, matching)
    }

    private func matches(_ condition: CompiledCondition, _ value: Span<UInt8>, _ request: AuthorizationRequest) -> Bool
    {
        switch condition.comparison {
        case .stringEquals, .stringLike: return matchesText(condition.values, value, request)
        case .stringEqualsIgnoreCase: return matchesIgnoringCase(condition.values, value, request)
        case .arnEquals, .arnLike: return matchesARN(condition.values, value, request)
        case .binaryEquals:
            guard let bytes = Base64.decode(value) else { return false }
            return matchesText(condition.values, bytes.span, request)
        case .bool: return matchesBool(condition, value, request)
        case .ipAddress:
            guard let address = AddressRange(value) else { return false }
            for index in condition.values.range where addresses[index].contains(address) {
                return true
            }
            return false
        case .numericEquals, .numericLessThan, .numericLessThanEquals, .numericGreaterThan, .numericGreaterThanEquals:
            return matchesNumber(condition, FixedDecimal.parse(value))
        case .dateEquals, .dateLessThan, .dateLessThanEquals, .dateGreaterThan, .dateGreaterThanEquals:
            return matchesNumber(condition, PolicyDate.parse(value))
        case .null: return false
        }
    }

    private func matchesText(_ values: TableRange, _ value: Span<UInt8>, _ request: AuthorizationRequest) -> Bool {
        for index in values.range where patternMatches(index, value, request) {
            return true
        }
        return false
    }

    private func matchesIgnoringCase(
        _ values: TableRange,
        _ value: Span<UInt8>,
        _ request: AuthorizationRequest
    ) -> Bool {
        for index in values.range {
            let pattern = patterns[index]
            if pattern.kind == .template {
                guard let text = resolved(pattern, request) else { continue }
                if Bytes.equalIgnoringCase(value, lowered: Bytes.lowercased(text.span).span) { return true }
            } else if Bytes.equalIgnoringCase(value, lowered: pool.span.extracting(pattern.text.range)) {
                return true
            }
        }
        return false
    }

    private func matchesBool(
        _ condition: CompiledCondition,
        _ value: Span<UInt8>,
        _ request: AuthorizationRequest
    ) -> Bool {
        guard let truth = Bytes.bool(value) else { return false }
        if truth ? condition.takesTrue : condition.takesFalse { return true }
        for index in condition.values.range {
            if let text = resolved(patterns[index], request), Bytes.bool(text.span) == truth { return true }
        }
        return false
    }

    private func resolved(_ pattern: PatternReference, _ request: AuthorizationRequest) -> [UInt8]? {
        guard let tokens = templates[Int(pattern.index)].tokens(for: request) else { return nil }
        return GlobToken.literal(tokens)
    }

    /// Part by part: a wildcard never crosses one of the first five colons.
    private func matchesARN(_ values: TableRange, _ value: Span<UInt8>, _ request: AuthorizationRequest) -> Bool {
        var ends: (Int, Int, Int, Int, Int) = (0, 0, 0, 0, 0)
        var colons = 0
        for index in 0..<value.count where value[index] == UInt8(ascii: ":") && colons < 5 {
            switch colons {
            case 0: ends.0 = index
            case 1: ends.1 = index
            case 2: ends.2 = index
            case 3: ends.3 = index
            default: ends.4 = index
            }
            colons += 1
        }
        guard colons == 5 else { return false }
        for row in stride(from: values.range.lowerBound, to: values.range.upperBound, by: 6) {
            if patternMatches(row + 5, value.extracting(ends.4 + 1..<value.count), request),
                patternMatches(row + 4, value.extracting(ends.3 + 1..<ends.4), request),
                patternMatches(row + 3, value.extracting(ends.2 + 1..<ends.3), request),
                patternMatches(row + 2, value.extracting(ends.1 + 1..<ends.2), request),
                patternMatches(row + 1, value.extracting(ends.0 + 1..<ends.1), request),
                patternMatches(row, value.extracting(0..<ends.0), request)
            {
                return true
            }
        }
        return false
    }

    private func matchesNumber(_ condition: CompiledCondition, _ number: Int128?) -> Bool {
        guard let number else { return false }
        for index in condition.values.range {
            let listed = numbers[index]
            let holds: Bool
            switch condition.comparison {
            case .numericLessThan, .dateLessThan: holds = number < listed
            case .numericLessThanEquals, .dateLessThanEquals: holds = number <= listed
            case .numericGreaterThan, .dateGreaterThan: holds = number > listed
            case .numericGreaterThanEquals, .dateGreaterThanEquals: holds = number >= listed
            default: holds = number == listed
            }
            if holds { return true }
        }
        return false
    }
}
