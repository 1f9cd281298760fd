/// Wall-clock time and timers, as one driver sees them.
///
/// A port belongs to one shard: it is called on that shard only, and calls back on it.
public protocol ClockPort: AnyObject {
    /// The current wall-clock time.
    var now: Timestamp { get }

    /// Runs `action` once on this shard when `delay` has passed. A zero or negative delay runs it on a later turn,
    /// never inside this call.
    ///
    /// - Parameters:
    ///   - delay: how long to wait.
    ///   - action: what to run.
    /// - Returns: a token for ``cancel(_:)``.
    func schedule(after delay: Duration, _ action: @escaping () -> Void) -> TimerToken

    /// Cancels a timer. A token whose timer has run or was cancelled is ignored.
    func cancel(_ token: TimerToken)
}

/// Names one scheduled timer of a ``ClockPort``.
public struct TimerToken: Hashable, Sendable {
    /// The port's own number for the timer; never reused within a process.
    public let number: UInt64

    /// Creates a token; only implementations of ``ClockPort`` do.
    public init(number: UInt64) {
        self.number = number
    }
}
