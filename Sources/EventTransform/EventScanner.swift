import EventModel

/// Moves over the bytes of an event without looking deeper than it must.
///
/// It checks bounds, not the grammar: events are validated where they are accepted, and a value that nobody asked for is
/// passed over at the speed of a byte loop.
enum EventScanner {
    /// A string with its quotes.
    struct QuotedText {
        /// Offset of the opening quote.
        var start: Int
        /// Offset behind the closing quote.
        var end: Int
        var hasEscapes: Bool
    }

    static func skipWhiteSpace(_ bytes: [UInt8], _ start: Int) -> Int {
        var position = start
        while position < bytes.count {
            switch bytes[position] {
            case 0x20, 0x09, 0x0A, 0x0D: position += 1
            default: return position
            }
        }
        return position
    }

    /// The string whose opening quote is at `start`; nil when there is none or it does not end.
    static func string(_ bytes: [UInt8], _ start: Int) -> QuotedText? {
        guard start < bytes.count, bytes[start] == UInt8(ascii: "\"") else { return nil }
        var position = start + 1
        var hasEscapes = false
        while position < bytes.count {
            switch bytes[position] {
            case UInt8(ascii: "\""): return QuotedText(start: start, end: position + 1, hasEscapes: hasEscapes)
            case UInt8(ascii: "\\"):
                hasEscapes = true
                position += 2
            default: position += 1
            }
        }
        return nil
    }

    /// The offset behind the value at `start`; nil when none begins there or it does not end.
    static func skipValue(_ bytes: [UInt8], _ start: Int) -> Int? {
        guard start < bytes.count else { return nil }
        switch bytes[start] {
        case UInt8(ascii: "\""): return string(bytes, start)?.end
        case UInt8(ascii: "{"), UInt8(ascii: "["): return skipContainer(bytes, start)
        default: return skipScalar(bytes, start)
        }
    }

    private static func skipContainer(_ bytes: [UInt8], _ start: Int) -> Int? {
        var depth = 0
        var position = start
        while position < bytes.count {
            switch bytes[position] {
            case UInt8(ascii: "{"), UInt8(ascii: "["):
                depth += 1
                position += 1
            case UInt8(ascii: "}"), UInt8(ascii: "]"):
                depth -= 1
                position += 1
                if depth == 0 { return position }
            case UInt8(ascii: "\""):
                guard let text = string(bytes, position) else { return nil }
                position = text.end
            default: position += 1
            }
        }
        return nil
    }

    private static func skipScalar(_ bytes: [UInt8], _ start: Int) -> Int? {
        var position = start
        scan: while position < bytes.count {
            switch bytes[position] {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"),
                UInt8(ascii: "+"), UInt8(ascii: "."), UInt8(ascii: "E"):
                position += 1
            default: break scan
            }
        }
        return position > start ? position : nil
    }

    /// The decoded content of a string; nil when an escape is broken.
    static func decode(_ bytes: [UInt8], _ text: QuotedText) -> [UInt8]? {
        guard text.hasEscapes else { return Array(bytes[(text.start + 1)..<(text.end - 1)]) }
        let quoted = Array(bytes[text.start..<text.end])
        var reader = JSONReader(quoted)
        guard let token = try? reader.next(), token.kind == .string else { return nil }
        var decoded: [UInt8] = []
        decoded.reserveCapacity(quoted.count)
        JSONStrings.decode(quoted, token, into: &decoded)
        return decoded
    }
}
