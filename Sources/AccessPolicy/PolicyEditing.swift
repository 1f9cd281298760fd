import EventModel

extension PolicyDocument {
    /// What is left of a policy without a statement.
    public enum Removal: Sendable, Equatable {
        /// No statement has that id.
        case unknownStatement
        /// It was the only one; the policy goes.
        case nothingLeft
        /// The other statements.
        case remaining(PolicyDocument)
    }

    /// The text without white space between its tokens, in the order Version, Id, Statement. Members within a statement
    /// keep their order and their lexemes (spec: control §7.3).
    public var compactText: String {
        let list = layout.statements.map { compact($0) }
        return rendered(layout.hasSingleStatement ? list[0] : Self.array(list))
    }

    /// Adds a statement: in the place of the one with the same id, else at the end (spec: control §7.1).
    ///
    /// The other statements keep their members as they were given.
    ///
    /// - Parameters:
    ///   - permission: the statement.
    ///   - bus: the bus that the policy is attached to.
    ///   - existing: the bus's policy, if it has one.
    /// - Returns: the new policy, compact.
    /// - Throws: ``PolicyError`` when the result is longer than a policy may be.
    public static func adding(
        _ permission: BusPermission,
        on bus: ARN,
        to existing: PolicyDocument?
    ) throws(PolicyError) -> PolicyDocument {
        let statement = permission.statement(on: bus).text
        guard let existing else {
            return try PolicyDocument(parsing: #"{"Version":"2012-10-17","Statement":["# + statement + "]}")
        }
        var list = existing.layout.statements.map { existing.compact($0) }
        if let place = existing.statementIndex(sid: permission.statementID) {
            list[place] = statement
        } else {
            list.append(statement)
        }
        return try PolicyDocument(parsing: existing.rendered(array(list)), attachment: existing.attachment)
    }

    /// Removes the statement with an id (spec: control §7.2).
    ///
    /// - Parameter sid: the statement id.
    /// - Returns: what is left.
    /// - Throws: ``PolicyError`` never in practice: what is left of a policy is one.
    public func removing(sid: String) throws(PolicyError) -> Removal {
        guard let place = statementIndex(sid: sid) else { return .unknownStatement }
        guard statements.count > 1 else { return .nothingLeft }
        var list = layout.statements.map { compact($0) }
        list.remove(at: place)
        return .remaining(try PolicyDocument(parsing: rendered(Self.array(list)), attachment: attachment))
    }

    /// The place of the statement with an id.
    public func statementIndex(sid: String) -> Int? {
        statements.firstIndex { $0.sid?.utf8.elementsEqual(sid.utf8) ?? false }
    }

    /// The first resource that is neither this bus, nor a rule of it, nor a pattern that covers one of these
    /// (spec: control §7.1); nil when all are.
    public func foreignResource(bus: ARN) -> String? {
        let name = bus.resource.utf8.drop { $0 != UInt8(ascii: "/") }.dropFirst()
        let isDefault = name.elementsEqual("default".utf8)
        var rule = bus
        rule.resource = isDefault ? "rule/*" : "rule/\(String(decoding: name, as: UTF8.self))/*"
        let own = [bus.description, rule.description].map { Self.tokens($0, variables: false) }
        for statement in statements where !statement.resources.isNegated {
            for resource in statement.resources.values {
                let tokens = Self.tokens(resource, variables: version == .v2012)
                if !own.contains(where: { GlobToken.intersect($0, tokens) }) { return resource }
            }
        }
        return nil
    }

    /// A pattern's tokens with every policy variable taken as any text.
    static func tokens(_ pattern: String, variables: Bool) -> [GlobToken] {
        TextTemplate(pattern.utf8, wildcards: true, variables: variables).parts.map { part in
            guard case .token(let token) = part else { return .anyRun }
            return token
        }
    }

    private func rendered(_ statements: String) -> String {
        var text = "{"
        if let range = layout.version { text += #""Version":"# + compact(range) + "," }
        if let range = layout.id { text += #""Id":"# + compact(range) + "," }
        return text + #""Statement":"# + statements + "}"
    }

    private func compact(_ range: Range<Int>) -> String {
        let bytes = Array(Array(text.utf8)[range])
        guard bytes.first == UInt8(ascii: "{") else { return String(decoding: bytes, as: UTF8.self) }
        var output: [UInt8] = []
        do {
            try JSONCompaction.appendObject(bytes, to: &output)
        } catch {
            output = bytes
        }
        return String(decoding: output, as: UTF8.self)
    }

    private static func array(_ statements: [String]) -> String {
        "[" + statements.joined(separator: ",") + "]"
    }
}
