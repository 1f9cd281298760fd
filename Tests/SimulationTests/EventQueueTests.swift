import SansIO
import Testing

@testable import Simulation

@Suite struct EventQueueTests {
    @Test(arguments: [11, 12, 13] as [UInt64]) func takesWhatASortedListTakes(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        var queue = EventQueue<Int>()
        var list: [(time: Int64, number: Int, token: TimerToken)] = []
        for number in 0..<5000 {
            switch generator.below(4) {
            case 0, 1:
                let time = Int64(generator.below(300))
                list.append((time, number, queue.add(number, at: time)))
            case 2 where !list.isEmpty:
                let victim = list.remove(at: generator.below(list.count))
                let cancelled = [queue.cancel(victim.token), queue.cancel(victim.token)]
                #expect(cancelled == [true, false], "seed \(seed)")
            default:
                let expected = list.indices.min { (list[$0].time, list[$0].number) < (list[$1].time, list[$1].number) }
                let taken = queue.take(until: 1000)?.event
                #expect(taken == expected.map { list.remove(at: $0).number }, "seed \(seed)")
            }
            #expect(queue.count == list.count)
        }
    }

    @Test func takesNothingBeforeItsTime() {
        var queue = EventQueue<Int>()
        queue.add(1, at: 10)
        let early = queue.take(until: 9)?.event
        let due = queue.take(until: 10)?.event
        #expect(early == nil)
        #expect(due == 1)
    }

    @Test func oldTokenDoesNotCancelWhatTookItsPlace() {
        var queue = EventQueue<Int>()
        let old = queue.add(1, at: 10)
        _ = queue.take(until: 10)
        queue.add(2, at: 20)
        let cancelled = queue.cancel(old)
        let taken = queue.take(until: 20)?.event
        #expect(!cancelled)
        #expect(taken == 2)
    }

    @Test func cancelledEntriesDoNotPileUp() {
        var queue = EventQueue<Int>()
        for number in 0..<100_000 {
            queue.cancel(queue.add(number, at: 1_000_000))
        }
        let taken = queue.take(until: .max)?.event
        #expect(queue.count == 0)
        #expect(taken == nil)
    }
}
