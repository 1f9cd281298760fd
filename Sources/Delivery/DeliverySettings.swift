import RetryControl

/// How the delivery driver works.
public struct DeliverySettings: Sendable {
    /// First attempts of one target that may wait in memory; what comes beyond goes to the retry queue on disk. Default 16,384.
    public var pendingPerTarget = 16_384
    /// Bytes of events that may wait in memory over all targets before new ones go to disk. Default 64 MB.
    public var pendingBytes = 64 << 20
    /// Attempts of one target that may be under way. Default 4,096.
    public var inFlightPerTarget = 4_096
    /// Attempts handed to the dispatcher at a time. Default 256.
    public var batch = 256
    /// Parked deliveries read at a time while a target is healthy. Default 128.
    public var drainBatch = 128
    /// Parked deliveries tried at a time while the target's breaker is half open. Default 4.
    public var probes = 4
    /// Deliveries taken out of an overfull queue at a time. Default 512.
    public var trimBatch = 512
    /// How often queues of failing targets are swept for events that grew too old. Default 60 s.
    public var sweepInterval = Duration.seconds(60)
    /// How long a target's backlog rests after a batch that this side had no room to attempt. Default 250 ms.
    public var heldBackDelay = Duration.milliseconds(250)
    /// How long to wait before trying again what the store refused. Default 1 s.
    public var storeRetryDelay = Duration.seconds(1)
    /// When attempts on a failing target stop, and for how long.
    public var breaker = CircuitBreaker.Settings()
    /// The delays between attempts.
    public var backoff = RetryBackoff()

    /// The defaults.
    public init() {}
}
