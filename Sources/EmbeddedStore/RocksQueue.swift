/// Operations on their way to the RocksDB thread.
///
/// Sendable: guarded by its monitor. The shard adds; the thread takes everything at once. Operations that nobody reads the
/// outcome of soon wait a moment for others, so a steady trickle of them costs few wake-ups and few batches.
final class RocksQueue: Sendable {
    private struct Shared {
        var operations: [RocksOperation] = []
        var isUrgent = false
        var isAbandoned = false
        /// True while the thread lets operations gather.
        var isGathering = false
    }

    private let shared = Monitor(Shared())

    /// How long operations may gather, and how many.
    private static let gatherNanoseconds: UInt64 = 500_000
    private static let gatherCount = 256

    func add(_ operation: RocksOperation, isUrgent: Bool) {
        shared.withLock { state in
            state.operations.append(operation)
            if isUrgent { state.isUrgent = true }
        }
    }

    /// Wakes the thread for the operations added so far, unless it lets them gather. Called on the shard once a turn.
    func kick() {
        let isDue = shared.withLock { state in
            !state.isGathering || state.isUrgent || state.operations.count >= Self.gatherCount
        }
        if isDue { shared.signal() }
    }

    /// Has the thread end at once, as a crash would.
    func abandon() {
        shared.withLock { state in
            state.isAbandoned = true
            shared.signal()
        }
    }

    /// Waits for operations until `deadline`.
    ///
    /// - Returns: what there is, maybe nothing, or nil when the thread is to end.
    func take(until deadline: UInt64?) -> [RocksOperation]? {
        shared.lock()
        defer { shared.unlock() }
        let state = shared.guarded
        while state.pointee.operations.isEmpty, !state.pointee.isAbandoned {
            if let deadline, monotonicNanoseconds() >= deadline { return [] }
            shared.wait(until: deadline)
        }
        gather()
        if state.pointee.isAbandoned { return nil }
        var taken: [RocksOperation] = []
        swap(&taken, &state.pointee.operations)
        state.pointee.isUrgent = false
        return taken
    }

    private func gather() {
        let state = shared.guarded
        guard !state.pointee.isUrgent else { return }
        let end = monotonicNanoseconds() + Self.gatherNanoseconds
        state.pointee.isGathering = true
        while !state.pointee.isUrgent, !state.pointee.isAbandoned,
            state.pointee.operations.count < Self.gatherCount, monotonicNanoseconds() < end
        {
            shared.wait(until: end)
        }
        state.pointee.isGathering = false
    }
}
