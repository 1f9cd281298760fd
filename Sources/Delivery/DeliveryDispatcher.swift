import RetryControl
import SansIO

/// What the delivery driver needs from the layer that knows targets: the router in production, a script in tests.
public protocol DeliveryDispatcher: AnyObject {
    /// The retry policy of a target revision for events that were accepted at a time; nil when the revision is not known any
    /// more. What was accepted earlier may have a policy of its own; what came later than such a time has none.
    func retryPolicy(of target: UInt64, acceptedAt: Timestamp) -> RetryPolicy?

    /// Whether a target revision has a dead-letter queue.
    func hasDeadLetterQueue(_ target: UInt64) -> Bool

    /// The bounds of a target's queue; nil when only the disk bounds it.
    func backlogLimits(of target: UInt64) -> BacklogLimits?

    /// Attempts deliveries of one target; completes once, with an outcome for each attempt in order.
    func dispatch(
        _ attempts: [DeliveryAttempt],
        target: UInt64,
        completion: @escaping ([DeliveryOutcome]) -> Void
    )

    /// Moves deliveries to the target's dead-letter queue; completes once, with an outcome for each in order.
    func deadLetter(
        _ letters: [DeadLetter],
        target: UInt64,
        completion: @escaping ([DeadLetterOutcome]) -> Void
    )

    /// Hears of what happened, for books, metrics and logs.
    func record(_ fact: DeliveryFact, target: UInt64)
}

extension DeliveryDispatcher {
    /// No bounds.
    public func backlogLimits(of target: UInt64) -> BacklogLimits? { nil }
}

/// Something that happened to deliveries of a target.
public enum DeliveryFact: Sendable, Equatable {
    /// Deliveries reached the target; `retried` of them after a failed attempt.
    case delivered(count: Int, retried: Int)
    /// Deliveries ended because there is nothing where their target leads.
    case discarded(count: Int)
    /// An attempt failed.
    case attemptFailed(DeliveryFailure, willRetry: Bool)
    /// Deliveries went back to their queue untried, for this side had no room to attempt them.
    case heldBack(DeliveryFailure, count: Int)
    /// Deliveries moved to the dead-letter queue.
    case deadLettered(count: Int)
    /// A delivery ended without a dead-letter queue, or without one that takes it; `reason` says why.
    case dropped(ref: DeliveryRef, failure: DeliveryFailure, reason: String)
    /// Deliveries grew too old while their target was down, and had no dead-letter queue.
    case expired(count: UInt64)
    /// A full queue pushed deliveries out; each is also told of as dead-lettered or dropped.
    case overflowed(count: Int)
    /// The store could not take a change; the deliveries stay where they are.
    case storeFailed(StoreError)
    /// Nothing waits for the target any more.
    case drained
}
