/// The operand of `wildcard` (spec: patterns §2.14).
public struct Wildcard: Hashable, Sendable {
    /// The operand as it was written, escapes included.
    public let text: [UInt8]
    /// The literal pieces between the stars, unescaped: one more than there are stars.
    public let pieces: [[UInt8]]

    /// Parses an operand that JSON has decoded; returns the reason when it is malformed.
    static func parse(_ text: [UInt8]) -> Result<Wildcard, Malformed> {
        var pieces: [[UInt8]] = [[]]
        var index = 0
        while index < text.count {
            var byte = text[index]
            // The position counts bytes behind an opening quote, so that the first byte is 1.
            let position = index + 1
            index += 1
            if byte == UInt8(ascii: "*") {
                guard index >= text.count || text[index] != byte else {
                    return .failure(Malformed(reason: "Consecutive wildcard characters at pos \(position)"))
                }
                pieces.append([])
                continue
            }
            if byte == UInt8(ascii: "\\") {
                guard index < text.count, text[index] == UInt8(ascii: "*") || text[index] == byte else {
                    return .failure(Malformed(reason: "Invalid escape character at pos \(position)"))
                }
                byte = text[index]
                index += 1
            }
            pieces[pieces.count - 1].append(byte)
        }
        return .success(Wildcard(text: text, pieces: pieces))
    }

    struct Malformed: Error {
        var reason: String
    }

    /// Whether `bytes[start..<end]` matches: the first and last piece at the ends, the others in order between.
    func matches(_ bytes: Span<UInt8>, _ start: Int, _ end: Int) -> Bool {
        let first = pieces[0]
        guard Bytes.hasPrefix(bytes, start, end, first) else { return false }
        guard pieces.count > 1 else { return end - start == first.count }
        let last = pieces[pieces.count - 1]
        guard end - start >= first.count + last.count, Bytes.hasSuffix(bytes, start, end, last) else { return false }
        var position = start + first.count
        let limit = end - last.count
        for piece in pieces[1..<(pieces.count - 1)] {
            while true {
                guard position + piece.count <= limit else { return false }
                if Bytes.hasPrefix(bytes, position, limit, piece) { break }
                position += 1
            }
            position += piece.count
        }
        return true
    }
}

/// Comparisons of a range of a span with bytes.
enum Bytes {
    static func hasPrefix(_ bytes: Span<UInt8>, _ start: Int, _ end: Int, _ prefix: [UInt8]) -> Bool {
        guard end - start >= prefix.count else { return false }
        for index in prefix.indices where bytes[start + index] != prefix[index] { return false }
        return true
    }

    static func hasSuffix(_ bytes: Span<UInt8>, _ start: Int, _ end: Int, _ suffix: [UInt8]) -> Bool {
        end - start >= suffix.count && hasPrefix(bytes, end - suffix.count, end, suffix)
    }

    static func equal(_ bytes: Span<UInt8>, _ start: Int, _ end: Int, _ other: [UInt8]) -> Bool {
        end - start == other.count && hasPrefix(bytes, start, end, other)
    }
}
