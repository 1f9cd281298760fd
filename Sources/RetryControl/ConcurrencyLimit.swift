import SansIO

/// Adapts the number of attempts in flight on one target: additive increase, multiplicative decrease, on overload and
/// on rising latency.
///
/// The limit rises by 1 for every full limit of good outcomes, while at least half of it is in use. It falls to
/// `backoffRatio` of itself when the target says that it is overloaded (429, 503, time-out), or when the smoothed latency
/// exceeds `latencyTolerance` times the base latency plus 1 ms; at most once per ``Settings/holdTime`` or smoothed latency,
/// whichever is longer, because the attempts already in flight all tell of the same overload.
/// The smoothed latency is an average with weight 1/8 for the newest; the base latency is the lowest seen, which drifts up
/// by 1/256 of the distance with every outcome, so that a target that has become slower for good is not throttled for ever.
/// - ``Settings/minimum``: attempts, at least 1, 1 unless given. Never fewer are allowed.
/// - ``Settings/maximum``: attempts, at least the minimum, 64 unless given. Bounds what one target can occupy.
/// - ``Settings/initial``: attempts, 8 unless given. A higher start serves a good target sooner.
/// - ``Settings/backoffRatio``: from 0.1 to 0.99, 0.75 unless given. Lower gives way faster and uses less on average.
/// - ``Settings/latencyTolerance``: at least 1, 3 unless given. Lower reacts to queueing earlier, and to noise more often.
/// - ``Settings/holdTime``: 100 ms unless given. Time between decreases.
public struct ConcurrencyLimit: Hashable, Sendable {
    /// The knobs of a limit.
    public struct Settings: Hashable, Sendable {
        /// The lowest limit.
        public let minimum: Int
        /// The highest limit.
        public let maximum: Int
        /// The limit at the start.
        public let initial: Int
        /// What a decrease leaves of the limit.
        public let backoffRatio: Double
        /// By how much latency may exceed its base.
        public let latencyTolerance: Double
        /// The shortest time between decreases.
        public let holdTime: Duration

        /// Creates settings; see ``ConcurrencyLimit``. An initial value outside the limits is moved to the nearer one.
        public init(
            minimum: Int = 1,
            maximum: Int = 64,
            initial: Int = 8,
            backoffRatio: Double = 0.75,
            latencyTolerance: Double = 3,
            holdTime: Duration = .milliseconds(100)
        ) {
            precondition(
                minimum >= 1 && maximum >= minimum && maximum <= 1_000_000,
                "limits are 1 to 1,000,000, in order"
            )
            precondition(backoffRatio >= 0.1 && backoffRatio <= 0.99, "a backoff ratio is between 0.1 and 0.99")
            precondition(latencyTolerance >= 1 && latencyTolerance <= 1000, "a latency tolerance is 1 to 1,000")
            precondition(holdTime >= .zero, "a hold time is not negative")
            self.minimum = minimum
            self.maximum = maximum
            self.initial = min(max(initial, minimum), maximum)
            self.backoffRatio = backoffRatio
            self.latencyTolerance = latencyTolerance
            self.holdTime = holdTime
        }
    }

    /// What an attempt tells about the target's load.
    public enum Outcome: Hashable, Sendable {
        /// The target did its part, in this time.
        case success(latency: Duration)
        /// The target is overloaded, or did not answer in time.
        case overloaded
        /// Nothing: the attempt was not made, or failed for other reasons.
        case unknown
    }

    /// Attempts in flight.
    public private(set) var inFlight = 0
    private let settings: Settings
    // In thousandths of an attempt.
    private var thousandths: Int
    // In microseconds; negative before the first outcome.
    private var smoothed: Int64 = -1
    private var base: Int64 = -1
    private var lastDecrease: Timestamp?

    /// Creates a limit with nothing in flight.
    public init(_ settings: Settings = Settings()) {
        self.settings = settings
        thousandths = settings.initial * 1000
    }

    /// The most attempts that may be in flight now.
    public var limit: Int { thousandths / 1000 }

    /// The permits that ``acquire(upTo:)`` would give at most.
    public var available: Int { max(0, limit - inFlight) }

    /// Takes up to `wanted` permits and returns how many. Each is given back with ``release(_:now:)``.
    public mutating func acquire(upTo wanted: Int) -> Int {
        let granted = min(max(0, wanted), available)
        inFlight += granted
        return granted
    }

    /// Gives back one permit with what the attempt told.
    public mutating func release(_ outcome: Outcome, now: Timestamp) {
        precondition(inFlight > 0, "a permit is given back once")
        let wasUsed = inFlight * 2 >= limit
        inFlight -= 1
        switch outcome {
        case .unknown:
            return
        case .overloaded:
            decrease(now)
        case .success(let latency):
            note(latency)
            if isSlow {
                decrease(now)
            } else if wasUsed {
                thousandths = min(thousandths + max(1, 1_000_000 / thousandths), settings.maximum * 1000)
            }
        }
    }

    private var isSlow: Bool {
        Double(smoothed) > Double(base) * settings.latencyTolerance + 1000
    }

    private mutating func note(_ latency: Duration) {
        // A day bounds the arithmetic.
        let latency = min(max(latency, .zero), .seconds(86_400))
        let (seconds, attoseconds) = latency.components
        let microseconds = seconds * 1_000_000 + attoseconds / 1_000_000_000_000
        guard base >= 0 else {
            smoothed = microseconds
            base = microseconds
            return
        }
        smoothed += (microseconds - smoothed) / 8
        base = microseconds < base ? microseconds : base + (microseconds - base) / 256
    }

    private mutating func decrease(_ now: Timestamp) {
        let hold = max(settings.holdTime, .microseconds(max(0, smoothed)))
        if let lastDecrease, now >= lastDecrease, now - lastDecrease < hold { return }
        lastDecrease = now
        let lower = Int((Double(thousandths) * settings.backoffRatio).rounded(.down))
        thousandths = max(lower, settings.minimum * 1000)
    }
}
