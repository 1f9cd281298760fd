import RetryControl
import SansIO
import Testing

@testable import Transport

@Suite struct ReconnectPacingTests {
    @Test func waitsAreThoseOfTheSeededBackoff() {
        var random = SeededGenerator(seed: 42)
        var expected = SeededGenerator(seed: 42)
        let backoff = RetryBackoff(base: .milliseconds(100), cap: .seconds(30))
        var pacing = ReconnectPacing(base: .milliseconds(100), cap: .seconds(30))
        for failure in 1...20 {
            let now = UInt64(failure) * 1_000_000_000
            pacing.failed(now: now, using: &random)
            let wait = backoff.delay(beforeRetry: failure, using: &expected)
            #expect(pacing.notBefore == now + UInt64(wait.milliseconds) * 1_000_000)
            #expect(wait <= min(.seconds(30), .milliseconds(100 << min(failure - 1, 20))))
        }
        #expect(pacing.failures == 20)
    }

    @Test func theFirstWaitsOfSeedOneAreTheseAlways() {
        var random = SeededGenerator(seed: 1)
        var pacing = ReconnectPacing(base: .milliseconds(100), cap: .seconds(30))
        let waits = (1...6).map { _ in
            pacing.failed(now: 0, using: &random)
            return pacing.notBefore / 1_000_000
        }
        #expect(waits == [57, 149, 389, 355, 711, 2442])
    }

    @Test func anAnswerEndsTheWaiting() {
        var random = SeededGenerator(seed: 1)
        var pacing = ReconnectPacing(base: .seconds(1), cap: .seconds(30))
        for _ in 0..<5 { pacing.failed(now: 7, using: &random) }
        pacing.succeeded()
        #expect(pacing.failures == 0)
        #expect(pacing.notBefore == 0)
        pacing.failed(now: 0, using: &random)
        #expect(pacing.notBefore <= 1_000_000_000)
    }
}
