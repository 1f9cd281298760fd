import EventModel

/// A JSON value that knows where in the text it stands, for errors with positions and for edits that leave the rest alone.
struct LocatedJSON {
    indirect enum Content {
        case string(String)
        case number(String)
        case bool(Bool)
        case null
        case array([LocatedJSON])
        case object([Member])
    }

    struct Member {
        var key: String
        var keyOffset: Int
        var value: LocatedJSON
    }

    var content: Content
    /// The bytes of the value, quotes and brackets included.
    var range: Range<Int>

    /// Nesting beyond this is refused; a policy needs seven levels.
    static let maximumDepth = 24

    init(parsing text: [UInt8]) throws(JSONError) {
        var reader = JSONReader(text, maximumDepth: Self.maximumDepth)
        let first = try reader.next()
        self = try Self.value(first, &reader)
        _ = try reader.next()
    }

    private init(_ content: Content, _ range: Range<Int>) {
        self.content = content
        self.range = range
    }

    private static func value(_ token: JSONToken, _ reader: inout JSONReader) throws(JSONError) -> LocatedJSON {
        switch token.kind {
        case .objectStart: return try object(token, &reader)
        case .arrayStart: return try array(token, &reader)
        case .string: return LocatedJSON(.string(text(token, reader)), token.start - 1..<token.end + 1)
        case .number:
            return LocatedJSON(.number(String(decoding: reader.bytes[token.range], as: UTF8.self)), token.range)
        case .true: return LocatedJSON(.bool(true), token.range)
        case .false: return LocatedJSON(.bool(false), token.range)
        default: return LocatedJSON(.null, token.range)
        }
    }

    private static func object(_ start: JSONToken, _ reader: inout JSONReader) throws(JSONError) -> LocatedJSON {
        var members: [Member] = []
        while true {
            let key = try reader.next()
            guard key.kind == .key else { return LocatedJSON(.object(members), start.start..<key.end) }
            let name = text(key, reader)
            let first = try reader.next()
            members.append(Member(key: name, keyOffset: key.start - 1, value: try value(first, &reader)))
        }
    }

    private static func array(_ start: JSONToken, _ reader: inout JSONReader) throws(JSONError) -> LocatedJSON {
        var elements: [LocatedJSON] = []
        while true {
            let token = try reader.next()
            guard token.kind != .arrayEnd else { return LocatedJSON(.array(elements), start.start..<token.end) }
            elements.append(try value(token, &reader))
        }
    }

    private static func text(_ token: JSONToken, _ reader: JSONReader) -> String {
        var decoded: [UInt8] = []
        decoded.reserveCapacity(token.end - token.start)
        JSONStrings.decode(reader.bytes, token, into: &decoded)
        return String(decoding: decoded, as: UTF8.self)
    }
}
