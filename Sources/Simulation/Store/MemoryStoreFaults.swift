import SansIO

/// What goes wrong in a memory store, set by the test at any time.
public struct MemoryStoreFaults: Sendable, Equatable {
    /// Appends, durable sends and configuration writes fail with `full`.
    public var isFull = false
    /// Operations, lazy ones aside, fail with `failed` and do nothing.
    public var isFailing = false
    /// No sequences can be reserved: what needs new ones fails with `failed`.
    public var isUnreserved = false
    /// Nothing reaches the disk: durable operations wait until this is over.
    public var isStalled = false

    /// Creates faults that are all off.
    public init() {}
}

/// Kinds of operation, whose completions keep the order of the calls.
enum MemoryStoreKind: Sendable {
    /// Its effect is on disk before it completes.
    case durable
    /// Its effect may be lost in a crash after it completed.
    case lazy
}
