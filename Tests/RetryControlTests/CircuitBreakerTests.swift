import SansIO
import Testing

@testable import RetryControl

@Suite struct CircuitBreakerTests {
    private let start = Timestamp(milliseconds: 1_768_480_496_000)

    private func pass(_ breaker: inout CircuitBreaker, _ now: Timestamp) throws -> CircuitBreaker.Pass {
        guard case .admitted(let pass) = breaker.admit(now: now) else {
            throw Refused()
        }
        return pass
    }

    private struct Refused: Error {}

    private func run(
        _ breaker: inout CircuitBreaker,
        _ succeeded: Bool,
        _ now: Timestamp,
        _ generator: inout SeededGenerator
    ) throws -> CircuitBreaker.State? {
        let pass = try pass(&breaker, now)
        return breaker.record(pass, succeeded: succeeded, now: now, using: &generator)
    }

    /// Fails until the breaker opens, and returns until when.
    private func open(
        _ breaker: inout CircuitBreaker,
        _ now: Timestamp,
        _ generator: inout SeededGenerator
    ) throws -> Timestamp {
        for _ in 0..<1000 {
            if case .open(let until)? = try run(&breaker, false, now, &generator) { return until }
        }
        throw Refused()
    }

    @Test func opensAfterFailuresInARow() throws {
        var generator = SeededGenerator(seed: 7)
        var reference = SeededGenerator(seed: 7)
        var breaker = CircuitBreaker(now: start)
        for _ in 0..<4 { #expect(try run(&breaker, false, start, &generator) == nil) }
        #expect(try run(&breaker, true, start, &generator) == nil)
        for _ in 0..<4 { #expect(try run(&breaker, false, start, &generator) == nil) }
        let until = start + .milliseconds(2500 + reference.uniform(through: 2500))
        #expect(try run(&breaker, false, start, &generator) == .open(until: until))
        #expect(breaker.state == .open(until: until))
        #expect(breaker.admit(now: start) == .refused(until: until))
        #expect(breaker.admit(now: until + .milliseconds(-1)) == .refused(until: until))
        #expect(try pass(&breaker, until).isProbe)
        #expect(breaker.state == .halfOpen)
    }

    @Test func aProbeFromBeforeTheTargetWasBackDecidesNothing() throws {
        var generator = SeededGenerator(seed: 7)
        var breaker = CircuitBreaker(now: start)
        let until = try open(&breaker, start, &generator)
        let old = try pass(&breaker, until)
        breaker.endOpenTime(now: until + .seconds(5))
        #expect(breaker.record(old, succeeded: false, now: until + .seconds(9), using: &generator) == nil)
        #expect(breaker.state == .halfOpen)
        #expect(try pass(&breaker, until + .seconds(9)).isProbe)
    }

    @Test func opensOnTheFailureRate() throws {
        var generator = SeededGenerator(seed: 7)
        var breaker = CircuitBreaker(now: start)
        for number in 0..<19 { #expect(try run(&breaker, number % 2 == 0, start, &generator) == nil) }
        // 9 of 19 failed so far; the twentieth makes it half.
        guard case .open? = try run(&breaker, false, start, &generator) else {
            Issue.record("10 failures of 20 did not open the breaker")
            return
        }
    }

    @Test func oldOutcomesLeaveTheRate() throws {
        var generator = SeededGenerator(seed: 7)
        var breaker = CircuitBreaker(now: start)
        var now = start
        for number in 0..<400 {
            // One attempt in 700 ms makes at most 15 in the window, too few for the rate.
            now = now + .milliseconds(700)
            #expect(try run(&breaker, number % 2 == 0, now, &generator) == nil)
        }
    }

    @Test func probesAreLimitedAndCloseTheBreaker() throws {
        var generator = SeededGenerator(seed: 7)
        var breaker = CircuitBreaker(now: start)
        let until = try open(&breaker, start, &generator)
        let first = try pass(&breaker, until)
        #expect(breaker.admit(now: until) == .probing(until: until + .seconds(120)))
        #expect(breaker.record(first, succeeded: true, now: until, using: &generator) == nil)
        let second = try pass(&breaker, until)
        #expect(second.isProbe)
        #expect(breaker.record(second, succeeded: true, now: until, using: &generator) == .closed)
        #expect(try !pass(&breaker, until).isProbe)
    }

    @Test func cancelledAndLostProbesMakeRoom() throws {
        var generator = SeededGenerator(seed: 7)
        var breaker = CircuitBreaker(now: start)
        let until = try open(&breaker, start, &generator)
        breaker.cancel(try pass(&breaker, until))
        let lost = try pass(&breaker, until)
        let later = until + .seconds(120)
        #expect(breaker.admit(now: later + .milliseconds(-1)) == .probing(until: later))
        _ = try pass(&breaker, later)
        #expect(breaker.record(lost, succeeded: false, now: later, using: &generator) == nil)
        #expect(breaker.state == .halfOpen)
    }

    @Test func lateOutcomesOfAnEarlierPhaseAreIgnored() throws {
        var generator = SeededGenerator(seed: 7)
        var breaker = CircuitBreaker(now: start)
        let stale = try pass(&breaker, start)
        let until = try open(&breaker, start, &generator)
        #expect(breaker.record(stale, succeeded: true, now: start, using: &generator) == nil)
        #expect(breaker.state == .open(until: until))
        _ = try pass(&breaker, until)
        #expect(breaker.record(stale, succeeded: false, now: until, using: &generator) == nil)
        breaker.cancel(stale)
        #expect(breaker.state == .halfOpen)
        #expect(breaker.admit(now: until) == .probing(until: until + .seconds(120)))
    }

    @Test func openTimesRiseAndCalmResetsThem() throws {
        var generator = SeededGenerator(seed: 7)
        var breaker = CircuitBreaker(now: start)
        var now = start
        var until = try open(&breaker, now, &generator)
        for longest in [5000, 10_000, 20_000, 40_000, 80_000, 160_000, 300_000, 300_000] as [Int64] {
            let wait = (until - now).milliseconds
            #expect(wait >= longest / 2 && wait <= longest)
            now = until
            guard case .open(let next)? = try run(&breaker, false, now, &generator) else {
                Issue.record("a failed probe did not open the breaker")
                return
            }
            until = next
        }
        now = until
        #expect(try run(&breaker, true, now, &generator) == nil)
        #expect(try run(&breaker, true, now, &generator) == .closed)
        let soon = try open(&breaker, now + .seconds(59), &generator)
        #expect(soon - (now + .seconds(59)) >= .seconds(150))
        now = soon
        #expect(try run(&breaker, true, now, &generator) == nil)
        #expect(try run(&breaker, true, now, &generator) == .closed)
        let calm = try open(&breaker, now + .seconds(60), &generator)
        #expect(calm - (now + .seconds(60)) <= .seconds(5))
    }

    @Test func aClockSetBackDoesNotKeepItOpen() throws {
        var generator = SeededGenerator(seed: 7)
        var breaker = CircuitBreaker(now: start)
        _ = try open(&breaker, start, &generator)
        let back = start + .seconds(-86_400)
        #expect(breaker.admit(now: back) == .refused(until: back + .seconds(300)))
        #expect(try pass(&breaker, back + .seconds(300)).isProbe)
    }

    /// Any sequence of calls: probes never exceed their limit, and an open breaker admits nothing.
    @Test func randomCalls() {
        let seed: UInt64 = .random(in: 0 ... .max)
        print("randomCalls seed \(seed)")
        var generator = SeededGenerator(seed: seed)
        var jitter = SeededGenerator(seed: seed ^ 1)
        let settings = CircuitBreaker.Settings(probeLimit: 3, probeSuccesses: 4, probeTimeout: .seconds(3600))
        var breaker = CircuitBreaker(settings, now: start)
        var passes: [CircuitBreaker.Pass] = []
        var now = start
        for _ in 0..<50_000 {
            now = now + .milliseconds(Int64.random(in: 0...400, using: &generator))
            let before = breaker.state
            if passes.count < 20, Bool.random(using: &generator) {
                if case .admitted(let pass) = breaker.admit(now: now) {
                    if case .open(let until) = before { #expect(now >= until) }
                    #expect(pass.isProbe == (before != .closed))
                    passes.append(pass)
                    #expect(passes.filter { $0.isProbe && $0.phase == pass.phase }.count <= 3 || !pass.isProbe)
                }
            } else if !passes.isEmpty {
                let pass = passes.remove(at: Int.random(in: 0..<passes.count, using: &generator))
                let succeeded = Int.random(in: 0..<10, using: &generator) < 6
                let change = breaker.record(pass, succeeded: succeeded, now: now, using: &jitter)
                #expect((change != nil) == (breaker.state != before))
            }
        }
    }
}
