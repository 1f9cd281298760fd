import SansIO

/// Limits a rate with a token bucket.
///
/// - `rate`: tokens per second, from 0.001; no default. Long-term throughput never exceeds it.
/// - `burst`: tokens that can be saved up, at least 1, one second's worth (at least 1) unless given. In any interval of
///   `t` seconds at most `burst + rate x t` tokens pass; a larger burst delays less and hits the target harder.
public struct Pacer: Hashable, Sendable {
    private var bucket: TokenBucket

    /// Creates a pacer whose bucket is full.
    public init(rate: Double, burst: Double? = nil, now: Timestamp) {
        Self.check(rate, burst)
        let burst = burst ?? max(1, rate)
        bucket = TokenBucket(rate: rate, burst: burst, available: burst, now: now)
    }

    /// Takes `count` tokens, or says when they will be there; nothing is taken then.
    ///
    /// More tokens than the burst pass once the bucket is full, and what follows waits until that is paid off. So a
    /// pacer over bytes lets a large message through at the right average.
    public mutating func take(_ count: Int = 1, now: Timestamp) -> PacerDecision {
        precondition(count >= 0 && count <= 1 << 40, "a count of tokens is neither negative nor beyond 2^40")
        bucket.refill(now)
        let units = Int64(count) * TokenBucket.unit
        guard !bucket.take(units) else { return .go }
        // The rate is positive, so the tokens come.
        return .wait(until: bucket.time(of: units) ?? .distantFuture)
    }

    /// Takes up to `wanted` tokens, as many as are there, and returns how many.
    public mutating func take(upTo wanted: Int, now: Timestamp) -> Int {
        bucket.refill(now)
        let granted = min(Int64(max(0, wanted)), max(0, bucket.available) / TokenBucket.unit)
        _ = bucket.take(granted * TokenBucket.unit)
        return Int(granted)
    }

    /// Gives back tokens that were taken for nothing; what is more than the burst is lost.
    public mutating func giveBack(_ count: Int = 1) {
        precondition(count >= 0 && count <= 1 << 40, "a count of tokens is neither negative nor beyond 2^40")
        bucket.add(Int64(count) * TokenBucket.unit)
    }

    /// When the next token will be there; `now` when one is.
    public func nextPermission(now: Timestamp) -> Timestamp {
        var bucket = bucket
        bucket.refill(now)
        return max(now, bucket.time(of: TokenBucket.unit) ?? now)
    }

    /// Changes the limit from `now` on; tokens beyond the new burst are lost.
    public mutating func change(rate: Double, burst: Double? = nil, now: Timestamp) {
        Self.check(rate, burst)
        bucket.change(rate: rate, burst: burst ?? max(1, rate), now: now)
    }

    private static func check(_ rate: Double, _ burst: Double?) {
        precondition(rate >= 0.001 && rate <= 1e9, "a rate is between 0.001 and 1,000,000,000 per second")
        precondition((burst ?? 1) >= 1 && (burst ?? 1) <= 1e12, "a burst is between 1 and 10^12")
    }
}

/// A pacer's answer.
public enum PacerDecision: Hashable, Sendable {
    /// The tokens are taken.
    case go
    /// Ask again at this time.
    case wait(until: Timestamp)
}
