import Glibc
import SansIO
import Testing

@testable import EmbeddedStore

/// What becomes of deliveries that wait while the journal nears its limit: they spill to rows, and nobody notices.
@Suite("JournalPressureTests")
struct JournalPressureTests {
    @Test func reopeningOftenMovesNoMoreThanTheOldestSegment() throws {
        let test = try StoreUnderTest()
        var events: [UInt64] = []
        for opening in 1...12 {
            events += try test.append([.sample(opening, targets: [1, 2])])
            if opening < 12 {
                #expect(test.embedded?.spilledCount == 0)
                try test.reopen()
            }
        }
        // Every opening begins a segment, and twelve of sixteen are three quarters.
        test.shard.run { test.embedded?.spilledCount == 2 }
        for _ in 0..<3 {
            #expect(test.store.statistics.unresolvedDeliveries == 24)
            #expect(try test.backlogs().isEmpty)
            #expect(try test.due(1, now: .max).isEmpty)
            #expect(try test.oldest(1, before: .max).isEmpty)
            try test.reopen()
            #expect(test.embedded?.spilledCount == 2)
            let recovered = try test.recover().records
            #expect(recovered.map(\.sequence) == events)
            #expect(recovered.map(\.event) == (1...12).map { sampleBytes($0, 40) })
            #expect(recovered.allSatisfy { $0.targets == [1, 2] })
        }
    }

    /// A store whose first event, with three targets, is about to spill.
    private func crowded() throws -> (test: StoreUnderTest, first: UInt64) {
        let test = try StoreUnderTest()
        let first = try test.append([.sample(1, targets: [1, 2, 3])])[0]
        for opening in 2...12 {
            try test.reopen()
            _ = try test.append([.sample(opening, targets: [4])])
        }
        return (test, first)
    }

    @Test func spilledDeliveriesEndLikeOthers() throws {
        let (test, first) = try crowded()
        test.shard.run { test.embedded?.spilledCount == 3 }
        try test.park([.sample(first, 1, due: 5)])
        let second = [DeliveryRef(event: first, target: 2)]
        try test.send(QueueSend(queue: 9, messages: [.sample(1)], settling: second, durable: false))
        #expect(test.embedded?.spilledCount == 1)
        try test.reopen()
        #expect(try test.recover().records.first { $0.sequence == first }?.targets == [3])
        _ = try test.append([.sample(13, targets: [4])], settling: [DeliveryRef(event: first, target: 3)])
        try test.reopen()
        #expect(try test.due(1, now: 5).map(\.ref.event) == [first])
        #expect(try test.recover().records.allSatisfy { $0.targets == [4] })
        // What is parked is the retry queue's, and resolving it late changes nothing.
        test.store.resolve([DeliveryRef(event: first, target: 1)])
        #expect(try test.backlogs().map(\.target) == [1])
    }

    /// Deliveries that recovery handed over are in one place only, also when the journal is crowded from the beginning.
    @Test func whatACrowdedStoreRecoversIsInNoRetryQueue() throws {
        let test = try StoreUnderTest()
        var events: [UInt64] = []
        for number in 0..<140 {
            events += try test.append([.sample(number, targets: [1, 2], byteCount: 20_000)])
        }
        let crashed = try test.crash()
        let recovered = try crashed.recover()
        #expect(recovered.records.map(\.sequence) == events)
        let deadline = monotonicNanoseconds() + 60_000_000_000
        while crashed.embedded?.spilledCount == 0, monotonicNanoseconds() < deadline { _ = try crashed.backlogs() }
        #expect(try crashed.backlogs().isEmpty)
        #expect(try crashed.due(1, now: .max).isEmpty)
        #expect(crashed.store.statistics.unresolvedDeliveries == 280)
    }

    @Test func aDeliveryResolvedWhileItMovesIsDoneAfterReopening() throws {
        let (test, first) = try crowded()
        // Closing follows at once, mostly before the move that the last append brought about is done.
        test.store.resolve([DeliveryRef(event: first, target: 1)])
        try test.reopen()
        #expect(try test.recover().records.map(\.targets) == [[2, 3]] + Array(repeating: [4], count: 11))
    }

    /// What was asked for before closing still settles what had spilled, though it completes while the store closes.
    @Test func whatCompletesWhileClosingSettlesWhatSpilled() throws {
        let (test, first) = try crowded()
        test.shard.run { test.embedded?.spilledCount == 3 }
        var outcomes: [Bool] = []
        test.store.append([], settling: [DeliveryRef(event: first, target: 1)]) { outcomes.append($0.isSuccess) }
        let second = [DeliveryRef(event: first, target: 2)]
        test.store.send(QueueSend(queue: 9, messages: [.sample(1)], settling: second, durable: false)) { result in
            outcomes.append(result.isSuccess)
        }
        test.store.append([.sample(13, targets: [4], byteCount: 1 << 20)], settling: []) { result in
            outcomes.append(!result.isSuccess)
        }
        try test.reopen()
        #expect(outcomes == [true, true, true])
        #expect(try test.recover().records.first { $0.sequence == first }?.targets == [3])
    }

    /// Notes find room when appends find none, so closing in an orderly way repeats nothing.
    @Test(arguments: [false, true])
    func notesAreWrittenThoughAppendsAreRefused(isDiskFull: Bool) throws {
        let injector = FaultInjector()
        let test = try StoreUnderTest(files: injector.files) { $0.minimumFreeBytes = 1 << 20 }
        // RocksDB fails, so nothing spills and the journal fills up.
        if !isDiskFull { injector.set { $0.engineError = StoreError(.failed, "no rows today") } }
        var events: [UInt64] = []
        var isFull = false
        while !isFull, events.count < 1000 {
            if isDiskFull, events.count == 20 { injector.set { $0.freeBytes = 1000 } }
            do {
                events += try test.append([.sample(events.count, targets: [1], byteCount: 20_000)])
            } catch let error as StoreError {
                #expect(error.code == .full)
                isFull = true
            }
        }
        #expect(isFull)
        test.store.resolve(events.map { DeliveryRef(event: $0, target: 1) })
        test.close()
        injector.set { $0 = FaultInjector.Faults() }
        try test.reopen()
        #expect(try test.recover().records.isEmpty)
    }

    /// Who sees that the store is full appends nothing, and nothing else could show that there is room again.
    @Test func aJournalAtItsLimitLetsAnAppendTryNowAndThen() throws {
        let injector = FaultInjector()
        let test = try StoreUnderTest(files: injector.files)
        injector.set { $0.engineError = StoreError(.failed, "no rows today") }
        let record = IntakeRecord.sample(0, targets: [1], byteCount: 20_000)
        var isRefused = false
        for _ in 0..<1_000 where !isRefused { isRefused = try errorCode { _ = try test.append([record]) } == .full }
        #expect(isRefused && test.store.statistics.isFull)
        #expect(test.becomesRoomy())
        #expect(try errorCode { _ = try test.append([record]) } == .full)
        #expect(test.store.statistics.isFull)
    }

    /// A load balancer that asks hears one answer until there is room to spare, not another every two seconds.
    @Test(arguments: [4, 5, 6, 7, 8, 16])
    func aStoreThatWasCrowdedTakesAppendsWhenThereIsRoomToSpare(segments: Int) throws {
        let injector = FaultInjector()
        let test = try StoreUnderTest(files: injector.files) { $0.journalLimitBytes = segments << 18 }
        let store = try #require(test.embedded)
        #expect(store.takesAppends)
        injector.set { $0.engineError = StoreError(.failed, "no rows today") }
        let record = IntakeRecord.sample(0, targets: [1], byteCount: 20_000)
        var isRefused = false
        for _ in 0..<1_000 where !isRefused { isRefused = try errorCode { _ = try test.append([record]) } == .full }
        #expect(test.becomesRoomy())
        #expect(!store.takesAppends)
        injector.set { $0 = FaultInjector.Faults() }
        #expect(test.comesToTakeAppends())
        let used = store.journal.shared.withLock { $0.live.count }
        #expect(store.journal.fileLimit == segments)
        #expect(used < segments - 1)
        #expect(try test.append([record]).count == 1)
    }

    /// A damaged place keeps what lies behind it in the journal for some tries, not for good.
    @Test func whatCannotBeReadDoesNotKeepTheJournalFull() throws {
        let test = try StoreUnderTest()
        let store = try #require(test.embedded)
        var events = try test.append([.sample(0, targets: [1], byteCount: 20_000)])
        let path =
            test.directory.path + "/journal/"
            + (TestDirectory.entries(test.directory.path + "/journal").map(\.name).min() ?? "")
        let file = open(path, O_WRONLY)
        defer { close(file) }
        #expect(pwrite(file, [UInt8](repeating: 0xEE, count: 64), 64, off_t(JournalFormat.pageBytes) + 1000) == 64)
        for number in 1...400 {
            if let event = try? test.append([.sample(number, targets: [1], byteCount: 20_000)]) { events += event }
        }
        let deadline = monotonicNanoseconds() + 60_000_000_000
        while store.statistics.unreadableRecords == 0, monotonicNanoseconds() < deadline { _ = try test.backlogs() }
        #expect(store.statistics.unreadableRecords == 1)
        #expect(test.comesToTakeAppends())
        #expect(try test.append([.sample(401, targets: [1])]).count == 1)
        // Whoever delivers it had it in memory, and is done.
        test.store.resolve(events.map { DeliveryRef(event: $0, target: 1) })
        while store.statistics.unresolvedDeliveries > 1, monotonicNanoseconds() < deadline { _ = try test.backlogs() }
        #expect(store.statistics.unresolvedDeliveries == 1)
    }

    private func crowd(_ test: StoreUnderTest, after events: [UInt64] = []) throws -> [UInt64] {
        var events = events
        for number in 0..<1_000 {
            do {
                events += try test.append([.sample(number, targets: [1], byteCount: 20_000)])
            } catch let error as StoreError {
                #expect(error.code == .full)
                return events
            }
        }
        Issue.record("the journal never filled up")
        return events
    }

    /// Waits until moving has failed `count` times more.
    private func awaitFailures(_ count: Int, of test: StoreUnderTest) throws {
        let store = try #require(test.embedded)
        let deadline = monotonicNanoseconds() + 60_000_000_000
        var seen: Set<UInt64> = [store.nextSpill]
        while seen.count <= count {
            try #require(monotonicNanoseconds() < deadline)
            _ = try? test.backlogs()
            seen.insert(store.nextSpill)
        }
    }

    /// Only what was read and is damaged is given up, and what lies before it does not wait for that.
    @Test func triesThatRocksDBFailsCountForNothing() throws {
        let injector = FaultInjector()
        let test = try StoreUnderTest(files: injector.files)
        let store = try #require(test.embedded)
        injector.set { $0.engineError = StoreError(.failed, "no rows today") }
        _ = try crowd(test)
        let file = try #require(store.journal.shared.withLock { $0.live.first?.file })
        // Within the second frame.
        try TestFile.damage(file.path, at: JournalFormat.pageBytes + 30_000, count: 64)
        try awaitFailures(4, of: test)
        #expect(store.damage.tries == 0)
        injector.set { $0 = FaultInjector.Faults() }
        let deadline = monotonicNanoseconds() + 60_000_000_000
        while store.damage.tries == 0, monotonicNanoseconds() < deadline { _ = try? test.backlogs() }
        #expect(store.spilledCount == 1)
        #expect(store.statistics.unreadableRecords == 0)
        #expect(test.comesToTakeAppends())
        #expect(store.damage.tries == 3)
        #expect(store.statistics.unreadableRecords == 1)
    }

    /// A disk that does not read now may read later.
    @Test func whatTheDiskDoesNotReadIsNeverGivenUp() throws {
        let test = try StoreUnderTest()
        let store = try #require(test.embedded)
        let first = try test.append([.sample(0, targets: [1], byteCount: 20_000)])
        let file = try #require(store.journal.shared.withLock { $0.live.first?.file })
        let kept = dup(file.descriptor)
        let unreadable = open(file.path, O_WRONLY)
        #expect(dup2(unreadable, file.descriptor) == file.descriptor)
        let events = try crowd(test, after: first)
        try awaitFailures(5, of: test)
        #expect(store.damage.tries == 0)
        #expect(dup2(kept, file.descriptor) == file.descriptor)
        for descriptor in [kept, unreadable] { close(descriptor) }
        #expect(test.comesToTakeAppends())
        #expect(store.statistics.unreadableRecords == 0)
        try test.reopen()
        #expect(try test.recover().records.map(\.sequence) == events)
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

extension Result {
    fileprivate var isSuccess: Bool {
        if case .success = self { true } else { false }
    }
}
