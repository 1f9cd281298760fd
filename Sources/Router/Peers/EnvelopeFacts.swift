import EventModel

/// What the receiver of an event reads out of it before it believes anything else.
struct EnvelopeFacts {
    var source = ""
    var detailType = ""
    var account: AccountID

    /// A member that an event has, or may have.
    private enum Member: Int {
        case detail, source, detailType, account, id, time, region
        case version, resources

        /// What its value has to be; nil when the receiver does not care.
        var kind: JSONToken.Kind? {
            switch self {
            case .detail: .objectStart
            case .version, .resources: nil
            default: .string
            }
        }

        static let needed = (1 << (Member.region.rawValue + 1)) - 1
    }

    /// Reads an envelope through to its end; nil unless it is an event: one JSON object with each of the members that an
    /// event has, once, of their kind (spec: patterns §1.1). It stands in `envelope` behind an offset.
    init?(_ envelope: [UInt8], from start: Int = 0) {
        var reader = JSONReader(envelope, from: start)
        var seen = 0
        var others: Set<[UInt8]> = []
        var account: AccountID?
        do throws(JSONError) {
            guard try reader.next().kind == .objectStart else { return nil }
            while true {
                let key = try reader.next()
                guard key.kind == .key else { break }
                let value = try reader.next()
                if let member = Self.member(envelope, key) {
                    let bit = 1 << member.rawValue
                    guard seen & bit == 0, member.kind.map({ $0 == value.kind }) ?? true else { return nil }
                    seen |= bit
                    switch member {
                    case .source: source = Self.text(envelope, value)
                    case .detailType: detailType = Self.text(envelope, value)
                    case .account: account = Self.account(envelope, value)
                    default: break
                    }
                } else {
                    guard others.insert(Self.bytes(envelope, key)).inserted else { return nil }
                }
                try reader.skip(value)
            }
            guard try reader.next().kind == .end else { return nil }
        } catch {
            return nil
        }
        guard seen & Member.needed == Member.needed, let account else { return nil }
        self.account = account
    }

    /// Which of an event's members a key names; nil for another one.
    private static func member(_ envelope: [UInt8], _ key: JSONToken) -> Member? {
        if key.hasEscapes { return bytes(envelope, key).withUnsafeBufferPointer(member) }
        return envelope.withUnsafeBufferPointer { member(UnsafeBufferPointer(rebasing: $0[key.range])) }
    }

    private static func member(_ name: UnsafeBufferPointer<UInt8>) -> Member? {
        switch name.count {
        case 2: matches(name, "id") ? .id : nil
        case 4: matches(name, "time") ? .time : nil
        case 6:
            if matches(name, "detail") {
                .detail
            } else if matches(name, "source") {
                .source
            } else {
                matches(name, "region") ? .region : nil
            }
        case 7:
            if matches(name, "account") {
                .account
            } else {
                matches(name, "version") ? .version : nil
            }
        case 9: matches(name, "resources") ? .resources : nil
        case 11: matches(name, "detail-type") ? .detailType : nil
        default: nil
        }
    }

    /// Compares a name with one of the same length.
    private static func matches(_ name: UnsafeBufferPointer<UInt8>, _ member: StaticString) -> Bool {
        for index in 0..<name.count where name[index] != member.utf8Start[index] { return false }
        return true
    }

    private static func text(_ envelope: [UInt8], _ token: JSONToken) -> String {
        if !token.hasEscapes { return String(decoding: envelope[token.range], as: UTF8.self) }
        return String(decoding: bytes(envelope, token), as: UTF8.self)
    }

    /// Twelve digits.
    private static func account(_ envelope: [UInt8], _ token: JSONToken) -> AccountID? {
        if token.hasEscapes { return AccountID(text(envelope, token)) }
        guard token.range.count == 12 else { return nil }
        var number: UInt64 = 0
        for index in token.range {
            guard (0x30...0x39).contains(envelope[index]) else { return nil }
            number = number * 10 + UInt64(envelope[index] - 0x30)
        }
        return AccountID(number: number)
    }

    private static func bytes(_ envelope: [UInt8], _ token: JSONToken) -> [UInt8] {
        if !token.hasEscapes { return Array(envelope[token.range]) }
        var bytes: [UInt8] = []
        JSONStrings.decode(envelope, token, into: &bytes)
        return bytes
    }
}
