import SansIO
import Testing
import Transport

/// Budgets judge a connection by its present rate, so a link that lives for months is never cut for what adds up.
@Suite struct HTTP2BudgetDecayTests {
    private let second: UInt64 = 1_000_000_000

    @Test func aLinkOfSteadyUseIsNeverCut() throws {
        var pair = try SessionPair()
        pair.answer = { HTTPResponse(status: 200, body: $0.body) }
        pair.pump()
        // Six hours, each second of which has requests, a cancelled one, PING frames, and now and then new settings.
        for tick in 0..<(6 * 3600) {
            pair.now += second
            _ = pair.client.submit(SessionPair.request(body: [1, 2, 3]), scheme: "https")
            if let stream = pair.client.submit(SessionPair.request(), scheme: "https") {
                pair.client.reset(stream: stream, code: 8)
            }
            pair.pump()
            var frames = TestFrame.make(6, 0, 0, Array(repeating: 0, count: 8))
            if tick % 10 == 0 { frames += TestFrame.make(4, 0, 0, []) }
            frames += TestFrame.make(8, 0, 0, TestFrame.number(1))
            #expect(pair.giveToServer(frames) == nil, "second \(tick)")
            _ = SessionPair.bytes(of: pair.server)
            if pair.server.error != nil { break }
        }
        #expect(pair.server.error == nil)
        #expect(pair.responses.count >= 6 * 3600)
        #expect(pair.server.bufferedBytes == 0)
        #expect(pair.server.openStreams == 0)
    }

    @Test func aBurstAfterALongCalmHasTheWholeBudgetAndNoMore() throws {
        var pair = try SessionPair()
        #expect(pair.giveToServer(TestFrame.preface) == nil)
        let ping = TestFrame.make(6, 0, 0, Array(repeating: 0, count: 8))
        pair.now += 100 * 24 * 3600 * second
        for _ in 0..<100 { #expect(pair.giveToServer(ping) == nil) }
        #expect(pair.giveToServer(ping) == .limitExceeded(.pings))
    }

    @Test func whatWasSentPaysForWindowUpdates() throws {
        var pair = try SessionPair { $0.windowUpdates = 10 }
        pair.answer = { _ in HTTPResponse(status: 200, body: [UInt8](repeating: 0, count: 100)) }
        #expect(pair.giveToServer(TestFrame.preface) == nil)
        // Two updates for each small answer, as a careless client sends them, at one instant.
        for number in 0..<2000 {
            let stream = UInt32(1 + 2 * number)
            #expect(pair.giveToServer(TestFrame.headers(stream, end: true)) == nil)
            _ = SessionPair.bytes(of: pair.server)
            let update = TestFrame.make(8, 0, 0, TestFrame.number(100))
            #expect(pair.giveToServer(update + update) == nil, "answer \(number)")
        }
    }
}
