import Glibc
import SansIO
import Testing

@testable import EmbeddedStore

/// What the journal does about a disk that fails, and about what a power failure leaves behind.
@Suite("JournalFaultTests")
struct JournalFaultTests {
    private let injector = FaultInjector()

    /// Three appends of one group, in one segment.
    private func appendGroup(to test: StoreUnderTest) -> [Result<[UInt64], StoreError>] {
        var outcomes: [Result<[UInt64], StoreError>] = []
        for number in 1...3 {
            let record = IntakeRecord.sample(number, targets: [1], byteCount: 3000)
            test.store.append([record], settling: []) { outcomes.append($0) }
        }
        test.shard.run { outcomes.count == 3 }
        return outcomes
    }

    /// A segment's header and its first frame were lost with the power, the frames behind them were not. The number is
    /// given out again, and the frames have the checksums and the numbers of ones that follow.
    @Test func framesLeftBehindALostHeaderAreNotTakenForLaterOnes() throws {
        let test = try StoreUnderTest()
        _ = appendGroup(to: test)
        let left = try test.directory.copy()
        let path = left.path + "/journal/000001.segment"
        var bytes = try TestFile.read(path)
        let lost = 0..<JournalFormat.pageBytes + JournalFormat.frameHeaderBytes
        bytes.replaceSubrange(lost, with: [UInt8](repeating: 0, count: lost.count))
        try TestFile.write(path, bytes)
        for byteCount in [10, 3000] {
            let second = try StoreUnderTest(directory: try left.copy())
            #expect(try second.recover().records.isEmpty)
            let event = try second.append([.sample(9, targets: [1], byteCount: byteCount)])
            try second.reopen()
            let recovered = try second.recover()
            #expect(recovered.records.map(\.sequence) == event, "\(byteCount) bytes")
            #expect(recovered.reports.isEmpty)
            second.store.resolve([DeliveryRef(event: event[0], target: 1)])
            #expect(second.store.statistics.unresolvedDeliveries == 0)
        }
    }

    @Test func aSegmentsHeaderIsOnDiskBeforeItsFirstFrame() throws {
        struct State {
            var headers: Set<String> = []
            var segments = 0
            var early = 0
        }
        let state = Monitor(State())
        var files = FileOperations.system
        files.write = { file, bytes, offset in
            let path = TestFile.path(of: file)
            if path.hasSuffix(".segment") {
                state.withLock { state in
                    if offset == 0 {
                        state.headers.insert(path)
                        state.segments += 1
                    } else if state.headers.contains(path) {
                        state.early += 1
                    }
                }
            }
            return FileOperations.system.write(file, bytes, offset)
        }
        files.synchronise = { file in
            _ = state.withLock { $0.headers.remove(TestFile.path(of: file)) }
            return FileOperations.system.synchronise(file)
        }
        let test = try StoreUnderTest(files: files)
        for number in 0..<30 { _ = try test.append([.sample(number, targets: [1], byteCount: 20_000)]) }
        #expect(state.withLock { $0.segments } >= 3)
        #expect(state.withLock { $0.early } == 0)
    }

    /// A block of sequences is half used, and the next one cannot be reserved.
    @Test func closingEndsThoughNoSequencesCanBeReserved() throws {
        let test = try StoreUnderTest(files: injector.files)
        injector.set { faults in
            faults.writeError = EIO
            faults.writePath = "/sequence"
        }
        let start = monotonicNanoseconds()
        let last = (test.embedded?.takeSequences(9_000_000) ?? 0) + 9_000_000
        for number in 0..<50 { _ = try test.append([.sample(number, targets: [1])]) }
        test.close()
        let seconds = Int((monotonicNanoseconds() - start) / 1_000_000_000)
        #expect((1...seconds + 3).contains(injector.faults.withLock { $0.failedWrites }))
        injector.set { $0 = FaultInjector.Faults() }
        try test.reopen()
        #expect(try test.recover().records.count == 50)
        #expect(test.store.nextSequence() > last)
    }

    /// After a crash those beyond the reservation would be given out again, so nothing that has them is acknowledged.
    @Test func nothingIsWrittenWithSequencesThatCouldNotBeReserved() throws {
        let test = try StoreUnderTest(files: injector.files)
        injector.set { faults in
            faults.writeError = EIO
            faults.writePath = "/sequence"
        }
        let change = ConfigurationChange(key: "rule/1", value: [1])
        try test.configure([change])
        _ = test.store.nextSequence()
        #expect(test.store.unreserved == nil)
        _ = test.embedded?.takeSequences(Int(Journal.sequenceBlock))
        let message = QueueMessage.sample(test.store.nextSequence())
        #expect(test.store.unreserved?.code == .failed)
        #expect(try errorCode { _ = try test.append([.sample(1, targets: [1])]) } == .failed)
        let send = QueueSend(queue: 4, messages: [message], durable: true)
        #expect(try errorCode { try test.send(send) } == .failed)
        #expect(try errorCode { try test.configure([change]) } == .failed)
        injector.set { $0 = FaultInjector.Faults() }
        let deadline = monotonicNanoseconds() + 60_000_000_000
        var event: UInt64?
        while event == nil, monotonicNanoseconds() < deadline {
            event = try? test.append([.sample(1, targets: [1])]).first
        }
        let accepted = try #require(event)
        #expect(test.store.unreserved == nil)
        try test.send(send)
        try test.configure([change])
        let crashed = try test.crash()
        #expect(try crashed.recover().records.map(\.sequence) == [accepted])
        #expect(crashed.store.nextSequence() > accepted)
    }

    @Test func aReservationThatFailedIsTriedAgain() throws {
        let test = try StoreUnderTest(files: injector.files)
        injector.set { faults in
            faults.writeError = EIO
            faults.writePath = "/sequence"
        }
        _ = test.embedded?.takeSequences(9_000_000)
        while injector.faults.withLock({ $0.failedWrites }) == 0 { sched_yield() }
        injector.set { $0 = FaultInjector.Faults() }
        let next = test.store.nextSequence()
        let deadline = monotonicNanoseconds() + 60_000_000_000
        let shared = try #require(test.embedded?.journal.shared)
        while shared.withLock({ $0.sequenceLimit }) < next + Journal.sequenceBlock / 2 {
            try #require(monotonicNanoseconds() < deadline)
            sched_yield()
        }
        #expect(try test.crash().store.nextSequence() > next)
    }

    /// However many notes wait, they are not encoded again and again while they cannot be written.
    @Test func notesThatCannotBeWrittenAreTriedNowAndThen() throws {
        let test = try StoreUnderTest(files: injector.files)
        let targets = Array(UInt64(1)...6000)
        let event = try test.append([.sample(1, targets: targets)])[0]
        let start = monotonicNanoseconds()
        injector.set { faults in
            faults.writeError = EIO
            faults.writePath = ".segment"
        }
        test.store.resolve(targets.dropLast().map { DeliveryRef(event: event, target: $0) })
        for number in 1...50 {
            try test.send(QueueSend(queue: 4, messages: [.sample(UInt64(number))], durable: true))
        }
        let seconds = Int((monotonicNanoseconds() - start) / 1_000_000_000)
        #expect((1...(seconds + 2) * 4).contains(injector.faults.withLock { $0.failedWrites }))
        injector.set { $0 = FaultInjector.Faults() }
        try test.reopen()
        #expect(try test.recover().records.map(\.targets) == [[6000]])
    }

    /// Every frame of a group that could not be synchronised is blanked, not just the first.
    @Test func aGroupThatCouldNotBeSynchronisedIsNeverRecovered() throws {
        let test = try StoreUnderTest(files: injector.files)
        let before = try test.append([.sample(0, targets: [1])])
        injector.set { $0.synchroniseError = EIO }
        for outcome in appendGroup(to: test) {
            #expect(try errorCode { _ = try outcome.get() } == .failed)
        }
        let recovered = try test.directory.copy()
        injector.set { $0 = FaultInjector.Faults() }
        let crashed = try StoreUnderTest(directory: recovered).recover()
        #expect(crashed.records.map(\.sequence) == before)
        #expect(crashed.reports.isEmpty)
    }

    /// The disk is full, not the journal: moving deliveries to rows would take room and give none.
    @Test func appendsThatAFullDiskRefusesMoveNothing() throws {
        let test = try StoreUnderTest(files: injector.files) { $0.minimumFreeBytes = 1 << 20 }
        for number in 0..<30 { _ = try test.append([.sample(number, targets: [1], byteCount: 20_000)]) }
        injector.set { $0.freeBytes = 1000 }
        let deadline = monotonicNanoseconds() + 60_000_000_000
        while !test.store.statistics.isFull { try #require(monotonicNanoseconds() < deadline) }
        for number in 0..<5 {
            #expect(try errorCode { _ = try test.append([.sample(number, targets: [1])]) } == .full)
            #expect(try test.backlogs().isEmpty)
        }
        #expect(test.embedded?.spilledCount == 0)
    }

    /// The number in a header that could not be written is used again by another file.
    @Test func aFileThatCouldNotBeBegunIsGoneForGood() throws {
        let names = Monitor(0)
        var files = injector.files
        files.synchroniseDirectory = { path in
            if path.hasSuffix("/journal") { names.withLock { $0 += 1 } }
            return FileOperations.system.synchroniseDirectory(path)
        }
        let test = try StoreUnderTest(files: files)
        injector.set { faults in
            faults.writeError = EIO
            faults.writePath = ".segment"
            faults.isStartOnly = true
        }
        #expect(try errorCode { _ = try test.append([.sample(1, targets: [1])]) } == .failed)
        // The name came, and then it went.
        #expect(names.withLock { $0 } == 2)
        #expect(TestDirectory.entries(test.directory.path + "/journal").isEmpty)
        injector.set { $0 = FaultInjector.Faults() }
        #expect(try test.append([.sample(2, targets: [1])]).count == 1)
    }

    @Test func theLargestSegmentsOffsetsFitTheirFormat() {
        var configuration = EmbeddedStoreConfiguration(directory: "")
        configuration.journalSegmentBytes = 4096 << 20
        #expect(Journal.segmentBytes(configuration) <= UInt32.max)
        configuration.journalSegmentBytes = 64 << 20
        #expect(Journal.segmentBytes(configuration) == 64 << 20)
    }
}
