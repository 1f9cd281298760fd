import RetryControl
import SansIO
import Testing

@Suite struct RecoveryRampTests {
    private let start = Timestamp(milliseconds: 1_768_480_496_000)

    @Test func limitsNothingUntilItBegins() {
        var ramp = RecoveryRamp()
        #expect(!ramp.isActive)
        #expect(ramp.rate == nil)
        #expect(ramp.take(upTo: 1_000_000, now: start) == 1_000_000)
        #expect(ramp.take(upTo: -1, now: start) == 0)
        #expect(ramp.nextPermission(now: start) == start)
        ramp.noteFailure(now: start)
        #expect(!ramp.isActive)
    }

    @Test func exactBeginning() {
        var ramp = RecoveryRamp()
        ramp.begin(now: start)
        #expect(ramp.take(upTo: 5, now: start) == 1)
        #expect(ramp.take(upTo: 5, now: start) == 0)
        #expect(ramp.nextPermission(now: start) == start + .milliseconds(100))
        #expect(ramp.take(upTo: 5, now: start + .milliseconds(99)) == 0)
        #expect(ramp.take(upTo: 5, now: start + .milliseconds(100)) == 1)
        #expect(ramp.rate == 10)
    }

    /// Each step lets through its rate, and after 16 steps of the default settings the ramp is over.
    @Test func growsByStepsAndEnds() {
        var ramp = RecoveryRamp()
        ramp.begin(now: start)
        var expected = 10.0
        for step in 0..<16 {
            var passed = 0
            for tick in 0..<100 {
                let now = start + .milliseconds(Int64(step) * 1000 + Int64(tick) * 10)
                passed += ramp.take(upTo: .max, now: now)
            }
            #expect(ramp.rate == expected)
            #expect(abs(Double(passed) - expected) <= 2 + expected / 50, "step \(step): \(passed)")
            expected *= 1.5
        }
        #expect(ramp.take(upTo: 1_000_000, now: start + .seconds(16)) == 1_000_000)
        #expect(!ramp.isActive)
    }

    @Test func failuresHalveTheRate() {
        var ramp = RecoveryRamp(RecoveryRamp.Settings(startRate: 10, endRate: 1000, growth: 4))
        ramp.begin(now: start)
        _ = ramp.take(upTo: 0, now: start + .seconds(1))
        _ = ramp.take(upTo: 0, now: start + .seconds(2))
        #expect(ramp.rate == 160)
        ramp.noteFailure(now: start + .seconds(2))
        #expect(ramp.rate == 80)
        for _ in 0..<5 { ramp.noteFailure(now: start + .seconds(2)) }
        #expect(ramp.rate == 10)
        _ = ramp.take(upTo: 0, now: start + .seconds(3))
        #expect(ramp.rate == 40)
    }

    @Test func aPauseIsNoEvidence() {
        var ramp = RecoveryRamp()
        ramp.begin(now: start)
        #expect(ramp.take(upTo: .max, now: start + .seconds(3600)) == 1)
        #expect(ramp.rate == 15)
    }

    @Test func aClockSetBackDoesNotStopIt() {
        var ramp = RecoveryRamp()
        ramp.begin(now: start)
        let back = start + .seconds(-3600)
        _ = ramp.take(upTo: 1, now: back)
        #expect(ramp.nextPermission(now: back) == back + .milliseconds(100))
        _ = ramp.take(upTo: 1, now: back + .seconds(1))
        #expect(ramp.rate == 15)
    }
}
