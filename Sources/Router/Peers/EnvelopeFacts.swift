import EventModel

/// What the receiver of an event reads out of it before it believes anything else.
struct EnvelopeFacts {
    var source = ""
    var detailType = ""
    var account = ""

    private static let texts = ["id", "detail-type", "source", "account", "time", "region"]

    /// Reads an envelope through to its end; nil unless it is an event: one JSON object with each of the members that an
    /// event has, once, of their kind (spec: patterns §1.1).
    init?(_ envelope: [UInt8]) {
        var reader = JSONReader(envelope)
        var seen: Set<String> = []
        do throws(JSONError) {
            guard try reader.next().kind == .objectStart else { return nil }
            while true {
                let key = try reader.next()
                guard key.kind == .key else { break }
                let name = Self.text(envelope, key)
                let value = try reader.next()
                guard seen.insert(name).inserted, Self.isFitting(name, value.kind) else { return nil }
                switch name {
                case "source": source = Self.text(envelope, value)
                case "detail-type": detailType = Self.text(envelope, value)
                case "account": account = Self.text(envelope, value)
                default: break
                }
                try reader.skip(value)
            }
            guard try reader.next().kind == .end else { return nil }
        } catch {
            return nil
        }
        guard Self.texts.allSatisfy(seen.contains), seen.contains("detail"), AccountID(account) != nil else {
            return nil
        }
    }

    private static func isFitting(_ name: String, _ kind: JSONToken.Kind) -> Bool {
        if name == "detail" { return kind == .objectStart }
        return !texts.contains(name) || kind == .string
    }

    private static func text(_ envelope: [UInt8], _ token: JSONToken) -> String {
        if !token.hasEscapes { return String(decoding: envelope[token.range], as: UTF8.self) }
        var bytes: [UInt8] = []
        JSONStrings.decode(envelope, token, into: &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }
}
