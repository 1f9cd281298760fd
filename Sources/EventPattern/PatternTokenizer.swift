import EventModel

/// A lazy tokenizer of pattern texts.
///
/// How far it has read when an error is raised is part of the error's text, so it reads ahead exactly as far as the service
/// does (spec: patterns §3.2): a string value only up to its opening quote until its text is asked for, a field name
/// together with the beginning of its value.
struct PatternTokenizer {
    enum Token {
        case objectStart, objectEnd, arrayStart, arrayEnd
        case name, string, number, `true`, `false`, null
        case end
    }

    private struct Container {
        var isObject: Bool
        var isEmpty = true
        var mark: Mark
    }

    /// A place from which a location can be counted; only errors need one.
    private struct Mark {
        var line = 1
        var lineStart = 0
        var position = 0
    }

    let bytes: [UInt8]
    var position = 0
    /// The last field name, decoded.
    private(set) var name: [UInt8] = []
    private var line = 1
    private var lineStart = 0
    private var containers: [Container] = []
    /// The value behind a field name, of which the beginning has been read.
    private var pending: Token?
    private var current = Token.end
    /// Where the current scalar begins; for strings, behind the opening quote.
    private var valueStart = 0
    private var stringIsOpen = false
    private var stringText: [UInt8] = []
    /// Where the current value begins, for start markers.
    private var mark = Mark()

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
    }

    /// Where the reader stands.
    var location: PatternError.Location {
        location(of: Mark(line: line, lineStart: lineStart, position: position))
    }

    private func location(of mark: Mark) -> PatternError.Location {
        PatternError.Location(line: mark.line, column: WTF8.units(bytes, mark.lineStart, mark.position) + 1)
    }

    /// An error where the reader stands.
    func error(_ reason: String) -> PatternError {
        PatternError(reason, at: location, of: bytes)
    }

    /// The next token; `end` only outside the root value.
    mutating func next() throws(PatternError) -> Token {
        if let token = pending {
            pending = nil
            return enter(token)
        }
        if stringIsOpen { try finishString() }
        guard var byte = try significantByte() else {
            guard let container = containers.last else { return enter(.end) }
            throw endError(of: container)
        }
        if byte == UInt8(ascii: "]") || byte == UInt8(ascii: "}") {
            return try close(byte)
        }
        guard let container = containers.last else { return enter(try begin(byte)) }
        if !container.isEmpty {
            guard byte == UInt8(ascii: ",") else {
                throw unexpected("was expecting a comma between the entries of an \(Self.kind(container))")
            }
            position += 1
            guard let following = try significantByte() else { throw endError(of: container) }
            byte = following
        }
        containers[containers.count - 1].isEmpty = false
        guard container.isObject else { return enter(try begin(byte)) }
        guard byte == UInt8(ascii: "\"") else { throw unexpected("was expecting double-quote to start field name") }
        position += 1
        name = try string("a field name")
        pending = try valueBehindName()
        current = .name
        return .name
    }

    /// The text of the current token: strings decoded, numbers and literals as they stand.
    mutating func text() throws(PatternError) -> [UInt8] {
        switch current {
        case .objectStart: return [UInt8(ascii: "{")]
        case .objectEnd: return [UInt8(ascii: "}")]
        case .arrayStart: return [UInt8(ascii: "[")]
        case .arrayEnd: return [UInt8(ascii: "]")]
        case .name: return name
        case .end: return []
        case .string:
            if stringIsOpen { try finishString() }
            return stringText
        case .number, .true, .false, .null:
            return Array(bytes[valueStart..<position])
        }
    }

    private mutating func valueBehindName() throws(PatternError) -> Token {
        guard let colon = try significantByte() else { throw endOfInput(": expected a value for a field name") }
        guard colon == UInt8(ascii: ":") else {
            throw unexpected("was expecting a colon to separate field name and value")
        }
        position += 1
        guard let byte = try significantByte() else { throw endOfInput(": expected a value for a field name") }
        return try begin(byte)
    }

    /// Reads the beginning of a value: brackets and opening quotes as one character, numbers and literals whole.
    private mutating func begin(_ byte: UInt8) throws(PatternError) -> Token {
        mark = Mark(line: line, lineStart: lineStart, position: position)
        switch byte {
        case UInt8(ascii: "{"):
            position += 1
            return .objectStart
        case UInt8(ascii: "["):
            position += 1
            return .arrayStart
        case UInt8(ascii: "\""):
            position += 1
            valueStart = position
            stringIsOpen = true
            return .string
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"):
            valueStart = position
            try number()
            return .number
        default:
            valueStart = position
            return try literal()
        }
    }

    /// Makes a token the current one, opening its container.
    private mutating func enter(_ token: Token) -> Token {
        current = token
        if token == .objectStart || token == .arrayStart {
            containers.append(Container(isObject: token == .objectStart, mark: mark))
        }
        return token
    }

    private mutating func close(_ byte: UInt8) throws(PatternError) -> Token {
        let isObject = byte == UInt8(ascii: "}")
        guard let container = containers.last, container.isObject == isObject else {
            throw unexpected("this close marker matches no open one")
        }
        position += 1
        containers.removeLast()
        current = isObject ? .objectEnd : .arrayEnd
        return current
    }

    private mutating func finishString() throws(PatternError) {
        stringText = try string("a string value")
        stringIsOpen = false
    }

    /// Skips white space and returns the byte at which it stops, without consuming it.
    private mutating func significantByte() throws(PatternError) -> UInt8? {
        while position < bytes.count {
            let byte = bytes[position]
            switch byte {
            case 0x20, 0x09:
                position += 1
            case 0x0A, 0x0D:
                position += 1
                if byte == 0x0D, position < bytes.count, bytes[position] == 0x0A { position += 1 }
                line += 1
                lineStart = position
            case 0..<0x20:
                throw unexpected("only white space may stand between tokens")
            default:
                return byte
            }
        }
        return nil
    }

    private func endError(of container: Container) -> PatternError {
        let start = PatternSource.describe(location(of: container.mark), of: bytes)
        return endOfInput(": expected close marker for \(Self.kind(container)) (start marker at \(start))")
    }

    func endOfInput(_ detail: String) -> PatternError {
        error("Unexpected end-of-input" + detail)
    }

    private static func kind(_ container: Container) -> String {
        container.isObject ? "Object" : "Array"
    }
}
