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
        #expect(try UplinkGreeting(decoding: greeting.encoded) == greeting)
        #expect(throws: FrameError.self) { try UplinkGreeting(decoding: [1, 0xFF, 0xFF, 0xFF, 0xFF]) }
        let many = (1...UInt64(UplinkGreeting.maximumAccounts + 5)).compactMap { AccountID(number: $0) }
        let cut = try UplinkGreeting(decoding: UplinkGreeting(accounts: many.reversed()).encoded)
        #expect(cut.accounts == Array(many.prefix(UplinkGreeting.maximumAccounts)), "or the other side would refuse it")
    }

    @Test func aGreetingMaySayWhatGossipIsToSay() throws {
        var greeting = UplinkGreeting(accounts: [try FrameSamples.account()])
        let plain = greeting.encoded
        greeting.presence = LeafPresence(claim: [1, 2, 3], chain: [4])
        #expect(Array(greeting.encoded.prefix(plain.count)) == plain, "an earlier release reads no further")
        #expect(try UplinkGreeting(decoding: greeting.encoded) == greeting)
        #expect(try UplinkGreeting(decoding: greeting.encoded + [9]) == greeting, "what a later one adds is skipped")
        for length in (plain.count + 1)..<greeting.encoded.count {
            #expect(throws: FrameError.self) { try UplinkGreeting(decoding: Array(greeting.encoded.prefix(length))) }
        }
        let large = UInt16(LeafPresence.maximumClaimBytes + 1)
        let oversized = plain + [UInt8(large >> 8), UInt8(large & 0xFF)] + [UInt8](repeating: 0, count: Int(large) + 2)
        #expect(throws: FrameError.self) { try UplinkGreeting(decoding: oversized) }
        greeting.presence?.claim = [UInt8](repeating: 0, count: LeafPresence.maximumClaimBytes + 1)
        #expect(greeting.encoded == plain, "what nobody would take is not sent")
    }
}
