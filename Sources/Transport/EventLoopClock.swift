import NIOCore
import SansIO

/// Wall-clock time, and timers on one NIO event loop.
///
/// Belongs to that loop: every call must come from it, and actions run on it.
public final class EventLoopClock: ClockPort {
    private let eventLoop: any EventLoop
    private var lastNumber: UInt64 = 0
    private var timers: [UInt64: Scheduled<Void>] = [:]

    /// Creates a clock for a loop. May be called from anywhere.
    public init(eventLoop: any EventLoop) {
        self.eventLoop = eventLoop
    }

    /// The system's wall-clock time, which an administrator can set back.
    public var now: Timestamp { Timestamp(milliseconds: WallClock.milliseconds()) }

    /// Runs `action` once on the loop, no earlier than `delay` from now and never inside this call.
    public func schedule(after delay: Duration, _ action: @escaping () -> Void) -> TimerToken {
        lastNumber += 1
        let number = lastNumber
        let nanoseconds = max(0, delay.milliseconds).multipliedReportingOverflow(by: 1_000_000)
        // A delay beyond what the loop can count is centuries away all the same.
        let amount = TimeAmount.nanoseconds(nanoseconds.overflow ? Int64.max / 2 : nanoseconds.partialValue)
        timers[number] = eventLoop.assumeIsolated().scheduleTask(in: amount) { [self] in
            timers[number] = nil
            action()
        }
        return TimerToken(number: number)
    }

    /// Cancels a timer; a token that is done is ignored.
    public func cancel(_ token: TimerToken) {
        eventLoop.preconditionInEventLoop()
        timers.removeValue(forKey: token.number)?.cancel()
    }
}
