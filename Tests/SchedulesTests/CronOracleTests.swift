import EventModel
import SansIO
import Schedules
import Testing

/// `cron` against an oracle that tries every minute and knows no calendar arithmetic but counting.
@Suite struct CronOracleTests {
    /// A calendar that is advanced minute by minute.
    private struct Clock {
        var year: Int
        var month: Int
        var day = 1
        var hour = 0
        var minute = 0
        /// 1 for Sunday.
        var weekday: Int
        var milliseconds: Int64

        var monthLength: Int {
            let isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
            return [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][month - 1]
        }

        mutating func advanceDay() {
            weekday = weekday % 7 + 1
            day += 1
            guard day > monthLength else { return }
            day = 1
            month += 1
            guard month > 12 else { return }
            month = 1
            year += 1
        }

        mutating func advance() {
            milliseconds += 60_000
            minute += 1
            guard minute == 60 else { return }
            minute = 0
            hour += 1
            guard hour == 24 else { return }
            hour = 0
            advanceDay()
        }
    }

    private struct Sample {
        var text: String
        var minutes: Set<Int>
        var hours: Set<Int>
        var months: Set<Int>
        var matchesDay: (Clock) -> Bool
    }

    private func field(_ low: Int, _ high: Int, steps: Bool, _ random: inout SeededGenerator) -> (String, Set<Int>) {
        var texts: [String] = []
        var values: Set<Int> = []
        for _ in 0..<Int.random(in: 1...3, using: &random) {
            let first = Int.random(in: low...high, using: &random)
            let last = Int.random(in: low...high, using: &random)
            let step = steps ? Int.random(in: 1...9, using: &random) : 1
            let suffix = steps ? "/\(step)" : ""
            var end = first
            switch Int.random(in: 0..<6, using: &random) {
            case 0:
                texts.append("*" + suffix)
                for value in low...high where (value - low) % step == 0 { values.insert(value) }
                continue
            case 1 where steps:
                texts.append("\(first)/\(step)")
                end = high
            case 2, 3:
                texts.append("\(first)-\(last)" + suffix)
                end = last
            default:
                texts.append("\(first)")
            }
            // Walk from the first value to the last, over the field's end where the range wraps.
            var value = first
            var distance = 0
            while true {
                if distance % step == 0 { values.insert(value) }
                if value == end { break }
                value = value == high ? low : value + 1
                distance += 1
            }
        }
        return (texts.joined(separator: ","), values)
    }

    private func sample(_ random: inout SeededGenerator) -> Sample {
        let (minuteText, minutes) = field(0, 59, steps: true, &random)
        let (hourText, hours) = field(0, 23, steps: true, &random)
        let (monthText, months) = field(1, 12, steps: true, &random)
        let dayText: String
        let matches: (Clock) -> Bool
        switch Int.random(in: 0..<7, using: &random) {
        case 0:
            let (text, days) = field(1, 31, steps: true, &random)
            (dayText, matches) = ("\(text) M ?", { days.contains($0.day) })
        case 1:
            let (text, days) = field(1, 7, steps: false, &random)
            (dayText, matches) = ("? M \(text)", { days.contains($0.weekday) })
        case 2:
            let before = Int.random(in: 0...30, using: &random)
            (dayText, matches) = (before == 0 ? "L M ?" : "L-\(before) M ?", { $0.day == $0.monthLength - before })
        case 3:
            let day = Int.random(in: 1...31, using: &random)
            (dayText, matches) = ("\(day)W M ?", { isNearestWeekday($0, to: day) })
        case 4:
            let weekday = Int.random(in: 1...7, using: &random)
            (dayText, matches) = ("? M \(weekday)L", { $0.weekday == weekday && $0.day + 7 > $0.monthLength })
        case 5:
            let weekday = Int.random(in: 1...7, using: &random)
            let number = Int.random(in: 1...5, using: &random)
            (dayText, matches) = (
                "? M \(weekday)#\(number)",
                { $0.weekday == weekday && $0.day > 7 * (number - 1) && $0.day <= 7 * number }
            )
        default:
            (dayText, matches) = ("* M ?", { _ in true })
        }
        let days = dayText.split(separator: "M").joined(separator: monthText)
        return Sample(
            text: "cron(\(minuteText) \(hourText) \(days) *)",
            minutes: minutes,
            hours: hours,
            months: months,
            matchesDay: matches
        )
    }

    /// Tries the distances 0, 1, 2 from the wanted day for the first weekday inside the month.
    private func isNearestWeekday(_ clock: Clock, to day: Int) -> Bool {
        guard day <= clock.monthLength else { return false }
        for distance in [0, -1, 1, -2, 2] {
            let candidate = day + distance
            guard candidate >= 1, candidate <= clock.monthLength else { continue }
            let weekday = ((clock.weekday - 1 + candidate - clock.day) % 7 + 7) % 7 + 1
            if (2...6).contains(weekday) { return candidate == clock.day }
        }
        return false
    }

    @Test func agreesWithTryingEveryMinute() throws {
        let seed = UInt64.random(in: 0 ... .max)
        print("CronOracleTests.agreesWithTryingEveryMinute seed \(seed)")
        var random = SeededGenerator(seed: seed)
        for _ in 0..<400 {
            let sample = sample(&random)
            let expression = try ScheduleExpression(sample.text, dialect: .rule)
            // 1 January 2023 was a Sunday, 1672531200 seconds after the epoch.
            var clock = Clock(year: 2023, month: 1, weekday: 1, milliseconds: 1_672_531_200_000)
            for _ in 0..<Int.random(in: 0..<1_500, using: &random) {
                clock.advanceDay()
                clock.milliseconds += 86_400_000
            }
            clock.hour = Int.random(in: 0..<24, using: &random)
            clock.minute = Int.random(in: 0..<60, using: &random)
            clock.milliseconds += Int64(clock.hour * 60 + clock.minute) * 60_000
            let start = Timestamp(milliseconds: clock.milliseconds + Int64.random(in: 0..<60_000, using: &random))
            var expected: Timestamp?
            for _ in 0..<(62 * 1_440) where expected == nil {
                clock.advance()
                if sample.minutes.contains(clock.minute), sample.hours.contains(clock.hour),
                    sample.months.contains(clock.month), sample.matchesDay(clock)
                {
                    expected = Timestamp(milliseconds: clock.milliseconds)
                }
            }
            let found = expression.next(after: start, anchor: start)
            if let expected {
                #expect(found == expected, "\(sample.text) after \(start.milliseconds), seed \(seed)")
            } else {
                let end = Timestamp(milliseconds: clock.milliseconds)
                #expect(found.map { $0 > end } ?? true, "\(sample.text) after \(start.milliseconds), seed \(seed)")
            }
        }
    }

    @Test func neverTrapsOnDamagedExpressions() {
        let seed = UInt64.random(in: 0 ... .max)
        print("CronOracleTests.neverTrapsOnDamagedExpressions seed \(seed)")
        var random = SeededGenerator(seed: seed)
        let alphabet = Array("0123456789*/-,?LW# ()JANMONtat:é".utf8)
        var accepted = 0
        for _ in 0..<20_000 {
            var bytes = Array(sample(&random).text.utf8)
            for _ in 0..<Int.random(in: 1...3, using: &random) {
                let place = Int.random(in: 0..<bytes.count, using: &random)
                bytes[place] = alphabet.randomElement(using: &random) ?? 0x20
            }
            let text = String(decoding: bytes, as: UTF8.self)
            guard let expression = try? ScheduleExpression(text, dialect: .scheduler) else { continue }
            accepted += 1
            let after = Timestamp(milliseconds: Int64.random(in: .min ... .max, using: &random))
            if let next = expression.next(after: after, anchor: .zero) { #expect(next > after) }
        }
        #expect(accepted > 100)
    }
}
