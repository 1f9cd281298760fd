import EventModel
import SansIO
import Schedules
import Testing

@Suite struct ScheduleExpressionTests {
    private func refusal(_ text: String, _ dialect: ScheduleDialect = .rule, onDefaultBus: Bool = true)
        -> ScheduleError?
    {
        do throws(ScheduleError) {
            _ = try ScheduleExpression(text, dialect: dialect, onDefaultBus: onDefaultBus)
            return nil
        } catch {
            return error
        }
    }

    /// spec: patterns §8.2
    @Test(arguments: [
        ("rate(1 minute)", 60_000), ("rate(2 minutes)", 120_000), ("rate(1 hour)", 3_600_000),
        ("rate(5 hours)", 18_000_000),
        ("rate(1 day)", 86_400_000), ("rate(10 days)", 864_000_000), ("rate(1000 minutes)", 60_000_000),
    ])
    func acceptsRates(text: String, milliseconds: Int64) throws {
        for dialect in [ScheduleDialect.rule, .scheduler] {
            guard case .rate(let rate) = try ScheduleExpression(text, dialect: dialect) else {
                Issue.record("\(text) is no rate")
                return
            }
            #expect(rate.interval == .milliseconds(milliseconds))
        }
    }

    /// spec: patterns §8.2 "Refused", §8.5
    @Test(arguments: [
        "rate(10 seconds)", "rate(10 years)", "rate(10 minutess)", "rate(10 MINUTES)", "rate(0 minutes)",
        "rate(-10 minutes)",
        "rate( 10 minutes )", " rate(10 minutes)", "rate(10 minutes) ", "rate()", "rate(10)", "rate(foo minutes)",
        "rate(10  minutes)", "rate(10\tminutes)", "rate(1.5 hours)", "rate(+1 minute)", "Rate(10 minutes)",
        "rate(10 minutes",
        "rate(99999999999999999999 days)", "rate(9223372036854775807 days)", "rate 10 minutes", "10 minutes", "",
    ])
    func refusesRates(text: String) {
        for dialect in [ScheduleDialect.rule, .scheduler] { #expect(refusal(text, dialect) != nil) }
    }

    /// spec: patterns §8.2 "singular exactly when n = 1", §8.5 "agreement not enforced"
    @Test(arguments: ["rate(1 minutes)", "rate(10 minute)", "rate(1 hours)", "rate(2 day)"])
    func onlyRulesWantUnitsToAgree(text: String) {
        #expect(refusal(text)?.reason == .unitDisagrees)
        #expect(refusal(text, .scheduler) == nil)
    }

    /// spec: patterns §8.3, §8.5 "Accepted samples"
    @Test(arguments: [
        "cron(0-15/1 8-8 ? * 2,3,4,5,6,7 *)", "cron(30-30 13-13 ? * 2,4,6 *)", "cron(1-31/30 1-1 ? * 1,7 *)",
        "cron(*/15 * * * ? *)", "cron(0-59/10 0-23/2 ? * * *)", "cron(0 10 * * ? *)", "cron(15 12 ? * MON-FRI *)",
        "cron(0 8 L * ? *)", "cron(0 8 L-3 * ? *)", "cron(0 8 15W * ? *)", "cron(0 8 LW * ? *)",
        "cron(0 8 1,15W,L * ? *)",
        "cron(0 8 ? * 6L *)", "cron(0 8 ? * FRIL *)", "cron(0 8 ? * SAT#3 2026)", "cron(0 8 ? * 7#5 *)",
        "cron(0 8 ? * L *)",
        "cron(0 20-2 ? NOV-FEB fri-Mon 1970-2199)", "cron(50-10/5 0 28-3 JAN,3,dec ? 2020,2030/2)",
        "cron(0 0 30 2 ? *)",
        "cron(0  0   1 1 ?  2000)", "cron(1/10 0 1 1 ? *)", "cron(0 0 1/5 */2 ? *)", "cron(*/100 * * * ? *)",
    ])
    func acceptsCron(text: String) {
        for dialect in [ScheduleDialect.rule, .scheduler] { #expect(refusal(text, dialect) == nil) }
    }

    /// spec: patterns §8.3 "Refused", control §4.2
    @Test(arguments: [
        "cron(0 1 * * *)", "cron(0 1 * * * *)", "cron(0 1 1 * MON *)", "cron(0 1 ? * ? *)", "cron(71 * * * ? *)",
        "cron(71 8 1 * ? *)", "cron(INVALID)", "cron(INVALID * * * ? *)", "cron(0 dummy ? * MON-FRI *)",
        "cron(7 20 * * NOT *)",
        "cron()", "cron(0 1 * * ? * *)", "cron( 0 1 * * ? *)", "cron(0 1 * * ? * )", " cron(0 1 * * ? *)",
        "cron 0 1 * * ? *",
        "0 1 * * ? *", "cron(? 1 * * ? *)", "cron(0 24 * * ? *)", "cron(0 1 0 * ? *)", "cron(0 1 32 * ? *)",
        "cron(0 1 1 0 ? *)", "cron(0 1 1 13 ? *)", "cron(0 1 ? * 0 *)", "cron(0 1 ? * 8 *)", "cron(0 1 1 1 ? 1969)",
        "cron(0 1 1 1 ? 2200)", "cron(0 1 1 1 ? 2030-2020)", "cron(*/0 * * * ? *)", "cron(1/ * * * ? *)",
        "cron(/5 * * * ? *)",
        "cron(1,,2 * * * ? *)", "cron(,1 * * * ? *)", "cron(1- * * * ? *)", "cron(-1 * * * ? *)",
        "cron(1-2-3 * * * ? *)",
        "cron(1/2/3 * * * ? *)", "cron(*-5 * * * ? *)", "cron(L * * * ? *)", "cron(0 L * * ? *)",
        "cron(0 1 L-31 * ? *)",
        "cron(0 1 L- * ? *)", "cron(0 1 L3 * ? *)", "cron(0 1 W * ? *)", "cron(0 1 32W * ? *)", "cron(0 1 1-5W * ? *)",
        "cron(0 1 ? * 2#6 *)", "cron(0 1 ? * 2#0 *)", "cron(0 1 ? * #2 *)", "cron(0 1 ? * 2# *)",
        "cron(0 1 ? * 2#1,3#2 *)",
        "cron(0 1 ? * 2#1,3 *)", "cron(0 1 ? * */2 *)", "cron(0 1 ? * MON/2 *)", "cron(0 1 ? * MONDAY *)",
        "cron(0 1 ? * 8L *)",
        "cron(0 1 ? JANUARY MON *)", "cron(0 1 1#1 * ? *)", "cron(0 1 ? 1#2 MON *)", "cron(0 1 ?,1 * ? *)",
        "cron(é 1 1 * ? *)",
    ])
    func refusesCron(text: String) {
        for dialect in [ScheduleDialect.rule, .scheduler] { #expect(refusal(text, dialect) != nil) }
    }

    /// spec: patterns §8.5, control §4.2 "`at(...)` is scheduler-only"
    @Test func takesOneTimeSchedules() throws {
        let text = "at(2026-02-28T23:59:58)"
        #expect(refusal(text)?.reason == .unknownForm)
        let expression = try ScheduleExpression(text, dialect: .scheduler)
        let instant = Timestamp(milliseconds: 1_772_323_198_000)
        #expect(expression.next(after: .zero, anchor: .zero) == instant)
        #expect(expression.next(after: Timestamp(milliseconds: 1_772_323_197_999), anchor: .zero) == instant)
        #expect(expression.next(after: instant, anchor: .zero) == nil)
        #expect(refusal("at(1999-01-01T00:00:00)", .scheduler) == nil)
        #expect(refusal("at(2024-02-29T00:00:00)", .scheduler) == nil)
    }

    /// spec: patterns §8.5 "no `Z`, no date only"
    @Test(arguments: [
        "at(2026-01-01T00:00:00Z)", "at(2026-01-01)", "at(2026-01-01T00:00)", "at(2026-01-01 00:00:00)",
        "at(2026-02-29T00:00:00)", "at(2026-04-31T00:00:00)", "at(2026-13-01T00:00:00)", "at(2026-00-01T00:00:00)",
        "at(2026-01-00T00:00:00)", "at(2026-01-01T24:00:00)", "at(2026-01-01T00:60:00)", "at(2026-01-01T00:00:60)",
        "at()",
        "at(2026-01-01T00:00:00.000)", " at(2026-01-01T00:00:00)", "at(2100-02-29T00:00:00)",
    ])
    func refusesOneTimeSchedules(text: String) {
        #expect(refusal(text, .scheduler) != nil)
    }

    /// spec: patterns §8.1, §8.5
    @Test func wordsRefusalsAsTheAPIsDo() {
        let rule = refusal("rate(10 seconds)")
        #expect(
            rule?.message(expression: "rate(10 seconds)", dialect: .rule)
                == "Parameter ScheduleExpression is not valid."
        )
        let scheduler = refusal(" rate(10 minutes)", .scheduler)
        #expect(
            scheduler?.message(expression: " rate(10 minutes)", dialect: .scheduler)
                == "Invalid Schedule Expression  rate(10 minutes)."
        )
        for text in ["", "rate(5 minutes)", "nonsense"] {
            #expect(
                refusal(text, onDefaultBus: false)?.message(expression: text, dialect: .rule)
                    == "ScheduleExpression is supported only on the default event bus."
            )
        }
        #expect(refusal("rate(5 minutes)", .scheduler, onDefaultBus: false) == nil)
        #expect(refusal("cron(0 1 ? * 2#6 *)")?.description == "day-of-week cannot hold '2#6'")
    }

    /// spec: patterns §8.1
    @Test func boundsTheLength() {
        let weekdays = Array(repeating: "1", count: 120).joined(separator: ",")
        let longest = "cron(00 1 ? * \(weekdays) *)"
        #expect(longest.utf8.count == 256)
        #expect(refusal(longest) == nil)
        #expect(refusal("cron(00 01 ? * \(weekdays) *)")?.reason == .tooLong)
    }

    /// spec: patterns §8.2 "First firing one interval after creation"
    @Test func ratesKeepTheirCadence() throws {
        let rate = try ScheduleExpression("rate(5 minutes)", dialect: .rule)
        let anchor = Timestamp(milliseconds: 1_000_123)
        let at = { (milliseconds: Int64) in Timestamp(milliseconds: milliseconds) }
        #expect(rate.next(after: anchor, anchor: anchor) == at(1_300_123))
        #expect(rate.next(after: at(1_300_122), anchor: anchor) == at(1_300_123))
        #expect(rate.next(after: at(1_300_123), anchor: anchor) == at(1_600_123))
        #expect(rate.next(after: at(999_999_999), anchor: anchor) == at(1_000_000_123))
        #expect(rate.next(after: .zero, anchor: anchor) == at(1_300_123))
        #expect(rate.next(after: .distantFuture, anchor: anchor) == nil)
        #expect(rate.next(after: .distantFuture, anchor: at(.min)) == nil)
        #expect(rate.next(after: at(.min), anchor: at(.max)) == nil)
    }
}
