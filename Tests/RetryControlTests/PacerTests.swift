import SansIO
import Testing

@testable import RetryControl

@Suite struct PacerTests {
    private let start = Timestamp(milliseconds: 1_768_480_496_000)

    @Test func exactTimes() {
        var pacer = Pacer(rate: 10, burst: 2, now: start)
        #expect(pacer.take(now: start) == .go)
        #expect(pacer.take(now: start) == .go)
        #expect(pacer.take(now: start) == .wait(until: start + .milliseconds(100)))
        #expect(pacer.take(now: start + .milliseconds(99)) == .wait(until: start + .milliseconds(100)))
        #expect(pacer.take(now: start + .milliseconds(100)) == .go)
        #expect(pacer.take(now: start + .milliseconds(100)) == .wait(until: start + .milliseconds(200)))
        #expect(pacer.take(0, now: start + .milliseconds(100)) == .go)
    }

    @Test func slowAndFractionalRates() {
        var slow = Pacer(rate: 0.001, now: start)
        #expect(slow.take(now: start) == .go)
        #expect(slow.take(now: start) == .wait(until: start + .seconds(1000)))
        var third = Pacer(rate: 3, burst: 1, now: start)
        #expect(third.take(now: start) == .go)
        #expect(third.take(now: start) == .wait(until: start + .milliseconds(334)))
    }

    @Test func moreThanTheBurstIsPaidOff() {
        var pacer = Pacer(rate: 100, burst: 100, now: start)
        #expect(pacer.take(250, now: start) == .go)
        #expect(pacer.take(now: start) == .wait(until: start + .milliseconds(1510)))
        #expect(pacer.take(250, now: start + .seconds(2)) == .wait(until: start + .milliseconds(2500)))
        #expect(pacer.take(250, now: start + .milliseconds(2500)) == .go)
    }

    @Test func aClockSetBackNeitherGivesNorBlocks() {
        var pacer = Pacer(rate: 1, burst: 1, now: start)
        #expect(pacer.take(now: start) == .go)
        let back = start + .seconds(-3600)
        #expect(pacer.take(now: back) == .wait(until: back + .seconds(1)))
        #expect(pacer.take(now: back + .seconds(1)) == .go)
        #expect(pacer.take(now: .distantFuture) == .go)
        #expect(pacer.take(now: Timestamp(milliseconds: .min)) != .go)
        #expect(pacer.take(now: .distantFuture) == .go)
    }

    @Test func whatIsGivenBackIsThereAtOnceAndNoMoreThanTheBurst() {
        var pacer = Pacer(rate: 1, burst: 3, now: start)
        #expect(pacer.take(3, now: start) == .go)
        pacer.giveBack()
        #expect(pacer.take(upTo: 3, now: start) == 1)
        pacer.giveBack(100)
        #expect(pacer.take(upTo: 100, now: start) == 3)
    }

    @Test func change() {
        var pacer = Pacer(rate: 1, burst: 100, now: start)
        pacer.change(rate: 10, burst: 1, now: start)
        #expect(pacer.take(now: start) == .go)
        #expect(pacer.take(now: start) == .wait(until: start + .milliseconds(100)))
    }

    @Test func neverMoreThanBurstPlusRate() {
        let seed: UInt64 = .random(in: 0 ... .max)
        print("neverMoreThanBurstPlusRate seed \(seed)")
        var generator = SeededGenerator(seed: seed)
        for _ in 0..<50 {
            let rate = Double(Int.random(in: 1...1000, using: &generator))
            let burst = Double(Int.random(in: 1...50, using: &generator))
            var pacer = Pacer(rate: rate, burst: burst, now: start)
            var now = start
            var passed = 0
            for _ in 0..<2000 {
                now = now + .milliseconds(Int64.random(in: 0...5, using: &generator))
                switch pacer.take(now: now) {
                case .go: passed += 1
                case .wait(let until): #expect(until > now)
                }
            }
            let seconds = Double((now - start).milliseconds) / 1000
            #expect(Double(passed) <= burst + rate * seconds)
        }
    }
}
