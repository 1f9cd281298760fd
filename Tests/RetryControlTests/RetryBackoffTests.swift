import SansIO
import Testing

@testable import RetryControl

@Suite struct RetryBackoffTests {
    @Test func ceilingsDoubleUpToTheCap() {
        let backoff = RetryBackoff()
        let seconds = (1...12).map { backoff.ceiling(beforeRetry: $0) }
        #expect(seconds == [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 600, 600].map { Duration.seconds($0) })
        for number in [185, 1000, .max] {
            #expect(backoff.ceiling(beforeRetry: number) == .seconds(600))
        }
        #expect(backoff.ceiling(beforeRetry: 0) == .seconds(1))
        #expect(RetryBackoff(base: .seconds(7), cap: .seconds(7)).ceiling(beforeRetry: 3) == .seconds(7))
        #expect(RetryBackoff(cap: .seconds(Int64.max)).ceiling(beforeRetry: 99).milliseconds == .max)
    }

    /// SplitMix64 with seed 42 is the same everywhere, and so are the delays: high(random x (ceiling + 1)).
    @Test func exactDelays() {
        var generator = SeededGenerator(seed: 42)
        var reference = SeededGenerator(seed: 42)
        let backoff = RetryBackoff()
        var delays: [Int64] = []
        for number in 1...6 {
            delays.append(backoff.delay(beforeRetry: number, using: &generator).milliseconds)
            let ceiling = UInt64(1000) << UInt64(number - 1)
            #expect(delays.last == Int64(reference.next().multipliedFullWidth(by: ceiling + 1).high))
        }
        #expect(delays == [742, 319, 1114, 2753, 608, 27784])
    }

    @Test func jitterFillsTheWholeInterval() {
        let seed: UInt64 = .random(in: 0 ... .max)
        print("jitterFillsTheWholeInterval seed \(seed)")
        var generator = SeededGenerator(seed: seed)
        let backoff = RetryBackoff()
        var sum: Int64 = 0
        var tenths = [Int](repeating: 0, count: 10)
        for _ in 0..<20_000 {
            let delay = backoff.delay(beforeRetry: 20, using: &generator).milliseconds
            #expect((0...600_000).contains(delay))
            sum += delay
            tenths[min(9, Int(delay / 60_000))] += 1
        }
        // Ten standard deviations around the mean of 300,000.
        #expect(abs(sum / 20_000 - 300_000) < 12_300)
        for tenth in tenths {
            #expect(abs(tenth - 2000) < 450)
        }
    }

    @Test func bothEndsAreReached() {
        struct Fixed: RandomNumberGenerator {
            var value: UInt64
            mutating func next() -> UInt64 { value }
        }
        var low = Fixed(value: 0)
        var high = Fixed(value: .max)
        #expect(RetryBackoff().delay(beforeRetry: 3, using: &low) == .zero)
        #expect(RetryBackoff().delay(beforeRetry: 3, using: &high) == .seconds(4))
        #expect(high.uniform(through: .max) == .max)
        #expect(high.uniform(through: 0) == 0)
        #expect(high.uniform(through: -5) == 0)
    }
}
