import SansIO

/// A clock whose time moves only when told.
final class ManualClock: ClockPort {
    private(set) var now = Timestamp(milliseconds: 1_700_000_000_000)
    private var timers: [(due: Timestamp, token: TimerToken, action: () -> Void)] = []
    private var lastToken: UInt64 = 0

    var timerCount: Int { timers.count }

    func schedule(after delay: Duration, _ action: @escaping () -> Void) -> TimerToken {
        lastToken += 1
        let token = TimerToken(number: lastToken)
        timers.append((now + max(.zero, delay), token, action))
        return token
    }

    func cancel(_ token: TimerToken) {
        timers.removeAll { $0.token == token }
    }

    /// Moves time on and runs what falls due, store completions included.
    func advance(by duration: Duration, _ turn: () -> Void) {
        let end = now + duration
        turn()
        while let next = timers.enumerated().filter({ $0.element.due <= end })
            .min(by: { ($0.element.due, $0.element.token.number) < ($1.element.due, $1.element.token.number) })
        {
            timers.remove(at: next.offset)
            now = max(now, next.element.due)
            next.element.action()
            turn()
        }
        now = end
    }
}

/// The turns of a shard: what is scheduled runs, in order, when the test says so.
final class Turns {
    private var pending: [() -> Void] = []

    func schedule(_ action: @escaping () -> Void) { pending.append(action) }

    /// Runs the actions that are waiting now.
    func runOnce() {
        let batch = pending
        pending = []
        for action in batch { action() }
    }

    /// Runs actions until none is left.
    func run() {
        while !pending.isEmpty { pending.removeFirst()() }
    }
}
