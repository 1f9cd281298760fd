import EventModel

/// Fills ``PolicyTables`` from statements.
struct PolicyCompiler {
    private(set) var tables = PolicyTables()
    private let hasVariables: Bool

    init(version: PolicyDocument.Version) {
        hasVariables = version == .v2012
    }

    mutating func add(_ statement: PolicyStatement) {
        let principals = addPrincipals(statement.principals?.names ?? [])
        let actions = addPatterns(statement.actions.values) { Bytes.lowercasedASCII($0) }
        let resourceStart = tables.patterns.count
        for resource in statement.resources.values {
            addResource(resource)
        }
        let resources = range(from: resourceStart, to: tables.patterns.count)
        let conditionStart = tables.conditions.count
        for condition in statement.conditions {
            tables.conditions.append(compiled(condition))
        }
        tables.statements.append(
            CompiledStatement(
                isDeny: statement.effect == .deny,
                hasPrincipals: statement.principals != nil,
                notPrincipals: statement.principals?.isNegated ?? false,
                notActions: statement.actions.isNegated,
                notResources: statement.resources.isNegated,
                principals: principals,
                actions: actions,
                resources: resources,
                conditions: range(from: conditionStart, to: tables.conditions.count)
            )
        )
    }

    private func range(from start: Int, to end: Int) -> TableRange {
        TableRange(start: Int32(start), count: Int32(end - start))
    }

    private mutating func slice(_ bytes: some Collection<UInt8>) -> ByteSlice {
        let slice = ByteSlice(start: Int32(tables.pool.count), count: Int32(bytes.count))
        tables.pool.append(contentsOf: bytes)
        return slice
    }

    private mutating func addPrincipals(_ names: [PolicyStatement.Principals.Name]) -> TableRange {
        let start = tables.principals.count
        for name in names {
            let principal: CompiledPrincipal
            switch name {
            case .everyone: principal = CompiledPrincipal(kind: .everyone, account: 0, text: .empty)
            case .aws(let text):
                if let account = AccountID(text) {
                    principal = CompiledPrincipal(kind: .account, account: account.number, text: .empty)
                } else {
                    principal = CompiledPrincipal(kind: .arn, account: 0, text: slice(text.utf8))
                }
            case .service(let text): principal = CompiledPrincipal(kind: .service, account: 0, text: slice(text.utf8))
            case .federated, .canonicalUser: principal = CompiledPrincipal(kind: .nobody, account: 0, text: .empty)
            }
            tables.principals.append(principal)
        }
        return range(from: start, to: tables.principals.count)
    }

    private mutating func addPatterns(_ values: [String], _ map: (String) -> [UInt8]) -> TableRange {
        let start = tables.patterns.count
        for value in values {
            addPattern(TextTemplate(map(value), wildcards: true, variables: false))
        }
        return range(from: start, to: tables.patterns.count)
    }

    /// Variables count only behind the fifth colon (spec: control §8.6).
    private mutating func addResource(_ text: String) {
        let bytes = Array(text.utf8)
        var colons = 0
        let tail = bytes.firstIndex { byte in
            if byte == UInt8(ascii: ":") { colons += 1 }
            return colons == 5
        }
        guard hasVariables, let tail else {
            return addPattern(TextTemplate(bytes, wildcards: true, variables: false))
        }
        var template = TextTemplate(bytes[..<tail], wildcards: true, variables: false)
        template.append(TextTemplate(bytes[tail...], wildcards: true, variables: true))
        addPattern(template)
    }

    private mutating func addPattern(_ template: TextTemplate) {
        guard let tokens = template.tokens else {
            let index = Int32(tables.templates.count)
            tables.templates.append(template)
            return tables.patterns.append(PatternReference(kind: .template, text: .empty, index: index))
        }
        let reference: PatternReference
        if let bytes = GlobToken.literal(tokens) {
            reference = PatternReference(kind: .exact, text: slice(bytes), index: 0)
        } else if tokens == [.anyRun] {
            reference = PatternReference(kind: .anything, text: .empty, index: 0)
        } else if tokens.last == .anyRun, let bytes = GlobToken.literal(tokens.dropLast()) {
            reference = PatternReference(kind: .prefix, text: slice(bytes), index: 0)
        } else {
            reference = PatternReference(kind: .program, text: .empty, index: Int32(tables.programs.count))
            tables.programs.append(GlobProgram(tokens))
        }
        tables.patterns.append(reference)
    }

    private mutating func compiled(_ condition: PolicyStatement.Condition) -> CompiledCondition {
        let key = ConditionKey(condition.key)
        var compiled = CompiledCondition(
            comparison: condition.comparison.comparison,
            quantifier: condition.comparison.quantifier,
            isNegated: condition.comparison.isNegated,
            ifExists: condition.comparison.ifExists,
            keyCode: key.code,
            keyName: slice(key.custom),
            takesTrue: false,
            takesFalse: false,
            values: .empty
        )
        for value in condition.values {
            addValue(value, to: &compiled)
        }
        return compiled
    }

    /// Adds one value. A value that cannot be read as the operator wants never matches, so it is left out.
    private mutating func addValue(_ value: String, to condition: inout CompiledCondition) {
        switch condition.comparison {
        case .stringEquals, .binaryEquals, .stringEqualsIgnoreCase, .stringLike, .arnEquals, .arnLike:
            addText(value, to: &condition)
        case .numericEquals, .numericLessThan, .numericLessThanEquals, .numericGreaterThan, .numericGreaterThanEquals:
            addNumber(FixedDecimal.parse(value.utf8.span), to: &condition)
        case .dateEquals, .dateLessThan, .dateLessThanEquals, .dateGreaterThan, .dateGreaterThanEquals:
            addNumber(PolicyDate.parse(value.utf8.span), to: &condition)
        case .ipAddress:
            guard let block = AddressRange(value.utf8.span) else { return }
            if condition.values.count == 0 { condition.values.start = Int32(tables.addresses.count) }
            tables.addresses.append(block)
            condition.values.count += 1
        case .bool, .null:
            switch Bytes.bool(value.utf8.span) {
            case true?: condition.takesTrue = true
            case false?: condition.takesFalse = true
            case nil:
                guard condition.comparison == .bool, hasVariables else { return }
                let template = TextTemplate(value.utf8, wildcards: false, variables: true)
                guard template.hasVariables else { return }
                addText(template, to: &condition)
            }
        }
    }

    private mutating func addNumber(_ number: Int128?, to condition: inout CompiledCondition) {
        guard let number else { return }
        if condition.values.count == 0 { condition.values.start = Int32(tables.numbers.count) }
        tables.numbers.append(number)
        condition.values.count += 1
    }

    private mutating func addText(_ value: String, to condition: inout CompiledCondition) {
        switch condition.comparison {
        case .stringEquals:
            addText(TextTemplate(value.utf8, wildcards: false, variables: hasVariables), to: &condition)
        case .stringLike:
            addText(TextTemplate(value.utf8, wildcards: true, variables: hasVariables), to: &condition)
        case .stringEqualsIgnoreCase:
            addText(TextTemplate(value.lowercased().utf8, wildcards: false, variables: hasVariables), to: &condition)
        case .binaryEquals:
            guard let bytes = Base64.decode(value.utf8.span) else { return }
            addText(TextTemplate(bytes, wildcards: false, variables: false), to: &condition)
        default:
            guard let parts = PolicyARN.parts(of: Array(value.utf8), variables: hasVariables) else { return }
            for part in parts {
                addText(TextTemplate(part, wildcards: true, variables: hasVariables), to: &condition)
            }
        }
    }

    private mutating func addText(_ template: TextTemplate, to condition: inout CompiledCondition) {
        if condition.values.count == 0 { condition.values.start = Int32(tables.patterns.count) }
        addPattern(template)
        condition.values.count += 1
    }
}

/// Cutting ARNs, and patterns of ARNs, at their first five colons.
enum PolicyARN {
    /// The six parts; nil with fewer. Colons within a policy variable do not cut.
    static func parts(of bytes: [UInt8], variables: Bool) -> [ArraySlice<UInt8>]? {
        let lastBrace = variables ? bytes.lastIndex(of: UInt8(ascii: "}")) ?? 0 : 0
        var parts: [ArraySlice<UInt8>] = []
        var start = 0
        var position = 0
        while position < bytes.count, parts.count < 5 {
            if position < lastBrace, let end = TextTemplate.variableEnd(bytes, position) {
                position = end + 1
                continue
            }
            if bytes[position] == UInt8(ascii: ":") {
                parts.append(bytes[start..<position])
                start = position + 1
            }
            position += 1
        }
        guard parts.count == 5 else { return nil }
        return parts + [bytes[start...]]
    }
}
