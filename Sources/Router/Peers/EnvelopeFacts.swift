import EventModel

/// What the receiver of an event reads out of it before it believes anything else.
struct EnvelopeFacts {
    var source = ""
    var detailType = ""
    var account = ""

    /// The members that an event has, as a set of bits in ``seen``.
    private static let members: [(name: StaticString, kind: JSONToken.Kind)] = [
        ("detail", .objectStart), ("source", .string), ("detail-type", .string), ("account", .string), ("id", .string),
        ("time", .string), ("region", .string),
    ]

    /// Reads an envelope through to its end; nil unless it is an event: one JSON object with each of the members that an
    /// event has, once, of their kind (spec: patterns §1.1).
    init?(_ envelope: [UInt8]) {
        var reader = JSONReader(envelope)
        var seen = 0
        var others: Set<[UInt8]> = []
        do throws(JSONError) {
            guard try reader.next().kind == .objectStart else { return nil }
            while true {
                let key = try reader.next()
                guard key.kind == .key else { break }
                let value = try reader.next()
                if let member = Self.member(envelope, key) {
                    guard seen & (1 << member) == 0, value.kind == Self.members[member].kind else { return nil }
                    seen |= 1 << member
                    take(envelope, value, of: member)
                } else {
                    guard others.insert(Self.bytes(envelope, key)).inserted else { return nil }
                }
                try reader.skip(value)
            }
            guard try reader.next().kind == .end else { return nil }
        } catch {
            return nil
        }
        guard seen == (1 << Self.members.count) - 1, AccountID(account) != nil else { return nil }
    }

    private mutating func take(_ envelope: [UInt8], _ value: JSONToken, of member: Int) {
        switch member {
        case 1: source = Self.text(envelope, value)
        case 2: detailType = Self.text(envelope, value)
        case 3: account = Self.text(envelope, value)
        default: break
        }
    }

    /// Which of an event's members a key names; nil for another one.
    private static func member(_ envelope: [UInt8], _ key: JSONToken) -> Int? {
        if key.hasEscapes { return index(of: bytes(envelope, key)[...]) }
        return index(of: envelope[key.range])
    }

    private static func index(of name: ArraySlice<UInt8>) -> Int? {
        for index in members.indices where members[index].name.utf8CodeUnitCount == name.count {
            let candidate = members[index].name
            if candidate.withUTF8Buffer({ $0.elementsEqual(name) }) { return index }
        }
        return nil
    }

    private static func text(_ envelope: [UInt8], _ token: JSONToken) -> String {
        if !token.hasEscapes { return String(decoding: envelope[token.range], as: UTF8.self) }
        return String(decoding: bytes(envelope, token), as: UTF8.self)
    }

    private static func bytes(_ envelope: [UInt8], _ token: JSONToken) -> [UInt8] {
        if !token.hasEscapes { return Array(envelope[token.range]) }
        var bytes: [UInt8] = []
        JSONStrings.decode(envelope, token, into: &bytes)
        return bytes
    }
}
