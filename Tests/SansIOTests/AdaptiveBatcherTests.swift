import SansIO
import Testing

@Suite struct AdaptiveBatcherTests {
    private func batcher(_ adjust: (inout BatchLimits) -> Void = { _ in }) -> AdaptiveBatcher<Int> {
        var limits = BatchLimits()
        adjust(&limits)
        return AdaptiveBatcher(limits: limits)
    }

    @Test func aLoneItemGoesAtOnce() {
        var batcher = batcher()
        #expect(batcher.next() == nil)
        #expect(batcher.add(1, bytes: 100) == true)
        #expect(batcher.next() == [1])
        #expect(batcher.next() == nil)
    }

    @Test func itemsGatherWhileABatchIsInFlight() {
        var batcher = batcher()
        for item in 1...4 {
            #expect(batcher.add(item, bytes: 100) == true)
            #expect(batcher.next() == (item == 1 ? [1] : nil))
        }
        #expect(batcher.waitingItems == 3)
        #expect(batcher.waitingBytes == 300)
        batcher.batchFinished()
        #expect(batcher.next() == [2, 3, 4])
        #expect(batcher.waitingBytes == 0)
    }

    @Test func fullBatchesDoNotWaitForTheOnesInFlight() {
        var batcher = batcher { $0.maximumInFlight = 3 }
        for item in 1...45 { #expect(batcher.add(item, bytes: 1) == true) }
        #expect(batcher.next() == Array(1...10))
        #expect(batcher.next() == Array(11...20))
        #expect(batcher.next() == Array(21...30))
        #expect(batcher.next() == nil)
        batcher.batchFinished()
        #expect(batcher.next() == Array(31...40))
        batcher.batchFinished()
        // Five are no full batch, so they wait for the last in flight.
        #expect(batcher.next() == nil)
        batcher.batchFinished()
        #expect(batcher.next() == nil)
        batcher.batchFinished()
        #expect(batcher.next() == Array(41...45))
    }

    @Test func bytesBoundABatchAndALargeItemGoesAlone() {
        var batcher = batcher { $0.maximumBytes = 1000 }
        for (item, bytes) in [(1, 400), (2, 600), (3, 1), (4, 5000), (5, 10)] {
            #expect(batcher.add(item, bytes: bytes) == true)
        }
        #expect(batcher.next() == [1, 2])
        #expect(batcher.next() == [3])
        #expect(batcher.next() == [4])
        #expect(batcher.next() == nil)
        for _ in 0..<3 { batcher.batchFinished() }
        #expect(batcher.next() == [5])
    }

    @Test func moreThanMayWaitIsNotTaken() {
        var batcher = batcher {
            $0.maximumWaitingItems = 3
            $0.maximumWaitingBytes = 100
        }
        #expect(batcher.add(1, bytes: 60) == true)
        #expect(batcher.add(2, bytes: 41) == false)
        #expect(batcher.add(3, bytes: 20) == true)
        #expect(batcher.add(4, bytes: 20) == true)
        #expect(batcher.add(5, bytes: 0) == false)
        #expect(batcher.takeAll() == [1, 3, 4])
        #expect(batcher.waitingItems == 0)
        #expect(batcher.waitingBytes == 0)
        // Alone, an item may be larger than all that may wait.
        #expect(batcher.add(6, bytes: 500) == true)
        #expect(batcher.next() == [6])
    }

    @Test func nothingIsLostRepeatedOrReordered() {
        let seed = UInt64.random(in: 0...UInt64.max)
        print("seed \(seed)")
        var random = SeededGenerator(seed: seed)
        for _ in 0..<50 {
            var batcher = batcher {
                $0.maximumItems = Int.random(in: 1...20, using: &random)
                $0.maximumBytes = Int.random(in: 1...5000, using: &random)
                $0.maximumInFlight = Int.random(in: 1...5, using: &random)
            }
            var added = 0
            var taken: [Int] = []
            for _ in 0..<2000 {
                if Bool.random(using: &random), batcher.add(added, bytes: Int.random(in: 0...900, using: &random)) {
                    added += 1
                }
                while let batch = batcher.next() {
                    #expect(!batch.isEmpty && batch.count <= batcher.limits.maximumItems)
                    taken += batch
                }
                #expect(batcher.inFlight <= batcher.limits.maximumInFlight)
                // Whoever waits, waits for something.
                #expect(batcher.waitingItems == 0 || batcher.inFlight > 0)
                if batcher.inFlight > 0, Int.random(in: 0..<4, using: &random) == 0 { batcher.batchFinished() }
            }
            taken += batcher.takeAll()
            #expect(taken == Array(0..<added), "seed \(seed)")
        }
    }

    @Test func limitsOfZeroAreProblems() {
        var limits = BatchLimits()
        #expect(limits.problems().isEmpty)
        limits.maximumItems = 0
        limits.maximumWaitingBytes = 0
        #expect(limits.problems() == ["maximumItems must be at least 1", "maximumWaitingBytes must be at least 1"])
    }
}
