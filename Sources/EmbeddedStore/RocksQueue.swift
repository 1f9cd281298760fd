/// Operations on their way to the RocksDB thread.
///
/// Sendable: guarded by its monitor. The shard adds; the thread takes everything at once.
final class RocksQueue: Sendable {
    private struct Shared {
        var operations: [RocksOperation] = []
        var isAbandoned = false
    }

    private let shared = Monitor(Shared())

    func add(_ operation: RocksOperation) {
        shared.withLock { state in
            state.operations.append(operation)
            if state.operations.count == 1 { shared.signal() }
        }
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
        if state.pointee.isAbandoned { return nil }
        var taken: [RocksOperation] = []
        swap(&taken, &state.pointee.operations)
        return taken
    }
}
