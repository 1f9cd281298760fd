import EventModel

/// Why an event given for testing a pattern is refused (spec: patterns §3.5).
public enum EventFault: Hashable, Sendable {
    /// Not a JSON object, or a mandatory member is missing.
    case notAnEvent
    /// `time` is not an ISO-8601 instant.
    case invalidTime

    /// The service's message.
    public var message: String {
        switch self {
        case .notAnEvent: "Parameter Event is not valid."
        case .invalidTime: "Parameter Event is not valid. Reason: Invalid time."
        }
    }
}

/// Checks events given for testing a pattern (spec: patterns §3.5).
public enum EventValidation {
    private static let mandatory: [[UInt8]] = ["id", "account", "source", "time", "region", "detail-type"].map {
        Array($0.utf8)
    }

    /// Returns what is wrong with an event's text, or nil. Of the values only that of `time` is looked at.
    public static func check(_ event: [UInt8]) -> EventFault? {
        var reader = JSONReader(event)
        var isPresent = [Bool](repeating: false, count: mandatory.count)
        var hasValidTime = true
        do throws(JSONError) {
            guard try reader.next().kind == .objectStart else { return .notAnEvent }
            while true {
                let token = try reader.next()
                guard token.kind == .key else {
                    if token.kind == .end { break }
                    continue
                }
                var key: [UInt8] = []
                JSONStrings.decode(event, token, into: &key)
                let value = try reader.next()
                if let index = mandatory.firstIndex(of: key) {
                    isPresent[index] = true
                    if key.elementsEqual("time".utf8) { hasValidTime = isInstant(event, value) }
                }
                try reader.skip(value)
            }
        } catch {
            return .notAnEvent
        }
        guard !isPresent.contains(false) else { return .notAnEvent }
        return hasValidTime ? nil : .invalidTime
    }

    private static func isInstant(_ event: [UInt8], _ token: JSONToken) -> Bool {
        guard token.kind == .string else { return false }
        var text: [UInt8] = []
        JSONStrings.decode(event, token, into: &text)
        var cursor = InstantCursor(text: text)
        return cursor.isInstant()
    }
}

/// Reads `YYYY-MM-DDThh:mm:ss[.fraction]` with `Z` or an offset.
private struct InstantCursor {
    let text: [UInt8]
    var position = 0

    init(text: [UInt8]) {
        self.text = text
    }

    mutating func isInstant() -> Bool {
        guard let year = number(4), accept("-"), let month = number(2), accept("-"), let day = number(2),
            accept("T") || accept("t"), let hour = number(2), accept(":"), let minute = number(2), accept(":"),
            let second = number(2)
        else { return false }
        guard (1...12).contains(month), day >= 1, day <= Self.days(in: month, of: year) else { return false }
        guard hour < 24, minute < 60, second < 60 else { return false }
        if accept(".") {
            let start = position
            while position < text.count, text[position] &- 0x30 < 10 { position += 1 }
            guard position > start, position - start <= 9 else { return false }
        }
        guard zone() else { return false }
        return position == text.count
    }

    private mutating func zone() -> Bool {
        if accept("Z") || accept("z") { return true }
        guard accept("+") || accept("-"), let hours = number(2), hours <= 18 else { return false }
        guard position < text.count else { return true }
        _ = accept(":")
        guard let minutes = number(2) else { return false }
        return minutes < 60
    }

    private mutating func accept(_ character: Unicode.Scalar) -> Bool {
        guard position < text.count, UInt32(text[position]) == character.value else { return false }
        position += 1
        return true
    }

    private mutating func number(_ digits: Int) -> Int? {
        guard position + digits <= text.count else { return nil }
        var value = 0
        for _ in 0..<digits {
            let digit = text[position] &- 0x30
            guard digit < 10 else { return nil }
            value = value * 10 + Int(digit)
            position += 1
        }
        return value
    }

    private static func days(in month: Int, of year: Int) -> Int {
        let next = month == 12 ? (year + 1, 1) : (year, month + 1)
        return CivilTime.days(year: next.0, month: next.1, day: 1) - CivilTime.days(year: year, month: month, day: 1)
    }
}
