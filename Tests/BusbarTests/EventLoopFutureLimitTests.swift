import NIOCore
import NIOEmbedded
import Testing

@testable import busbar

/// What stopping waits with for a store that may never close.
@Suite("EventLoopFutureLimitTests")
struct EventLoopFutureLimitTests {
    @Test func aFutureThatNeverCompletesIsGivenUp() async {
        let loop = NIOAsyncTestingEventLoop()
        let promise = loop.makePromise(of: Void.self)
        #expect(await promise.futureResult.completes(within: .milliseconds(1)) == false)
        promise.succeed(())
        await loop.run()
        #expect(await promise.futureResult.completes(within: .seconds(60)))
    }

    @Test func aFailureIsAnEndToo() async {
        let loop = NIOAsyncTestingEventLoop()
        let promise = loop.makePromise(of: Void.self)
        async let isDone = promise.futureResult.completes(within: .seconds(60))
        promise.fail(ChannelFailure())
        await loop.run()
        #expect(await isDone)
    }

    private struct ChannelFailure: Error {}
}
