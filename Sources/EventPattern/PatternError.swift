/// Why a text is not an event pattern, in the words of the service (spec: patterns §3.1-§3.3).
public struct PatternError: Error, Hashable, Sendable, CustomStringConvertible {
    /// A place in a pattern's text.
    public struct Location: Hashable, Sendable {
        /// The line, from 1.
        public var line: Int
        /// UTF-16 units consumed on the line, plus 1.
        public var column: Int

        /// Creates a location.
        public init(line: Int, column: Int) {
            self.line = line
            self.column = column
        }
    }

    /// The reason alone, without its location lines.
    public let reason: String
    /// Where the reader stood; nil for CIDR, complexity and size errors.
    public let location: Location?
    /// The reason followed by its location lines.
    let located: String

    /// The complete text, which begins with `Event pattern is not valid. Reason: `.
    public var message: String { "Event pattern is not valid. Reason: " + located }

    /// The complete text.
    public var description: String { message }

    /// An error without a location.
    init(_ reason: String) {
        self.reason = reason
        location = nil
        located = reason
    }

    /// An error at a location of `source`.
    init(_ reason: String, at location: Location, of source: [UInt8]) {
        self.reason = reason
        self.location = location
        located = reason + "\n at " + PatternSource.describe(location, of: source)
    }

    /// The same error with one more location line behind it.
    init(_ inner: PatternError, again location: Location, of source: [UInt8]) {
        reason = inner.reason
        self.location = location
        located = inner.located + "\n at " + PatternSource.describe(location, of: source)
    }
}

/// The echo of a pattern's text inside an error.
enum PatternSource {
    /// UTF-16 units of the text that are echoed.
    static let echoedUnits = 500

    /// `[Source: (String)"<text>"; line: L, column: C]` (spec: patterns §3.2).
    static func describe(_ location: PatternError.Location, of source: [UInt8]) -> String {
        var text: [UInt8] = Array("[Source: (String)\"".utf8)
        var units = 0
        var position = 0
        while position < source.count, units < echoedUnits {
            let length = WTF8.length(source[position])
            if length == 4, units + 2 > echoedUnits {
                // The cut splits a surrogate pair; UTF-8 cannot carry half of one.
                text.append(UInt8(ascii: "?"))
                units += 1
                break
            }
            appendEchoed(source, position, min(length, source.count - position), to: &text)
            units += length == 4 ? 2 : 1
            position += length
        }
        text.append(UInt8(ascii: "\""))
        let total = WTF8.units(source, 0, source.count)
        if total > echoedUnits {
            text.append(contentsOf: "[truncated \(total - echoedUnits) chars]".utf8)
        }
        text.append(contentsOf: "; line: \(location.line), column: \(location.column)]".utf8)
        return String(decoding: text, as: UTF8.self)
    }

    /// Control characters other than the line ends are echoed as `\uXXXX`.
    private static func appendEchoed(_ source: [UInt8], _ position: Int, _ length: Int, to text: inout [UInt8]) {
        let byte = source[position]
        var control: UInt8?
        if length == 1, byte < 0x20 || byte == 0x7F, byte != 0x0A, byte != 0x0D { control = byte }
        if length == 2, byte == 0xC2, source[position + 1] < 0xA0 { control = source[position + 1] }
        guard let control else {
            text.append(contentsOf: source[position..<(position + length)])
            return
        }
        let digits = String(control, radix: 16, uppercase: true)
        text.append(contentsOf: ("\\u" + String(repeating: "0", count: 4 - digits.utf8.count) + digits).utf8)
    }
}
