import SansIO

/// A token bucket over monotonic time: so many of something in each window, decaying continuously.
struct RateBudget {
    /// How many may come at once.
    let capacity: UInt32
    private let nanosecondsPerToken: UInt64
    private var tokens: UInt32
    private var refilledAt: UInt64?

    /// Creates a full bucket that refills wholly once a window.
    init(capacity: UInt32, window: Duration) {
        self.capacity = capacity
        let nanoseconds = UInt64(max(1, window.milliseconds)).multipliedReportingOverflow(by: 1_000_000)
        nanosecondsPerToken = max(
            1,
            (nanoseconds.overflow ? .max : nanoseconds.partialValue) / UInt64(max(1, capacity))
        )
        tokens = capacity
    }

    /// Takes one token.
    ///
    /// - Parameter now: monotonic nanoseconds; going backwards is taken as no time passed.
    /// - Returns: false when there is none left.
    mutating func spend(now: UInt64) -> Bool {
        refill(now)
        guard tokens > 0 else { return false }
        tokens -= 1
        return true
    }

    private mutating func refill(_ now: UInt64) {
        guard let last = refilledAt else {
            refilledAt = now
            return
        }
        guard now > last else { return }
        let earned = (now - last) / nanosecondsPerToken
        guard earned > 0 else { return }
        if earned >= UInt64(capacity - tokens) {
            tokens = capacity
            refilledAt = now
        } else {
            tokens += UInt32(earned)
            refilledAt = last + earned * nanosecondsPerToken
        }
    }
}
