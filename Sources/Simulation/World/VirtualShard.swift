import SansIO

/// A shard whose time moves only when it is told to: clock, timers and turns in one.
///
/// It serves tests of a single driver; a ``World`` has many machines, each with a clock of its own.
public final class VirtualShard: ClockPort {
    /// The current time.
    public private(set) var now: Timestamp
    private var turns: [() -> Void] = []
    private var timers = EventQueue<() -> Void>()

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
        timers.add(action, at: (now + max(.zero, delay)).milliseconds)
    }

    /// Cancels a timer.
    public func cancel(_ token: TimerToken) {
        timers.cancel(token)
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
            guard let timer = timers.take(until: end.milliseconds) else { break }
            now = max(now, Timestamp(milliseconds: timer.time))
            timer.event()
        }
        now = end
    }

    /// Forgets every turn and timer, as a crash does.
    public func crash() {
        turns = []
        timers.removeAll()
    }
}
