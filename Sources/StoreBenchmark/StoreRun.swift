import EmbeddedStore
import SansIO

/// The store under load: each writer appends one event with two deliveries, and appends the next when that is durable.
/// Deliveries are resolved at once, but one in twenty events has one parked, which is finished some thousands later.
final class StoreRun {
    let store: EmbeddedStore
    let shard: BenchmarkShard
    private var running = 0
    private var end: UInt64 = 0
    private var events = 0
    private var number = 0
    private var parked: [ParkedRef] = []
    private var latencies: [UInt32] = []
    private var failure: StoreError?

    private static let parkedKept = 20_000

    init(store: EmbeddedStore, shard: BenchmarkShard) {
        self.store = store
        self.shard = shard
    }

    func run(writers: Int, seconds: Double, into figures: inout Figures) throws {
        let start = ResourceUsage.now()
        end = start.nanoseconds + UInt64(seconds * 1e9)
        events = 0
        latencies.removeAll(keepingCapacity: true)
        running = writers
        for _ in 0..<writers { next() }
        shard.run { running == 0 }
        if let failure { throw failure }
        figures.add(from: start, events: events)
        figures.latencies += latencies
    }

    private func next() {
        let begun = ResourceUsage.clock()
        guard begun < end, failure == nil else {
            running -= 1
            return
        }
        let record = IntakeRecord(
            acceptedAt: Timestamp(milliseconds: Int64(number)),
            event: Workload.event,
            targets: [1, 2]
        )
        store.append([record], settling: []) { [self] result in
            switch result {
            case .success(let sequences):
                latencies.append(UInt32(clamping: ResourceUsage.clock() - begun))
                if let sequence = sequences.first { deliver(sequence) }
            case .failure(let error):
                failure = error
            }
            next()
        }
    }

    private func deliver(_ sequence: UInt64) {
        events += 1
        number += 1
        let first = DeliveryRef(event: sequence, target: 1)
        let second = DeliveryRef(event: sequence, target: 2)
        guard number % 20 == 0 else {
            store.resolve([first, second])
            return
        }
        store.resolve([first])
        let delivery = ParkedDelivery(
            ref: second,
            due: Timestamp(milliseconds: Int64(number)),
            attempts: 1,
            acceptedAt: Timestamp(milliseconds: Int64(number)),
            event: Workload.event,
            state: [1]
        )
        store.park([delivery]) { [self] result in
            if case .failure(let error) = result { failure = error }
        }
        parked.append(ParkedRef(ref: second, due: delivery.due))
        guard parked.count > Self.parkedKept else { return }
        store.finish(Array(parked.prefix(Self.parkedKept / 2)))
        parked.removeFirst(Self.parkedKept / 2)
    }
}
