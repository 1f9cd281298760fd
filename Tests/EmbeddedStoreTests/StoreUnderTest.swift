import SansIO
import Simulation

@testable import EmbeddedStore

/// The stores that the shared tests run on.
enum StoreKind: String, CaseIterable, Sendable {
    case embedded
    case memory
}

/// One store with its shard, opened again at will, with every operation as a plain call.
final class StoreUnderTest {
    let kind: StoreKind
    let directory: TestDirectory
    let shard = TestShard()
    private(set) var store: any StorePort
    private let files: FileOperations
    private let change: (inout EmbeddedStoreConfiguration) -> Void

    init(
        _ kind: StoreKind = .embedded,
        directory: TestDirectory = TestDirectory(),
        files: FileOperations = .system,
        change: @escaping (inout EmbeddedStoreConfiguration) -> Void = { _ in }
    ) throws {
        self.kind = kind
        self.directory = directory
        self.files = files
        self.change = change
        store = try Self.make(kind, directory, files, shard, change)
    }

    /// The store ends before its directory goes, or it would write there meanwhile.
    deinit {
        store = MemoryStore { _ in }
    }

    private static func make(
        _ kind: StoreKind,
        _ directory: TestDirectory,
        _ files: FileOperations,
        _ shard: TestShard,
        _ change: (inout EmbeddedStoreConfiguration) -> Void
    ) throws -> any StorePort {
        switch kind {
        case .embedded:
            var configuration = EmbeddedStoreConfiguration(
                directory: directory.path,
                journalSegmentBytes: 1 << 18,
                journalLimitBytes: 16 << 18,
                rocksMemtableBytes: 1 << 20,
                rocksCacheBytes: 1 << 20,
                minimumFreeBytes: 0,
                lazySynchronisationMilliseconds: 5
            )
            change(&configuration)
            return try EmbeddedStore.open(configuration: configuration, files: files, executor: shard.executor)
        case .memory:
            return MemoryStore { action in
                let turn = Turn(action)
                shard.executor { turn.action() }
            }
        }
    }

    var embedded: EmbeddedStore? { store as? EmbeddedStore }

    /// Closes in an orderly way and opens again.
    func reopen() throws {
        close()
        if let memory = store as? MemoryStore {
            memory.reopen()
        } else {
            store = try Self.make(kind, directory, files, shard, change)
        }
    }

    /// Lets go of the store without closing it.
    func crash() throws -> StoreUnderTest {
        let left = try directory.copy()
        return try StoreUnderTest(kind, directory: left, files: files, change: change)
    }

    func close() {
        var isClosed = false
        store.close { isClosed = true }
        shard.run { isClosed }
    }

    /// Whether the store is no longer full within half a minute in which nothing is appended.
    func becomesRoomy() -> Bool {
        let deadline = monotonicNanoseconds() + 30_000_000_000
        while store.statistics.isFull, monotonicNanoseconds() < deadline { _ = try? due(1, now: 0) }
        return !store.statistics.isFull
    }

    /// Whether the store takes appends within a minute in which nothing is appended. A store that says that it is full has no
    /// turn of its own before it is asked something.
    func comesToTakeAppends() -> Bool {
        guard let embedded else { return true }
        let deadline = monotonicNanoseconds() + 60_000_000_000
        while !embedded.takesAppends, monotonicNanoseconds() < deadline { _ = try? backlogs() }
        return embedded.takesAppends
    }

    func append(_ records: [IntakeRecord], settling: [DeliveryRef] = []) throws -> [UInt64] {
        try shard.wait { store.append(records, settling: settling, completion: $0) }
    }

    func recover() throws -> (records: [RecoveredRecord], reports: [String]) {
        var records: [RecoveredRecord] = []
        let reports = try shard.wait { store.recover(visit: { records += $0 }, completion: $0) }
        return (records, reports)
    }

    func park(_ deliveries: [ParkedDelivery]) throws {
        try shard.wait { store.park(deliveries, completion: $0) }
    }

    func due(_ target: UInt64, now: Int64, limit: Int = 100) throws -> [ParkedDelivery] {
        try shard.wait { store.due(target: target, now: .at(now), limit: limit, completion: $0) }
    }

    func nextDue(_ target: UInt64) throws -> Timestamp? {
        try shard.wait { store.nextDue(target: target, completion: $0) }
    }

    func backlogs() throws -> [TargetBacklog] {
        try shard.wait { store.backlogTargets(completion: $0) }
    }

    func reschedule(_ changes: [Reschedule]) throws {
        try shard.wait { store.reschedule(changes, completion: $0) }
    }

    func oldest(
        _ target: UInt64,
        after: UInt64? = nil,
        before: Int64,
        limit: Int = 100
    ) throws -> [ParkedDelivery] {
        try shard.wait {
            store.oldest(target: target, after: after, acceptedBefore: .at(before), limit: limit, completion: $0)
        }
    }

    func expire(_ target: UInt64, before: Int64) throws -> BacklogSize {
        try shard.wait { store.expire(target: target, acceptedBefore: .at(before), completion: $0) }
    }

    func drop(_ target: UInt64) throws -> UInt64 {
        try shard.wait { store.dropTarget(target, completion: $0) }
    }

    func send(_ send: QueueSend) throws {
        try shard.wait { store.send(send, completion: $0) }
    }

    func receive(
        _ queue: UInt64,
        now: Int64,
        limit: Int = 10,
        hiddenUntil: Int64,
        redrive: QueueRedrive? = nil
    ) throws -> QueueReceipt {
        try shard.wait {
            store.receive(
                queue: queue,
                now: .at(now),
                limit: limit,
                hiddenUntil: .at(hiddenUntil),
                redrive: redrive,
                completion: $0
            )
        }
    }

    func delete(_ queue: UInt64, _ keys: [MessageKey]) throws -> [Bool] {
        try shard.wait { store.delete(queue: queue, keys: keys, completion: $0) }
    }

    func changeVisibility(_ queue: UInt64, _ key: MessageKey, now: Int64, visibleAt: Int64) throws -> Bool {
        try shard.wait {
            store.changeVisibility(
                queue: queue,
                key: key,
                now: .at(now),
                visibleAt: .at(visibleAt),
                completion: $0
            )
        }
    }

    func purge(_ queue: UInt64) throws {
        try shard.wait { store.purge(queue: queue, completion: $0) }
    }

    func expireMessages(_ queue: UInt64, before: Int64) throws -> UInt64 {
        try shard.wait { store.expireMessages(queue: queue, sentBefore: .at(before), completion: $0) }
    }

    func counts(_ queue: UInt64, now: Int64) throws -> QueueCounts {
        try shard.wait { store.counts(queue: queue, now: .at(now), completion: $0) }
    }

    func configuration(_ prefix: String) throws -> [ConfigurationEntry] {
        try shard.wait { store.configuration(prefix: prefix, completion: $0) }
    }

    func configure(_ changes: [ConfigurationChange]) throws {
        try shard.wait { store.configure(changes, completion: $0) }
    }
}

extension Timestamp {
    static func at(_ milliseconds: Int64) -> Timestamp { Timestamp(milliseconds: milliseconds) }
}

extension IntakeRecord {
    /// A record with recognisable bytes.
    static func sample(_ number: Int, targets: [UInt64], byteCount: Int = 40) -> IntakeRecord {
        IntakeRecord(
            acceptedAt: .at(Int64(number)),
            event: sampleBytes(number, byteCount),
            targets: targets
        )
    }
}

extension ParkedDelivery {
    static func sample(_ event: UInt64, _ target: UInt64, due: Int64, acceptedAt: Int64 = 1) -> ParkedDelivery {
        ParkedDelivery(
            ref: DeliveryRef(event: event, target: target),
            due: .at(due),
            attempts: 1,
            acceptedAt: .at(acceptedAt),
            event: sampleBytes(Int(event), 30 + Int(event % 5)),
            state: [7, UInt8(truncatingIfNeeded: event)]
        )
    }

    var pointer: ParkedRef { ParkedRef(ref: ref, due: due) }
}

extension Sequence<ParkedDelivery> {
    var size: BacklogSize {
        reduce(into: .zero) { $0 += BacklogSize(count: 1, bytes: UInt64($1.event.count)) }
    }
}

extension QueueMessage {
    static func sample(_ major: UInt64, sentAt: Int64 = 1, visibleAt: Int64 = 1) -> QueueMessage {
        QueueMessage(
            key: MessageKey(major: major, minor: 0),
            sentAt: .at(sentAt),
            visibleAt: .at(visibleAt),
            content: sampleBytes(Int(major), 25)
        )
    }
}

func sampleBytes(_ number: Int, _ count: Int) -> [UInt8] {
    (0..<count).map { UInt8(truncatingIfNeeded: number &* 31 &+ $0) }
}

/// The code of the store's error that `body` throws, or nil. Another error is rethrown.
func errorCode(_ body: () throws -> Void) throws -> StoreError.Code? {
    do {
        try body()
        return nil
    } catch let error as StoreError {
        return error.code
    }
}
