/// What receives the outcome of a store operation. Runs on the shard that asked, on a later turn, never inside the call.
public typealias StoreCompletion<Value> = (Result<Value, StoreError>) -> Void

/// Durable storage as the drivers of one shard see it (DESIGN §10).
///
/// The port is narrow on purpose and names no engine's ideas. Every operation returns at once and completes on the shard
/// that asked; completions of one kind of operation come in the order of the calls. An operation that follows another
/// sees its effect, also before that other one completed.
///
/// An event's life: ``append(_:settling:completion:)`` makes it durable with its targets. Each delivery then ends
/// in exactly one of: ``resolve(_:)``; a place in the settling list of a later append or ``QueueSend``; or
/// ``park(_:completion:)``, after which the retry queue owns it until it is finished, expired or dropped.
public protocol StorePort: AnyObject {
    /// The next sequence: unique and rising within the store, also across restarts.
    func nextSequence() -> UInt64

    /// Why a sequence given out may come again after a crash, or nil while every one is reserved on disk.
    ///
    /// Appends, durable sends and configuration changes fail with it by themselves. Whoever uses a sequence without one of
    /// them asks after taking it.
    var unreserved: StoreError? { get }

    /// Appends accepted events with their targets, and resolves `settling` in the same atomic write.
    ///
    /// Completes when the records are on disk. Many calls share one disk synchronisation.
    ///
    /// - Parameters:
    ///   - records: the events; may be empty when `settling` is not.
    ///   - settling: deliveries that these records replace.
    ///   - completion: receives the records' sequences in order, or the error; on error nothing was accepted.
    func append(
        _ records: [IntakeRecord],
        settling: [DeliveryRef],
        completion: @escaping StoreCompletion<[UInt64]>
    )

    /// Hands over every appended record that is not resolved, in order of acceptance, then completes.
    ///
    /// Called once, before any other operation.
    ///
    /// - Parameters:
    ///   - visit: receives the records in batches.
    ///   - completion: receives a line for each damaged place found, naming the event ids it may have held.
    func recover(visit: @escaping ([RecoveredRecord]) -> Void, completion: @escaping StoreCompletion<[String]>)

    /// Notes that deliveries are done. Lazy: losing the note in a crash only repeats the delivery.
    func resolve(_ refs: [DeliveryRef])

    /// Moves intake deliveries to their targets' retry queues. The intake record is kept until the move is on disk.
    func park(_ deliveries: [ParkedDelivery], completion: @escaping StoreCompletion<Void>)

    /// Reads the deliveries of `target` that are due at `now`, earliest first, at most `limit`. Nothing is removed.
    func due(
        target: UInt64,
        now: Timestamp,
        limit: Int,
        completion: @escaping StoreCompletion<[ParkedDelivery]>
    )

    /// The earliest due time of `target`'s retry queue, or nil when it is empty.
    func nextDue(target: UInt64, completion: @escaping StoreCompletion<Timestamp?>)

    /// Every target with a retry queue that is not empty, by key.
    func backlogTargets(completion: @escaping StoreCompletion<[TargetBacklog]>)

    /// Files parked deliveries under new due times.
    func reschedule(_ changes: [Reschedule], completion: @escaping StoreCompletion<Void>)

    /// Removes parked deliveries that are done. Lazy like ``resolve(_:)``.
    func finish(_ parked: [ParkedRef])

    /// Reads the oldest deliveries of `target`'s retry queue that were accepted before `acceptedBefore`, at most `limit`.
    ///
    /// - Parameters:
    ///   - target: whose retry queue.
    ///   - after: only events with a higher sequence are read, so that a long queue can be read in pieces; nil for all.
    ///   - acceptedBefore: where to stop.
    ///   - limit: how many to read at most.
    ///   - completion: receives them in the order of their sequences.
    func oldest(
        target: UInt64,
        after: UInt64?,
        acceptedBefore: Timestamp,
        limit: Int,
        completion: @escaping StoreCompletion<[ParkedDelivery]>
    )

    /// Removes the deliveries of `target`'s retry queue that were accepted before `acceptedBefore`, without reading their
    /// events, and completes with what they were.
    func expire(target: UInt64, acceptedBefore: Timestamp, completion: @escaping StoreCompletion<BacklogSize>)

    /// Removes the whole retry queue of `target` and completes with the number of deliveries it held.
    func dropTarget(_ target: UInt64, completion: @escaping StoreCompletion<UInt64>)

    /// Writes messages to a queue; in the same atomic write finishes parked deliveries and notes resolved ones.
    func send(_ send: QueueSend, completion: @escaping StoreCompletion<Void>)

    /// Receives visible messages, earliest first, and hides each until `hiddenUntil`.
    ///
    /// - Parameters:
    ///   - queue: the queue's key.
    ///   - now: messages visible at this time qualify.
    ///   - limit: how many to receive at most.
    ///   - hiddenUntil: when they become visible again unless deleted.
    ///   - redrive: where messages go that were received too often, or nil.
    ///   - completion: receives the messages.
    func receive(
        queue: UInt64,
        now: Timestamp,
        limit: Int,
        hiddenUntil: Timestamp,
        redrive: QueueRedrive?,
        completion: @escaping StoreCompletion<QueueReceipt>
    )

    /// Deletes messages durably; completes with whether each was there.
    func delete(queue: UInt64, keys: [MessageKey], completion: @escaping StoreCompletion<[Bool]>)

    /// Changes when a message in flight becomes visible again; completes with false when it is gone or not in flight.
    func changeVisibility(
        queue: UInt64,
        key: MessageKey,
        now: Timestamp,
        visibleAt: Timestamp,
        completion: @escaping StoreCompletion<Bool>
    )

    /// Removes every message of a queue durably.
    func purge(queue: UInt64, completion: @escaping StoreCompletion<Void>)

    /// Removes messages sent before `sentBefore`; completes with their number.
    func expireMessages(queue: UInt64, sentBefore: Timestamp, completion: @escaping StoreCompletion<UInt64>)

    /// Counts a queue's messages as of `now`.
    func counts(queue: UInt64, now: Timestamp, completion: @escaping StoreCompletion<QueueCounts>)

    /// Reads every configuration entry whose key begins with `prefix`, by key.
    func configuration(prefix: String, completion: @escaping StoreCompletion<[ConfigurationEntry]>)

    /// Applies configuration changes, all or none, durably. Fails with `conflict` when an expected revision is off.
    func configure(_ changes: [ConfigurationChange], completion: @escaping StoreCompletion<Void>)

    /// Writes what is pending and closes; later operations fail with `closed`.
    func close(completion: @escaping () -> Void)

    /// Figures for metrics, cheap to read.
    var statistics: StoreStatistics { get }
}

extension StorePort {
    /// Reads the oldest deliveries of `target`'s retry queue from its beginning.
    public func oldest(
        target: UInt64,
        acceptedBefore: Timestamp,
        limit: Int,
        completion: @escaping StoreCompletion<[ParkedDelivery]>
    ) {
        oldest(target: target, after: nil, acceptedBefore: acceptedBefore, limit: limit, completion: completion)
    }
}

/// Figures of a store since it was opened.
public struct StoreStatistics: Sendable, Equatable {
    /// Records appended.
    public var appendedRecords: UInt64 = 0
    /// Disk synchronisations of the intake journal.
    public var synchronisations: UInt64 = 0
    /// Bytes written to the intake journal.
    public var journalBytesWritten: UInt64 = 0
    /// Bytes of disk that the intake journal occupies now.
    public var journalBytes: UInt64 = 0
    /// Intake deliveries that are not resolved.
    public var unresolvedDeliveries: UInt64 = 0
    /// Deliveries in retry queues.
    public var parkedDeliveries: UInt64 = 0
    /// Records that were given up because the intake journal is damaged where they were.
    public var unreadableRecords: UInt64 = 0
    /// True while writes are refused because the disk is full.
    public var isFull = false

    /// Creates figures that are all zero.
    public init() {}
}
