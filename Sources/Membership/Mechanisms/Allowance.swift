/// A token bucket in sixteen bytes, for the many places where one member's share of something is bounded.
struct Allowance: Equatable, Sendable {
    /// Thousandths of a token; negative before first use, which means full.
    private var tokens: Int64 = -1
    private var at: Int64 = 0

    /// Whether ``take(capacity:perMinute:now:)`` would succeed: asked before something costly whose outcome decides whether
    /// a token is due.
    func hasToken(capacity: Int, perMinute: Int, now: Int64) -> Bool {
        var copy = self
        return copy.take(capacity: capacity, perMinute: perMinute, now: now)
    }

    /// Takes one token if there is one.
    ///
    /// - Parameters:
    ///   - capacity: the burst.
    ///   - perMinute: tokens added a minute.
    ///   - now: protocol time in milliseconds.
    /// - Returns: whether there was one.
    mutating func take(capacity: Int, perMinute: Int, now: Int64) -> Bool {
        let full = Int64(capacity) * 1000
        if tokens < 0 {
            tokens = full
        } else {
            let elapsed = min(max(now - at, 0), 600_000)
            tokens = min(tokens + elapsed * Int64(perMinute) / 60, full)
        }
        at = now
        guard tokens >= 1000 else { return false }
        tokens -= 1000
        return true
    }
}
