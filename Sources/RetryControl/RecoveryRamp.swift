import SansIO

/// Lets a growing rate through to a target that has just come back, so that its backlog does not knock it over again.
///
/// From ``begin(now:)`` on, the rate in step `k` (from 0) is `startRate x growth^k`; when it reaches `endRate`, the ramp
/// is over and limits nothing. A failure on the way halves the rate, not below `startRate`.
/// - ``Settings/startRate``: attempts per second, from 0.1, 10 unless given.
/// - ``Settings/endRate``: attempts per second, at least the start, 5,000 unless given. Choose what the target is known to
///   bear; beyond it the concurrency limit alone protects it.
/// - ``Settings/growth``: above 1 up to 10, 1.5 unless given. With the defaults the ramp lasts 16 steps.
/// - ``Settings/step``: 1 second unless given, at least 10 ms. Longer gives the target more time to show distress.
public struct RecoveryRamp: Hashable, Sendable {
    /// The knobs of a ramp.
    public struct Settings: Hashable, Sendable {
        /// The rate at the beginning.
        public let startRate: Double
        /// The rate at which the ramp ends.
        public let endRate: Double
        /// The factor between steps.
        public let growth: Double
        /// How long a rate holds.
        public let step: Duration

        /// Creates settings; see ``RecoveryRamp``.
        public init(
            startRate: Double = 10,
            endRate: Double = 5000,
            growth: Double = 1.5,
            step: Duration = .seconds(1)
        ) {
            precondition(startRate >= 0.1 && endRate >= startRate && endRate <= 1e9, "rates are 0.1 to 10^9, in order")
            precondition(growth >= 1.01 && growth <= 10, "a growth is between 1.01 and 10")
            precondition(step >= .milliseconds(10), "a step is at least 10 ms")
            self.startRate = startRate
            self.endRate = endRate
            self.growth = growth
            self.step = step
        }
    }

    private struct Climb: Hashable, Sendable {
        var rate: Double
        var nextStep: Timestamp
        var bucket: TokenBucket
    }

    private let settings: Settings
    private var climb: Climb?

    /// Creates a ramp that limits nothing until it begins.
    public init(_ settings: Settings = Settings()) {
        self.settings = settings
    }

    /// True between ``begin(now:)`` and the end of the ramp, as of the last call.
    public var isActive: Bool { climb != nil }

    /// The rate in attempts per second as of the last call, or nil when nothing is limited.
    public var rate: Double? { climb?.rate }

    /// Starts the ramp from its lowest rate.
    public mutating func begin(now: Timestamp) {
        set(settings.startRate, now)
    }

    /// Halves the rate, after an attempt failed. Without an active ramp this does nothing.
    public mutating func noteFailure(now: Timestamp) {
        advance(now)
        guard let rate = climb?.rate else { return }
        set(max(settings.startRate, rate / 2), now)
    }

    /// Takes permission for up to `wanted` attempts and returns for how many; all of them when no ramp is active.
    public mutating func take(upTo wanted: Int, now: Timestamp) -> Int {
        let wanted = max(0, wanted)
        advance(now)
        guard var climb else { return wanted }
        climb.bucket.refill(now)
        let granted = min(Int64(wanted), max(0, climb.bucket.available) / TokenBucket.unit)
        _ = climb.bucket.take(granted * TokenBucket.unit)
        self.climb = climb
        return Int(granted)
    }

    /// When the next attempt is allowed; `now` when one is.
    public mutating func nextPermission(now: Timestamp) -> Timestamp {
        advance(now)
        guard var climb else { return now }
        climb.bucket.refill(now)
        self.climb = climb
        let earned = climb.bucket.time(of: TokenBucket.unit) ?? climb.nextStep
        return max(now, min(earned, climb.nextStep))
    }

    /// A tenth of a second's worth may be saved up, so that a slow loop does not lose its share.
    private mutating func set(_ rate: Double, _ now: Timestamp) {
        let bucket = TokenBucket(rate: rate, burst: max(1, rate / 10), available: 1, now: now)
        climb = Climb(rate: rate, nextStep: now + settings.step, bucket: bucket)
    }

    /// Takes the steps that are due. After a long pause the ramp does not jump ahead: only time in which attempts were
    /// made tells that the target bears them, so one call takes one step at most.
    private mutating func advance(_ now: Timestamp) {
        guard var climb else { return }
        guard now >= climb.nextStep else {
            // A clock that was set back must not stop the ramp.
            climb.nextStep = min(climb.nextStep, now + settings.step)
            self.climb = climb
            return
        }
        climb.rate *= settings.growth
        guard climb.rate < settings.endRate else {
            self.climb = nil
            return
        }
        climb.bucket.change(rate: climb.rate, burst: max(1, climb.rate / 10), now: now)
        climb.nextStep = now + settings.step
        self.climb = climb
    }
}
