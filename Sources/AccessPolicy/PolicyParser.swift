import EventModel

/// Turns a policy's text into statements, or says what is wrong with it and where.
struct PolicyParser {
    let text: [UInt8]
    let attachment: PolicyDocument.Attachment
    private(set) var version = PolicyDocument.Version.v2008
    private(set) var id: String?
    private(set) var statements: [PolicyStatement] = []
    private(set) var layout = PolicyDocument.Layout()

    init(text: [UInt8], attachment: PolicyDocument.Attachment) {
        self.text = text
        self.attachment = attachment
    }

    mutating func parse() throws(PolicyError) {
        guard text.count <= PolicyDocument.maximumBytes else {
            throw error(.tooLong(maximum: PolicyDocument.maximumBytes), at: PolicyDocument.maximumBytes)
        }
        let tree: LocatedJSON
        do {
            tree = try LocatedJSON(parsing: text)
        } catch {
            throw PolicyError(.notJSON(error.reason), at: error.offset, in: text)
        }
        let members = try object(tree, "the policy", known: ["Version", "Id", "Statement"])
        if let value = Self.find("Version", members) {
            let name = try string(value, "Version")
            guard let known = PolicyDocument.Version(rawValue: name) else {
                throw error(.invalidVersion(name), at: value.range.lowerBound)
            }
            version = known
            layout.version = value.range
        }
        if let value = Self.find("Id", members) {
            id = try string(value, "Id")
            layout.id = value.range
        }
        guard let value = Self.find("Statement", members) else {
            throw error(.missingElement("Statement"), at: tree.range.lowerBound)
        }
        try parseStatements(value)
    }

    private mutating func parseStatements(_ value: LocatedJSON) throws(PolicyError) {
        let elements: [LocatedJSON]
        if case .array(let list) = value.content {
            guard !list.isEmpty else { throw error(.emptyList("Statement"), at: value.range.lowerBound) }
            elements = list
        } else {
            elements = [value]
            layout.hasSingleStatement = true
        }
        var seen: Set<[UInt8]> = []
        for element in elements {
            let (statement, sidOffset) = try statement(element)
            if let sid = statement.sid, !sid.isEmpty, !seen.insert(Array(sid.utf8)).inserted {
                throw error(.duplicateStatementID(sid), at: sidOffset)
            }
            statements.append(statement)
            layout.statements.append(element.range)
        }
    }

    private static let statementElements = [
        "Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction", "Resource", "NotResource", "Condition",
    ]

    private func statement(
        _ tree: LocatedJSON
    ) throws(PolicyError) -> (statement: PolicyStatement, sidOffset: Int) {
        let members = try object(tree, "Statement", known: Self.statementElements)
        let start = tree.range.lowerBound
        var sid: String?
        var sidOffset = start
        if let value = Self.find("Sid", members) {
            sid = try string(value, "Sid")
            sidOffset = value.range.lowerBound
        }
        guard let effectValue = Self.find("Effect", members) else { throw error(.missingElement("Effect"), at: start) }
        let effectName = try string(effectValue, "Effect")
        guard let effect = PolicyStatement.Effect(rawValue: effectName) else {
            throw error(.invalidEffect(effectName), at: effectValue.range.lowerBound)
        }
        let principals = try principals(members, start)
        let actions = try patterns("Action", members, start)
        let resources = try resources(members, start)
        var conditions: [PolicyStatement.Condition] = []
        if let value = Self.find("Condition", members) {
            conditions = try self.conditions(value)
        }
        let statement = PolicyStatement(
            sid: sid,
            effect: effect,
            principals: principals,
            actions: actions,
            resources: resources,
            conditions: conditions
        )
        return (statement, sidOffset)
    }

    private func principals(
        _ members: [LocatedJSON.Member],
        _ start: Int
    ) throws(PolicyError) -> PolicyStatement.Principals? {
        if attachment == .identity {
            for member in members where member.key == "Principal" || member.key == "NotPrincipal" {
                throw error(.elementNotAllowed(member.key), at: member.keyOffset)
            }
            return nil
        }
        let (value, isNegated) = try either("Principal", members, start)
        let element = isNegated ? "NotPrincipal" : "Principal"
        let names = try PrincipalElement.names(value, element: element, parser: self)
        return PolicyStatement.Principals(isNegated: isNegated, names: names)
    }

    private func resources(
        _ members: [LocatedJSON.Member],
        _ start: Int
    ) throws(PolicyError) -> PolicyStatement.Patterns {
        guard attachment == .trust else { return try patterns("Resource", members, start) }
        for member in members where member.key == "Resource" || member.key == "NotResource" {
            throw error(.elementNotAllowed(member.key), at: member.keyOffset)
        }
        return PolicyStatement.Patterns(isNegated: false, values: ["*"])
    }

    private func patterns(
        _ element: String,
        _ members: [LocatedJSON.Member],
        _ start: Int
    ) throws(PolicyError) -> PolicyStatement.Patterns {
        let (value, isNegated) = try either(element, members, start)
        let name = isNegated ? "Not" + element : element
        var values: [String] = []
        for item in try strings(value, name) {
            let isStar = item.text.utf8.allSatisfy { $0 == UInt8(ascii: "*") } && !item.text.isEmpty
            if element == "Action" {
                guard isStar || Self.isAction(item.text) else {
                    throw error(.invalidAction(item.text), at: item.offset)
                }
            } else {
                guard isStar || item.text.utf8.starts(with: "arn:".utf8) else {
                    throw error(.invalidResource(item.text), at: item.offset)
                }
            }
            values.append(item.text)
        }
        return PolicyStatement.Patterns(isNegated: isNegated, values: values)
    }

    private static func isAction(_ text: String) -> Bool {
        let parts = text.utf8.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
        return parts.count == 2 && parts.allSatisfy { !$0.isEmpty }
    }

    private func conditions(_ value: LocatedJSON) throws(PolicyError) -> [PolicyStatement.Condition] {
        var conditions: [PolicyStatement.Condition] = []
        for block in try object(value, "Condition", known: nil) {
            guard let comparison = ConditionOperator(block.key) else {
                throw error(.unknownOperator(block.key), at: block.keyOffset)
            }
            let keys = try object(block.value, block.key, known: nil)
            guard !keys.isEmpty else { throw error(.emptyList(block.key), at: block.value.range.lowerBound) }
            for member in keys {
                let values = try strings(member.value, member.key, takesScalars: true).map(\.text)
                conditions.append(.init(comparison: comparison, key: member.key, values: values))
            }
        }
        return conditions
    }

    /// The one of an element and its `Not` twin that is there.
    private func either(
        _ element: String,
        _ members: [LocatedJSON.Member],
        _ start: Int
    ) throws(PolicyError) -> (value: LocatedJSON, isNegated: Bool) {
        let negated = "Not" + element
        switch (Self.find(element, members), Self.find(negated, members)) {
        case (let value?, nil): return (value, false)
        case (nil, let value?): return (value, true)
        case (nil, nil): throw error(.missingElement(element), at: start)
        case (_?, let value?): throw error(.exclusiveElements(element, negated), at: value.range.lowerBound)
        }
    }

    static func find(_ key: String, _ members: [LocatedJSON.Member]) -> LocatedJSON? {
        members.first { $0.key.utf8.elementsEqual(key.utf8) }?.value
    }

    func error(_ reason: PolicyError.Reason, at offset: Int) -> PolicyError {
        PolicyError(reason, at: offset, in: text)
    }

    func string(_ value: LocatedJSON, _ element: String) throws(PolicyError) -> String {
        guard case .string(let text) = value.content else {
            throw error(.wrongType(element: element, expected: "a string"), at: value.range.lowerBound)
        }
        return text
    }

    /// The members of an object, none of them twice, and only of the known names unless these are nil.
    func object(
        _ value: LocatedJSON,
        _ element: String,
        known: [String]?
    ) throws(PolicyError) -> [LocatedJSON.Member] {
        guard case .object(let members) = value.content else {
            throw error(.wrongType(element: element, expected: "an object"), at: value.range.lowerBound)
        }
        var seen: Set<[UInt8]> = []
        for member in members {
            if let known, !known.contains(where: { $0.utf8.elementsEqual(member.key.utf8) }) {
                throw error(.unknownElement(member.key), at: member.keyOffset)
            }
            guard seen.insert(Array(member.key.utf8)).inserted else {
                throw error(.duplicateElement(member.key), at: member.keyOffset)
            }
        }
        return members
    }

    /// A string or a list of strings that is not empty; with `takesScalars` numbers and truth values too, as text.
    func strings(
        _ value: LocatedJSON,
        _ element: String,
        takesScalars: Bool = false
    ) throws(PolicyError) -> [(text: String, offset: Int)] {
        var items = [value]
        if case .array(let list) = value.content {
            guard !list.isEmpty else { throw error(.emptyList(element), at: value.range.lowerBound) }
            items = list
        }
        var texts: [(text: String, offset: Int)] = []
        for item in items {
            switch item.content {
            case .string(let text): texts.append((text, item.range.lowerBound))
            case .number(let text) where takesScalars: texts.append((text, item.range.lowerBound))
            case .bool(let truth) where takesScalars: texts.append((truth ? "true" : "false", item.range.lowerBound))
            default:
                let expected = "a string or a list of strings"
                throw error(.wrongType(element: element, expected: expected), at: item.range.lowerBound)
            }
        }
        return texts
    }
}
