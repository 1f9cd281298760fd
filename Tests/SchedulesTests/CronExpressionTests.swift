import EventModel
import SansIO
import Schedules
import Testing

@Suite struct CronExpressionTests {
    private func instant(_ year: Int, _ month: Int, _ day: Int, _ hour: Int = 0, _ minute: Int = 0) -> Timestamp {
        let minutes = (CivilTime.days(year: year, month: month, day: day) * 24 + hour) * 60 + minute
        return Timestamp(milliseconds: Int64(minutes) * 60_000)
    }

    /// The next occurrences as text, without seconds.
    private func occurrences(
        _ text: String,
        after: Timestamp,
        count: Int,
        in zone: ZoneTransitions = .utc
    ) throws -> [String] {
        let expression = try ScheduleExpression(text, dialect: .scheduler)
        var found: [String] = []
        var now = after
        while found.count < count, let next = expression.next(after: now, anchor: now, in: zone) {
            #expect(next > now)
            found.append(String(CivilTime(next).iso8601.dropLast(4)))
            now = next
        }
        return found
    }

    /// spec: patterns §8.3
    @Test(arguments: [
        ("cron(*/15 * * * ? *)", ["2026-01-01T00:15", "2026-01-01T00:30", "2026-01-01T00:45", "2026-01-01T01:00"]),
        ("cron(1/20 5 * * ? *)", ["2026-01-01T05:01", "2026-01-01T05:21", "2026-01-01T05:41", "2026-01-02T05:01"]),
        ("cron(0-30/10 5 * * ? *)", ["2026-01-01T05:00", "2026-01-01T05:10", "2026-01-01T05:20", "2026-01-01T05:30"]),
        ("cron(0 20-2/3 * * ? *)", ["2026-01-01T02:00", "2026-01-01T20:00", "2026-01-01T23:00", "2026-01-02T02:00"]),
        ("cron(50-10/5 7 * * ? *)", ["2026-01-01T07:00", "2026-01-01T07:05", "2026-01-01T07:10", "2026-01-01T07:50"]),
        ("cron(0 0 1 NOV-FEB ? *)", ["2026-02-01T00:00", "2026-11-01T00:00", "2026-12-01T00:00", "2027-01-01T00:00"]),
        ("cron(0 0 ? * FRI-MON *)", ["2026-01-02T00:00", "2026-01-03T00:00", "2026-01-04T00:00", "2026-01-05T00:00"]),
        ("cron(0 1 28-3 2 ? *)", ["2026-02-01T01:00", "2026-02-02T01:00", "2026-02-03T01:00", "2026-02-28T01:00"]),
        ("cron(0 9 L * ? *)", ["2026-01-31T09:00", "2026-02-28T09:00", "2026-03-31T09:00", "2026-04-30T09:00"]),
        ("cron(0 9 L-28 * ? *)", ["2026-01-03T09:00", "2026-03-03T09:00", "2026-04-02T09:00", "2026-05-03T09:00"]),
        // 1 February and 1 March 2026 are Sundays, 1 August is a Saturday.
        ("cron(0 9 1W 2-8 ? *)", ["2026-02-02T09:00", "2026-03-02T09:00", "2026-04-01T09:00", "2026-05-01T09:00"]),
        ("cron(0 9 1W 8 ? *)", ["2026-08-03T09:00", "2027-08-02T09:00"]),
        ("cron(0 9 31W 1-5 ? *)", ["2026-01-30T09:00", "2026-03-31T09:00", "2026-05-29T09:00", "2027-01-29T09:00"]),
        ("cron(0 9 LW 1-5 ? *)", ["2026-01-30T09:00", "2026-02-27T09:00", "2026-03-31T09:00", "2026-04-30T09:00"]),
        ("cron(0 9 ? * 6L *)", ["2026-01-30T09:00", "2026-02-27T09:00", "2026-03-27T09:00", "2026-04-24T09:00"]),
        ("cron(0 9 ? * SAT#3 *)", ["2026-01-17T09:00", "2026-02-21T09:00", "2026-03-21T09:00", "2026-04-18T09:00"]),
        ("cron(0 9 ? * 5#5 *)", ["2026-01-29T09:00", "2026-04-30T09:00", "2026-07-30T09:00", "2026-10-29T09:00"]),
        ("cron(0 9 ? * L *)", ["2026-01-03T09:00", "2026-01-10T09:00"]),
        ("cron(0 0 29 2 ? *)", ["2028-02-29T00:00", "2032-02-29T00:00", "2036-02-29T00:00"]),
        ("cron(0 0 1 1 ? 2026-2030/2)", ["2028-01-01T00:00", "2030-01-01T00:00"]),
        ("cron(59 23 31 12 ? 2199)", ["2199-12-31T23:59"]),
    ])
    func fires(text: String, expected: [String]) throws {
        // Where the years end, one more is asked for than there are.
        let last = text.contains("2199") || text.contains("2030") ? expected.count + 1 : expected.count
        #expect(try occurrences(text, after: instant(2026, 1, 1), count: last) == expected)
    }

    /// spec: patterns §8.3 "A date that never exists", "Past years are admitted"
    @Test(arguments: [
        "cron(0 0 30 2 ? *)", "cron(0 0 31 2,4,6,9,11 ? *)", "cron(0 0 31W 2 ? *)", "cron(0 0 L-30 2 ? *)",
        "cron(0 0 * * ? 1970-2025)", "cron(0 0 29 2 ? 2100)",
    ])
    func neverFires(text: String) throws {
        #expect(try occurrences(text, after: instant(2026, 1, 1), count: 1) == [])
    }

    @Test func standsAnyInstant() throws {
        let expression = try ScheduleExpression("cron(* * * * ? *)", dialect: .rule)
        let first = Timestamp.zero
        #expect(expression.next(after: Timestamp(milliseconds: .min), anchor: .zero) == first)
        #expect(expression.next(after: Timestamp(milliseconds: -1), anchor: .zero) == first)
        #expect(expression.next(after: first, anchor: .zero) == Timestamp(milliseconds: 60_000))
        #expect(
            expression.next(after: Timestamp(milliseconds: 59_999), anchor: .zero) == Timestamp(milliseconds: 60_000)
        )
        #expect(expression.next(after: instant(2199, 12, 31, 23, 58), anchor: .zero) == instant(2199, 12, 31, 23, 59))
        #expect(expression.next(after: instant(2199, 12, 31, 23, 59), anchor: .zero) == nil)
        #expect(expression.next(after: .distantFuture, anchor: .zero) == nil)
    }

    /// New York in 2026: clocks go from 02:00 to 03:00 on 8 March and from 02:00 back to 01:00 on 1 November.
    private let newYork = ZoneTransitions(
        initialOffset: -5 * 3_600,
        transitions: [
            .init(seconds: 1_772_953_200, offset: -4 * 3_600), .init(seconds: 1_793_512_800, offset: -5 * 3_600),
        ]
    )

    /// spec: patterns §8.6 "a local time that does not exist is skipped"
    @Test func skipsLocalTimesThatDoNotExist() throws {
        #expect(
            try occurrences("cron(30 2 * * ? *)", after: instant(2026, 3, 6, 12), count: 3, in: newYork)
                == ["2026-03-07T07:30", "2026-03-09T06:30", "2026-03-10T06:30"]
        )
        #expect(
            try occurrences("cron(0 1-4 8 3 ? 2026)", after: instant(2026, 3, 8), count: 9, in: newYork)
                == ["2026-03-08T06:00", "2026-03-08T07:00", "2026-03-08T08:00"]
        )
        #expect(try occurrences("at(2026-03-08T02:30:00)", after: .zero, count: 1, in: newYork) == [])
    }

    /// spec: patterns §8.6 "a local time that occurs twice runs once"
    @Test func runsRepeatedLocalTimesOnce() throws {
        #expect(
            try occurrences("cron(30 1 * * ? *)", after: instant(2026, 10, 31), count: 3, in: newYork)
                == ["2026-10-31T05:30", "2026-11-01T05:30", "2026-11-02T06:30"]
        )
        #expect(
            try occurrences("cron(*/30 * 1 11 ? 2026)", after: instant(2026, 11, 1, 4, 45), count: 4, in: newYork)
                == ["2026-11-01T05:00", "2026-11-01T05:30", "2026-11-01T07:00", "2026-11-01T07:30"]
        )
        #expect(
            try occurrences("cron(*/30 * * * ? *)", after: instant(2026, 11, 1, 6, 20), count: 1, in: newYork)
                == ["2026-11-01T07:00"]
        )
        #expect(
            try occurrences("at(2026-11-01T01:30:00)", after: .zero, count: 2, in: newYork) == ["2026-11-01T05:30"]
        )
    }

    /// Samoa left out 30 December 2011.
    @Test func skipsWholeDays() throws {
        let samoa = ZoneTransitions(
            initialOffset: -10 * 3_600,
            transitions: [.init(seconds: 1_325_239_200, offset: 14 * 3_600)]
        )
        #expect(
            try occurrences("cron(0 12 * * ? *)", after: instant(2011, 12, 29), count: 3, in: samoa)
                == ["2011-12-29T22:00", "2011-12-30T22:00", "2011-12-31T22:00"]
        )
        #expect(samoa.offset(atSeconds: 1_325_239_199) == -36_000)
        #expect(samoa.offset(atSeconds: 1_325_239_200) == 50_400)
    }
}
