import EventModel
import SansIO

/// `at(yyyy-mm-ddThh:mm:ss)`: once, in local time (spec: patterns §8.5).
public struct OneTimeExpression: Sendable, Hashable {
    /// Seconds from 1970-01-01T00:00:00 to the time, both read on the same local clock.
    public let localSeconds: Int

    /// Parses what stands between the parentheses.
    init(_ content: ArraySlice<UInt8>) throws(ScheduleError) {
        let model = Array("0000-00-00T00:00:00".utf8)
        guard content.count == model.count,
            zip(content, model).allSatisfy({ byte, model in model == 0x30 ? byte &- 0x30 < 10 : byte == model })
        else { throw ScheduleError(.invalidTime) }
        let base = content.startIndex
        let number = { (offset: Int, count: Int) in
            content[(base + offset)..<(base + offset + count)].reduce(0) { $0 * 10 + Int($1 &- 0x30) }
        }
        let (year, month, day) = (number(0, 4), number(5, 2), number(8, 2))
        let (hour, minute, second) = (number(11, 2), number(14, 2), number(17, 2))
        guard (1...12).contains(month), day >= 1, day <= GregorianMonth.length(year: year, month: month),
            hour < 24, minute < 60, second < 60
        else { throw ScheduleError(.invalidTime) }
        localSeconds = CivilTime.days(year: year, month: month, day: day) * 86_400 + hour * 3_600 + minute * 60 + second
    }

    /// The instant, if it is later than `after`. Nil as well when the zone's clocks skip the time.
    public func next(after: Timestamp, in zone: ZoneTransitions = .utc) -> Timestamp? {
        guard let instant = zone.instant(ofLocalSeconds: localSeconds), instant > after else { return nil }
        return instant
    }
}

/// Lengths and weekdays of months.
enum GregorianMonth {
    static func length(year: Int, month: Int) -> Int {
        switch month {
        case 2: return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
        case 4, 6, 9, 11: return 30
        default: return 31
        }
    }

    /// The weekday of the first day: 1 for Sunday … 7 for Saturday.
    static func firstWeekday(year: Int, month: Int) -> Int {
        // 1970-01-01 was a Thursday.
        let remainder = (CivilTime.days(year: year, month: month, day: 1) + 4) % 7
        return (remainder < 0 ? remainder + 7 : remainder) + 1
    }
}
