import NIOCore
import NIOPosix
import SansIO
import Testing

@testable import Transport

/// What a peer's answers to the opening of a channel come to, and what a listener answers.
@Suite(.timeLimit(.minutes(10))) struct ChannelOpeningTests {
    private func outcome(_ script: (FakeStream) -> Void) -> String {
        let stream = FakeStream()
        var outcomes: [String] = []
        ChannelOpening.begin(over: stream, limits: PeerChannelLimits(), later: { $0() }) { result in
            switch result {
            case .success(let channel): outcomes.append("open \(channel.identity.uris)")
            case .failure(let error): outcomes.append(error.description)
            }
        }
        script(stream)
        return outcomes.joined(separator: ", ")
    }

    @Test func anAcceptanceOpensTheChannelOnce() {
        let text = outcome { stream in
            stream.onResponse?(HTTPResponse(status: 200))
            // From here on it is the channel that hears of the end.
            stream.onClose?(.connectionLost)
        }
        #expect(text == "open [\"spiffe://busbar.local/cell/a/node/b\"]")
    }

    @Test func aRefusalComesWithTheBeginningOfItsBody() {
        let text = outcome { stream in
            stream.onResponse?(HTTPResponse(status: 503))
            stream.onPart?(Array("full".utf8))
            stream.onPart?([UInt8](repeating: 65, count: 2000))
            stream.onEnd?()
            #expect(stream.resets == [8])
            stream.onClose?(.reset(code: 8))
        }
        #expect(text == "refused: the peer answered with status 503: full" + String(repeating: "A", count: 508))
    }

    @Test(arguments: [
        (HTTPStreamEnd.reset(code: 7), "refused: the peer refused the channel before it began"),
        (.reset(code: 2), "broken: the channel was reset with code 2"),
        (.timedOut, "timedOut: the peer did not accept the channel in time"),
        (.connectionLost, "broken: the connection was lost before the channel was open"),
    ])
    func anEndBeforeTheAnswerSaysWhatHappened(end: HTTPStreamEnd, expected: String) {
        #expect(outcome { $0.onClose?(end) } == expected)
    }

    private final class AnyAcceptor: PeerChannelAcceptor {
        func refusal(path: String, connection: HTTPConnectionInfo) -> HTTPResponse? { nil }
        func accepted(_ channel: any PeerChannel, path: String) {}
    }

    private func handler() -> PeerChannelHandler {
        PeerChannelHandler(
            paths: ["/up"],
            acceptor: AnyAcceptor(),
            otherwise: TestHandler(TestHandler.echo),
            clock: EventLoopClock(eventLoop: MultiThreadedEventLoopGroup.singleton.next())
        )
    }

    @Test func onlyThePathsOfChannelsAreTakenInParts() {
        let handler = handler()
        #expect(handler.takesInParts(method: "POST", target: "/up"))
        #expect(!handler.takesInParts(method: "GET", target: "/up"))
        #expect(!handler.takesInParts(method: "POST", target: "/up?x"))
        #expect(!handler.takesInParts(method: "POST", target: "/other"))
    }

    @Test func aPeerWithoutACertificateGetsNoChannel() {
        let stream = FakeStream()
        handler().handle(SessionPair.request("POST", "/up"), stream)
        #expect(stream.responses.map(\.status) == [403])
        var known = SessionPair.request("POST", "/up")
        known.connection.clientIdentity = stream.identity
        handler().handle(known, stream)
        #expect(stream.responses.map(\.status) == [403, 200])
    }

    @Test func channelsNeedHTTP2() {
        final class Reply: HTTPReply {
            var status = 0
            var onCancel: (() -> Void)?
            func send(_ response: HTTPResponse) { status = response.status }
        }
        let reply = Reply()
        handler().handle(SessionPair.request("POST", "/up"), reply)
        #expect(reply.status == 505)
        handler().handle(SessionPair.request("POST", "/other"), reply)
        #expect(reply.status == 200)
    }
}
