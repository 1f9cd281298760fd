import SansIO

/// A shard whose time moves only when it is told to: clock, timers and turns in one.
public final class VirtualShard: ClockPort {
    private struct Timer {
        let due: Timestamp
        let token: TimerToken
        let action: () -> Void
    }

    /// The current time.
    public private(set) var now: Timestamp
    private var turns: [() -> Void] = []
    private var timers: [Timer] = []
    private var lastToken: UInt64 = 0

    /// Creates a shard whose clock shows `now`.
    public init(now: Timestamp = Timestamp(milliseconds: 1_768_480_496_000)) {
        self.now = now
    }

    /// Runs `action` on a later turn.
    public func post(_ action: @escaping () -> Void) {
        turns.append(action)
    }

    /// Runs `action` once when `delay` has passed.
    public func schedule(after delay: Duration, _ action: @escaping () -> Void) -> TimerToken {
        lastToken += 1
        let token = TimerToken(number: lastToken)
        timers.append(Timer(due: now + max(.zero, delay), token: token, action: action))
        return token
    }

    /// Cancels a timer.
    public func cancel(_ token: TimerToken) {
        timers.removeAll { $0.token == token }
    }

    /// Runs turns, and timers that are due, until nothing is left to do at the present time.
    public func run() {
        advance(by: .zero)
    }

    /// Moves time on, running every timer at its own time and every turn at once.
    public func advance(by duration: Duration) {
        let end = now + duration
        while true {
            while !turns.isEmpty {
                let batch = turns
                turns = []
                for action in batch { action() }
            }
            let next = timers.indices.min { left, right in
                (timers[left].due, timers[left].token.number) < (timers[right].due, timers[right].token.number)
            }
            guard let next, timers[next].due <= end else { break }
            let timer = timers.remove(at: next)
            now = max(now, timer.due)
            timer.action()
        }
        now = end
    }

    /// Forgets every turn and timer, as a crash does.
    public func crash() {
        turns = []
        timers = []
    }
}
