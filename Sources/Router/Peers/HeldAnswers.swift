import PeerProtocol
import SansIO

/// Answers that wait until the queues which their events are for have caught up.
///
/// Events of other cells can come faster than the disk takes them into queues of this one. What is too much would go to
/// retry queues and be read back, at a multiple of the cost. An answer that comes later slows the sender down instead, as it
/// has only so many requests under way; the events are durable meanwhile, and no answer waits for long.
final class HeldAnswers {
    private struct Answer {
        var target: UInt64
        var deadline: Timestamp
        var send: () -> Void
    }

    private let clock: any ClockPort
    private let isBehind: (UInt64) -> Bool
    private var waiting: [Answer] = []
    private var isScheduled = false
    /// The longest that an answer waits; far less than a sender waits for it.
    private static let longest = Duration.milliseconds(100)
    private static let interval = Duration.milliseconds(1)

    init(clock: any ClockPort, isBehind: @escaping (UInt64) -> Bool) {
        self.clock = clock
        self.isBehind = isBehind
    }

    /// Sends an answer when a target has caught up, or after a while.
    func hold(for target: UInt64, _ send: @escaping () -> Void) {
        waiting.append(Answer(target: target, deadline: clock.now + Self.longest, send: send))
        schedule()
    }

    private func schedule() {
        guard !isScheduled else { return }
        isScheduled = true
        _ = clock.schedule(after: Self.interval) { [weak self] in self?.look() }
    }

    private func look() {
        isScheduled = false
        let now = clock.now
        var ready: [Answer] = []
        var left: [Answer] = []
        for answer in waiting {
            // A clock that was set back must not make an answer wait.
            let isOver = now >= answer.deadline || answer.deadline - now > Self.longest
            if isOver || !isBehind(answer.target) { ready.append(answer) } else { left.append(answer) }
        }
        waiting = left
        if !waiting.isEmpty { schedule() }
        for answer in ready { answer.send() }
    }
}
