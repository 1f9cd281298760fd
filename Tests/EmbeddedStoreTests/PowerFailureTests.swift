import Glibc
import SansIO
import Testing

@testable import EmbeddedStore

/// What is left when the machine loses power: of what was written but not synchronised, any sectors or none.
@Suite("PowerFailureTests")
struct PowerFailureTests {
    private static let runs = getenv("STORE_TEST_RUNS").flatMap { Int(String(cString: $0)) } ?? 12

    @Test(arguments: 0..<runs)
    func whatWasAcknowledgedOutlivesThePower(run: Int) throws {
        let given = getenv("STORE_TEST_SEED").flatMap { UInt64(String(cString: $0)) }
        let seed = given ?? UInt64.random(in: 0...UInt64.max)
        print("PowerFailureTests seed \(seed)")
        var load = PowerLoad(seed: seed)
        let disk = VolatileDisk()
        var test = try StoreUnderTest(files: disk.files, change: PowerLoad.configure)
        for _ in 0..<3 {
            try load.run(on: test)
            load.leaveUnderWay(on: test, disk)
            let left = try disk.losePower(test.directory, &load.generator)
            disk.forget()
            test = try StoreUnderTest(directory: left, files: disk.files, change: PowerLoad.configure)
            try load.check(test)
            try load.checkAgain(test)
        }
        load.finish(test)
    }

    @Test func aNameThatCannotBeKeptIsAnError() throws {
        var files = FileOperations.system
        files.synchroniseDirectory = { $0.hasSuffix("/journal") ? EIO : FileOperations.system.synchroniseDirectory($0) }
        let test = try StoreUnderTest(files: files)
        #expect(try errorCode { _ = try test.append([.sample(1, targets: [1])]) } == .failed)
        #expect(try test.crash().recover().records.isEmpty)
        files.synchroniseDirectory = { _ in EIO }
        #expect(try errorCode { _ = try StoreUnderTest(files: files) } == .failed)
    }
}

/// Appends, resolved, parked and sent at random, and what of it must still be there.
private struct PowerLoad {
    var generator: SeededGenerator
    private let seed: UInt64
    /// Deliveries that were acknowledged and never resolved.
    private var owed: Set<DeliveryRef> = []
    private var events: [UInt64: [UInt8]] = [:]
    /// What of ``owed`` is in a retry queue.
    private var parked: Set<DeliveryRef> = []
    private var messages: Set<UInt64> = []
    /// Places of the journal that the power failures damaged.
    private var damaged: Set<Substring> = []
    private var number = 0

    init(seed: UInt64) {
        self.seed = seed
        generator = SeededGenerator(seed: seed)
    }

    static func configure(_ configuration: inout EmbeddedStoreConfiguration) {
        configuration.journalSegmentBytes = 1 << 16
        configuration.journalLimitBytes = 6 << 16
    }

    private mutating func record() -> IntakeRecord {
        number += 1
        return .sample(number, targets: [1, 2], byteCount: Int.random(in: 0...6000, using: &generator))
    }

    mutating func run(on test: StoreUnderTest) throws {
        for _ in 0..<Int.random(in: 10...60, using: &generator) {
            switch Int.random(in: 0..<10, using: &generator) {
            case 0..<5: try append(to: test)
            case 5, 6:
                let done = owed.sorted().shuffled(using: &generator).prefix(8)
                test.store.resolve(Array(done))
                owed.subtract(done)
            case 7: try park(in: test)
            case 8:
                number += 1
                try test.send(QueueSend(queue: 5, messages: [.sample(UInt64(number))], durable: true))
                messages.insert(UInt64(number))
            default: _ = try test.backlogs()
            }
        }
    }

    /// Some are under way when the power goes: written, maybe, and never synchronised.
    mutating func leaveUnderWay(on test: StoreUnderTest, _ disk: VolatileDisk) {
        disk.hold()
        var left = Int.random(in: 1...6, using: &generator)
        for _ in 0..<left {
            let bytes = Int.random(in: 0...12_000, using: &generator)
            number += 1
            test.store.append([.sample(number, targets: [1, 2], byteCount: bytes)], settling: []) { _ in left -= 1 }
        }
        // A journal that is full refuses them.
        let deadline = monotonicNanoseconds() + 60_000_000_000
        while !disk.holds, left > 0, monotonicNanoseconds() < deadline {
            test.shard.runReady()
            sched_yield()
        }
    }

    private mutating func append(to test: StoreUnderTest) throws {
        let records = (0..<Int.random(in: 1...3, using: &generator)).map { _ in record() }
        let sequences: [UInt64]
        do {
            sequences = try test.append(records)
        } catch let error as StoreError where error.code == .full {
            return
        }
        for (sequence, record) in zip(sequences, records) {
            events[sequence] = record.event
            for target in record.targets { owed.insert(DeliveryRef(event: sequence, target: target)) }
        }
    }

    private mutating func park(in test: StoreUnderTest) throws {
        let parked = owed.subtracting(parked).sorted().shuffled(using: &generator).prefix(4).map { ref in
            let event = events[ref.event] ?? []
            return ParkedDelivery(ref: ref, due: .at(1), attempts: 1, acceptedAt: .at(1), event: event, state: [])
        }
        try test.park(parked)
        self.parked.formUnion(parked.map(\.ref))
    }

    /// Every delivery that is owed is in exactly one place, whole; lazily resolved ones and those under way may be back.
    mutating func check(_ test: StoreUnderTest) throws {
        parked = []
        let recovered = try test.recover()
        damaged.formUnion(recovered.reports.map(Self.place(of:)))
        let damage = recovered.reports.filter { !$0.contains("unacknowledged if the machine stopped") }
        #expect(damage.isEmpty, "seed \(seed)")
        var found: [DeliveryRef: [UInt8]] = [:]
        for record in recovered.records {
            for target in record.targets { found[DeliveryRef(event: record.sequence, target: target)] = record.event }
        }
        for target: UInt64 in 1...2 {
            for one in try test.due(target, now: .max, limit: 100_000) {
                #expect(found.updateValue(one.event, forKey: one.ref) == nil, "seed \(seed): \(one.ref) twice")
                parked.insert(one.ref)
            }
        }
        for ref in owed.sorted() {
            #expect(found[ref] != nil && found[ref] == events[ref.event], "seed \(seed): \(ref) is lost")
        }
        let queue = try test.receive(5, now: .max, limit: 100_000, hiddenUntil: .max)
        #expect(messages.isSubset(of: queue.messages.map(\.key.major)), "seed \(seed)")
        messages = []
        // What came back is owed again, as a driver would see it.
        for (ref, event) in found {
            owed.insert(ref)
            events[ref.event] = event
        }
    }

    /// After a short life that ends in an orderly way nothing is damaged, and exactly what is owed is there: nothing that
    /// the power failure left behind in the journal is taken for a part of it.
    mutating func checkAgain(_ test: StoreUnderTest) throws {
        for _ in 0..<Int.random(in: 0...3, using: &generator) { try append(to: test) }
        try test.reopen()
        let recovered = try test.recover()
        // Damage is reported for as long as its segment is there.
        #expect(damaged.isSuperset(of: recovered.reports.map(Self.place(of:))), "seed \(seed): \(recovered.reports)")
        let found = recovered.records.flatMap { record in
            record.targets.map { DeliveryRef(event: record.sequence, target: $0) }
        }
        #expect(found.sorted() == owed.subtracting(parked).sorted(), "seed \(seed)")
    }

    /// The segment and the bytes that a report speaks of.
    private static func place(of report: String) -> Substring {
        report.prefix { $0 != "/" }
    }

    /// Everything can be resolved.
    func finish(_ test: StoreUnderTest) {
        test.store.resolve(owed.sorted())
        test.shard.run { test.store.statistics.unresolvedDeliveries == 0 }
    }
}

/// A disk that remembers what was not synchronised.
private final class VolatileDisk: Sendable {
    private struct Overwritten {
        var path: String
        var offset: Int
        var bytes: [UInt8]
    }

    private struct State {
        var unsynchronised: [Overwritten] = []
        /// The sizes of RocksDB's logs when they were last synchronised.
        var logs: [String: Int] = [:]
        /// True while no synchronisation comes back, and how many wait.
        var isHeld = false
        var waiting = 0
    }

    private let state = Monitor(State())
    private static let sectorBytes = 512

    var files: FileOperations {
        var files = FileOperations.system
        files.write = { [state] file, bytes, offset in
            state.withLock { state in
                let path = TestFile.path(of: file)
                var before = [UInt8](repeating: 0, count: bytes.count)
                _ = before.withUnsafeMutableBytes { pread(file, $0.baseAddress, $0.count, off_t(offset)) }
                state.unsynchronised.append(Overwritten(path: path, offset: offset, bytes: before))
                // The engine notes how far RocksDB is on disk right after it synchronised its log.
                if path.hasSuffix("/changes") { state.logs = Self.logs(besides: path) }
                return FileOperations.system.write(file, bytes, offset)
            }
        }
        files.synchronise = { [state] file in
            state.lock()
            defer { state.unlock() }
            state.guarded.pointee.waiting += 1
            while state.guarded.pointee.isHeld { state.wait(until: nil) }
            state.guarded.pointee.waiting -= 1
            let path = TestFile.path(of: file)
            state.guarded.pointee.unsynchronised.removeAll { $0.path == path }
            return FileOperations.system.synchronise(file)
        }
        return files
    }

    /// Lets no synchronisation come back until ``forget()``.
    func hold() {
        state.withLock { $0.isHeld = true }
    }

    /// Whether a synchronisation is held up.
    var holds: Bool {
        state.withLock { $0.isHeld && $0.waiting > 0 }
    }

    func forget() {
        state.withLock { state in
            state.unsynchronised = []
            state.logs = [:]
            state.isHeld = false
        }
        state.signal()
    }

    /// A copy of the directory as the failure leaves it.
    func losePower(_ directory: TestDirectory, _ generator: inout SeededGenerator) throws -> TestDirectory {
        state.lock()
        defer { state.unlock() }
        let left = try directory.copy()
        for lost in state.guarded.pointee.unsynchronised.reversed() where lost.path.hasPrefix(directory.path + "/") {
            let path = left.path + lost.path.dropFirst(directory.path.count)
            guard var bytes = try? TestFile.read(path) else { continue }
            for start in stride(from: 0, to: lost.bytes.count, by: Self.sectorBytes)
            where Bool.random(using: &generator) {
                let end = min(start + Self.sectorBytes, lost.bytes.count, bytes.count - lost.offset)
                guard start < end else { continue }
                bytes.replaceSubrange(lost.offset + start..<lost.offset + end, with: lost.bytes[start..<end])
            }
            try TestFile.write(path, bytes)
        }
        let rocks = left.path + "/rocksdb"
        let names = TestDirectory.entries(rocks).map(\.name).filter { $0.hasSuffix(".log") }
        if let newest = names.max() {
            let bytes = try TestFile.read("\(rocks)/\(newest)")
            let kept = min(state.guarded.pointee.logs[newest] ?? 0, bytes.count)
            let count = Int.random(in: kept...bytes.count, using: &generator)
            try TestFile.write("\(rocks)/\(newest)", Array(bytes.prefix(count)))
        }
        return left
    }

    private static func logs(besides path: String) -> [String: Int] {
        let rocks = path.dropLast("/changes".count) + "/rocksdb"
        var sizes: [String: Int] = [:]
        for (name, _) in TestDirectory.entries(String(rocks)) where name.hasSuffix(".log") {
            var status = stat()
            if stat("\(rocks)/\(name)", &status) == 0 { sizes[name] = Int(status.st_size) }
        }
        return sizes
    }
}
