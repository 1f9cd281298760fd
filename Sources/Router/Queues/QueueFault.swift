import SansIO

/// Why the queue driver refused or failed.
public enum QueueFault: Error, Sendable, Equatable {
    /// There is no queue of that key.
    case noSuchQueue
    /// A queue of that name is there with another value of the named attribute.
    case attributeDiffers(String)
    /// The account has as many queues as it may have.
    case tooManyQueues(limit: Int)
    /// The queue would have more tags than a queue may have.
    case tooManyTags(limit: Int)
    /// The queue was purged less than a minute ago.
    case purgeInProgress
    /// As many messages are in flight as may be.
    case overLimit(inFlight: Int)
    /// More receives wait, or more catalog changes are under way, than the driver takes.
    case busy
    /// The store failed.
    case store(StoreError)
}

/// Why a batch of event deliveries did not get into its queue. Nothing of the batch was written.
public enum QueueDeliveryFault: Error, Sendable, Equatable {
    /// There is no such queue.
    case noSuchQueue
    /// Payloads with their attributes are longer than the queue takes.
    case tooLarge(refs: [DeliveryRef], limit: Int)
    /// The store failed.
    case store(StoreError)
}

/// Bounds of a queue driver that AWS fixes or that protect the node.
public struct QueueLimits: Sendable, Equatable {
    /// Messages of one queue that may be in flight (spec: control §15).
    public var inFlightPerQueue = 120_000
    /// Receives that may wait on one queue.
    public var waitersPerQueue = 1_000
    /// Receives that may wait on all queues of the driver.
    public var waiters = 20_000
    /// Catalog changes that may be under way.
    public var pendingChanges = 1_000
    /// Time between two sweeps for messages past their retention.
    public var sweepInterval = Duration.seconds(60)
    /// Time between two purges of one queue (spec: control §13.2).
    public var purgeInterval = Duration.seconds(60)
    /// Message move tasks that may run at once.
    public var runningMoveTasks = 100
    /// Message move tasks that are remembered for each source queue.
    public var rememberedMoveTasks = 10

    /// The defaults.
    public init() {}
}

/// Figures of a queue driver since its start.
public struct QueueStatistics: Sendable, Equatable {
    /// Messages sent, event deliveries included.
    public var sent: UInt64 = 0
    /// Messages received.
    public var received: UInt64 = 0
    /// Messages deleted by their receivers.
    public var deleted: UInt64 = 0
    /// Messages removed because their retention had passed.
    public var expired: UInt64 = 0
    /// Messages moved to a dead-letter queue.
    public var redriven: UInt64 = 0
    /// Messages moved by message move tasks.
    public var moved: UInt64 = 0
    /// Event deliveries among the sent messages.
    public var delivered: UInt64 = 0
    /// Milliseconds from acceptance to the queue, summed over the event deliveries.
    public var deliveryMilliseconds: UInt64 = 0
    /// Receipts whose content could not be read; the messages stay in their queues.
    public var unreadable: UInt64 = 0
    /// Receives that wait now.
    public var waiters = 0
    /// Queues in the catalog now.
    public var queues = 0

    /// Figures that are all zero.
    public init() {}
}
