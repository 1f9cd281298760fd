import SansIO

/// Keeps retries in proportion to fresh attempts, so that retrying cannot multiply the load of a struggling target.
///
/// Every fresh attempt earns `ratio` tokens, every second earns `floorPerSecond`, and every retry costs one; unspent
/// tokens are kept up to `burst`. So in any interval of `t` seconds with `f` fresh attempts at most
/// `burst + floorPerSecond x t + ratio x f` retries are granted.
/// - ``Settings/ratio``: tokens per fresh attempt, 0 to 1, 0.2 unless given. With 0.2 a target that fails every attempt
///   sees at most 1.2 times its fresh load.
/// - ``Settings/floorPerSecond``: tokens per second, 0 or from 0.001, 10 unless given. Lets quiet targets retry, and a
///   backlog drain when nothing fresh arrives; with 0 a backlog without fresh traffic would never move.
/// - ``Settings/burst``: tokens, at least 1, 100 unless given. How many retries may come at once after a quiet time.
public struct RetryBudget: Hashable, Sendable {
    /// The knobs of a budget.
    public struct Settings: Hashable, Sendable {
        /// Tokens that a fresh attempt earns.
        public let ratio: Double
        /// Tokens that a second earns.
        public let floorPerSecond: Double
        /// The most tokens that are kept.
        public let burst: Double

        /// Creates settings; see ``RetryBudget``.
        public init(ratio: Double = 0.2, floorPerSecond: Double = 10, burst: Double = 100) {
            precondition(ratio >= 0 && ratio <= 1, "a ratio of retries is between 0 and 1")
            precondition(
                floorPerSecond == 0 || (floorPerSecond >= 0.001 && floorPerSecond <= 1e9),
                "a floor is 0 or between 0.001 and 1,000,000,000 per second"
            )
            precondition(burst >= 1 && burst <= 1e12, "a burst is between 1 and 10^12")
            self.ratio = ratio
            self.floorPerSecond = floorPerSecond
            self.burst = burst
        }
    }

    private let earned: Int64
    private var bucket: TokenBucket

    /// Creates a budget with one second's floor in hand.
    public init(_ settings: Settings = Settings(), now: Timestamp) {
        earned = TokenBucket.units(settings.ratio)
        bucket = TokenBucket(
            rate: settings.floorPerSecond,
            burst: settings.burst,
            available: settings.floorPerSecond,
            now: now
        )
    }

    /// Counts a first attempt, whatever its outcome.
    public mutating func noteFreshAttempt(now: Timestamp) {
        bucket.refill(now)
        bucket.add(earned)
    }

    /// Asks for one retry.
    public mutating func takeRetry(now: Timestamp) -> RetryBudgetDecision {
        bucket.refill(now)
        guard !bucket.take(TokenBucket.unit) else { return .granted }
        return .denied(until: bucket.time(of: TokenBucket.unit))
    }

    /// Gives back a retry that was granted but not made.
    public mutating func returnRetry() {
        bucket.add(TokenBucket.unit)
    }

    /// Retries that would be granted at once, as of the last call.
    public var available: Int { Int(max(0, bucket.available) / TokenBucket.unit) }
}

/// A budget's answer.
public enum RetryBudgetDecision: Hashable, Sendable {
    /// The retry may be made.
    case granted
    /// Not now. `until` is when the floor alone will have earned a retry, nil when it never will; fresh attempts can
    /// earn it earlier.
    case denied(until: Timestamp?)
}
