/// The bounds of batches to one receiver, and of what waits for them.
public struct BatchLimits: Hashable, Sendable {
    /// Items of one batch. Beyond about ten, only latency grows.
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
            ("maximumItems", maximumItems), ("maximumBytes", maximumBytes), ("maximumInFlight", maximumInFlight),
            ("maximumWaitingItems", maximumWaitingItems), ("maximumWaitingBytes", maximumWaitingBytes),
        ]
        return values.filter { $0.1 < 1 }.map { "\($0.0) must be at least 1" }
    }
}
