import SansIO

/// What an edge's time without a link is to be.
public struct EdgeWeekOptions: Equatable, Sendable {
    /// What everything follows from.
    public var seed: UInt64 = 1
    /// Events that are acknowledged while the link is down.
    public var events = 5_000_000
    /// How long the link is down.
    public var offline = Duration.seconds(7 * 86_400)
    /// Deliveries of the backlog in a second, as the edge's queue is configured.
    public var drainRate = 2000.0
    /// Whether the edge crashes once in each seventh of the time, and links and nodes fail again in the last fifth of the
    /// drain.
    public var hasFaults = true

    /// The defaults: a week, 5,000,000 events, 2,000 a second.
    public init() {}

    /// The most that the edge's queue may hold: a fifth more than what is to wait.
    var queueLimit: UInt64 { UInt64(events + events / 5 + 1000) }
}

/// What came of it.
public struct EdgeWeekReport: Equatable, Sendable {
    /// What it was to be.
    public var options: EdgeWeekOptions
    /// Events acknowledged, those of the time after the week included.
    public var acknowledged = 0
    /// Deliveries that waited when the link came back.
    public var backlog: UInt64 = 0
    /// Different events that arrived.
    public var arrived = 0
    /// Acknowledged events that did not.
    public var missing = 0
    /// Messages beyond the first of an event.
    public var repeated = 0
    /// Crashes and cuts of the link, the week's own not counted.
    public var faults = 0
    /// Arrivals of the backlog in a second, between a tenth and three quarters of it, while nothing else went wrong.
    public var rate = 0.0
    /// The slowest and the fastest whole minute of that time, in arrivals a second.
    public var minuteRates = (least: 0.0, most: 0.0)
    /// Events put in that time.
    public var fresh = 0
    /// Milliseconds from the put of such an event to its arrival: the median, 99 in 100, the longest.
    public var freshLatency = (median: Int64(0), high: Int64(0), longest: Int64(0))
    /// How long the world existed.
    public var elapsed = Duration.zero
    /// Things that happened in the world.
    public var worldEvents: UInt64 = 0
    /// The number that every run with these options ends with.
    public var unseed: UInt64 = 0
    /// What must not be so.
    public var violations: [String] = []

    init(_ options: EdgeWeekOptions) {
        self.options = options
    }

    /// Two reports are equal when all their figures are.
    public static func == (left: EdgeWeekReport, right: EdgeWeekReport) -> Bool {
        left.options == right.options && left.unseed == right.unseed && left.lines == right.lines
    }

    /// How far the measured rate is from the configured one; 0.01 for one in a hundred.
    public var rateError: Double { abs(rate / options.drainRate - 1) }

    /// Repeats as a share of the events.
    public var repeatedShare: Double { Double(repeated) / Double(max(1, arrived)) }

    /// The figures, one a line.
    public var lines: [String] {
        [
            "offline      \(options.offline.milliseconds / 3_600_000) h, link back with \(backlog) deliveries waiting",
            "acknowledged \(acknowledged)",
            "arrived      \(arrived), missing \(missing)",
            "repeated     \(repeated) (\(Self.percent(repeatedShare)) %)",
            "drain        \(Self.tenths(rate))/s of \(Self.tenths(options.drainRate))/s configured, minutes from "
                + "\(Self.tenths(minuteRates.least)) to \(Self.tenths(minuteRates.most))",
            "fresh        \(fresh) while it drained, \(freshLatency.median) ms median, \(freshLatency.high) ms 99 in 100, "
                + "\(freshLatency.longest) ms longest",
            "faults       \(faults) beside the week",
            "world        \(worldEvents) events, \(elapsed.milliseconds / 1000) s, unseed \(unseed)",
        ] + violations.map { "violation    \($0)" }
    }

    private static func tenths(_ value: Double) -> String {
        "\((value * 10).rounded() / 10)"
    }

    private static func percent(_ share: Double) -> String {
        "\((share * 1_000_000).rounded() / 10_000)"
    }
}
