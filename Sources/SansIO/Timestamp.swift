/// A wall-clock instant in whole milliseconds since the Unix epoch (UTC).
///
/// Cores and drivers receive timestamps as arguments or through ``ClockPort``; they never read a clock themselves, so a
/// simulator can run them at any speed.
public struct Timestamp: Hashable, Comparable, Sendable {
    /// Milliseconds since 1970-01-01T00:00:00Z. May be negative.
    public var milliseconds: Int64

    /// Creates a timestamp from milliseconds since the Unix epoch.
    public init(milliseconds: Int64) {
        self.milliseconds = milliseconds
    }

    /// Whole seconds since the Unix epoch, rounded towards negative infinity.
    public var seconds: Int64 {
        milliseconds % 1000 < 0 ? milliseconds / 1000 - 1 : milliseconds / 1000
    }

    /// The Unix epoch itself.
    public static let zero = Timestamp(milliseconds: 0)

    /// Later than every timestamp that the system produces.
    public static let distantFuture = Timestamp(milliseconds: .max)

    /// Orders by time.
    public static func < (left: Timestamp, right: Timestamp) -> Bool {
        left.milliseconds < right.milliseconds
    }

    /// The instant `duration` later, saturating at the ends of the range.
    public static func + (left: Timestamp, duration: Duration) -> Timestamp {
        let (sum, overflow) = left.milliseconds.addingReportingOverflow(duration.milliseconds)
        guard overflow else { return Timestamp(milliseconds: sum) }
        return Timestamp(milliseconds: duration.milliseconds > 0 ? .max : .min)
    }

    /// The time that passed from `right` to `left`.
    public static func - (left: Timestamp, right: Timestamp) -> Duration {
        .milliseconds(left.milliseconds &- right.milliseconds)
    }
}

extension Duration {
    /// The duration in whole milliseconds, rounded towards zero and saturating at the range of `Int64`.
    public var milliseconds: Int64 {
        let (seconds, attoseconds) = components
        let (scaled, overflow) = seconds.multipliedReportingOverflow(by: 1000)
        guard !overflow else { return seconds > 0 ? .max : .min }
        let (sum, carried) = scaled.addingReportingOverflow(attoseconds / 1_000_000_000_000_000)
        guard !carried else { return seconds > 0 ? .max : .min }
        return sum
    }
}
