import SansIO

/// How often and for how long a delivery is retried (spec: patterns §5.2). Whichever limit is reached first ends it.
///
/// - ``maximumRetryAttempts``: 0 to 185 retries, 185 unless given. The first attempt is not a retry, so a delivery is
///   attempted at most `maximumRetryAttempts + 1` times; with 0 the first failure is final.
/// - ``maximumEventAge``: 60 to 86,400 seconds, 86,400 unless given, counted from the acceptance of the event. An attempt
///   may begin at the very moment the age is reached, but not later.
public struct RetryPolicy: Hashable, Sendable {
    /// The numbers of retries that a policy may have.
    public static let attemptRange = 0...185
    /// The ages that a policy may have, in seconds.
    public static let ageRange = 60...86_400

    /// The most retries after the first attempt.
    public let maximumRetryAttempts: Int
    /// The age at which retrying ends.
    public let maximumEventAge: Duration

    /// Creates the policy of a target that has none of its own: 185 retries within 24 hours.
    public init() {
        maximumRetryAttempts = Self.attemptRange.upperBound
        maximumEventAge = .seconds(Self.ageRange.upperBound)
    }

    /// Creates a policy, or nil when a value is out of its range.
    public init?(maximumRetryAttempts: Int = 185, maximumEventAgeInSeconds: Int = 86_400) {
        guard Self.attemptRange.contains(maximumRetryAttempts), Self.ageRange.contains(maximumEventAgeInSeconds) else {
            return nil
        }
        self.maximumRetryAttempts = maximumRetryAttempts
        maximumEventAge = .seconds(maximumEventAgeInSeconds)
    }

    /// Creates the policy of deliveries that wait for a link rather than for a target that fails: no number of attempts ends
    /// them, only their age.
    ///
    /// - Parameter age: how long a delivery may wait, from a second.
    public init(unlimitedRetriesWithin age: Duration) {
        precondition(age >= .seconds(1), "an age is at least a second")
        maximumRetryAttempts = Int.max
        maximumEventAge = age
    }

    /// The last moment at which an attempt may begin.
    public func deadline(acceptedAt: Timestamp) -> Timestamp {
        acceptedAt + maximumEventAge
    }

    /// Whether an attempt may begin now; for deliveries that waited longer than planned, e.g. behind an open breaker.
    ///
    /// - Parameters:
    ///   - attempts: attempts made so far, the first included.
    ///   - acceptedAt: when the event was accepted.
    ///   - now: the current time.
    /// - Returns: why not, or nil when it may.
    public func refusal(attempts: Int, acceptedAt: Timestamp, now: Timestamp) -> GiveUpReason? {
        if attempts > maximumRetryAttempts { return .attempts }
        return now > deadline(acceptedAt: acceptedAt) ? .age : nil
    }

    /// What to do after an attempt failed.
    ///
    /// A retry that would begin after the deadline is not made, and then the delivery is given up at once: it could not
    /// be attempted again anyway. When both limits are reached, the reason is `attempts`.
    ///
    /// - Parameters:
    ///   - failure: whether trying again can help.
    ///   - attempts: attempts made so far, the first and the one that failed included; at least 1.
    ///   - acceptedAt: when the event was accepted.
    ///   - now: when the attempt failed.
    ///   - retryAfter: the earliest time that the target asked for, if it did.
    ///   - backoff: how long to wait.
    ///   - generator: the source of jitter; one value is drawn if a retry is considered.
    /// - Returns: when to try again, or that there is no more trying and why.
    public func decide(
        after failure: FailureKind,
        attempts: Int,
        acceptedAt: Timestamp,
        now: Timestamp,
        retryAfter: Timestamp? = nil,
        backoff: RetryBackoff = RetryBackoff(),
        using generator: inout some RandomNumberGenerator
    ) -> RetryDecision {
        precondition(attempts >= 1, "a decision follows an attempt")
        guard failure == .transient else { return .giveUp(.permanent) }
        guard attempts <= maximumRetryAttempts else { return .giveUp(.attempts) }
        let delay = backoff.delay(beforeRetry: attempts, using: &generator)
        let next = max(now + delay, retryAfter ?? now)
        return next > deadline(acceptedAt: acceptedAt) ? .giveUp(.age) : .retry(at: next)
    }
}

/// Whether trying again can help (spec: patterns §5.3).
public enum FailureKind: Hashable, Sendable {
    /// Throttling, 5xx, internal errors, connection failures, time-outs, resource limits and modification conflicts.
    case transient
    /// Missing permission or resource, invalid input, hop limits, a host that does not resolve.
    case permanent
}

/// What becomes of a delivery whose attempt failed.
public enum RetryDecision: Hashable, Sendable {
    /// Try again at this time, not earlier.
    case retry(at: Timestamp)
    /// Never try again: hand it to the dead-letter queue or count it as lost, now.
    case giveUp(GiveUpReason)
}

/// Why a delivery is not tried again.
public enum GiveUpReason: Hashable, Sendable {
    /// The policy's retries are used up.
    case attempts
    /// The event's age is used up, or would be before the next retry.
    case age
    /// The failure is one that a retry does not help.
    case permanent
}
