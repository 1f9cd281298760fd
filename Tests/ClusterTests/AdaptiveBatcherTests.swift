import EventModel
import SansIO
import Testing

@testable import Cluster

@Suite struct AdaptiveBatcherTests {
    private func batcher(_ adjust: (inout BatchLimits) -> Void = { _ in }) -> AdaptiveBatcher<Int> {
        var limits = BatchLimits()
        adjust(&limits)
        return AdaptiveBatcher(limits: limits)
    }

    /// Lets an item of one account wait; false when it was refused.
    private func add(_ item: Int, _ bytes: Int, to batcher: inout AdaptiveBatcher<Int>) -> Bool {
        guard case .taken = batcher.add(item, of: PeerAccounts.one, bytes: bytes) else { return false }
        return true
    }

    @Test func aLoneItemGoesAtOnce() {
        var batcher = batcher()
        #expect(batcher.next() == nil)
        #expect(add(1, 100, to: &batcher) == true)
        #expect(batcher.next() == [1])
        #expect(batcher.next() == nil)
    }

    @Test func itemsGatherWhileABatchIsInFlight() {
        var batcher = batcher()
        for item in 1...4 {
            #expect(add(item, 100, to: &batcher) == true)
            #expect(batcher.next() == (item == 1 ? [1] : nil))
        }
        #expect(batcher.waitingItems == 3)
        #expect(batcher.waitingBytes == 300)
        batcher.batchFinished(inTime: true, now: .zero)
        #expect(batcher.next() == [2, 3, 4])
        #expect(batcher.waitingBytes == 0)
    }

    @Test func fullBatchesDoNotWaitForTheOnesInFlight() {
        var batcher = batcher { $0.maximumInFlight = 3 }
        for item in 1...45 { #expect(add(item, 1, to: &batcher) == true) }
        #expect(batcher.next() == Array(1...10))
        #expect(batcher.next() == Array(11...20))
        #expect(batcher.next() == Array(21...30))
        #expect(batcher.next() == nil)
        batcher.batchFinished(inTime: true, now: .zero)
        #expect(batcher.next() == Array(31...40))
        batcher.batchFinished(inTime: true, now: .zero)
        // Five are no full batch, so they wait for the last in flight.
        #expect(batcher.next() == nil)
        batcher.batchFinished(inTime: true, now: .zero)
        #expect(batcher.next() == nil)
        batcher.batchFinished(inTime: true, now: .zero)
        #expect(batcher.next() == Array(41...45))
    }

    @Test func aBatchTakesMoreThanIsEnoughWhenMoreWaits() {
        var batcher = batcher {
            $0.enoughItems = 4
            $0.maximumItems = 10
            $0.maximumInFlight = 2
        }
        #expect(add(0, 1, to: &batcher) == true)
        #expect(batcher.next() == [0])
        for item in 1...3 { #expect(add(item, 1, to: &batcher) == true) }
        #expect(batcher.next() == nil, "three are not enough")
        #expect(add(4, 1, to: &batcher) == true)
        #expect(batcher.next() == [1, 2, 3, 4], "four go beside the one in flight")
        for item in 5...30 { #expect(add(item, 1, to: &batcher) == true) }
        #expect(batcher.next() == nil)
        batcher.batchFinished(inTime: true, now: .zero)
        #expect(batcher.next() == Array(5...14), "what waits already waits for nothing")
        batcher.batchFinished(inTime: true, now: .zero)
        #expect(batcher.next() == Array(15...24))
    }

    @Test func bytesBoundABatchAndALargeItemGoesAlone() {
        var batcher = batcher { $0.maximumBytes = 1000 }
        for (item, bytes) in [(1, 400), (2, 600), (3, 1), (4, 5000), (5, 10)] {
            #expect(add(item, bytes, to: &batcher) == true)
        }
        #expect(batcher.next() == [1, 2])
        #expect(batcher.next() == [3])
        #expect(batcher.next() == [4])
        #expect(batcher.next() == nil)
        for _ in 0..<3 { batcher.batchFinished(inTime: true, now: .zero) }
        #expect(batcher.next() == [5])
    }

    @Test func moreThanMayWaitIsNotTaken() {
        var batcher = batcher {
            $0.maximumWaitingItems = 3
            $0.maximumWaitingBytes = 100
        }
        #expect(add(1, 60, to: &batcher) == true)
        #expect(add(2, 41, to: &batcher) == false)
        #expect(add(3, 20, to: &batcher) == true)
        #expect(add(4, 20, to: &batcher) == true)
        #expect(add(5, 0, to: &batcher) == false)
        #expect(batcher.next() == [1, 3, 4])
        batcher.batchFinished(inTime: true, now: .zero)
        #expect(batcher.waitingItems == 0)
        #expect(batcher.waitingBytes == 0)
        // Alone, an item may be larger than all that may wait.
        #expect(add(6, 500, to: &batcher) == true)
        #expect(batcher.next() == [6])
    }

    @Test func nothingIsLostRepeatedOrReordered() {
        let seed = UInt64.random(in: 0...UInt64.max)
        print("seed \(seed)")
        var random = SeededGenerator(seed: seed)
        for _ in 0..<50 {
            var limits = BatchLimits()
            limits.maximumItems = Int.random(in: 1...20, using: &random)
            limits.maximumBytes = Int.random(in: 20...5000, using: &random)
            limits.maximumInFlight = Int.random(in: 1...5, using: &random)
            var batcher = AdaptiveBatcher<Int>(limits: limits)
            var added = 0
            var taken: [Int] = []
            for _ in 0..<2000 {
                if Bool.random(using: &random), add(added, Int.random(in: 0...900, using: &random), to: &batcher) {
                    added += 1
                }
                while let batch = batcher.next() {
                    #expect(!batch.isEmpty && batch.count <= limits.maximumItems)
                    taken += batch
                }
                #expect(batcher.inFlight <= limits.maximumInFlight)
                // Whoever waits, waits for something.
                #expect(batcher.waitingItems == 0 || batcher.inFlight > 0)
                if batcher.inFlight > 0, Int.random(in: 0..<4, using: &random) == 0 {
                    batcher.batchFinished(inTime: true, now: .zero)
                }
            }
            while batcher.waitingItems > 0 || batcher.inFlight > 0 {
                while let batch = batcher.next() { taken += batch }
                batcher.batchFinished(inTime: true, now: .zero)
            }
            #expect(taken == Array(0..<added), "seed \(seed)")
        }
    }

    @Test func fewerBatchesMayBeInFlightWhileTheyAreNotAnsweredInTime() {
        var batcher = batcher {
            $0.maximumInFlight = 8
            $0.maximumItems = 1
        }
        for item in 0..<200 { #expect(add(item, 1, to: &batcher)) }
        func fill() -> Int {
            while batcher.next() != nil {}
            return batcher.inFlight
        }
        #expect(fill() == 8)
        // Those that were in flight together tell of one trouble.
        for second in 0..<8 { batcher.batchFinished(inTime: false, now: Timestamp.zero + .seconds(10 + Int64(second))) }
        #expect(fill() == 4)
        for _ in 0..<4 { batcher.batchFinished(inTime: false, now: Timestamp.zero + .seconds(30)) }
        #expect(fill() == 2)
        for _ in 0..<40 {
            batcher.batchFinished(inTime: true, now: Timestamp.zero + .seconds(31))
            _ = fill()
        }
        #expect(batcher.inFlight == 8, "answers in time let it grow again")
    }
}
