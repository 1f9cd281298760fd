import Testing

@testable import Transport

@Suite struct RateBudgetTests {
    private func spend(_ times: Int, of budget: inout RateBudget, now: UInt64) -> [Bool] {
        (0..<times).map { _ in budget.spend(now: now) }
    }

    @Test func aFullBucketLastsForItsCapacity() {
        var budget = RateBudget(capacity: 3, window: .seconds(3))
        let spent = spend(4, of: &budget, now: 5)
        #expect(spent == [true, true, true, false])
    }

    @Test func tokensComeBackOneByOne() {
        var budget = RateBudget(capacity: 3, window: .seconds(3))
        for _ in 0..<3 { _ = budget.spend(now: 0) }
        #expect(spend(1, of: &budget, now: 999_999_999) == [false])
        #expect(spend(1, of: &budget, now: 1_000_000_000) == [true])
        #expect(spend(1, of: &budget, now: 1_000_000_000) == [false])
        let spent = spend(4, of: &budget, now: 100_000_000_000)
        #expect(spent == [true, true, true, false])
    }

    @Test func timeThatGoesBackEarnsNothing() {
        var budget = RateBudget(capacity: 1, window: .seconds(1))
        #expect(spend(1, of: &budget, now: 10_000_000_000) == [true])
        #expect(spend(1, of: &budget, now: 1) == [false])
        #expect(spend(1, of: &budget, now: 10_000_000_001) == [false])
    }
}
