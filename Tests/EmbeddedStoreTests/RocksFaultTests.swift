import Glibc
import SansIO
import Testing

@testable import EmbeddedStore

/// What becomes of rows when RocksDB fails for a while, or cannot be read.
@Suite("RocksFaultTests")
struct RocksFaultTests {
    private let injector = FaultInjector()

    /// Passes the time with operations that fail until one does not.
    private func waitUntilMended(_ test: StoreUnderTest) throws {
        let deadline = monotonicNanoseconds() + 60_000_000_000
        while try errorCode({ try test.configure([ConfigurationChange(key: "mended", value: [1])]) }) != nil {
            try #require(monotonicNanoseconds() < deadline)
        }
    }

    /// An operation writes what was gathered before it, begins its own changes and fails: none of them may be written,
    /// though they are fewer than what it found in the batch.
    @Test func halfAnOperationIsNotWritten() throws {
        let test = try StoreUnderTest()
        for event: UInt64 in 1...3 { try test.park([.sample(event, 7, due: 5)]) }
        test.close()
        try spoil(.parked, RowKey(7, 4), of: test)
        try test.reopen()
        var large = ParkedDelivery.sample(9, 8, due: 5)
        large.event = sampleBytes(9, 2000)
        var parked: Result<Void, StoreError>?
        var expired: Result<BacklogSize, StoreError>?
        test.store.park([large]) { parked = $0 }
        test.store.expire(target: 7, acceptedBefore: .at(10)) { expired = $0 }
        test.shard.run { parked != nil && expired != nil }
        #expect(try errorCode { _ = try expired?.get() } == .corrupt)
        #expect(try parked?.get() != nil)
        try waitUntilMended(test)
        #expect(try test.due(7, now: 10).map(\.ref.event) == [1, 2, 3])
        #expect(try test.due(8, now: 10).map(\.ref.event) == [9])
    }

    /// Writes a row that no version of the store writes.
    private func spoil(_ family: RowFamily, _ key: RowKey, of test: StoreUnderTest) throws {
        let database = try RocksDatabase.open(
            path: test.directory.path + "/rocksdb",
            memtableBytes: 1 << 20,
            cacheBytes: 1 << 20,
            mayCreate: false
        )
        let batch = database.makeBatch()
        batch.put(family, key, [1, 2, 3])
        try database.write(batch)
        try database.synchronise()
    }

    /// A block that cannot be read hides the rows in it for as long as it cannot be read, and no longer.
    @Test func aQueueThatCouldNotBeReadIsNotTakenForAnEmptyOne() throws {
        let test = try StoreUnderTest()
        for target: UInt64 in 1...2 {
            try test.park((1...1000).map { .sample($0, target, due: Int64($0)) })
        }
        // Reading RocksDB's log again moves the rows to tables.
        try test.reopen()
        let rocks = test.directory.path + "/rocksdb"
        let tables = TestDirectory.entries(rocks).map(\.name).filter { $0.hasSuffix(".sst") }.map { "\(rocks)/\($0)" }
        let contents = try tables.map { try TestFile.read($0) }
        for (table, bytes) in zip(tables, contents) {
            try TestFile.damage(table, at: bytes.count / 4, count: bytes.count / 2)
        }
        #expect(try errorCode { _ = try test.due(2, now: 5000, limit: 3) } == .corrupt)
        for (table, bytes) in zip(tables, contents) { try TestFile.write(table, bytes) }
        #expect(try test.nextDue(2) == .at(1))
        #expect(try test.backlogs().map(\.size.count) == [1000, 1000])
        #expect(try test.due(2, now: 5000, limit: 3).map(\.ref.event) == [1, 2, 3])
    }

    /// Settling what spilled and finishing what was parked have no completion that could tell of a failure.
    @Test(arguments: [false, true])
    func whatIsSettledWhileRocksFailsStaysSettled(closesAtOnce: Bool) throws {
        let test = try StoreUnderTest(files: injector.files)
        let first = try test.append([.sample(1, targets: [1, 2])])[0]
        for opening in 2...12 {
            try test.reopen()
            _ = try test.append([.sample(opening, targets: [4])])
        }
        test.shard.run { test.embedded?.spilledCount == 2 }
        try test.park([.sample(first, 2, due: 5)])
        injector.set { $0.engineError = StoreError(.full, "no space") }
        test.store.resolve([DeliveryRef(event: first, target: 1)])
        test.store.finish([ParkedRef(ref: DeliveryRef(event: first, target: 2), due: .at(5))])
        #expect(try errorCode { try test.configure([ConfigurationChange(key: "a", value: [1])]) } == .full)
        injector.set { $0.engineError = nil }
        // Nobody asks for anything meanwhile.
        if !closesAtOnce {
            test.shard.run { test.store.statistics.unresolvedDeliveries == 11 }
            #expect(test.store.statistics.parkedDeliveries == 0)
        }
        try test.reopen()
        #expect(test.store.statistics.parkedDeliveries == 0)
        #expect(try test.recover().records.allSatisfy { $0.targets == [4] })
    }

    /// RocksDB ends the process when it is opened and finds no room.
    @Test func rocksIsNotOpenedAgainWithoutRoom() throws {
        let test = try StoreUnderTest(files: injector.files)
        injector.set { $0.engineError = StoreError(.full, "no space") }
        #expect(try errorCode { try test.send(QueueSend(queue: 4, messages: [.sample(1)], durable: false)) } == .full)
        injector.set { faults in
            faults.engineError = nil
            faults.freeBytes = 1 << 20
        }
        let deadline = monotonicNanoseconds() + 60_000_000_000
        var message = ""
        while !message.contains("free bytes to start") {
            try #require(monotonicNanoseconds() < deadline, "\(message)")
            do {
                _ = try test.counts(4, now: 1)
                Issue.record("opened without room")
                return
            } catch let error as StoreError {
                message = error.message
            }
        }
        injector.set { $0.freeBytes = 1 << 40 }
        try waitUntilMended(test)
    }

    /// A database that lost what callers were told is not opened again and again: only a new start mends it.
    @Test func aDatabaseThatLostChangesIsLeftAlone() throws {
        let test = try StoreUnderTest(files: injector.files) { $0.lazySynchronisationMilliseconds = 3_600_000 }
        try test.send(QueueSend(queue: 4, messages: [.sample(1)], durable: true))
        let rocks = test.directory.path + "/rocksdb"
        let log = try #require(TestDirectory.entries(rocks).map(\.name).filter { $0.hasSuffix(".log") }.max())
        let synchronised = try TestFile.read("\(rocks)/\(log)")
        try test.send(QueueSend(queue: 4, messages: [.sample(2)], durable: false))
        injector.set { $0.engineError = StoreError(.failed, "no rows today") }
        #expect(try errorCode { try test.send(QueueSend(queue: 4, messages: [.sample(3)], durable: true)) } == .failed)
        try TestFile.write("\(rocks)/\(log)", synchronised)
        injector.set { $0.engineError = nil }
        let deadline = monotonicNanoseconds() + 60_000_000_000
        func message() throws -> String {
            do {
                _ = try test.counts(4, now: 1)
                return ""
            } catch let error as StoreError {
                return error.message
            }
        }
        while try !message().contains("start again to repeat them") { try #require(monotonicNanoseconds() < deadline) }
        // Opening asks for the free room first.
        injector.set { $0.freeBytes = 0 }
        for _ in 0..<50 { #expect(try message().contains("start again to repeat them")) }
        injector.set { $0.freeBytes = 1 << 40 }
        let again = try test.crash()
        #expect(try again.counts(4, now: 1).visible == 1)
    }

    /// While deliveries cannot be moved out of a crowded journal, moving them is tried now and then.
    @Test func aFailedMoveIsNotRepeatedAtOnce() throws {
        let test = try StoreUnderTest(files: injector.files)
        injector.set { $0.engineError = StoreError(.failed, "no rows today") }
        let start = monotonicNanoseconds()
        var refused = 0
        for number in 0..<400 where refused < 20 {
            let record = IntakeRecord.sample(number, targets: [1], byteCount: 20_000)
            if try errorCode({ _ = try test.append([record]) }) != nil { refused += 1 }
        }
        #expect(refused == 20)
        for _ in 0..<100 { _ = try errorCode { _ = try test.append([.sample(1, targets: [1])]) } }
        let seconds = (monotonicNanoseconds() - start) / 1_000_000_000
        let moves = (test.embedded?.nextOperation ?? 0) - 1
        #expect((1...seconds + 2).contains(moves))
        injector.set { $0.engineError = nil }
        try waitUntilMended(test)
        let deadline = monotonicNanoseconds() + 60_000_000_000
        while try errorCode({ _ = try test.append([.sample(1, targets: [1], byteCount: 20_000)]) }) != nil {
            try #require(monotonicNanoseconds() < deadline)
        }
    }

    /// A send that only settles, because its message was there, is as good as any other.
    @Test func aSendThatWritesNothingNotesWhatItSettles() throws {
        let test = try StoreUnderTest()
        let event = try test.append([.sample(1, targets: [1])])[0]
        try test.send(QueueSend(queue: 4, messages: [.sample(1)], durable: true))
        let before = test.store.statistics.journalBytesWritten
        let settling = [DeliveryRef(event: event, target: 1)]
        var repeated = QueueSend(queue: 4, messages: [.sample(1)], settling: settling, durable: false)
        repeated.mayRepeat = true
        try test.send(repeated)
        let deadline = monotonicNanoseconds() + 30_000_000_000
        while test.store.statistics.journalBytesWritten == before {
            try #require(monotonicNanoseconds() < deadline)
            sched_yield()
        }
        #expect(try test.crash().recover().records.isEmpty)
    }
}
