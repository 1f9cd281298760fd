import RetryControl
import SansIO
import Testing

@Suite struct ConcurrencyLimitTests {
    private let start = Timestamp(milliseconds: 1_768_480_496_000)
    private let good = ConcurrencyLimit.Outcome.success(latency: .milliseconds(10))

    @Test func permitsAreCounted() {
        var limit = ConcurrencyLimit()
        #expect(limit.limit == 8)
        #expect(limit.acquire(upTo: 5) == 5)
        #expect(limit.acquire(upTo: 5) == 3)
        #expect(limit.acquire(upTo: 1) == 0)
        #expect(limit.acquire(upTo: -1) == 0)
        #expect(limit.available == 0)
        limit.release(.unknown, now: start)
        #expect(limit.available == 1)
        #expect(limit.inFlight == 7)
        #expect(limit.limit == 8)
    }

    @Test func risesByOneForEveryFullLimit() {
        var limit = ConcurrencyLimit()
        _ = limit.acquire(upTo: 8)
        for _ in 0..<9 {
            limit.release(good, now: start)
            _ = limit.acquire(upTo: 1)
        }
        #expect(limit.limit == 9)
        for _ in 0..<10_000 {
            limit.release(good, now: start)
            _ = limit.acquire(upTo: 64)
        }
        #expect(limit.limit == 64)
    }

    @Test func doesNotRiseWhenUnused() {
        var limit = ConcurrencyLimit()
        for _ in 0..<1000 {
            #expect(limit.acquire(upTo: 1) == 1)
            limit.release(good, now: start)
        }
        #expect(limit.limit == 8)
    }

    @Test func overloadLowersOncePerHoldTime() {
        var limit = ConcurrencyLimit(ConcurrencyLimit.Settings(initial: 64))
        #expect(limit.acquire(upTo: 64) == 64)
        for _ in 0..<20 { limit.release(.overloaded, now: start) }
        #expect(limit.limit == 48)
        limit.release(.overloaded, now: start + .milliseconds(99))
        #expect(limit.limit == 48)
        limit.release(.overloaded, now: start + .milliseconds(100))
        #expect(limit.limit == 36)
        #expect(limit.available == 0)
        for step in 2..<40 { limit.release(.overloaded, now: start + .milliseconds(Int64(step) * 100)) }
        #expect(limit.limit == 1)
    }

    @Test func risingLatencyLowers() {
        var limit = ConcurrencyLimit(ConcurrencyLimit.Settings(initial: 32))
        var now = start
        _ = limit.acquire(upTo: 32)
        for _ in 0..<50 {
            limit.release(good, now: now)
            _ = limit.acquire(upTo: 1)
        }
        let before = limit.limit
        #expect(before >= 32)
        for _ in 0..<40 {
            now = now + .milliseconds(50)
            limit.release(.success(latency: .milliseconds(100)), now: now)
            _ = limit.acquire(upTo: 1)
        }
        #expect(limit.limit < before / 2)
        // The same latency for long becomes the base, and the limit recovers.
        for _ in 0..<4000 {
            now = now + .milliseconds(50)
            limit.release(.success(latency: .milliseconds(100)), now: now)
            _ = limit.acquire(upTo: 64)
        }
        #expect(limit.limit > before)
    }

    @Test func extremeLatencies() {
        var limit = ConcurrencyLimit()
        for latency in [Duration.zero, .seconds(-5), .seconds(Int64.max), .nanoseconds(1)] {
            _ = limit.acquire(upTo: 8)
            limit.release(.success(latency: latency), now: start)
        }
        #expect((1...64).contains(limit.limit))
    }

    @Test func staysWithinItsLimits() {
        let seed: UInt64 = .random(in: 0 ... .max)
        print("staysWithinItsLimits seed \(seed)")
        var generator = SeededGenerator(seed: seed)
        var limit = ConcurrencyLimit(ConcurrencyLimit.Settings(minimum: 3, maximum: 20, initial: 99))
        #expect(limit.limit == 20)
        var now = start
        var held = 0
        for _ in 0..<20_000 {
            now = now + .milliseconds(Int64.random(in: 0...60, using: &generator))
            if held == 0 || Bool.random(using: &generator) {
                let granted = limit.acquire(upTo: Int.random(in: 0...5, using: &generator))
                held += granted
                #expect(granted == 0 || held <= limit.limit)
            } else {
                held -= 1
                switch Int.random(in: 0..<4, using: &generator) {
                case 0: limit.release(.overloaded, now: now)
                case 1: limit.release(.unknown, now: now)
                default:
                    let latency = Duration.milliseconds(Int64.random(in: 1...90, using: &generator))
                    limit.release(.success(latency: latency), now: now)
                }
            }
            #expect(limit.inFlight == held)
            #expect((3...20).contains(limit.limit))
        }
    }
}
