import Glibc
import SansIO
import Testing

@testable import EmbeddedStore

/// What the store does when the disk is full or fails.
@Suite("StoreFaultTests")
struct StoreFaultTests {
    @Test func aFullDiskRefusesAndServiceResumesWithoutARestart() throws {
        let injector = FaultInjector()
        let test = try StoreUnderTest(files: injector.files, change: { $0.minimumFreeBytes = 1 << 20 })
        let kept = try test.append([.sample(1, targets: [1])])
        try test.send(QueueSend(queue: 4, messages: [.sample(1), .sample(2)], durable: true))
        injector.set { $0.freeBytes = 1000 }
        try waitUntilFull(test, true)
        #expect(test.store.statistics.isFull)
        #expect(try errorCode { _ = try test.append([.sample(2, targets: [1])]) } == .full)
        #expect(
            try errorCode { try test.send(QueueSend(queue: 4, messages: [.sample(3)], durable: true)) } == .full
        )
        #expect(try errorCode { try test.configure([ConfigurationChange(key: "a", value: [1])]) } == .full)
        // What frees space and what was accepted before goes on.
        try test.park([.sample(kept[0], 1, due: 5)])
        #expect(try test.delete(4, [MessageKey(major: 1, minor: 0)]) == [true])
        injector.set { $0.freeBytes = 1 << 40 }
        try waitUntilFull(test, false)
        let later = try test.append([.sample(3, targets: [1])])
        try test.configure([ConfigurationChange(key: "a", value: [1])])
        #expect(!test.store.statistics.isFull)
        let crashed = try test.crash()
        #expect(try crashed.recover().records.map(\.sequence).suffix(1) == later[...])
        #expect(try crashed.due(1, now: 10).map(\.ref.event) == kept)
        #expect(try crashed.counts(4, now: 10).visible == 1)
    }

    /// Whoever sees that the store is full holds back what it would append, so no append comes that could show otherwise.
    @Test func aStoreWithRoomAgainSaysSoThoughNothingIsAppended() throws {
        let injector = FaultInjector()
        let test = try StoreUnderTest(files: injector.files, change: { $0.minimumFreeBytes = 1 << 20 })
        injector.set { $0.freeBytes = 1000 }
        try waitUntilFull(test, true)
        #expect(try errorCode { _ = try test.append([.sample(1, targets: [1])]) } == .full)
        injector.set { $0.freeBytes = 1 << 40 }
        #expect(test.becomesRoomy())
        injector.set { $0.writeError = ENOSPC }
        #expect(try errorCode { _ = try test.append([.sample(2, targets: [1])]) } == .full)
        #expect(test.store.statistics.isFull, "the guard of free space knows nothing of this")
        #expect(test.becomesRoomy(), "the next append may try")
        injector.set { $0 = FaultInjector.Faults() }
        _ = try test.append([.sample(3, targets: [1])])
    }

    /// The store asks for the free space now and then; operations pass the time until it has.
    private func waitUntilFull(_ test: StoreUnderTest, _ expected: Bool) throws {
        let deadline = monotonicNanoseconds() + 20_000_000_000
        while test.store.statistics.isFull != expected, monotonicNanoseconds() < deadline {
            _ = try errorCode { _ = try test.append([], settling: [DeliveryRef(event: 1, target: 99)]) }
        }
    }

    @Test(arguments: [0, 700, 3000])
    func aFailedWriteIsNeverRecovered(torn: Int) throws {
        let injector = FaultInjector()
        let test = try StoreUnderTest(files: injector.files)
        let before = try test.append([.sample(1, targets: [1], byteCount: 500)])
        injector.set { faults in
            faults.writeError = ENOSPC
            faults.tornBytes = torn
        }
        for number in 2..<5 {
            let record = IntakeRecord.sample(number, targets: [1], byteCount: 500)
            #expect(try errorCode { _ = try test.append([record, record]) } == .full)
        }
        #expect(test.store.statistics.isFull)
        injector.set { $0 = FaultInjector.Faults() }
        let after = try test.append([.sample(5, targets: [1], byteCount: 500)])
        #expect(!test.store.statistics.isFull)
        let crashed = try test.crash()
        let recovered = try crashed.recover()
        #expect(recovered.records.map(\.sequence) == before + after)
        #expect(recovered.reports.isEmpty)
        #expect(test.store.statistics.unresolvedDeliveries == 2)
    }

    @Test func aFailedSynchronisationIsNotTrustedAgain() throws {
        let injector = FaultInjector()
        let test = try StoreUnderTest(files: injector.files)
        let before = try test.append([.sample(1, targets: [1])])
        injector.set { $0.synchroniseError = EIO }
        #expect(try errorCode { _ = try test.append([.sample(2, targets: [1])]) } == .failed)
        injector.set { $0.synchroniseError = 0 }
        let after = try test.append([.sample(3, targets: [1])])
        let crashed = try test.crash()
        #expect(try crashed.recover().records.map(\.sequence) == before + after)
    }

    @Test func noRoomForASegmentFailsAppendsUntilThereIs() throws {
        let injector = FaultInjector()
        let test = try StoreUnderTest(files: injector.files)
        var kept = try test.append([.sample(0, targets: [1], byteCount: 1000)])
        injector.set { $0.allocateError = ENOSPC }
        var refused = 0
        for number in 1..<30 {
            do {
                kept += try test.append([.sample(number, targets: [1], byteCount: 20_000)])
            } catch let error as StoreError {
                #expect(error.code == .full)
                refused += 1
            }
        }
        #expect(refused > 0)
        injector.set { $0.allocateError = 0 }
        kept += try test.append([.sample(99, targets: [1], byteCount: 20_000)])
        #expect(try test.crash().recover().records.map(\.sequence) == kept)
    }

    @Test func failingRowsKeepTheirDeliveriesInTheJournal() throws {
        let injector = FaultInjector()
        let test = try StoreUnderTest(files: injector.files)
        let events = try test.append((1...3).map { .sample($0, targets: [7]) })
        try test.park([.sample(events[0], 7, due: 1)])
        injector.set { $0.engineError = StoreError(.full, "no space") }
        #expect(try errorCode { try test.park([.sample(events[1], 7, due: 2)]) } == .full)
        #expect(try errorCode { try test.send(QueueSend(queue: 4, messages: [.sample(1)], durable: false)) } == .full)
        #expect(test.store.statistics.unresolvedDeliveries == 2)
        injector.set { $0.engineError = nil }
        let deadline = monotonicNanoseconds() + 60_000_000_000
        while try errorCode({ try test.park([.sample(events[2], 7, due: 3)]) }) != nil {
            try #require(monotonicNanoseconds() < deadline)
        }
        #expect(try test.due(7, now: 10).map(\.ref.event) == [events[0], events[2]])
        #expect(try test.backlogs().map(\.size.count) == [2])
        #expect(try test.counts(4, now: 10).visible == 0)
        let crashed = try test.crash()
        #expect(try crashed.recover().records.map(\.sequence) == [events[1]])
    }

    @Test func tooMuchWaitingIsRefused() throws {
        let test = try StoreUnderTest(change: { $0.pendingAppendBytes = 4096 })
        var outcomes: [StoreError.Code?] = []
        for number in 0..<8 {
            test.store.append([.sample(number, targets: [1], byteCount: 3000)], settling: []) { result in
                if case .failure(let error) = result { outcomes.append(error.code) } else { outcomes.append(nil) }
            }
        }
        test.shard.run { outcomes.count == 8 }
        #expect(outcomes.first == .some(nil))
        #expect(outcomes.contains(.full))
        #expect(outcomes.allSatisfy { $0 == nil || $0 == .full })
    }
}
