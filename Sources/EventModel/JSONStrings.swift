/// Finding, decoding and writing JSON strings over bytes.
public enum JSONStrings {
    /// Returns the offset of the closing quote of the string whose first byte is at `start`.
    static func end(of bytes: [UInt8], from start: Int) throws(JSONError) -> (end: Int, hasEscapes: Bool) {
        var position = start
        var hasEscapes = false
        while position < bytes.count {
            let byte = bytes[position]
            if byte == UInt8(ascii: "\"") {
                return (position, hasEscapes)
            } else if byte == UInt8(ascii: "\\") {
                hasEscapes = true
                position = try escapeEnd(bytes, position)
            } else if byte < 0x20 {
                throw JSONError(.controlCharacter, at: position)
            } else if byte < 0x80 {
                position += 1
            } else {
                position = try scalarEnd(bytes, position)
            }
        }
        throw JSONError(.unexpectedEnd, at: position)
    }

    private static func escapeEnd(_ bytes: [UInt8], _ start: Int) throws(JSONError) -> Int {
        guard start + 1 < bytes.count else { throw JSONError(.unexpectedEnd, at: bytes.count) }
        switch bytes[start + 1] {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"), UInt8(ascii: "b"), UInt8(ascii: "f"),
            UInt8(ascii: "n"), UInt8(ascii: "r"), UInt8(ascii: "t"):
            return start + 2
        case UInt8(ascii: "u"):
            guard hexValue(bytes, start + 2) != nil else { throw JSONError(.invalidEscape, at: start) }
            return start + 6
        default:
            throw JSONError(.invalidEscape, at: start)
        }
    }

    /// Checks one multi-byte UTF-8 sequence (RFC 3629) and returns the offset behind it.
    private static func scalarEnd(_ bytes: [UInt8], _ start: Int) throws(JSONError) -> Int {
        let first = bytes[start]
        let length: Int
        var secondLow: UInt8 = 0x80
        var secondHigh: UInt8 = 0xBF
        switch first {
        case 0xC2...0xDF: length = 2
        case 0xE0...0xEF:
            length = 3
            if first == 0xE0 { secondLow = 0xA0 }
            if first == 0xED { secondHigh = 0x9F }
        case 0xF0...0xF4:
            length = 4
            if first == 0xF0 { secondLow = 0x90 }
            if first == 0xF4 { secondHigh = 0x8F }
        default: throw JSONError(.invalidUTF8, at: start)
        }
        guard start + length <= bytes.count, bytes[start + 1] >= secondLow, bytes[start + 1] <= secondHigh else {
            throw JSONError(.invalidUTF8, at: start)
        }
        for offset in (start + 2)..<max(start + 2, start + length) where bytes[offset] & 0xC0 != 0x80 {
            throw JSONError(.invalidUTF8, at: start)
        }
        return start + length
    }

    /// The value of four hexadecimal digits at `offset`, or nil.
    static func hexValue(_ bytes: [UInt8], _ offset: Int) -> UInt32? {
        guard offset + 4 <= bytes.count else { return nil }
        var value: UInt32 = 0
        for index in offset..<(offset + 4) {
            let byte = bytes[index]
            let digit: UInt8
            switch byte {
            case 0x30...0x39: digit = byte - 0x30
            case 0x41...0x46: digit = byte - 0x41 + 10
            case 0x61...0x66: digit = byte - 0x61 + 10
            default: return nil
            }
            value = value << 4 | UInt32(digit)
        }
        return value
    }

    /// Appends the decoded bytes of a string token.
    ///
    /// An unpaired surrogate escape becomes its three-byte WTF-8 form, so that it still equals only itself
    /// (spec: patterns §2.19).
    ///
    /// - Parameters:
    ///   - bytes: the text that the token was read from.
    ///   - token: a key or string token of that text.
    ///   - output: what the decoded bytes are appended to.
    public static func decode(_ bytes: [UInt8], _ token: JSONToken, into output: inout [UInt8]) {
        guard token.hasEscapes else {
            output.append(contentsOf: bytes[token.start..<token.end])
            return
        }
        var position = token.start
        while position < token.end {
            let byte = bytes[position]
            guard byte == UInt8(ascii: "\\") else {
                output.append(byte)
                position += 1
                continue
            }
            let escape = bytes[position + 1]
            position += 2
            switch escape {
            case UInt8(ascii: "b"): output.append(0x08)
            case UInt8(ascii: "f"): output.append(0x0C)
            case UInt8(ascii: "n"): output.append(0x0A)
            case UInt8(ascii: "r"): output.append(0x0D)
            case UInt8(ascii: "t"): output.append(0x09)
            case UInt8(ascii: "u"):
                var scalar = hexValue(bytes, position) ?? 0xFFFD
                position += 4
                if scalar & 0xFC00 == 0xD800, position + 6 <= token.end, bytes[position] == UInt8(ascii: "\\"),
                    bytes[position + 1] == UInt8(ascii: "u"), let low = hexValue(bytes, position + 2),
                    low & 0xFC00 == 0xDC00
                {
                    scalar = 0x10000 + (scalar & 0x3FF) << 10 + (low & 0x3FF)
                    position += 6
                }
                appendUTF8(scalar, to: &output)
            default: output.append(escape)
            }
        }
    }

    /// Appends the UTF-8 (for surrogates: WTF-8) bytes of a code point.
    public static func appendUTF8(_ scalar: UInt32, to output: inout [UInt8]) {
        switch scalar {
        case 0..<0x80:
            output.append(UInt8(scalar))
        case 0x80..<0x800:
            output.append(UInt8(0xC0 | scalar >> 6))
            output.append(UInt8(0x80 | scalar & 0x3F))
        case 0x800..<0x10000:
            output.append(UInt8(0xE0 | scalar >> 12))
            output.append(UInt8(0x80 | scalar >> 6 & 0x3F))
            output.append(UInt8(0x80 | scalar & 0x3F))
        default:
            output.append(UInt8(0xF0 | scalar >> 18 & 0x07))
            output.append(UInt8(0x80 | scalar >> 12 & 0x3F))
            output.append(UInt8(0x80 | scalar >> 6 & 0x3F))
            output.append(UInt8(0x80 | scalar & 0x3F))
        }
    }

    /// Appends UTF-8 text as a JSON string with its quotes. `/` and non-ASCII text stay as they are (spec: patterns §1.3).
    public static func append(_ text: some Sequence<UInt8>, to output: inout [UInt8]) {
        output.append(UInt8(ascii: "\""))
        appendContent(text, to: &output)
        output.append(UInt8(ascii: "\""))
    }

    /// Appends UTF-8 text escaped for a JSON string, without quotes.
    public static func appendContent(_ text: some Sequence<UInt8>, to output: inout [UInt8]) {
        for byte in text {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"):
                output.append(UInt8(ascii: "\\"))
                output.append(byte)
            case 0x20...: output.append(byte)
            case 0x08: output.append(contentsOf: [UInt8(ascii: "\\"), UInt8(ascii: "b")])
            case 0x09: output.append(contentsOf: [UInt8(ascii: "\\"), UInt8(ascii: "t")])
            case 0x0A: output.append(contentsOf: [UInt8(ascii: "\\"), UInt8(ascii: "n")])
            case 0x0C: output.append(contentsOf: [UInt8(ascii: "\\"), UInt8(ascii: "f")])
            case 0x0D: output.append(contentsOf: [UInt8(ascii: "\\"), UInt8(ascii: "r")])
            default:
                output.append(contentsOf: Array("\\u00".utf8))
                output.append(hexDigit(byte >> 4))
                output.append(hexDigit(byte & 0xF))
            }
        }
    }

    private static func hexDigit(_ value: UInt8) -> UInt8 {
        value < 10 ? 0x30 + value : 0x61 + value - 10
    }
}
