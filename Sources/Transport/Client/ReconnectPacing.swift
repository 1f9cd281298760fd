import RetryControl
import SansIO

/// When a peer may next be connected to: at once at first, then after growing, jittered waits.
///
/// Full jitter: the wait after failure `n` is drawn evenly from 0 to `min(cap, base x 2^(n-1))`, so that the many nodes
/// that lose one peer together do not come back together.
struct ReconnectPacing {
    private let backoff: RetryBackoff
    /// Attempts that failed since the peer last answered.
    private(set) var failures = 0
    /// Monotonic nanoseconds before which no attempt is made.
    private(set) var notBefore: UInt64 = 0

    init(base: Duration, cap: Duration) {
        backoff = RetryBackoff(base: base, cap: cap)
    }

    /// Notes that an attempt failed, or that a connection ended before it had answered anything.
    mutating func failed(now: UInt64, using generator: inout some RandomNumberGenerator) {
        failures += 1
        let wait = backoff.delay(beforeRetry: failures, using: &generator)
        notBefore = now + UInt64(wait.milliseconds) * 1_000_000
    }

    /// Notes that the peer answered.
    mutating func succeeded() {
        failures = 0
        notBefore = 0
    }
}
