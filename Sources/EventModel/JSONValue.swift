/// A JSON value as a tree, for configuration, policies and API requests. Events stay bytes.
///
/// Numbers keep their lexeme, objects their order and their duplicate members.
public indirect enum JSONValue: Sendable, Equatable {
    /// `null`
    case null
    /// `true` or `false`
    case bool(Bool)
    /// A number by its lexeme, e.g. `3.0e2`.
    case number(String)
    /// A string, decoded.
    case string(String)
    /// An array.
    case array([JSONValue])
    /// An object.
    case object(JSONObject)

    /// Parses a whole text. Nesting is bounded by `maximumDepth`; the parser does not recurse.
    public init(parsing bytes: [UInt8], maximumDepth: Int = Quotas.maximumJSONDepth) throws(JSONError) {
        self = try JSONTreeBuilder.parse(bytes, maximumDepth: maximumDepth)
    }

    /// Parses a whole text.
    public init(parsing text: String, maximumDepth: Int = Quotas.maximumJSONDepth) throws(JSONError) {
        try self.init(parsing: Array(text.utf8), maximumDepth: maximumDepth)
    }

    /// The string, if this is one.
    public var string: String? {
        guard case .string(let text) = self else { return nil }
        return text
    }

    /// The truth value, if this is one.
    public var bool: Bool? {
        guard case .bool(let value) = self else { return nil }
        return value
    }

    /// The elements, if this is an array.
    public var array: [JSONValue]? {
        guard case .array(let elements) = self else { return nil }
        return elements
    }

    /// The members, if this is an object.
    public var object: JSONObject? {
        guard case .object(let members) = self else { return nil }
        return members
    }

    /// The number as an integer, if it is a whole number in range.
    public var integer: Int? {
        guard case .number(let lexeme) = self else { return nil }
        if let value = Int(lexeme) { return value }
        // Not `rounded()`: it needs the C mathematics library, which the core does not link.
        guard let value = Double(lexeme), abs(value) < 9e15, Double(Int(value)) == value else { return nil }
        return Int(value)
    }

    /// The number as a double, if it is one.
    public var double: Double? {
        guard case .number(let lexeme) = self else { return nil }
        return Double(lexeme)
    }

    /// True for `null`.
    public var isNull: Bool {
        guard case .null = self else { return false }
        return true
    }

    /// A number from an integer.
    public static func integer(_ value: some BinaryInteger) -> JSONValue {
        .number(String(value))
    }

    /// The value as compact JSON text.
    public var bytes: [UInt8] {
        var output: [UInt8] = []
        write(to: &output)
        return output
    }

    /// The value as compact JSON text.
    public var text: String { String(decoding: bytes, as: UTF8.self) }

    /// Appends the value as compact JSON text. Recursion is bounded by the nesting, which parsing bounded.
    public func write(to output: inout [UInt8]) {
        switch self {
        case .null: output.append(contentsOf: "null".utf8)
        case .bool(let value): output.append(contentsOf: (value ? "true" : "false").utf8)
        case .number(let lexeme): output.append(contentsOf: lexeme.utf8)
        case .string(let text): JSONStrings.append(text.utf8, to: &output)
        case .array(let elements):
            output.append(UInt8(ascii: "["))
            for (index, element) in elements.enumerated() {
                if index > 0 { output.append(UInt8(ascii: ",")) }
                element.write(to: &output)
            }
            output.append(UInt8(ascii: "]"))
        case .object(let object):
            output.append(UInt8(ascii: "{"))
            for (index, member) in object.members.enumerated() {
                if index > 0 { output.append(UInt8(ascii: ",")) }
                JSONStrings.append(member.key.utf8, to: &output)
                output.append(UInt8(ascii: ":"))
                member.value.write(to: &output)
            }
            output.append(UInt8(ascii: "}"))
        }
    }
}

extension JSONValue: ExpressibleByStringLiteral, ExpressibleByBooleanLiteral, ExpressibleByIntegerLiteral {
    /// A string value.
    public init(stringLiteral value: String) { self = .string(value) }
    /// A truth value.
    public init(booleanLiteral value: Bool) { self = .bool(value) }
    /// A number.
    public init(integerLiteral value: Int) { self = .integer(value) }
}

/// The members of a JSON object in textual order, duplicates included.
public struct JSONObject: Sendable, Equatable, ExpressibleByDictionaryLiteral {
    /// One member.
    public struct Member: Sendable, Equatable {
        /// The name, decoded.
        public var key: String
        /// The value.
        public var value: JSONValue

        /// Creates a member.
        public init(key: String, value: JSONValue) {
            self.key = key
            self.value = value
        }
    }

    /// The members in order.
    public var members: [Member]

    /// Creates an object from members.
    public init(_ members: [Member] = []) {
        self.members = members
    }

    /// Creates an object from a literal, in its order.
    public init(dictionaryLiteral elements: (String, JSONValue)...) {
        members = elements.map { Member(key: $0.0, value: $0.1) }
    }

    /// The last member of that name (names compare byte for byte). Setting nil removes every one of that name.
    public subscript(key: String) -> JSONValue? {
        get {
            for member in members.reversed() where member.key.utf8.elementsEqual(key.utf8) {
                return member.value
            }
            return nil
        }
        set {
            members.removeAll { $0.key.utf8.elementsEqual(key.utf8) }
            if let newValue { members.append(Member(key: key, value: newValue)) }
        }
    }
}
