import SansIO

/// Stops attempts on a target that is down, and finds out with a few probes when it is well again.
///
/// The caller decides what counts as a failure: the target's own troubles do (time-outs, refused connections, 5xx), a
/// message that it rejects for its content does not. Every pass is given back exactly once, with
/// ``record(_:succeeded:now:using:)`` or ``cancel(_:)``. Outcomes of attempts that began in an earlier phase are ignored:
/// a time-out from before the outage ended must not fail the probes.
public struct CircuitBreaker: Hashable, Sendable {
    /// What the breaker lets through.
    public enum State: Hashable, Sendable {
        /// Everything.
        case closed
        /// Nothing before this time.
        case open(until: Timestamp)
        /// A few probes.
        case halfOpen
    }

    /// The right to make one attempt.
    public struct Pass: Hashable, Sendable {
        /// True for a probe of a half-open breaker.
        public let isProbe: Bool
        let phase: UInt64
    }

    /// A breaker's answer.
    public enum Admission: Hashable, Sendable {
        /// Make the attempt.
        case admitted(Pass)
        /// The breaker is open; ask again at this time.
        case refused(until: Timestamp)
        /// Probes are under way; ask again after one has ended, or at this time at the latest.
        case probing(until: Timestamp)
    }

    /// The present state. An open breaker becomes half-open with the first request after its time.
    public private(set) var state: State = .closed
    private let settings: Settings
    private var phase: UInt64 = 0
    private var phaseBegan: Timestamp
    private var failuresInRow = 0
    private var outcomes: OutcomeWindow
    private var openingsInRow = 0
    private var probesInFlight = 0
    private var probesSucceeded = 0
    private var lastProbe: Timestamp

    /// Creates a closed breaker.
    public init(_ settings: Settings = Settings(), now: Timestamp) {
        self.settings = settings
        outcomes = OutcomeWindow(settings.window)
        phaseBegan = now
        lastProbe = now
    }

    /// Ends the open time early, because the target is known to be back; the probes still decide, those that begin from now
    /// on.
    public mutating func endOpenTime(now: Timestamp) {
        switch state {
        case .open(let until): state = .open(until: min(until, now))
        case .halfOpen: begin(.halfOpen, now)
        case .closed: break
        }
    }

    /// Has the open time end at `limit` at the latest, because what made the target fail is known to pass soon.
    public mutating func endOpenTime(by limit: Timestamp) {
        if case .open(let until) = state, limit < until { state = .open(until: limit) }
    }

    /// Asks to make one attempt.
    public mutating func admit(now: Timestamp) -> Admission {
        switch state {
        case .closed:
            return .admitted(Pass(isProbe: false, phase: phase))
        case .open(let until):
            guard now >= until else {
                // A clock that was set back must not keep the breaker open for longer than it ever may be.
                let latest = min(until, now + settings.openTimeCap)
                state = .open(until: latest)
                return .refused(until: latest)
            }
            begin(.halfOpen, now)
            return probe(now)
        case .halfOpen:
            guard probesInFlight >= settings.probeLimit else { return probe(now) }
            let lost = lastProbe + settings.probeTimeout
            guard now < lost, now >= lastProbe else {
                begin(.halfOpen, now)
                return probe(now)
            }
            return .probing(until: lost)
        }
    }

    /// Gives back a pass with the attempt's outcome.
    ///
    /// - Parameters:
    ///   - pass: what ``admit(now:)`` gave.
    ///   - succeeded: whether the target did its part.
    ///   - now: when the attempt ended.
    ///   - generator: the source of jitter; one value is drawn if the breaker opens.
    /// - Returns: the new state if it changed.
    public mutating func record(
        _ pass: Pass,
        succeeded: Bool,
        now: Timestamp,
        using generator: inout some RandomNumberGenerator
    ) -> State? {
        guard pass.phase == phase else { return nil }
        if pass.isProbe {
            probesInFlight -= 1
            guard succeeded else { return open(now, &generator) }
            probesSucceeded += 1
            guard probesSucceeded >= settings.probeSuccesses else { return nil }
            begin(.closed, now)
            return state
        }
        failuresInRow = succeeded ? 0 : failuresInRow + 1
        outcomes.note(failed: !succeeded, now: now)
        guard !succeeded, hasFailedEnough else { return nil }
        if now - phaseBegan >= settings.calmTime { openingsInRow = 0 }
        return open(now, &generator)
    }

    /// Gives back a pass whose attempt was not made, or says nothing about the target.
    public mutating func cancel(_ pass: Pass) {
        guard pass.phase == phase, pass.isProbe else { return }
        probesInFlight -= 1
    }

    private var hasFailedEnough: Bool {
        if failuresInRow >= settings.consecutiveFailures { return true }
        return outcomes.attempts >= settings.minimumAttempts
            && Double(outcomes.failures) >= settings.failureRate * Double(outcomes.attempts)
    }

    private mutating func probe(_ now: Timestamp) -> Admission {
        probesInFlight += 1
        lastProbe = now
        return .admitted(Pass(isProbe: true, phase: phase))
    }

    private mutating func open(_ now: Timestamp, _ generator: inout some RandomNumberGenerator) -> State {
        let longest = doubled(
            settings.openTime.milliseconds,
            times: openingsInRow,
            limit: settings.openTimeCap.milliseconds
        )
        openingsInRow = min(openingsInRow + 1, 64)
        let half = longest / 2
        begin(.open(until: now + .milliseconds(half + generator.uniform(through: longest - half))), now)
        return state
    }

    private mutating func begin(_ next: State, _ now: Timestamp) {
        state = next
        phase += 1
        phaseBegan = now
        failuresInRow = 0
        outcomes.clear()
        probesInFlight = 0
        probesSucceeded = 0
    }
}
