import SansIO

extension CircuitBreaker {
    /// The knobs of a breaker.
    ///
    /// - ``consecutiveFailures``: failures in a row that open the breaker, at least 1, 5 unless given. Fewer react faster
    ///   and take a hiccup for an outage more often.
    /// - ``failureRate``: share of failures that opens it, above 0 up to 1, 0.5 unless given; catches a target that fails
    ///   often but not always. Counts once ``minimumAttempts`` (20 unless given) attempts ended within the window.
    /// - ``window``: 10 seconds unless given, at least 2 ms. The rate covers the last half to whole of it.
    /// - ``openTime``: 5 seconds unless given, at least 2 ms. The n-th opening in a row lasts between half and the whole of
    ///   `min(openTimeCap, openTime x 2^(n-1))`, drawn evenly, so that breakers that opened together do not probe
    ///   together and a dead target is not probed early.
    /// - ``openTimeCap``: 300 seconds unless given. The longest that a target which is well again waits for its probe.
    /// - ``probeLimit``: probes in flight while half-open, at least 1, 1 unless given.
    /// - ``probeSuccesses``: successful probes in a row that close the breaker, at least 1, 2 unless given.
    /// - ``probeTimeout``: 120 seconds unless given. Probes without an outcome for so long count as lost, and new ones may
    ///   start; longer than any attempt's own time limit.
    /// - ``calmTime``: 60 seconds unless given. Closed for so long, the breaker's next open time starts from ``openTime``.
    public struct Settings: Hashable, Sendable {
        /// Failures in a row that open the breaker.
        public let consecutiveFailures: Int
        /// Share of failures that opens the breaker.
        public let failureRate: Double
        /// Attempts that must have ended before the rate counts.
        public let minimumAttempts: Int
        /// How far back the rate looks.
        public let window: Duration
        /// The longest first open time.
        public let openTime: Duration
        /// The longest open time of all.
        public let openTimeCap: Duration
        /// Probes in flight while half-open.
        public let probeLimit: Int
        /// Successful probes that close the breaker.
        public let probeSuccesses: Int
        /// How long a probe's outcome is waited for.
        public let probeTimeout: Duration
        /// How long closed resets the open time.
        public let calmTime: Duration

        /// Creates settings; see the type for the meaning of each.
        public init(
            consecutiveFailures: Int = 5,
            failureRate: Double = 0.5,
            minimumAttempts: Int = 20,
            window: Duration = .seconds(10),
            openTime: Duration = .seconds(5),
            openTimeCap: Duration = .seconds(300),
            probeLimit: Int = 1,
            probeSuccesses: Int = 2,
            probeTimeout: Duration = .seconds(120),
            calmTime: Duration = .seconds(60)
        ) {
            precondition(consecutiveFailures >= 1 && minimumAttempts >= 1, "counts that open a breaker are positive")
            precondition(failureRate > 0 && failureRate <= 1, "a failure rate is above 0 and at most 1")
            precondition(window >= .milliseconds(2), "a window is at least 2 ms")
            precondition(openTime >= .milliseconds(2) && openTimeCap >= openTime, "an open time is at least 2 ms")
            precondition(probeLimit >= 1 && probeSuccesses >= 1, "counts of probes are positive")
            precondition(probeTimeout > .zero && calmTime >= .zero, "a probe's time limit is positive")
            self.consecutiveFailures = consecutiveFailures
            self.failureRate = failureRate
            self.minimumAttempts = minimumAttempts
            self.window = window
            self.openTime = openTime
            self.openTimeCap = openTimeCap
            self.probeLimit = probeLimit
            self.probeSuccesses = probeSuccesses
            self.probeTimeout = probeTimeout
            self.calmTime = calmTime
        }
    }
}

/// Counts outcomes over the last half to whole of a window, in two slots of half a window each.
struct OutcomeWindow: Hashable, Sendable {
    private let half: Int64
    private var slot: Int64 = .min
    private var current = (attempts: 0, failures: 0)
    private var previous = (attempts: 0, failures: 0)

    init(_ window: Duration) {
        half = max(1, window.milliseconds / 2)
    }

    var attempts: Int { current.attempts + previous.attempts }
    var failures: Int { current.failures + previous.failures }

    mutating func note(failed: Bool, now: Timestamp) {
        let number = now.milliseconds / half
        if number != slot {
            previous = slot != .max && number == slot + 1 ? current : (0, 0)
            current = (0, 0)
            slot = number
        }
        current.attempts += 1
        if failed { current.failures += 1 }
    }

    mutating func clear() {
        current = (0, 0)
        previous = (0, 0)
    }

    static func == (left: OutcomeWindow, right: OutcomeWindow) -> Bool {
        left.half == right.half && left.slot == right.slot && left.current == right.current
            && left.previous == right.previous
    }

    func hash(into hasher: inout Hasher) {
        hasher.combine(half)
        hasher.combine(slot)
        hasher.combine(attempts)
        hasher.combine(failures)
    }
}
