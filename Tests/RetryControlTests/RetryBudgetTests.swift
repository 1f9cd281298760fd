import RetryControl
import SansIO
import Testing

@Suite struct RetryBudgetTests {
    private let start = Timestamp(milliseconds: 1_768_480_496_000)

    @Test func fiveFreshAttemptsEarnARetry() {
        var budget = RetryBudget(RetryBudget.Settings(floorPerSecond: 0), now: start)
        #expect(budget.takeRetry(now: start) == .denied(until: nil))
        for _ in 0..<4 { budget.noteFreshAttempt(now: start) }
        #expect(budget.takeRetry(now: start) == .denied(until: nil))
        budget.noteFreshAttempt(now: start)
        #expect(budget.available == 1)
        #expect(budget.takeRetry(now: start) == .granted)
        #expect(budget.takeRetry(now: start) == .denied(until: nil))
        budget.returnRetry()
        #expect(budget.takeRetry(now: start) == .granted)
    }

    @Test func theFloorAloneKeepsRetriesGoing() {
        var budget = RetryBudget(now: start)
        for _ in 0..<10 { #expect(budget.takeRetry(now: start) == .granted) }
        #expect(budget.takeRetry(now: start) == .denied(until: start + .milliseconds(100)))
        #expect(budget.takeRetry(now: start + .milliseconds(100)) == .granted)
        #expect(budget.takeRetry(now: start + .milliseconds(100)) == .denied(until: start + .milliseconds(200)))
    }

    @Test func savingsAreBounded() {
        var budget = RetryBudget(now: start)
        for _ in 0..<10_000 { budget.noteFreshAttempt(now: start) }
        #expect(budget.available == 100)
        let later = start + .seconds(86_400)
        var granted = 0
        while budget.takeRetry(now: later) == .granted { granted += 1 }
        #expect(granted == 100)
    }

    @Test func retriesStayInProportion() {
        let seed: UInt64 = .random(in: 0 ... .max)
        print("retriesStayInProportion seed \(seed)")
        var generator = SeededGenerator(seed: seed)
        var budget = RetryBudget(now: start)
        var now = start
        var (fresh, granted) = (0, 0)
        for _ in 0..<50_000 {
            now = now + .milliseconds(Int64.random(in: 0...3, using: &generator))
            if Int.random(in: 0..<3, using: &generator) == 0 {
                budget.noteFreshAttempt(now: now)
                fresh += 1
            } else if budget.takeRetry(now: now) == .granted {
                granted += 1
            }
        }
        let seconds = Double((now - start).milliseconds) / 1000
        let earned = 10 + 10 * seconds + 0.2 * Double(fresh)
        #expect(Double(granted) <= earned)
        #expect(Double(granted) >= earned - 102)
    }
}
