import EventModel

extension PatternTokenizer {
    /// Reads a number, whole.
    mutating func number() throws(PatternError) {
        if bytes[position] == UInt8(ascii: "-") {
            position += 1
            guard digitFollows else { throw error("Invalid numeric value: a minus sign needs a digit behind it") }
        }
        let leadingZero = bytes[position] == UInt8(ascii: "0")
        position += 1
        if leadingZero {
            guard !digitFollows else { throw error("Invalid numeric value: Leading zeroes not allowed") }
        } else {
            skipDigits()
        }
        if position < bytes.count, bytes[position] == UInt8(ascii: ".") {
            position += 1
            guard digitFollows else { throw error("Invalid numeric value: a decimal point needs a digit behind it") }
            skipDigits()
        }
        if position < bytes.count, bytes[position] | 0x20 == UInt8(ascii: "e") {
            position += 1
            if position < bytes.count, bytes[position] == UInt8(ascii: "+") || bytes[position] == UInt8(ascii: "-") {
                position += 1
            }
            guard digitFollows else { throw error("Invalid numeric value: an exponent needs a digit") }
            skipDigits()
        }
    }

    private var digitFollows: Bool {
        position < bytes.count && bytes[position] &- 0x30 < 10
    }

    private mutating func skipDigits() {
        while digitFollows { position += 1 }
    }

    /// Reads `true`, `false` or `null`, whole, or reports the word that stands there instead.
    mutating func literal() throws(PatternError) -> Token {
        let start = position
        while position < bytes.count, position - start < Self.reportedWordBytes, let next = wordEnd { position = next }
        let word = bytes[start..<position]
        if word.elementsEqual("true".utf8) { return .true }
        if word.elementsEqual("false".utf8) { return .false }
        if word.elementsEqual("null".utf8) { return .null }
        let expectation = "(JSON String, Number, Array, Object or token 'null', 'true' or 'false')"
        guard !word.isEmpty else { throw unexpected("expected a value \(expectation)") }
        let shown = String(decoding: word, as: UTF8.self) + (wordEnd == nil ? "" : "...")
        throw error("Unrecognized token '\(shown)': was expecting \(expectation)")
    }

    private static var reportedWordBytes: Int { 256 }

    /// The offset behind the character at `position` if it can be part of a word.
    private var wordEnd: Int? {
        guard position < bytes.count else { return nil }
        switch bytes[position] {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "$"):
            return position + 1
        case 0x80..<0xF0:
            guard let scalar = Unicode.Scalar(WTF8.scalar(bytes, position)), scalar.properties.isXIDContinue else {
                return nil
            }
            return position + WTF8.length(bytes[position])
        default:
            return nil
        }
    }

    /// Reads the rest of a string, its opening quote being consumed, and decodes it.
    mutating func string(_ what: String) throws(PatternError) -> [UInt8] {
        let start = position
        var hasEscapes = false
        while position < bytes.count {
            let byte = bytes[position]
            if byte == UInt8(ascii: "\"") {
                let token = JSONToken(kind: .string, start: start, end: position, hasEscapes: hasEscapes)
                position += 1
                var decoded: [UInt8] = []
                decoded.reserveCapacity(token.end - token.start)
                JSONStrings.decode(bytes, token, into: &decoded)
                return decoded
            }
            position += 1
            if byte == UInt8(ascii: "\\") {
                hasEscapes = true
                try escape()
            } else if byte < 0x20 {
                let name = Self.characterName(UInt32(byte))
                throw error("Illegal unquoted character (\(name)): must be escaped in \(what)")
            }
        }
        throw endOfInput(": expected the closing quote of \(what)")
    }

    private mutating func escape() throws(PatternError) {
        guard position < bytes.count else { throw endOfInput(" in a character escape") }
        switch bytes[position] {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"), UInt8(ascii: "b"), UInt8(ascii: "f"),
            UInt8(ascii: "n"), UInt8(ascii: "r"), UInt8(ascii: "t"):
            position += 1
        case UInt8(ascii: "u"):
            position += 1
            for _ in 0..<4 {
                guard position < bytes.count else { throw endOfInput(" in a character escape") }
                switch bytes[position] {
                case 0x30...0x39, 0x41...0x46, 0x61...0x66: position += 1
                default: throw unexpected("expected a hexadecimal digit of a character escape")
                }
            }
        default:
            throw unexpected("no such character escape")
        }
    }

    /// An error about the character at `position`, which it consumes: of a surrogate pair, the first half.
    mutating func unexpected(_ expectation: String) -> PatternError {
        let scalar = WTF8.scalar(bytes, position)
        let code = scalar >= 0x10000 ? 0xD800 + (scalar - 0x10000) >> 10 : scalar
        var consumed = location
        consumed.column += 1
        position += WTF8.length(bytes[position])
        let reason = "Unexpected character (\(Self.characterName(code))): \(expectation)"
        return PatternError(reason, at: consumed, of: bytes)
    }

    private static func characterName(_ code: UInt32) -> String {
        if code < 0x20 || code >= 0x7F && code < 0xA0 { return "(CTRL-CHAR, code \(code))" }
        let shown = Unicode.Scalar(code).map { String($0) } ?? "?"
        let hexadecimal = code > 0xFF ? " / 0x" + String(code, radix: 16) : ""
        return "'\(shown)' (code \(code)\(hexadecimal))"
    }
}
