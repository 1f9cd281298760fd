import EventModel
import SansIO
import Testing

@Suite struct CivilTimeTests {
    @Test(arguments: [
        (0, "1970-01-01T00:00:00.000Z"), (-1, "1969-12-31T23:59:59.999Z"),
        (951_782_400_000, "2000-02-29T00:00:00.000Z"),
        (951_868_799_999, "2000-02-29T23:59:59.999Z"), (951_868_800_000, "2000-03-01T00:00:00.000Z"),
        (1_709_164_800_000, "2024-02-29T00:00:00.000Z"), (4_107_542_400_000, "2100-03-01T00:00:00.000Z"),
        (4_107_456_000_000, "2100-02-28T00:00:00.000Z"), (1_735_689_599_000, "2024-12-31T23:59:59.000Z"),
        (-2_203_891_200_000, "1900-03-01T00:00:00.000Z"), (253_402_300_799_999, "9999-12-31T23:59:59.999Z"),
        (-62_135_596_800_000, "0001-01-01T00:00:00.000Z"),
    ])
    func knownInstants(_ milliseconds: Int, _ expected: String) {
        let time = CivilTime(Timestamp(milliseconds: Int64(milliseconds)))
        #expect(time.iso8601Milliseconds == expected)
        #expect(time.iso8601 == String(expected.prefix(19)) + "Z")
    }

    /// Every day of 800 years, counted on by the rules of the calendar.
    @Test func everyDay() {
        var days = CivilTime.days(year: 1600, month: 1, day: 1)
        var date = (year: 1600, month: 1, day: 1)
        while date.year < 2400 {
            let time = CivilTime(Timestamp(milliseconds: Int64(days) * 86_400_000 + 86_399_999))
            if time.year != date.year || time.month != date.month || time.day != date.day
                || CivilTime.days(year: date.year, month: date.month, day: date.day) != days
            {
                Issue.record("\(date) is day \(days) and came back as \(time)")
                return
            }
            let isLeap = date.year % 4 == 0 && (date.year % 100 != 0 || date.year % 400 == 0)
            let lengths = [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
            date.day += 1
            if date.day > lengths[date.month - 1] { date = (date.year, date.month + 1, 1) }
            if date.month > 12 { date = (date.year + 1, 1, 1) }
            days += 1
        }
        #expect(days == CivilTime.days(year: 2400, month: 1, day: 1))
        #expect(CivilTime.days(year: 1970, month: 1, day: 1) == 0)
    }

    @Test func partsOfADay() {
        let time = CivilTime(Timestamp(milliseconds: (3_600 * 13 + 60 * 45 + 59) * 1_000 + 7))
        #expect([time.hour, time.minute, time.second, time.millisecond] == [13, 45, 59, 7])
    }
}
