import SansIO
import Testing

@testable import Cluster

@Suite struct LinkGaugeTests {
    private func time(_ milliseconds: Int64) -> Timestamp { Timestamp(milliseconds: milliseconds) }

    /// Answers to so many bytes, ten a second, for some seconds.
    private func answer(_ gauge: inout LinkGauge, bytes: Int, seconds: Int64, from start: Int64, moreWaits: Bool = true)
    {
        for tenth in 0...(seconds * 10) {
            gauge.answered(bytes, moreWaits: moreWaits, at: time(start + tenth * 100))
        }
    }

    @Test func aLinkIsSlowWhenEventsWaitAndFewBytesGo() {
        var gauge = LinkGauge(slowBytesPerSecond: 1_000_000)
        answer(&gauge, bytes: 50_000, seconds: 1, from: 0)
        #expect(!gauge.isSlow(at: time(1_000)), "a second tells nothing")
        answer(&gauge, bytes: 50_000, seconds: 1, from: 1_100)
        #expect(gauge.isSlow(at: time(2_100)))
        #expect(gauge.isSlow(at: time(61_000)) && !gauge.isSlow(at: time(63_000)), "for a minute")
    }

    @Test func aLinkThatKeepsUpIsNotSlow() {
        var fast = LinkGauge(slowBytesPerSecond: 1_000_000)
        answer(&fast, bytes: 150_000, seconds: 10, from: 0)
        #expect(!fast.isSlow(at: time(10_000)), "many bytes")
        var idle = LinkGauge(slowBytesPerSecond: 1_000_000)
        answer(&idle, bytes: 100, seconds: 10, from: 0, moreWaits: false)
        #expect(!idle.isSlow(at: time(10_000)), "nothing waits")
        var bursts = LinkGauge(slowBytesPerSecond: 1_000_000)
        for second in 0..<Int64(20) {
            answer(&bursts, bytes: 100, seconds: 1, from: second * 1_100)
            bursts.answered(100, moreWaits: false, at: time(second * 1_100 + 1_050))
        }
        #expect(!bursts.isSlow(at: time(22_000)), "nothing waits now and then")
    }

    @Test func aRequestWithoutAnAnswerMakesALinkSlow() {
        var gauge = LinkGauge(slowBytesPerSecond: 1_000_000)
        #expect(!gauge.isSlow(at: .zero))
        gauge.timedOut(at: time(5_000))
        #expect(gauge.isSlow(at: time(64_000)) && !gauge.isSlow(at: time(65_000)))
    }
}
