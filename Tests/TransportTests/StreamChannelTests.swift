import SansIO
import Testing

@testable import Transport

/// A channel over a stream whose other side is the test.
@Suite struct StreamChannelTests {
    private final class Scene {
        let stream = FakeStream()
        let turns = LaterTurns()
        let channel: StreamChannel
        var messages: [[UInt8]] = []
        var closes: [PeerLinkError?] = []

        init(_ adjust: (inout PeerChannelLimits) -> Void = { _ in }) {
            var limits = PeerChannelLimits()
            adjust(&limits)
            channel = StreamChannel(stream: stream, identity: stream.identity, limits: limits, later: turns.add)
        }

        func listen() {
            channel.onMessage = { [unowned self] in messages.append($0) }
            channel.onClose = { [unowned self] in closes.append($0) }
        }
    }

    @Test func anEndInsideAMessageIsAnError() {
        let scene = Scene()
        scene.listen()
        scene.stream.onPart?([0, 0, 0, 3, 1])
        scene.stream.onEnd?()
        #expect(scene.stream.resets == [11])
        scene.stream.onClose?(.reset(code: 11))
        #expect(scene.closes == [PeerLinkError(.broken, "the other side stopped inside a message")])
        #expect(scene.messages.isEmpty)
    }

    @Test func anEndBetweenMessagesIsAnsweredAndIsNoError() {
        let scene = Scene()
        scene.listen()
        scene.stream.onPart?([0, 0, 0, 1, 7])
        scene.stream.onEnd?()
        #expect(scene.stream.hasEnded)
        scene.stream.onClose?(.complete)
        #expect(scene.messages == [[7]])
        #expect(scene.closes == [nil])
    }

    @Test(arguments: [
        (HTTPStreamEnd.reset(code: 2), PeerLinkError.Code.broken), (.connectionLost, .broken), (.timedOut, .timedOut),
    ])
    func otherEndsSayWhatHappened(end: HTTPStreamEnd, code: PeerLinkError.Code) {
        let scene = Scene()
        scene.listen()
        scene.stream.onClose?(end)
        #expect(scene.closes.map { $0?.code } == [code])
        #expect(scene.closes.first??.mayHaveArrived == true)
        scene.channel.send([1])
        #expect(scene.stream.sent.isEmpty)
    }

    @Test func messagesBeforeAListenerPauseTheStreamAndAreHandedOverInOrder() {
        let scene = Scene { $0.maximumEarlyBytes = 2 }
        scene.stream.onPart?([0, 0, 0, 2, 1, 2])
        #expect(!scene.stream.isPaused)
        scene.stream.onPart?([0, 0, 0, 1, 3])
        #expect(scene.stream.isPaused)
        scene.listen()
        // What comes before the hand-over comes behind.
        scene.stream.onPart?([0, 0, 0, 1, 4])
        #expect(scene.messages.isEmpty)
        scene.turns.run()
        #expect(scene.messages == [[1, 2], [3], [4]])
        #expect(!scene.stream.isPaused)
        scene.stream.onPart?([0, 0, 0, 1, 5])
        #expect(scene.messages.last == [5])
    }

    @Test func aConnectionThatLeavesEndsTheChannelAfterWhatIsQueued() {
        let scene = Scene()
        scene.listen()
        scene.channel.send([9])
        scene.stream.onLeaving?()
        #expect(scene.stream.sent == [[0, 0, 0, 1, 9]])
        #expect(scene.stream.hasEnded)
        scene.channel.send([8])
        #expect(scene.stream.sent.count == 1)
    }

    @Test func limitsOfSendingCloseWithAnError() {
        let long = Scene { $0.maximumMessageBytes = 3 }
        long.listen()
        long.channel.send([1, 2, 3, 4])
        #expect(long.stream.resets == [11])
        long.stream.onClose?(.reset(code: 11))
        #expect(long.closes == [PeerLinkError(.overloaded, "a message of 4 bytes is longer than 3")])
        let full = Scene { $0.maximumUnsentBytes = 10 }
        full.listen()
        full.stream.unsentBytes = 10
        full.channel.send([1])
        full.stream.onClose?(.reset(code: 11))
        #expect(full.closes == [PeerLinkError(.overloaded, "10 bytes wait to be sent already")])
        #expect(full.stream.sent.isEmpty)
    }

    @Test func aCloseListenerSetTooLateRunsOnALaterTurn() {
        let scene = Scene()
        scene.stream.onClose?(.connectionLost)
        scene.listen()
        #expect(scene.closes.isEmpty)
        scene.turns.run()
        #expect(scene.closes.map { $0?.code } == [.broken])
    }
}
