/// A query string as the canonical request wants it (spec: control §2.2): each name and value normalised to RFC 3986
/// without a second encoding, pairs in byte order of the encoded text.
struct CanonicalQuery {
    struct Pair {
        var name: Range<Int>
        var value: Range<Int>
    }

    /// The normalised names and values, one after the other.
    private(set) var text: [UInt8] = []
    private(set) var pairs: [Pair] = []

    /// Reads the query of a request target; a target without one has no pairs.
    init(target: String) {
        let target = Array(target.utf8)
        let question = target.firstIndex(of: ASCII.question) ?? target.endIndex
        self.init(query: target[question...].dropFirst())
    }

    init(query: ArraySlice<UInt8>) {
        text.reserveCapacity(query.count + 32)
        for part in query.split(separator: ASCII.ampersand) {
            let equals = part.firstIndex(of: ASCII.equals) ?? part.endIndex
            let name = appendNormalised(part[..<equals])
            let value = appendNormalised(part[equals...].dropFirst())
            pairs.append(Pair(name: name, value: value))
        }
        let text = text
        pairs.sort { left, right in
            if text[left.name] != text[right.name] {
                return text[left.name].lexicographicallyPrecedes(text[right.name])
            }
            return text[left.value].lexicographicallyPrecedes(text[right.value])
        }
    }

    /// The decoded value of the first pair with this name, or nil.
    func value(_ name: String) -> [UInt8]? {
        for pair in pairs where name.hasBytes(text[pair.name]) {
            return percentDecoded(text[pair.value])
        }
        return nil
    }

    /// Appends the canonical form. The signature of a presigned request is never part of what it signs.
    func append(to out: inout [UInt8]) {
        var isFirst = true
        for pair in pairs where !"X-Amz-Signature".hasBytes(text[pair.name]) {
            if !isFirst { out.append(ASCII.ampersand) }
            isFirst = false
            out.append(contentsOf: text[pair.name])
            out.append(ASCII.equals)
            out.append(contentsOf: text[pair.value])
        }
    }

    /// Unreserved bytes stand for themselves, everything else is escaped in upper case; `+` is a plus, not a space.
    private mutating func appendNormalised(_ part: ArraySlice<UInt8>) -> Range<Int> {
        let start = text.count
        var index = part.startIndex
        while index < part.endIndex {
            var byte = part[index]
            index += 1
            if byte == ASCII.percent, part.endIndex - index >= 2,
                let high = hexadecimalValue(part[index]), let low = hexadecimalValue(part[index + 1])
            {
                byte = high << 4 | low
                index += 2
            }
            if isUnreserved(byte) {
                text.append(byte)
            } else {
                appendEscaped(byte, to: &text)
            }
        }
        return start..<text.count
    }
}
