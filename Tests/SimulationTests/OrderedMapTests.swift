import SansIO
import Testing

@testable import Simulation

@Suite struct OrderedMapTests {
    /// Holds a map against a dictionary while both are changed at random.
    @Test(arguments: [UInt64](1...4)) func doesWhatADictionaryDoesInOrder(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        var map = OrderedMap<Int, Int>()
        var model: [Int: Int] = [:]
        let range = seed % 2 == 0 ? 300 : 20_000
        for step in 0..<20_000 {
            // First it grows, then it shrinks.
            let isRemoval = generator.chance(step < 12_000 ? 0.3 : 0.7)
            let key = generator.below(range)
            let value = isRemoval ? nil : generator.below(1000)
            #expect(map.set(value, for: key) == model[key], "seed \(seed)")
            model[key] = value
            let other = generator.below(range)
            #expect(map[other] == model[other], "seed \(seed)")
        }
        let sorted = model.sorted { $0.key < $1.key }
        #expect(map.count == model.count)
        #expect(map.first(.max).map(\.key) == sorted.map(\.key))
        #expect(map.first(.max).map(\.value) == sorted.map(\.value))
        #expect(map.firstKey == sorted.first?.key)
        #expect(map.first(3) { key, _ in key < range / 2 }.map(\.key) == sorted.prefix(3).map(\.key))
        for point in [-1, range / 3, range] {
            #expect(map.firstKey { $0 > point } == sorted.first { $0.key > point }?.key)
        }
    }

    @Test func keysInOrderAndTakenFromTheFrontCostLittle() {
        var map = OrderedMap<UInt64, Void>()
        for key in 0..<100_000 as Range<UInt64> { map.set((), for: key) }
        for key in 0..<100_000 as Range<UInt64> {
            #expect(map.firstKey == key)
            map.set(nil, for: key)
        }
        #expect(map.isEmpty)
    }
}
