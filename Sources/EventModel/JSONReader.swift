/// One token of a JSON text: what it is and where its bytes are.
public struct JSONToken: Hashable, Sendable {
    /// The kinds of token.
    public enum Kind: UInt8, Sendable {
        /// `{`
        case objectStart
        /// `}`
        case objectEnd
        /// `[`
        case arrayStart
        /// `]`
        case arrayEnd
        /// A member's name; the range excludes the quotes.
        case key
        /// A string value; the range excludes the quotes.
        case string
        /// A number; the range is the lexeme.
        case number
        /// `true`
        case `true`
        /// `false`
        case `false`
        /// `null`
        case null
        /// The text has ended.
        case end
    }

    /// What the token is.
    public var kind: Kind
    /// Offset of the token's first byte.
    public var start: Int
    /// Offset behind the token's last byte.
    public var end: Int
    /// For keys and strings: whether the bytes hold a backslash escape.
    public var hasEscapes: Bool

    /// Creates a token, for readers of other grammars over the same strings.
    public init(kind: Kind, start: Int, end: Int, hasEscapes: Bool) {
        self.kind = kind
        self.start = start
        self.end = end
        self.hasEscapes = hasEscapes
    }

    /// The token's bytes.
    public var range: Range<Int> { start..<end }
}

/// Why a text is not JSON.
public struct JSONError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The kinds of fault.
    public enum Reason: String, Hashable, Sendable {
        /// A byte that cannot stand where it stands.
        case unexpectedCharacter = "unexpected character"
        /// The text ends too early.
        case unexpectedEnd = "unexpected end of text"
        /// A number that breaks the grammar, e.g. `01`, `1.` or `+1`.
        case invalidNumber = "invalid number"
        /// An escape that JSON does not know.
        case invalidEscape = "invalid escape in a string"
        /// A control character inside a string.
        case controlCharacter = "unescaped control character in a string"
        /// Bytes that are not UTF-8.
        case invalidUTF8 = "invalid UTF-8"
        /// More nesting than the reader allows.
        case tooDeep = "nested too deeply"
        /// Something but white space behind the value.
        case trailingContent = "unexpected content behind the value"
    }

    /// What is wrong.
    public var reason: Reason
    /// Offset of the offending byte.
    public var offset: Int

    /// Creates an error.
    public init(_ reason: Reason, at offset: Int) {
        self.reason = reason
        self.offset = offset
    }

    /// Reason and offset.
    public var description: String { "\(reason.rawValue) at byte \(offset)" }
}

/// A pull tokenizer for one JSON value (RFC 8259), strict, without recursion.
///
/// It keeps nothing but the open containers, so memory grows with the nesting only, which `maximumDepth` bounds. Duplicate keys
/// and number lexemes pass through untouched: matching needs both (spec: patterns §2.3, §2.6).
public struct JSONReader: Sendable {
    private enum Expectation {
        case value
        case valueOrEnd
        case key
        case keyOrEnd
        case commaOrEnd
        case nothing
    }

    /// The text.
    public let bytes: [UInt8]
    /// The offset at which the next token is looked for.
    public private(set) var position: Int
    /// Containers that are open now.
    public var depth: Int { containers.count }

    /// Whether there was white space between tokens up to here.
    private(set) var hasWhiteSpace = false

    private let maximumDepth: Int
    private var expectation = Expectation.value
    /// True for an object, false for an array.
    private var containers = OpenContainers()

    /// Creates a reader of a whole text, or of what follows an offset; offsets of tokens count from the first byte.
    public init(_ bytes: [UInt8], from start: Int = 0, maximumDepth: Int = Quotas.maximumJSONDepth) {
        self.bytes = bytes
        self.maximumDepth = maximumDepth
        position = start
    }

    /// Returns the next token; `end` once the value is complete and only white space was left.
    public mutating func next() throws(JSONError) -> JSONToken {
        skipWhiteSpace()
        guard position < bytes.count else {
            guard case .nothing = expectation else { throw JSONError(.unexpectedEnd, at: position) }
            return JSONToken(kind: .end, start: position, end: position, hasEscapes: false)
        }
        if case .commaOrEnd = expectation, bytes[position] == UInt8(ascii: ",") {
            position += 1
            expectation = containers.last == true ? .key : .value
            skipWhiteSpace()
            guard position < bytes.count else { throw JSONError(.unexpectedEnd, at: position) }
        }
        switch expectation {
        case .value, .valueOrEnd:
            return try value()
        case .key, .keyOrEnd:
            return try key()
        case .commaOrEnd:
            return try close(bytes[position])
        case .nothing:
            throw JSONError(.trailingContent, at: position)
        }
    }

    /// Reads past the value that `token` begins; a scalar has already been read.
    public mutating func skip(_ token: JSONToken) throws(JSONError) {
        guard token.kind == .objectStart || token.kind == .arrayStart else { return }
        let outer = depth - 1
        while depth > outer {
            _ = try next()
        }
    }

    private mutating func value() throws(JSONError) -> JSONToken {
        let start = position
        let byte = bytes[start]
        switch byte {
        case UInt8(ascii: "{"):
            return try open(isObject: true)
        case UInt8(ascii: "["):
            return try open(isObject: false)
        case UInt8(ascii: "\""):
            let token = try string(kind: .string)
            valueDone()
            return token
        case UInt8(ascii: "t"):
            return try literal("true", kind: .true)
        case UInt8(ascii: "f"):
            return try literal("false", kind: .false)
        case UInt8(ascii: "n"):
            return try literal("null", kind: .null)
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"):
            position = try JSONNumberGrammar.end(of: bytes, from: start)
            valueDone()
            return JSONToken(kind: .number, start: start, end: position, hasEscapes: false)
        case UInt8(ascii: "]"):
            guard case .valueOrEnd = expectation else { throw JSONError(.unexpectedCharacter, at: start) }
            return try close(byte)
        default:
            throw JSONError(.unexpectedCharacter, at: start)
        }
    }

    private mutating func key() throws(JSONError) -> JSONToken {
        let byte = bytes[position]
        guard byte == UInt8(ascii: "\"") else {
            if case .keyOrEnd = expectation, byte == UInt8(ascii: "}") { return try close(byte) }
            throw JSONError(.unexpectedCharacter, at: position)
        }
        let token = try string(kind: .key)
        skipWhiteSpace()
        guard position < bytes.count else { throw JSONError(.unexpectedEnd, at: position) }
        guard bytes[position] == UInt8(ascii: ":") else { throw JSONError(.unexpectedCharacter, at: position) }
        position += 1
        expectation = .value
        return token
    }

    private mutating func open(isObject: Bool) throws(JSONError) -> JSONToken {
        guard containers.count < maximumDepth else { throw JSONError(.tooDeep, at: position) }
        containers.append(isObject)
        expectation = isObject ? .keyOrEnd : .valueOrEnd
        position += 1
        return JSONToken(
            kind: isObject ? .objectStart : .arrayStart,
            start: position - 1,
            end: position,
            hasEscapes: false
        )
    }

    private mutating func close(_ byte: UInt8) throws(JSONError) -> JSONToken {
        guard let isObject = containers.last, byte == UInt8(ascii: isObject ? "}" : "]") else {
            throw JSONError(.unexpectedCharacter, at: position)
        }
        containers.removeLast()
        position += 1
        valueDone()
        return JSONToken(
            kind: isObject ? .objectEnd : .arrayEnd,
            start: position - 1,
            end: position,
            hasEscapes: false
        )
    }

    private mutating func valueDone() {
        expectation = containers.isEmpty ? .nothing : .commaOrEnd
    }

    private mutating func literal(_ text: StaticString, kind: JSONToken.Kind) throws(JSONError) -> JSONToken {
        let start = position
        let matches = text.withUTF8Buffer { expected in
            start + expected.count <= bytes.count
                && expected.indices.allSatisfy { bytes[start + $0] == expected[$0] }
        }
        guard matches else { throw JSONError(.unexpectedCharacter, at: start) }
        position = start + text.utf8CodeUnitCount
        valueDone()
        return JSONToken(kind: kind, start: start, end: position, hasEscapes: false)
    }

    private mutating func string(kind: JSONToken.Kind) throws(JSONError) -> JSONToken {
        let start = position + 1
        let (end, hasEscapes) = try JSONStrings.end(of: bytes, from: start)
        position = end + 1
        return JSONToken(kind: kind, start: start, end: end, hasEscapes: hasEscapes)
    }

    private mutating func skipWhiteSpace() {
        while position < bytes.count {
            switch bytes[position] {
            case 0x20, 0x09, 0x0A, 0x0D:
                position += 1
                hasWhiteSpace = true
            default: return
            }
        }
    }
}

/// The containers that are open at a place: true for an object, false for an array. The outer 64, which hardly a text goes
/// beyond, take no memory of their own.
private struct OpenContainers {
    private var outer: UInt64 = 0
    private var inner: [Bool] = []
    private(set) var count = 0

    var isEmpty: Bool { count == 0 }

    var last: Bool? {
        guard count > 0 else { return nil }
        return count > 64 ? inner[count - 65] : outer & (1 << UInt64(count - 1)) != 0
    }

    mutating func append(_ isObject: Bool) {
        if count >= 64 {
            inner.append(isObject)
        } else if isObject {
            outer |= 1 << UInt64(count)
        } else {
            outer &= ~(1 << UInt64(count))
        }
        count += 1
    }

    mutating func removeLast() {
        count -= 1
        if count >= 64 { inner.removeLast() }
    }
}

/// The number grammar of RFC 8259.
enum JSONNumberGrammar {
    /// Returns the offset behind the number that begins at `start`.
    static func end(of bytes: [UInt8], from start: Int) throws(JSONError) -> Int {
        var position = start
        func digits() -> Int {
            let first = position
            while position < bytes.count, bytes[position] &- 0x30 < 10 { position += 1 }
            return position - first
        }
        if bytes[position] == UInt8(ascii: "-") { position += 1 }
        let integerStart = position
        let integerDigits = digits()
        guard integerDigits > 0, integerDigits == 1 || bytes[integerStart] != 0x30 else {
            throw JSONError(.invalidNumber, at: start)
        }
        if position < bytes.count, bytes[position] == UInt8(ascii: ".") {
            position += 1
            guard digits() > 0 else { throw JSONError(.invalidNumber, at: start) }
        }
        if position < bytes.count, bytes[position] | 0x20 == UInt8(ascii: "e") {
            position += 1
            if position < bytes.count, bytes[position] == UInt8(ascii: "+") || bytes[position] == UInt8(ascii: "-") {
                position += 1
            }
            guard digits() > 0 else { throw JSONError(.invalidNumber, at: start) }
        }
        return position
    }
}
