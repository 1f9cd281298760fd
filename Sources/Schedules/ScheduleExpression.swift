import EventModel
import SansIO

/// Whose rules an expression follows.
public enum ScheduleDialect: Sendable, Hashable {
    /// `ScheduleExpression` of a rule: `rate` and `cron`, UTC, singular units exactly for 1 (spec: patterns §8.1-§8.3).
    case rule
    /// `ScheduleExpression` of EventBridge Scheduler: `at` as well, and any number with either form of a unit
    /// (spec: patterns §8.5).
    case scheduler
}

/// When something happens: `rate(…)`, `cron(…)` or `at(…)`.
public enum ScheduleExpression: Sendable, Hashable {
    /// Every so often, counted from an anchor.
    case rate(RateExpression)
    /// At calendar times.
    case cron(CronExpression)
    /// Once.
    case at(OneTimeExpression)

    /// Characters that an expression may have.
    public static let maximumLength = 256

    /// Parses an expression.
    ///
    /// - Parameters:
    ///   - text: the expression, without any padding.
    ///   - dialect: whose rules it follows.
    ///   - onDefaultBus: for rules, whether the rule's bus is the default one; no other takes schedules.
    /// - Throws: ``ScheduleError`` (spec: patterns §8.1).
    public init(_ text: String, dialect: ScheduleDialect, onDefaultBus: Bool = true) throws(ScheduleError) {
        guard onDefaultBus || dialect == .scheduler else { throw ScheduleError(.onlyOnDefaultBus) }
        guard text.unicodeScalars.count <= Self.maximumLength else { throw ScheduleError(.tooLong) }
        let bytes = Array(text.utf8)
        if let content = Self.content(of: bytes, behind: "rate(") {
            self = .rate(try RateExpression(content, isStrict: dialect == .rule))
        } else if let content = Self.content(of: bytes, behind: "cron(") {
            self = .cron(try CronExpression(content))
        } else if dialect == .scheduler, let content = Self.content(of: bytes, behind: "at(") {
            self = .at(try OneTimeExpression(content))
        } else {
            throw ScheduleError(.unknownForm)
        }
    }

    private static func content(of bytes: [UInt8], behind opening: StaticString) -> ArraySlice<UInt8>? {
        let length = opening.utf8CodeUnitCount
        guard bytes.count > length, bytes.last == UInt8(ascii: ")"),
            opening.withUTF8Buffer({ $0.elementsEqual(bytes[..<length]) })
        else { return nil }
        return bytes[length..<(bytes.count - 1)]
    }

    /// The first occurrence after an instant.
    ///
    /// - Parameters:
    ///   - after: occurrences up to and including this instant are over.
    ///   - anchor: what a rate counts from: its first occurrence is one interval later. The creation of a rule, its last
    ///     change or enabling (spec: patterns §8.2); for a Scheduler `StartDate`, that date less one interval.
    ///   - zone: what `cron` and `at` mean by local time; rules use UTC.
    /// - Returns: the instant; nil when there is none any more.
    public func next(after: Timestamp, anchor: Timestamp, in zone: ZoneTransitions = .utc) -> Timestamp? {
        switch self {
        case .rate(let rate): return rate.next(after: after, anchor: anchor)
        case .cron(let cron): return cron.next(after: after, in: zone)
        case .at(let once): return once.next(after: after, in: zone)
        }
    }
}
