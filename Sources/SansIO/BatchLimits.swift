/// The bounds of batches to one receiver, and of what waits for them.
public struct BatchLimits: Hashable, Sendable {
    /// Items for which a batch goes though others are in flight. Waiting for more than about ten mostly adds latency.
    public var enoughItems: Int = 10
    /// The same in bytes.
    public var enoughBytes: Int = 16 << 10
    /// Items of one batch.
    public var maximumItems: Int = 10
    /// Bytes of one batch, unless a single item has more.
    public var maximumBytes: Int = 16 << 10
    /// Batches in flight at once.
    public var maximumInFlight: Int = 32
    /// Items that may wait.
    public var maximumWaitingItems: Int = 4096
    /// Bytes that may wait, unless a single item has more.
    public var maximumWaitingBytes: Int = 8 << 20

    /// The defaults, which suit events of about 1 KB.
    public init() {}

    /// Every problem of these limits, in words; empty when they can be used.
    public func problems() -> [String] {
        let values = [
            ("enoughItems", enoughItems), ("enoughBytes", enoughBytes), ("maximumItems", maximumItems),
            ("maximumBytes", maximumBytes), ("maximumInFlight", maximumInFlight),
            ("maximumWaitingItems", maximumWaitingItems), ("maximumWaitingBytes", maximumWaitingBytes),
        ]
        return values.filter { $0.1 < 1 }.map { "\($0.0) must be at least 1" }
    }
}
