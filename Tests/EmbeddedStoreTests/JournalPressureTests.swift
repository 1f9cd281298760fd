import SansIO
import Testing

@testable import EmbeddedStore

/// What becomes of deliveries that wait while the journal nears its limit: the store parks them itself.
@Suite("JournalPressureTests")
struct JournalPressureTests {
    @Test func reopeningOftenMovesNoMoreThanTheOldestSegment() throws {
        let test = try StoreUnderTest()
        var events: [UInt64] = []
        for opening in 1...12 {
            events += try test.append([.sample(opening, targets: [1, 2])])
            if opening < 12 {
                #expect(try test.backlogs().isEmpty)
                try test.reopen()
            }
        }
        // Every opening begins a segment, and twelve of sixteen are three quarters.
        test.shard.run { test.store.statistics.parkedDeliveries == 2 }
        for _ in 0..<3 {
            #expect(try test.backlogs().map(\.target) == [1, 2])
            #expect(try test.backlogs().map(\.count) == [1, 1])
            #expect(try test.oldest(1, before: .max).map(\.ref.event) == [events[0]])
            try test.reopen()
            let recovered = try test.recover().records
            #expect(recovered.map(\.sequence) == Array(events.dropFirst()))
            #expect(recovered.allSatisfy { $0.targets == [1, 2] })
        }
    }

    @Test func aDeliveryResolvedWhileItMovesIsDoneAfterReopening() throws {
        let test = try StoreUnderTest()
        let first = try test.append([.sample(1, targets: [1, 2, 3])])[0]
        for opening in 2...12 {
            try test.reopen()
            _ = try test.append([.sample(opening, targets: [4])])
        }
        // Closing follows at once, mostly before the move that the last append brought about is done.
        test.store.resolve([DeliveryRef(event: first, target: 1)])
        try test.reopen()
        #expect(try test.backlogs().map(\.target) == [2, 3])
        #expect(try test.recover().records.allSatisfy { $0.targets == [4] })
    }

    /// One delivery holds many segments, which then come free at once, and more of them than are kept for later use.
    /// Opening reads those kept again, so the notes of what was resolved in them must be there too.
    @Test(arguments: [false, true])
    func whatWasResolvedStaysGoneWhenManySegmentsComeFreeAtOnce(inACrash: Bool) throws {
        let test = try StoreUnderTest()
        let holding = try test.append([.sample(0, targets: [1])])
        for number in 1...100 {
            let event = try test.append([.sample(number, targets: [1], byteCount: 20_000)])[0]
            test.store.resolve([DeliveryRef(event: event, target: 1)])
        }
        let before = test.store.statistics.journalBytes
        test.store.resolve([DeliveryRef(event: holding[0], target: 1)])
        let last = try test.append([.sample(101, targets: [1])])
        let deadline = monotonicNanoseconds() + 60_000_000_000
        while test.store.statistics.journalBytes == before, monotonicNanoseconds() < deadline {
            _ = try test.backlogs()
        }
        let opened = inACrash ? try test.crash() : test
        if !inACrash { try test.reopen() }
        let recovered = try opened.recover()
        #expect(recovered.records.map(\.sequence) == last)
        #expect(recovered.reports.isEmpty)
    }
}
