import EmbeddedStore
import SansIO

/// A dead target with a long retry queue, and a journal full of unresolved events.
struct BacklogRun {
    let shard: BenchmarkShard

    private static let deadTarget: UInt64 = 1000
    private static let otherTargets: UInt64 = 100

    /// Parks `count` deliveries of one target and a few of others.
    func park(_ count: Int, in store: EmbeddedStore) throws {
        var failure: StoreError?
        var outstanding = 0
        var event = UInt64(1) << 40
        var left = count
        while left > 0 {
            let batch = min(left, 256)
            let deliveries = (0..<UInt64(batch)).map { delivery(event + $0, Self.deadTarget) }
            event += UInt64(batch)
            left -= batch
            outstanding += 1
            store.park(deliveries) { result in
                outstanding -= 1
                if case .failure(let error) = result { failure = error }
            }
            shard.run { outstanding < 8 }
        }
        for target in 1...Self.otherTargets {
            outstanding += 1
            store.park((0..<20).map { delivery(event + $0, Self.deadTarget + target) }) { _ in outstanding -= 1 }
            event += 20
        }
        shard.run { outstanding == 0 }
        if let failure { throw failure }
    }

    private func delivery(_ event: UInt64, _ target: UInt64) -> ParkedDelivery {
        ParkedDelivery(
            ref: DeliveryRef(event: event, target: target),
            due: Timestamp(milliseconds: Int64(event & 0xFFFF)),
            attempts: 1,
            acceptedAt: Timestamp(milliseconds: Int64(event & 0xFFFF_FFFF)),
            event: Workload.event,
            state: [1, 2, 3]
        )
    }

    /// Microseconds of the slowest one in a hundred of `count` reads of other targets' heads.
    func otherTargetReads(_ count: Int, in store: EmbeddedStore) -> Double {
        var figures = Figures()
        for number in 0..<UInt64(count) {
            let target = Self.deadTarget + 1 + number % Self.otherTargets
            let begun = ResourceUsage.clock()
            var isDone = false
            store.due(target: target, now: .distantFuture, limit: 1) { _ in isDone = true }
            shard.run { isDone }
            figures.latencies.append(UInt32(clamping: ResourceUsage.clock() - begun))
        }
        return figures.latency(0.99)
    }

    /// Seconds to open the store and read the dead target's first delivery.
    func open(_ configuration: EmbeddedStoreConfiguration) throws -> (store: EmbeddedStore, seconds: Double) {
        let begun = ResourceUsage.clock()
        let store = try EmbeddedStore.open(configuration: configuration, executor: shard.executor)
        var isDone = false
        store.due(target: Self.deadTarget, now: .distantFuture, limit: 1) { _ in isDone = true }
        shard.run { isDone }
        return (store, Double(ResourceUsage.clock() - begun) / 1e9)
    }

    /// Appends `count` events and resolves none.
    func fill(_ count: Int, in store: EmbeddedStore) throws {
        var failure: StoreError?
        var outstanding = 0
        var left = count
        while left > 0 {
            let batch = min(left, 100)
            let record = IntakeRecord(acceptedAt: .zero, event: Workload.event, targets: [1, 2])
            left -= batch
            outstanding += 1
            store.append(Array(repeating: record, count: batch), settling: []) { result in
                outstanding -= 1
                if case .failure(let error) = result { failure = error }
            }
            shard.run { outstanding < 64 }
        }
        shard.run { outstanding == 0 }
        if let failure { throw failure }
    }

    /// Appends `count` events and resolves none, in a journal that is too small for them: nearly all leave it for rows.
    func spill(_ count: Int, in store: EmbeddedStore) throws {
        var left = count
        while left > 0 {
            let batch = min(left, 100)
            let record = IntakeRecord(acceptedAt: .zero, event: Workload.event, targets: [1])
            var outcome: Result<[UInt64], StoreError>?
            store.append(Array(repeating: record, count: batch), settling: []) { outcome = $0 }
            shard.run { outcome != nil }
            switch outcome {
            case .success: left -= batch
            case .failure(let error) where error.code != .full: throw error
            default: break
            }
        }
    }

    /// What taking over the unresolved events of a store took.
    struct Recovery {
        var seconds = 0.0
        var count = 0
        /// Megabytes in memory before the store was opened and at the end, while it is open.
        var residentBefore = 0.0
        var resident = 0.0
    }

    /// Opens the store and takes over every unresolved event.
    func recover(_ configuration: EmbeddedStoreConfiguration) throws -> Recovery {
        var recovery = Recovery()
        recovery.residentBefore = ResourceUsage.residentMegabytes()
        let begun = ResourceUsage.clock()
        let store = try EmbeddedStore.open(configuration: configuration, executor: shard.executor)
        var count = 0
        var isDone = false
        store.recover(visit: { count += $0.count }, completion: { _ in isDone = true })
        shard.run { isDone }
        recovery.count = count
        recovery.seconds = Double(ResourceUsage.clock() - begun) / 1e9
        recovery.resident = ResourceUsage.residentMegabytes()
        Self.close(store, shard)
        return recovery
    }

    static func close(_ store: EmbeddedStore, _ shard: BenchmarkShard) {
        var isClosed = false
        store.close { isClosed = true }
        shard.run { isClosed }
    }
}
