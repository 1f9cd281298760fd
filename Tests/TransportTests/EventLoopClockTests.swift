import NIOCore
import NIOPosix
import SansIO
import Synchronization
import Testing
import Transport

@Suite(.timeLimit(.minutes(10))) struct EventLoopClockTests {
    @Test func timersRunOnTheLoopInOrderAndNeverInsideTheCall() async throws {
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        let order = Mutex<[String]>([])
        let promise = loop.makePromise(of: Void.self)
        try await loop.submit {
            let clock = EventLoopClock(eventLoop: loop)
            _ = clock.schedule(after: .milliseconds(30)) {
                order.withLock { $0.append("late") }
                promise.succeed()
            }
            _ = clock.schedule(after: .zero) {
                loop.preconditionInEventLoop()
                order.withLock { $0.append("soon") }
            }
            let cancelled = clock.schedule(after: .milliseconds(1)) { order.withLock { $0.append("cancelled") } }
            clock.cancel(cancelled)
            clock.cancel(cancelled)
            clock.cancel(TimerToken(number: 999))
            order.withLock { $0.append("now") }
        }.get()
        try await promise.futureResult.get()
        #expect(order.withLock { $0 } == ["now", "soon", "late"])
    }

    @Test func theWallClockIsTheSystems() {
        let clock = EventLoopClock(eventLoop: MultiThreadedEventLoopGroup.singleton.next())
        let first = clock.now
        #expect(first.milliseconds > 1_700_000_000_000)
        #expect(clock.now >= first)
    }
}
