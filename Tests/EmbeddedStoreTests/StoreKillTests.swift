import Glibc
import SansIO
import Testing

@testable import EmbeddedStore

/// SIGKILL of a process that writes as fast as it can: nothing acknowledged is lost, and what was settled stays so after
/// an orderly close. The process is this test program again, which runs one test and never ends it.
@Suite("StoreKillTests")
struct StoreKillTests {
    private static let rounds = getenv("STORE_TEST_RUNS").flatMap { Int(String(cString: $0)) } ?? 6
    private static let writerDirectory = getenv("STORE_TEST_WRITER").map { String(cString: $0) }

    @Test func aKilledWriterLosesNothingAcknowledged() throws {
        let seed = UInt64.random(in: 0...UInt64.max)
        print("StoreKillTests seed \(seed)")
        var generator = SeededGenerator(seed: seed)
        let directory = TestDirectory()
        let log = TestDirectory()
        var settled: UInt64 = 0
        for round in 1...Self.rounds {
            let path = "\(log.path)/\(round)"
            let variables = ["STORE_TEST_WRITER": directory.path, "STORE_TEST_LOG": path]
            let writer = try TestProgram(running: "StoreKillTests/writesUntilItIsKilled", variables)
            let goal = Int.random(in: 1...4000, using: &generator)
            let deadline = monotonicNanoseconds() + 60_000_000_000
            do {
                defer { writer.kill() }
                while try Self.entries(path).count < goal, monotonicNanoseconds() < deadline { sched_yield() }
            }
            let entries = try Self.entries(path)
            #expect(entries.count >= goal, "seed \(seed), round \(round): the writer stalled")
            settled = try check(directory, entries, settled: settled, "seed \(seed), round \(round)")
        }
    }

    /// Opens what the writer left, compares it with the writer's log, settles all of it and closes.
    private func check(
        _ directory: TestDirectory,
        _ entries: [WriterLog.Entry],
        settled: UInt64,
        _ place: String
    ) throws -> UInt64 {
        let test = try StoreUnderTest(directory: directory)
        let recovered = try test.recover()
        #expect(recovered.reports.allSatisfy { $0.contains("unacknowledged if the machine stopped") }, "\(place)")
        var found: [UInt64: Int] = [:]
        for record in recovered.records {
            #expect(record.event == sampleBytes(Int(record.acceptedAt.milliseconds), record.event.count), "\(place)")
            found[record.sequence, default: 0] += 1
        }
        let parked = try test.due(1, now: .max, limit: 1_000_000)
        for delivery in parked { found[delivery.ref.event, default: 0] += 1 }
        #expect(found.values.allSatisfy { $0 == 1 }, "\(place): a delivery is in two places")
        let back = found.keys.filter { $0 <= settled }.sorted()
        #expect(back.isEmpty, "\(place): settled before \(settled), came back: \(back.count), e.g. \(back.prefix(5))")
        let done = Set(entries.filter(\.isSettling).map(\.sequence))
        let lost = entries.filter { !$0.isSettling && !done.contains($0.sequence) && found[$0.sequence] == nil }
        #expect(lost.isEmpty, "\(place): lost \(lost.prefix(5).map(\.sequence))")
        test.store.resolve(recovered.records.map { DeliveryRef(event: $0.sequence, target: 1) })
        test.store.finish(parked.map(\.pointer))
        let next = test.store.nextSequence()
        #expect(next > (entries.map(\.sequence).max() ?? 0), "\(place)")
        test.close()
        return next
    }

    private static func entries(_ path: String) throws -> [WriterLog.Entry] {
        guard access(path, F_OK) == 0 else { return [] }
        return WriterLog.entries(try TestFile.read(path))
    }

    /// The process that is killed.
    @Test(.enabled(if: writerDirectory != nil)) func writesUntilItIsKilled() throws {
        let path = try #require(getenv("STORE_TEST_LOG").map { String(cString: $0) })
        let writer = try Writer(directory: try #require(Self.writerDirectory), log: path)
        writer.run()
    }
}

/// What a writer has been told, as eight bytes an entry in a file: it outlives the process, as everything written does.
private struct WriterLog {
    struct Entry {
        var sequence: UInt64
        /// True for one that is about to be resolved, false for one that was acknowledged.
        var isSettling: Bool
    }

    private let file: Int32

    init(_ path: String) {
        file = open(path, O_WRONLY | O_CREAT | O_APPEND, 0o600)
    }

    func write(_ sequence: UInt64, isSettling: Bool) {
        withUnsafeBytes(of: sequence << 1 | (isSettling ? 1 : 0)) { _ = Glibc.write(file, $0.baseAddress, 8) }
    }

    static func entries(_ bytes: [UInt8]) -> [Entry] {
        bytes.withUnsafeBytes { all in
            (0..<all.count / 8).map { index in
                let word = all.loadUnaligned(fromByteOffset: index * 8, as: UInt64.self)
                return Entry(sequence: word >> 1, isSettling: word & 1 == 1)
            }
        }
    }
}

/// Keeps many appends under way; resolves half of the events, parks some and leaves the rest.
private final class Writer {
    private let log: WriterLog
    private let shard = TestShard()
    private let store: EmbeddedStore
    private var number = 0

    init(directory: String, log: String) throws {
        self.log = WriterLog(log)
        var configuration = EmbeddedStoreConfiguration(directory: directory, minimumFreeBytes: 0)
        configuration.journalSegmentBytes = 1 << 18
        configuration.journalLimitBytes = 16 << 18
        configuration.lazySynchronisationMilliseconds = 5
        store = try EmbeddedStore.open(configuration: configuration, executor: shard.executor)
    }

    /// Ends only when nobody is left to kill it.
    func run() {
        let parent = getppid()
        for _ in 0..<64 { append() }
        shard.run { getppid() != parent }
    }

    private func append() {
        number += 1
        let record = IntakeRecord.sample(number, targets: [1], byteCount: number % 1000)
        store.append([record], settling: []) { [self] result in
            if case .success(let sequences) = result { settle(sequences[0], record) }
            append()
        }
    }

    private func settle(_ sequence: UInt64, _ record: IntakeRecord) {
        log.write(sequence, isSettling: false)
        let ref = DeliveryRef(event: sequence, target: 1)
        switch sequence % 8 {
        case 0..<4:
            log.write(sequence, isSettling: true)
            store.resolve([ref])
        case 4:
            let delivery = ParkedDelivery(
                ref: ref,
                due: .at(1),
                attempts: 1,
                acceptedAt: record.acceptedAt,
                event: record.event,
                state: []
            )
            store.park([delivery]) { _ in }
        default: break
        }
    }
}
