/// Finding, decoding and writing JSON strings over bytes.
public enum JSONStrings {
    /// Returns the offset of the closing quote of the string whose first byte is at `start`.
    static func end(of bytes: [UInt8], from start: Int) throws(JSONError) -> (end: Int, hasEscapes: Bool) {
        var position = start
        var hasEscapes = false
        while true {
            position = plainEnd(bytes, position)
            guard position < bytes.count else { throw JSONError(.unexpectedEnd, at: position) }
            let byte = bytes[position]
            if byte == UInt8(ascii: "\"") {
                return (position, hasEscapes)
            } else if byte == UInt8(ascii: "\\") {
                hasEscapes = true
                position = try escapeEnd(bytes, position)
            } else if byte < 0x20 {
                throw JSONError(.controlCharacter, at: position)
            } else {
                position = try scalarEnd(bytes, position)
            }
        }
    }

    /// The offset of the first byte from `start` on that is a quote, a backslash, a control character or not ASCII.
    ///
    /// Eight bytes at a time: this loop reads most of what comes in. It reads words only where eight bytes are left.
    private static func plainEnd(_ bytes: [UInt8], _ start: Int) -> Int {
        bytes.withUnsafeBytes { text in
            var position = start
            while position + 8 <= text.count {
                let word = UInt64(littleEndian: text.loadUnaligned(fromByteOffset: position, as: UInt64.self))
                let special = Self.specialBytes(word)
                guard special == 0 else { return position + special.trailingZeroBitCount / 8 }
                position += 8
            }
            while position < text.count {
                let byte = text[position]
                if byte < 0x20 || byte >= 0x80 || byte == 0x22 || byte == 0x5C { return position }
                position += 1
            }
            return position
        }
    }

    /// The high bit of each byte that is a quote, a backslash, a control character or not ASCII; exact up to the lowest one.
    private static func specialBytes(_ word: UInt64) -> UInt64 {
        let ones: UInt64 = 0x0101_0101_0101_0101
        let highs: UInt64 = 0x8080_8080_8080_8080
        let quote = word ^ (ones &* 0x22)
        let backslash = word ^ (ones &* 0x5C)
        let isQuote = (quote &- ones) & ~quote
        let isBackslash = (backslash &- ones) & ~backslash
        let isControl = (word &- ones &* 0x20) & ~word
        return (isQuote | isBackslash | isControl | word) & highs
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
    static func hexValue<Text: RandomAccessCollection>(_ bytes: Text, _ offset: Int) -> UInt32?
    where Text.Element == UInt8, Text.Index == Int {
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
        let decoded = [UInt8](unsafeUninitializedCapacity: token.end - token.start) { buffer, count in
            count = decode(bytes, token, into: buffer)
        }
        output.append(contentsOf: decoded)
    }

    /// The decoded text of a string token; unpaired surrogates become U+FFFD.
    static func text(_ bytes: [UInt8], _ token: JSONToken) -> String {
        guard token.hasEscapes else { return String(decoding: bytes[token.range], as: UTF8.self) }
        return String(unsafeUninitializedCapacity: token.end - token.start) { buffer in
            decode(bytes, token, into: buffer)
        }
    }

    /// Decodes into a buffer that is at least as long as the token, which decoding never lengthens: every escape is longer
    /// than what it stands for. Returns the number of bytes written.
    private static func decode(_ bytes: [UInt8], _ token: JSONToken, into buffer: UnsafeMutableBufferPointer<UInt8>)
        -> Int
    {
        var writer = ByteWriter(buffer: buffer)
        bytes.withUnsafeBufferPointer { bytes in
            var position = token.start
            while position < token.end {
                let byte = bytes[position]
                guard byte == UInt8(ascii: "\\") else {
                    writer.append(byte)
                    position += 1
                    continue
                }
                let escape = bytes[position + 1]
                position += 2
                switch escape {
                case UInt8(ascii: "b"): writer.append(0x08)
                case UInt8(ascii: "f"): writer.append(0x0C)
                case UInt8(ascii: "n"): writer.append(0x0A)
                case UInt8(ascii: "r"): writer.append(0x0D)
                case UInt8(ascii: "t"): writer.append(0x09)
                case UInt8(ascii: "u"): writer.append(scalar: scalar(bytes, &position, before: token.end))
                default: writer.append(escape)
                }
            }
        }
        return writer.count
    }

    /// The code point of the `\u` escape whose digits begin at `position`, with the low surrogate that may follow.
    private static func scalar(_ bytes: UnsafeBufferPointer<UInt8>, _ position: inout Int, before end: Int) -> UInt32 {
        let first = hexValue(bytes, position) ?? 0xFFFD
        position += 4
        guard first & 0xFC00 == 0xD800, position + 6 <= end, bytes[position] == UInt8(ascii: "\\"),
            bytes[position + 1] == UInt8(ascii: "u"), let low = hexValue(bytes, position + 2), low & 0xFC00 == 0xDC00
        else { return first }
        position += 6
        return 0x10000 + (first & 0x3FF) << 10 + (low & 0x3FF)
    }

    /// Fills a buffer from its start. The buffer is long enough by the caller's word; bounds are still checked in debug.
    private struct ByteWriter {
        let buffer: UnsafeMutableBufferPointer<UInt8>
        var count = 0

        mutating func append(_ byte: UInt8) {
            buffer[count] = byte
            count += 1
        }

        mutating func append(scalar: UInt32) {
            switch scalar {
            case 0..<0x80:
                append(UInt8(scalar))
            case 0x80..<0x800:
                append(UInt8(0xC0 | scalar >> 6))
                append(UInt8(0x80 | scalar & 0x3F))
            case 0x800..<0x10000:
                append(UInt8(0xE0 | scalar >> 12))
                append(UInt8(0x80 | scalar >> 6 & 0x3F))
                append(UInt8(0x80 | scalar & 0x3F))
            default:
                append(UInt8(0xF0 | scalar >> 18 & 0x07))
                append(UInt8(0x80 | scalar >> 12 & 0x3F))
                append(UInt8(0x80 | scalar >> 6 & 0x3F))
                append(UInt8(0x80 | scalar & 0x3F))
            }
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
        let isDone = text.withContiguousStorageIfAvailable { bytes in
            guard bytes.allSatisfy({ $0 >= 0x20 && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "\\") }) else {
                return false
            }
            output.append(contentsOf: bytes)
            return true
        }
        if isDone == true { return }
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
