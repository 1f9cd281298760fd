import SansIO
import Testing

@testable import Simulation

/// What a crash leaves of a memory store.
@Suite struct MemoryStoreTests {
    private let shard = VirtualShard()
    private let store: MemoryStore
    private let now = Timestamp(milliseconds: 1_000_000)

    init() {
        let shard = shard
        store = MemoryStore { shard.post($0) }
    }

    private func append(_ count: Int, target: UInt64 = 7) -> [UInt64] {
        var sequences: [UInt64] = []
        let record = IntakeRecord(acceptedAt: now, event: [1, 2, 3], targets: [target])
        store.append([IntakeRecord](repeating: record, count: count), settling: []) {
            if case .success(let given) = $0 { sequences = given }
        }
        shard.run()
        return sequences
    }

    private func park(_ events: [UInt64], target: UInt64 = 7) {
        store.park(
            events.map {
                let ref = DeliveryRef(event: $0, target: target)
                return ParkedDelivery(ref: ref, due: now, attempts: 1, acceptedAt: now, event: [1, 2, 3], state: [])
            }
        ) { _ in }
        shard.run()
    }

    private var unresolved: [UInt64] {
        var found: [UInt64] = []
        store.recover {
            found += $0.map(\.sequence)
        } completion: { _ in
        }
        shard.run()
        return found
    }

    @Test func lazyChangesSinceTheLastDurableOneAreUndoneInACrash() {
        let events = append(4)
        park(Array(events[..<2]))
        store.resolve([DeliveryRef(event: events[2], target: 7)])
        #expect(store.statistics.parkedDeliveries == 2)
        #expect(store.statistics.unresolvedDeliveries == 1)
        store.crash()
        #expect(store.statistics.parkedDeliveries == 0)
        #expect(unresolved == events)
    }

    @Test func whatAWriteUnderWayTakesOutIsHeldUntilItIsThrough() {
        let events = append(3)
        park([events[0]])
        let size = BacklogSize(count: 1, bytes: 3)
        let ref = DeliveryRef(event: events[0], target: 7)
        let finishing = [ParkedRef(ref: ref, due: now)]
        let settling = [DeliveryRef(event: events[1], target: 7)]
        store.send(QueueSend(queue: 1, messages: [], settling: settling, finishing: finishing, durable: true)) { _ in }
        #expect(store.held(leaving: true) == [7: size + size + size])
        #expect(store.held(leaving: false) == [7: size + size])
        shard.run()
        #expect(store.held(leaving: true) == [7: size])
        store.append([], settling: [DeliveryRef(event: events[2], target: 7)]) { _ in }
        #expect(store.held(leaving: true) == [7: size])
        store.crash()
        #expect(store.held(leaving: true) == [7: size], "the write was not through")
    }

    @Test func aDurableWriteMakesLazyChangesBeforeItDurable() {
        let events = append(2)
        park(events)
        let later = append(1)
        store.finish([ParkedRef(ref: DeliveryRef(event: events[0], target: 7), due: now)])
        store.crash()
        #expect(store.statistics.parkedDeliveries == 2)
        #expect(unresolved == later)
    }

    @Test func aWriteThatHasNotCompletedIsUndone() {
        let record = IntakeRecord(acceptedAt: now, event: [1], targets: [7])
        var isComplete = false
        store.append([record], settling: []) { _ in isComplete = true }
        store.crash()
        shard.run()
        #expect(!isComplete)
        #expect(unresolved.isEmpty)
    }

    @Test func droppedAndPurgedRowsAreBackAfterACrash() {
        let events = append(3)
        park(events)
        store.synchronise()
        store.dropTarget(7) { _ in }
        let message = QueueMessage(key: MessageKey(major: 9, minor: 0), sentAt: now, visibleAt: now, content: [1])
        store.send(QueueSend(queue: 1, messages: [message], durable: false)) { _ in }
        store.purge(queue: 1) { _ in }
        #expect(store.statistics.parkedDeliveries == 0)
        store.crash()
        #expect(store.statistics.parkedDeliveries == 3)
        var counts: QueueCounts?
        store.counts(queue: 1, now: now) { counts = try? $0.get() }
        shard.run()
        #expect(counts == QueueCounts(visible: 0, inFlight: 0, delayed: 0))
    }

    @Test func aConfigurationChangeWithAConflictChangesNothing() {
        let good = ConfigurationChange(key: "a", value: [1], expectedRevision: 0)
        let bad = ConfigurationChange(key: "b", value: [1], expectedRevision: 3)
        var results: [Result<Void, StoreError>] = []
        store.configure([good, bad]) { results.append($0) }
        var entries: [ConfigurationEntry]?
        store.configuration(prefix: "") { entries = try? $0.get() }
        shard.run()
        guard case .failure(let error)? = results.first else {
            Issue.record("the change went through")
            return
        }
        #expect(error.code == .conflict)
        #expect(entries == [])
    }
}
