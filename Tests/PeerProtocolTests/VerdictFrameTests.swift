import EventModel
import PeerProtocol
import SansIO
import Testing

@Suite struct VerdictFrameTests {
    @Test func anAnswerIsReadAsItWasWritten() throws {
        let answer = FrameSamples.answer()
        #expect(try VerdictFrame(decoding: answer.encoded()) == answer)
    }

    @Test func everyCutIsRefusedAndMoreAtTheEndIsSkipped() throws {
        let bytes = FrameSamples.answer().encoded()
        for length in 0..<bytes.count {
            #expect(throws: FrameError.self) { try VerdictFrame(decoding: Array(bytes[..<length])) }
        }
        #expect(try VerdictFrame(decoding: bytes + [1, 2, 3]) == FrameSamples.answer(), "a later release may add")
    }

    @Test func aVerdictOfALaterReleaseIsAFailureThatMayPass() throws {
        var bytes = VerdictFrame(verdicts: [.denied("why")]).encoded()
        bytes[10] = 99
        guard case .failed(let text)? = try VerdictFrame(decoding: bytes).verdicts.first else {
            return #expect(Bool(false), "an unknown verdict must not settle anything")
        }
        #expect(text.contains("99") && text.contains("why"))
    }

    @Test func reasonsAreCutAtTheLimit() throws {
        var limits = FrameLimits()
        limits.reasonBytes = 10
        let long = String(repeating: "é", count: 20)
        let answer = try VerdictFrame(decoding: VerdictFrame(verdicts: [.denied(long)]).encoded(limits: limits))
        #expect(answer.verdicts == [.denied("ééééé")])
    }

    @Test func aRefusedFrameNamesStatusAndVersions() throws {
        let refused = VerdictFrame(refusing: FrameError(.unsupportedVersion, "version 9"))
        let read = try VerdictFrame(decoding: refused.encoded())
        #expect(read.status == .unsupportedVersion)
        #expect(read.versions == .spoken)
        #expect(read.message == "version 9")
    }

    @Test func channelMessagesKeepNumberAndBody() throws {
        let message = ChannelMessage(.question, number: .max, body: [1, 2])
        #expect(try ChannelMessage.decode(message.encoded) == message)
        #expect(try ChannelMessage.decode([99] + message.encoded.dropFirst()) == nil)
        #expect(throws: FrameError.self) { try ChannelMessage.decode([2, 0, 0]) }
        let greeting = UplinkGreeting(accounts: [try FrameSamples.account()])
        #expect(try UplinkGreeting(decoding: greeting.encoded + [9]) == greeting)
        #expect(throws: FrameError.self) { try UplinkGreeting(decoding: [1, 0xFF, 0xFF, 0xFF, 0xFF]) }
    }
}
