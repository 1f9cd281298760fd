/// A token bucket in sixteen bytes, for the many places where one member's share of something is bounded.
struct Allowance: Equatable, Sendable {
    /// In parts of which a millisecond brings as many as there are tokens a minute, so that no time is lost by rounding;
    /// negative before first use, which means full.
    private var tokens: Int64 = -1
    private var at: Int64 = 0
    private static let partsPerToken: Int64 = 60_000

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
        let full = Int64(capacity) * Self.partsPerToken
        if tokens < 0 {
            tokens = full
        } else {
            let elapsed = min(max(now - at, 0), 600_000)
            tokens = min(tokens + elapsed * Int64(perMinute), full)
        }
        at = now
        guard tokens >= Self.partsPerToken else { return false }
        tokens -= Self.partsPerToken
        return true
    }
}
