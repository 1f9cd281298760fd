import EventModel
import SansIO

/// `cron(<minute> <hour> <day-of-month> <month> <day-of-week> <year>)` (spec: patterns §8.3).
public struct CronExpression: Sendable, Hashable {
    /// Bits 0...59.
    private let minutes: UInt64
    /// Bits 0...23.
    private let hours: UInt64
    /// Bits 1...12.
    private let months: UInt64
    private let days: CronDays
    /// From 1970 on.
    private let years: [Bool]

    /// Parses what stands between the parentheses: six fields with one space or more between them.
    init(_ content: ArraySlice<UInt8>) throws(ScheduleError) {
        let space = UInt8(ascii: " ")
        let fields = content.split(separator: space)
        guard fields.count == 6, content.first != space, content.last != space else {
            throw ScheduleError(.fieldCount(fields.count))
        }
        minutes = CronDays.bits(try CronField.minute.values(fields[0]), low: 0)
        hours = CronDays.bits(try CronField.hour.values(fields[1]), low: 0)
        months = CronDays.bits(try CronField.month.values(fields[3]), low: 1)
        days = try CronDays(dayOfMonth: fields[2], dayOfWeek: fields[4])
        years = try CronField.year.values(fields[5])
    }

    /// The first occurrence after an instant, on a full minute of the zone's clocks.
    ///
    /// A local time that clocks skip has no occurrence; one that they show twice has one, the first
    /// (spec: patterns §8.6). The search ends with the year 2199, after at most a few thousand months.
    public func next(after: Timestamp, in zone: ZoneTransitions = .utc) -> Timestamp? {
        let seconds = Int(after.seconds)
        let localSeconds = seconds + zone.offset(atSeconds: seconds)
        let lastMinute = CivilTime.days(year: CronField.year.high + 1, month: 1, day: 1) * 1_440 - 1
        var minute = max(0, localSeconds / 60)
        while minute <= lastMinute, let found = firstMinute(from: minute) {
            if let instant = zone.instant(ofLocalSeconds: found * 60), instant > after { return instant }
            minute = found + 1
        }
        return nil
    }

    /// The first selected minute at or behind `minute`; both counted from 1970-01-01T00:00 on the same clock.
    private func firstMinute(from minute: Int) -> Int? {
        let start = CivilTime(Timestamp(milliseconds: Int64(minute) * 60_000))
        for year in start.year...max(start.year, CronField.year.high) {
            guard year <= CronField.year.high, years[year - CronField.year.low] else { continue }
            let firstMonth = year == start.year ? start.month : 1
            for month in firstMonth...12 where months >> UInt64(month) & 1 == 1 {
                let isStart = year == start.year && month == start.month
                if let found = firstMinute(year: year, month: month, from: isStart ? start : nil) { return found }
            }
        }
        return nil
    }

    private func firstMinute(year: Int, month: Int, from start: CivilTime?) -> Int? {
        var mask = days.mask(year: year, month: month)
        if let start { mask &= .max << UInt32(start.day) }
        while mask != 0 {
            let day = mask.trailingZeroBitCount
            mask &= mask - 1
            let isStart = day == start?.day
            let hour = isStart ? start?.hour ?? 0 : 0
            let minute = isStart ? start?.minute ?? 0 : 0
            if let inDay = firstMinuteOfDay(hour: hour, minute: minute) {
                return CivilTime.days(year: year, month: month, day: day) * 1_440 + inDay
            }
        }
        return nil
    }

    private func firstMinuteOfDay(hour: Int, minute: Int) -> Int? {
        if hours >> UInt64(hour) & 1 == 1 {
            let left = minutes & (.max << UInt64(minute))
            if left != 0 { return hour * 60 + left.trailingZeroBitCount }
        }
        let later = hours & (.max << UInt64(hour + 1))
        guard later != 0, minutes != 0 else { return nil }
        return later.trailingZeroBitCount * 60 + minutes.trailingZeroBitCount
    }
}
