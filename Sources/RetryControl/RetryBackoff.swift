import SansIO

/// Exponential backoff with full jitter (spec: patterns §5.2).
///
/// The wait before retry `n` (from 1) is drawn evenly from 0 to `min(cap, base x 2^(n-1))`, in whole milliseconds. Full
/// jitter spreads the retries of deliveries that failed together over the whole interval.
/// - ``base``: 1 second unless given. Smaller retries sooner after a hiccup and hits a struggling target harder.
/// - ``cap``: 600 seconds unless given. The average spacing of late retries is half of it; with 600 s, 185 retries take
///   about 14 hours, so that both limits of the standard policy matter.
public struct RetryBackoff: Hashable, Sendable {
    /// The longest wait before the first retry.
    public let base: Duration
    /// The longest wait before any retry.
    public let cap: Duration

    /// Creates a backoff. `base` is at least 1 ms and `cap` at least `base`.
    public init(base: Duration = .seconds(1), cap: Duration = .seconds(600)) {
        precondition(base >= .milliseconds(1) && cap >= base, "a backoff's base is at least 1 ms, its cap the base")
        self.base = base
        self.cap = cap
    }

    /// The same with waits of at most `limit`, which is at least 1 ms.
    public func capped(at limit: Duration) -> RetryBackoff {
        RetryBackoff(base: min(base, limit), cap: min(cap, limit))
    }

    /// The longest wait before retry `number`, counted from 1.
    public func ceiling(beforeRetry number: Int) -> Duration {
        .milliseconds(doubled(base.milliseconds, times: number - 1, limit: cap.milliseconds))
    }

    /// Draws the wait before retry `number`, counted from 1.
    public func delay(beforeRetry number: Int, using generator: inout some RandomNumberGenerator) -> Duration {
        .milliseconds(generator.uniform(through: ceiling(beforeRetry: number).milliseconds))
    }
}

/// `value x 2^times`, at most `limit`. A negative `times` counts as zero.
func doubled(_ value: Int64, times: Int, limit: Int64) -> Int64 {
    guard times > 0 else { return min(value, limit) }
    // Beyond 62 doublings every positive value has left the range of Int64.
    guard times < 63, value <= limit >> Int64(times) else { return limit }
    return value << Int64(times)
}

extension RandomNumberGenerator {
    /// A value from 0 through `limit`, each as likely as the next but for a bias below limit / 2^64. Draws once.
    ///
    /// Unlike `Int64.random(in:using:)`, it gives the same values with every version of the standard library.
    mutating func uniform(through limit: Int64) -> Int64 {
        let bits: UInt64 = next()
        guard limit > 0 else { return 0 }
        return Int64(bits.multipliedFullWidth(by: UInt64(limit) + 1).high)
    }
}
