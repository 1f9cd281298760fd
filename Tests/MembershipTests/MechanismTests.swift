import SansIO
import Testing

@testable import Membership

@Suite struct ReplayWindowTests {
    @Test func aNumberIsNewOnce() {
        var window = ReplayWindow()
        for number: UInt32 in 1...1000 {
            #expect(window.isNew(epoch: 5, number: number))
            window.note(epoch: 5, number: number)
            #expect(!window.isNew(epoch: 5, number: number))
        }
    }

    @Test func numbersMayArriveOutOfOrderWithinTheWindow() {
        var window = ReplayWindow()
        window.note(epoch: 5, number: 1000)
        #expect(window.isNew(epoch: 5, number: 745))
        #expect(!window.isNew(epoch: 5, number: 744), "older than the window remembers")
        window.note(epoch: 5, number: 745)
        #expect(!window.isNew(epoch: 5, number: 745))
        #expect(window.isNew(epoch: 5, number: 999))
    }

    @Test func aLaterEpochBeginsAnewAndAnEarlierOneIsStale() {
        var window = ReplayWindow()
        window.note(epoch: 5, number: 1000)
        #expect(!window.isNew(epoch: 4, number: 2000))
        #expect(window.isNew(epoch: 6, number: 1))
        window.note(epoch: 6, number: 1)
        #expect(!window.isNew(epoch: 5, number: 1001))
        #expect(!window.isNew(epoch: 6, number: 1))
    }

    @Test func agreesWithASetOfNumbers() {
        var generator = SeededGenerator(seed: 7)
        var window = ReplayWindow()
        var seen: Set<UInt32> = []
        var highest: UInt32 = 0
        for _ in 0..<20_000 {
            let ahead = UInt32.random(in: 0...40, using: &generator) + highest
            let number = ahead - min(ahead, UInt32.random(in: 0...300, using: &generator))
            guard number > 0 else { continue }
            let expected = !seen.contains(number) && (number > highest || highest - number < 256)
            #expect(window.isNew(epoch: 1, number: number) == expected)
            guard expected else { continue }
            window.note(epoch: 1, number: number)
            seen.insert(number)
            highest = max(highest, number)
        }
    }
}

@Suite struct TimerHeapTests {
    @Test func firesByTimeAndThenByOrder() {
        var heap = TimerHeap()
        var generator = SeededGenerator(seed: 3)
        for number: UInt64 in 0..<500 {
            heap.schedule(.nack(nonce: number), at: Int64.random(in: 0..<50, using: &generator))
        }
        var last: (Int64, UInt64) = (-1, 0)
        for now: Int64 in 0..<50 {
            while let kind = heap.popDue(now) {
                guard case .nack(let number) = kind else { continue }
                #expect((now, number) > last)
                last = (now, number)
            }
        }
        #expect(heap.count == 0)
    }
}

@Suite struct DisseminationQueueTests {
    @Test func tellsEachItemAsOftenAsTheLimitSays() {
        var queue = DisseminationQueue()
        for slot in 0..<10 { queue.add(.claim(slot: slot, incarnation: 1)) }
        var told: [Int: Int] = [:]
        for _ in 0..<100 where !queue.isEmpty {
            var room = 3
            queue.drain(limit: 5) { item in
                guard case .claim(let slot, _) = item else { return .stale }
                guard room > 0 else { return .tooLong }
                room -= 1
                told[slot, default: 0] += 1
                return .told
            }
        }
        #expect(queue.isEmpty)
        #expect(told.count == 10 && told.values.allSatisfy { $0 == 5 })
    }

    @Test func newsGoBeforeWhatWasToldAlready() {
        var queue = DisseminationQueue()
        queue.add(.claim(slot: 1, incarnation: 1))
        queue.drain(limit: 5) { _ in .told }
        queue.add(.claim(slot: 2, incarnation: 1))
        var order: [DisseminationQueue.Item] = []
        queue.drain(limit: 5) { item in
            order.append(item)
            return .told
        }
        #expect(order == [.claim(slot: 2, incarnation: 1), .claim(slot: 1, incarnation: 1)])
    }

    @Test func whatWasOvertakenIsDropped() {
        var queue = DisseminationQueue()
        queue.add(.claim(slot: 1, incarnation: 1))
        queue.drain(limit: 5) { _ in .stale }
        #expect(queue.isEmpty)
    }
}

@Suite struct SuspicionTimeoutTests {
    @Test func shrinksWithEachSignerToTheShortest() {
        let configuration = MembershipConfiguration.lan
        let times = (0...4).map { SuspicionTimeout.milliseconds(configuration, nodes: 100, confirmations: $0) }
        #expect(times == times.sorted(by: >))
        #expect((11_990...12_000).contains(times[0]))
        #expect(times[3] == times[4])
        #expect((2990...3000).contains(times[3]))
    }

    @Test func twoNodesHaveNobodyToAsk() {
        let time = SuspicionTimeout.milliseconds(.lan, nodes: 2, confirmations: 0)
        #expect((1290...1310).contains(time))
    }

    @Test func aThirdNodesWordIsEnoughAmongThree() {
        #expect(
            SuspicionTimeout.milliseconds(.lan, nodes: 3, confirmations: 0)
                > SuspicionTimeout.milliseconds(.lan, nodes: 3, confirmations: 1)
        )
    }

    @Test func plainSWIMHasOneTime() {
        var configuration = MembershipConfiguration.lan
        configuration.lifeguard = []
        let time = SuspicionTimeout.milliseconds(configuration, nodes: 100, confirmations: 0)
        #expect((2990...3000).contains(time))
    }

    @Test func logarithmsAreRight() {
        #expect(abs(LogarithmTable.natural(10) - 2.302585092994045684) < 1e-12)
        #expect(abs(LogarithmTable.decimal(1000) - 3) < 1e-12)
        #expect(LogarithmTable.natural(1) == 0)
        #expect([1, 2, 10, 11, 100, 101, 501].map(LogarithmTable.ceilingOfDecimal) == [0, 1, 1, 2, 2, 3, 3])
    }
}

@Suite struct ProtocolClockTests {
    private let start = Timestamp(milliseconds: 1_000_000)

    @Test func neverGoesBack() {
        var clock = ProtocolClock(start)
        _ = clock.advance(to: start + .seconds(5), expected: nil, slack: 0)
        let before = clock.now
        _ = clock.advance(to: start, expected: nil, slack: 0)
        #expect(clock.now == before)
        _ = clock.advance(to: start + .seconds(1), expected: nil, slack: 0)
        #expect(clock.now == before + 1000)
        #expect(clock.wallTime(of: clock.now) == start + .seconds(1))
    }

    @Test func leavesOutTimeInWhichItDidNotRun() {
        var clock = ProtocolClock(start)
        let expected = clock.now + 1000
        let lost = clock.advance(to: start + .seconds(60), expected: expected, slack: 200)
        #expect(lost == 58_800)
        #expect(clock.now == expected + 200)
    }

    @Test func aPunctualWakeUpLosesNothing() {
        var clock = ProtocolClock(start)
        let lost = clock.advance(to: start + .milliseconds(1100), expected: clock.now + 1000, slack: 200)
        #expect(lost == 0)
    }
}

@Suite struct AllowanceTests {
    @Test func aBurstIsFollowedByTheRate() {
        var allowance = Allowance()
        let burst = (0..<20).count { _ in allowance.take(capacity: 10, perMinute: 60, now: 0) }
        #expect(burst == 10)
        let early = allowance.take(capacity: 10, perMinute: 60, now: 900)
        let later = allowance.take(capacity: 10, perMinute: 60, now: 1900)
        #expect(!early && later)
    }

    @Test func whoAsksOftenLosesNothingByRounding() {
        var allowance = Allowance()
        let count = stride(from: 0 as Int64, through: 60_000, by: 5).count { now in
            allowance.take(capacity: 1, perMinute: 6, now: now)
        }
        #expect(count == 7, "one at first, and six a minute")
    }
}

@Suite struct MembershipConfigurationTests {
    @Test(arguments: [MembershipConfiguration.lan, .wan, .local, .lan.withoutLifeguard])
    func presetsAreValid(configuration: MembershipConfiguration) {
        #expect(configuration.validate() == [])
    }

    @Test func everyProblemIsReported() {
        var configuration = MembershipConfiguration.lan
        configuration.probeTimeout = .seconds(2)
        configuration.gossipFanout = 0
        configuration.suspicionMultiplier = 0
        configuration.maximumMembers = 1
        let problems = configuration.validate()
        #expect(problems.count == 4, "\(problems)")
    }
}
