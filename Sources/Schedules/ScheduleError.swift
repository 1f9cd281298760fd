/// Why a schedule expression is refused: `ValidationException`, HTTP 400.
public struct ScheduleError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The kinds of fault.
    public enum Reason: Hashable, Sendable {
        /// A rule with a schedule on another bus than the default one.
        case onlyOnDefaultBus
        /// More than 256 characters.
        case tooLong
        /// Neither `rate(…)` nor `cron(…)` nor, where admitted, `at(…)`.
        case unknownForm
        /// A rate that is not a positive integer, one space and a unit.
        case invalidRate
        /// A rate whose unit is singular or plural against its number.
        case unitDisagrees
        /// Another number of fields than six.
        case fieldCount(Int)
        /// A field of `cron` that breaks its grammar; the item that does.
        case invalidField(name: String, item: String)
        /// Not exactly one of day-of-month and day-of-week is `?`.
        case dayFieldsConflict
        /// Not a local date and time, or not one of the calendar.
        case invalidTime
    }

    /// What is wrong.
    public let reason: Reason

    /// Creates an error.
    public init(_ reason: Reason) {
        self.reason = reason
    }

    /// The message of the API's answer (spec: patterns §8.1, §8.5).
    ///
    /// - Parameters:
    ///   - expression: the expression as it was sent.
    ///   - dialect: which API answers.
    /// - Returns: the message.
    public func message(expression: String, dialect: ScheduleDialect) -> String {
        switch dialect {
        case .scheduler: return "Invalid Schedule Expression \(expression)."
        case .rule where reason == .onlyOnDefaultBus:
            return "ScheduleExpression is supported only on the default event bus."
        case .rule: return "Parameter ScheduleExpression is not valid."
        }
    }

    /// The reason in words, for people.
    public var description: String {
        switch reason {
        case .onlyOnDefaultBus: return "schedules are supported only on the default event bus"
        case .tooLong: return "longer than \(ScheduleExpression.maximumLength) characters"
        case .unknownForm: return "not of the form rate(...), cron(...) or, for the scheduler, at(...)"
        case .invalidRate: return "a rate is a positive integer, one space and minute(s), hour(s) or day(s)"
        case .unitDisagrees: return "the unit is singular exactly for the number 1"
        case .fieldCount(let count): return "\(count) fields instead of six"
        case .invalidField(let name, let item): return "\(name) cannot hold '\(item)'"
        case .dayFieldsConflict: return "exactly one of day-of-month and day-of-week must be ?"
        case .invalidTime: return "not a date and time of the form yyyy-mm-ddThh:mm:ss"
        }
    }
}
