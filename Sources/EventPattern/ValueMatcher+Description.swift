import EventModel

/// Writing JSON for people.
enum JSONText {
    static func quoted(_ text: some Sequence<UInt8>) -> String {
        var bytes: [UInt8] = []
        JSONStrings.append(text, to: &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }

    /// A number without a needless fraction.
    static func number(_ value: Double) -> String {
        guard value.magnitude < 1e15, Double(Int64(value)) == value else { return value.description }
        return String(Int64(value))
    }

    /// One value bare, several as a list.
    static func list(_ values: [String]) -> String {
        values.count == 1 ? values[0] : "[" + values.joined(separator: ",") + "]"
    }
}

extension ValueMatcher: CustomStringConvertible {
    /// The matcher as it could stand in a pattern, e.g. `{"prefix":"a"}`.
    public var description: String {
        switch self {
        case .bool(let value): value ? "true" : "false"
        case .null: "null"
        case .string(let text), .address(_, let text): JSONText.quoted(text)
        case .number(.comparable(let value)): JSONText.number(value)
        case .number(.opaque(let lexeme)): String(decoding: lexeme, as: UTF8.self)
        case .prefix(let text): "{\"prefix\":\(JSONText.quoted(text))}"
        case .suffix(let text): "{\"suffix\":\(JSONText.quoted(text))}"
        case .equalsIgnoreCase(let operand): operand.description
        case .prefixIgnoreCase(let operand): "{\"prefix\":\(operand.description)}"
        case .suffixIgnoreCase(let operand): "{\"suffix\":\(operand.description)}"
        case .wildcard(let wildcard): "{\"wildcard\":\(JSONText.quoted(wildcard.text))}"
        case .numeric(let range): "{\"numeric\":[\(range.description)]}"
        case .cidr(let block): "{\"cidr\":\(JSONText.quoted(block.text))}"
        case .exists(let value): "{\"exists\":\(value)}"
        case .anythingBut(let exclusion): "{\"anything-but\":\(exclusion.description)}"
        }
    }
}

extension CaseInsensitiveText: CustomStringConvertible {
    /// The operand with its operator.
    public var description: String { "{\"equals-ignore-case\":\(JSONText.quoted(text))}" }
}

extension NumericRange: CustomStringConvertible {
    /// The members of the list, e.g. `">",0,"<=",5`.
    public var description: String {
        if let lower, let upper, lower == upper { return "\"=\",\(JSONText.number(lower.value))" }
        var parts: [String] = []
        if let lower { parts.append("\"\(lower.isInclusive ? ">=" : ">")\",\(JSONText.number(lower.value))") }
        if let upper { parts.append("\"\(upper.isInclusive ? "<=" : "<")\",\(JSONText.number(upper.value))") }
        return parts.joined(separator: ",")
    }
}

extension ValueMatcher.Exclusion: CustomStringConvertible {
    /// The operand of `anything-but`.
    public var description: String {
        switch self {
        case .strings(let strings): JSONText.list(strings.map { JSONText.quoted($0) })
        case .numbers(let numbers): JSONText.list(numbers.map { JSONText.number($0) })
        case .prefixes(let prefixes): "{\"prefix\":\(JSONText.list(prefixes.map { JSONText.quoted($0) }))}"
        case .suffixes(let suffixes): "{\"suffix\":\(JSONText.list(suffixes.map { JSONText.quoted($0) }))}"
        case .equalsIgnoreCase(let operands):
            "{\"equals-ignore-case\":\(JSONText.list(operands.map { JSONText.quoted($0.text) }))}"
        case .wildcards(let wildcards): "{\"wildcard\":\(JSONText.list(wildcards.map { JSONText.quoted($0.text) }))}"
        }
    }
}
