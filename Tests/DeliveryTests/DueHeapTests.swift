import SansIO
import Testing

@testable import Delivery

@Suite struct DueHeapTests {
    @Test func targetsComeOutInOrderAtTheirLatestTime() {
        let seed = UInt64.random(in: 0...(.max))
        print("seed \(seed)")
        var generator = SeededGenerator(seed: seed)
        var heap = DueHeap()
        var expected: [UInt64: Timestamp] = [:]
        for _ in 0..<10_000 {
            let target = UInt64.random(in: 0..<50, using: &generator)
            let due = Timestamp(milliseconds: Int64.random(in: 0..<1_000, using: &generator))
            switch Int.random(in: 0..<4, using: &generator) {
            case 0:
                heap.set(nil, for: target)
                expected[target] = nil
            case 1:
                heap.setEarlier(due, for: target)
                expected[target] = min(expected[target] ?? due, due)
            case 2:
                heap.set(due, for: target)
                expected[target] = due
            default:
                #expect(heap.earliest == expected.values.min())
                let taken = heap.takeDue(at: due)
                let wanted = expected.filter { $0.value <= due }
                #expect(Set(taken) == Set(wanted.keys), "seed \(seed)")
                #expect(taken.compactMap { wanted[$0] } == wanted.values.sorted(), "seed \(seed)")
                for target in taken { expected[target] = nil }
            }
        }
    }
}
