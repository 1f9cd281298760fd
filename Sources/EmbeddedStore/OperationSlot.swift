import SansIO

/// Carries one operation's outcome from the RocksDB thread to the shard.
///
/// Unchecked: the RocksDB thread alone writes it, until it posts the operation's number through the gate's lock; after
/// that the shard alone reads it.
final class OperationSlot<Value: Sendable>: @unchecked Sendable {
    private(set) var result: Result<Value, StoreError> = .failure(StoreError(.closed, "the store is closed"))

    func succeed(_ value: Value) { result = .success(value) }

    func fail(_ error: StoreError) { result = .failure(error) }
}

/// One operation for the RocksDB thread.
struct RocksOperation: Sendable {
    /// When the operation may be reported as done.
    enum Completion: Sendable {
        /// Once its rows are written.
        case whenWritten
        /// Once its rows are on disk.
        case whenSynchronised
        /// Once its rows are written, but not before an earlier send that waits for the disk.
        case inSendOrder
    }

    /// The shard's number for the operation, or zero when nobody waits for it.
    var number: UInt64
    var completion: Completion
    /// True for the one after which the thread ends, also when it fails.
    var isLast = false
    /// Does the work and keeps its result; throws when it failed.
    var work: @Sendable (RocksEngine) throws(StoreError) -> Void
    /// Replaces the kept result, when what was written did not last.
    var fail: @Sendable (StoreError) -> Void
}
