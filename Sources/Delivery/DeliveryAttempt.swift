import SansIO

/// One attempt to bring one event to one target.
public struct DeliveryAttempt: Sendable, Equatable {
    /// Where the delivery waits while it is attempted; what the outcome must remove.
    public enum Source: Sendable, Equatable {
        /// The intake journal: the first attempt.
        case intake
        /// The target's retry queue.
        case parked(ParkedRef)
    }

    /// Which delivery.
    public var ref: DeliveryRef
    /// Where it waits.
    public var source: Source
    /// When the event was accepted.
    public var acceptedAt: Timestamp
    /// The event as the store holds it.
    public var event: [UInt8]
    /// Attempts made before this one.
    public var attempts: UInt32
    /// True when the delivery may have succeeded before a restart.
    public var mayRepeat: Bool

    /// Creates an attempt.
    public init(
        ref: DeliveryRef,
        source: Source,
        acceptedAt: Timestamp,
        event: [UInt8],
        attempts: UInt32,
        mayRepeat: Bool
    ) {
        self.ref = ref
        self.source = source
        self.acceptedAt = acceptedAt
        self.event = event
        self.attempts = attempts
        self.mayRepeat = mayRepeat
    }

    /// The next attempt of a parked delivery.
    init(parked delivery: ParkedDelivery) {
        self.init(
            ref: delivery.ref,
            source: .parked(ParkedRef(ref: delivery.ref, due: delivery.due)),
            acceptedAt: delivery.acceptedAt,
            event: delivery.event,
            attempts: delivery.attempts,
            mayRepeat: true
        )
    }
}

extension DeliveryAttempt {
    /// The attempt of a delivery that was to be parked and still waits in the intake journal.
    init(fresh delivery: ParkedDelivery) {
        self.init(
            ref: delivery.ref,
            source: .intake,
            acceptedAt: delivery.acceptedAt,
            event: delivery.event,
            attempts: delivery.attempts,
            mayRepeat: true
        )
    }
}

extension Sequence<DeliveryAttempt> {
    /// The references of the attempts that wait in the intake journal.
    public var settling: [DeliveryRef] {
        compactMap { $0.source == .intake ? $0.ref : nil }
    }

    /// Bytes of the events of the attempts that wait in the intake journal.
    var freshBytes: UInt64 {
        reduce(0) { $0 + ($1.source == .intake ? UInt64($1.event.count) : 0) }
    }

    /// The retry-queue rows of the attempts that wait there.
    public var finishing: [ParkedRef] {
        compactMap { attempt in
            guard case .parked(let parked) = attempt.source else { return nil }
            return parked
        }
    }
}

/// Why an attempt failed, in the words of the dead-letter attributes (spec: patterns §5.4, §5.5).
public struct DeliveryFailure: Error, Sendable, Equatable {
    /// `ERROR_CODE`, e.g. `NO_PERMISSIONS`.
    public var code: String
    /// `ERROR_MESSAGE`.
    public var message: String
    /// Whether another attempt may help.
    public var isRetryable: Bool
    /// Whether this side had no room to attempt it: the delivery waits on as if it had not been attempted, and the target is
    /// not held to have failed.
    public var isOwn: Bool
    /// How long the target asked to wait.
    public var retryAfter: Duration?
    /// The longest wait before the next attempt, where the failure is known to pass soon; nil for the backoff's own.
    public var retryWithin: Duration?
    /// What to put in the dead letter instead of the payload, e.g. the text that is not JSON.
    public var body: [UInt8]?

    /// Creates a failure.
    public init(
        code: String,
        message: String,
        isRetryable: Bool,
        isOwn: Bool = false,
        retryAfter: Duration? = nil,
        retryWithin: Duration? = nil,
        body: [UInt8]? = nil
    ) {
        self.code = code
        self.message = message
        self.isRetryable = isRetryable
        self.isOwn = isOwn
        self.retryAfter = retryAfter
        self.retryWithin = retryWithin
        self.body = body
    }
}

/// What became of an attempt.
public enum DeliveryOutcome: Sendable, Equatable {
    /// The target has the event, and the write that gave it removed the delivery from the store.
    case settled
    /// The target has the event; the store still holds the delivery.
    case delivered
    /// There is nothing where the target leads, and what is for it is let go (spec: patterns §6.4); the store still holds the
    /// delivery.
    case discarded
    /// The target does not have the event.
    indirect case failed(DeliveryFailure)
}

/// A delivery that is given up, on its way to the dead-letter queue.
public struct DeadLetter: Sendable, Equatable {
    /// The attribute `EXHAUSTED_RETRY_CONDITION` (spec: patterns §5.5).
    public enum Exhausted: String, Sendable {
        /// All retries were made.
        case attempts = "MaximumRetryAttempts"
        /// The event became too old.
        case age = "MaximumEventAgeInSeconds"
    }

    /// The last attempt.
    public var attempt: DeliveryAttempt
    /// Why it failed.
    public var failure: DeliveryFailure
    /// Which limit ended the retries; nil for a failure that is not retried.
    public var exhausted: Exhausted?
    /// Retries made.
    public var retries: UInt32

    /// Creates a dead letter.
    public init(attempt: DeliveryAttempt, failure: DeliveryFailure, exhausted: Exhausted?, retries: UInt32) {
        self.attempt = attempt
        self.failure = failure
        self.exhausted = exhausted
        self.retries = retries
    }
}

/// What became of a dead letter.
public enum DeadLetterOutcome: Sendable, Equatable {
    /// It is in the dead-letter queue, and the same write removed the delivery.
    case settled
    /// The target has no dead-letter queue.
    case noQueue
    /// The queue does not take it, and never will.
    case refused(String)
    /// It could not be written now.
    case retryLater(String)
}
