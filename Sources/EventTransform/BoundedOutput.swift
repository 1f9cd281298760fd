/// Collects the bytes of a payload up to a limit; what goes beyond is dropped and remembered as an excess.
struct BoundedOutput {
    private(set) var bytes: [UInt8] = []
    private(set) var exceeded = false
    private let limit: Int
    /// White space that was dropped: reading it is work, so it is bounded too.
    private var droppedSpaces = 0

    init(limit: Int) {
        self.limit = limit
    }

    mutating func reserve(_ count: Int) {
        bytes.reserveCapacity(min(count, limit))
    }

    mutating func append(_ text: StaticString) {
        text.withUTF8Buffer { append($0[...]) }
    }

    mutating func append(_ more: some RandomAccessCollection<UInt8>) {
        let room = limit - bytes.count
        if more.count > room {
            exceeded = true
            bytes.append(contentsOf: more.prefix(room))
        } else {
            bytes.append(contentsOf: more)
        }
    }

    /// Appends the JSON text in `range` of `event` without the white space between its tokens.
    ///
    /// With `dropsQuotes` every `"` is left out as well (spec: patterns §4.5).
    mutating func appendCompact(_ event: [UInt8], _ range: Range<Int>, dropsQuotes: Bool = false) {
        var runStart = range.lowerBound
        var position = runStart
        var inString = false
        while position < range.upperBound, !exceeded {
            let byte = event[position]
            let drops: Bool
            switch byte {
            case UInt8(ascii: "\""):
                inString.toggle()
                drops = dropsQuotes
            case UInt8(ascii: "\\") where inString:
                if dropsQuotes, position + 1 < range.upperBound, event[position + 1] == UInt8(ascii: "\"") {
                    append(event[runStart...position])
                    runStart = position + 2
                }
                position += 2
                continue
            case 0x20 where !inString, 0x09 where !inString, 0x0A where !inString, 0x0D where !inString:
                drops = true
                droppedSpaces += 1
                if droppedSpaces > limit { exceeded = true }
            default: drops = false
            }
            if drops {
                append(event[runStart..<position])
                runStart = position + 1
            }
            position += 1
        }
        if runStart < range.upperBound { append(event[runStart..<range.upperBound]) }
    }

    /// Appends an array of the JSON texts in `ranges`.
    mutating func appendCompact(_ event: [UInt8], listOf ranges: [Range<Int>], dropsQuotes: Bool = false) {
        append("[")
        for (index, range) in ranges.enumerated() {
            if exceeded { return }
            if index > 0 { append(",") }
            appendCompact(event, range, dropsQuotes: dropsQuotes)
        }
        append("]")
    }

    /// The bytes, cut back to whole characters when there was an excess.
    var wholeCharacters: [UInt8] {
        guard exceeded else { return bytes }
        var end = bytes.count
        for length in 1...4 where length <= bytes.count {
            let byte = bytes[bytes.count - length]
            if byte < 0x80 { break }
            if byte >= 0xC0 {
                let needed = byte >= 0xF0 ? 4 : byte >= 0xE0 ? 3 : 2
                if needed > length { end = bytes.count - length }
                break
            }
        }
        return Array(bytes[..<end])
    }
}
