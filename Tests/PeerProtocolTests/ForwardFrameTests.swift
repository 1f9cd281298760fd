import EventModel
import PeerProtocol
import SansIO
import Testing

/// DESIGN §7: batches of envelopes, bytes untouched, that nodes of two releases can exchange.
@Suite struct ForwardFrameTests {
    @Test func aBatchIsReadAsItWasWritten() throws {
        var direct = try FrameSamples.entry(2, envelope: "\u{1F600} not even JSON")
        direct.rule = ""
        direct.session = ""
        direct.hops = []
        direct.traceHeader = ""
        let entries = [try FrameSamples.entry(), direct]
        let frame = try ForwardFrame(decoding: ForwardFrame.encode(entries, origin: .max))
        #expect(frame.origin == .max)
        #expect(frame.items == entries.map { .entry($0) })
        #expect(direct.isDirect)
    }

    @Test func entriesThatShareSomeTextsKeepTheirOwn() throws {
        var entries = [try FrameSamples.entry(), try FrameSamples.entry(2), try FrameSamples.entry(3)]
        entries[1].principal += "x"
        entries[1].hops = []
        entries[1].session = ""
        entries[2].bus = String(entries[2].bus.reversed())
        entries[2].hops += [entries[2].bus, entries[0].hops[0]]
        entries.append(entries[1])
        let frame = try ForwardFrame(decoding: ForwardFrame.encode(entries, origin: 1))
        #expect(frame.items == entries.map { .entry($0) })
    }

    @Test func neighboursThatClaimTheSameKeepTheirIdsTracesAndEvents() throws {
        var entries = try (1...5).map { try FrameSamples.entry($0, envelope: #"{"detail":{"n":\#($0)}}"#) }
        entries[1].traceHeader = ""
        entries[2].traceHeader = "Root=2"
        entries[3].rule += "2"
        let frame = try ForwardFrame(decoding: ForwardFrame.encode(entries, origin: 1))
        #expect(frame.items == entries.map { .entry($0) })
        #expect(entries[1].claimsTheSame(as: entries[2]))
        #expect(!entries[2].claimsTheSame(as: entries[3]))
    }

    @Test func aClaimBehindThoseOfTheEntryBeforeIsReadToo() throws {
        let entries = [try FrameSamples.entry(), try FrameSamples.entry(2)]
        let bytes = ForwardFrame.encode(entries, origin: 1)
        let first = Int(bytes[18]) << 8 | Int(bytes[19])
        let second = 20 + first
        for (tag, isTaken) in [(UInt8(6), true), (5, false)] {
            var changed = bytes
            changed += [tag, 0, 0, 0, 1, UInt8(ascii: "h")]
            let longer = (Int(bytes[second + 2]) << 8 | Int(bytes[second + 3])) + 6
            changed[second + 2] = UInt8(longer >> 8)
            changed[second + 3] = UInt8(longer & 0xFF)
            let frame = try ForwardFrame(decoding: changed)
            #expect(frame.items[0] == .entry(entries[0]))
            var more = entries[1]
            more.hops.append("h")
            let fault = FrameError(.malformed, "field 5 is there twice")
            #expect(frame.items[1] == (isTaken ? .entry(more) : .faulty(fault)))
        }
    }

    @Test func everyCutIsRefused() throws {
        let bytes = ForwardFrame.encode([try FrameSamples.entry(), try FrameSamples.entry(2)], origin: 1)
        for length in 0..<bytes.count {
            #expect(throws: FrameError.self) { try ForwardFrame(decoding: Array(bytes[..<length])) }
        }
        #expect(throws: FrameError.self) { try ForwardFrame(decoding: bytes + [0]) }
    }

    @Test func anUnknownFieldIsSkippedWhenItIsOptionalAndRefusesItsEntryWhenNot() throws {
        let bytes = ForwardFrame.encode([try FrameSamples.entry(), try FrameSamples.entry(2)], origin: 1)
        for (tag, isTaken) in [(UInt8(200), true), (128, true), (127, false), (9, false)] {
            var changed = bytes
            let length = Int(changed[16]) << 24 | Int(changed[17]) << 16 | Int(changed[18]) << 8 | Int(changed[19])
            changed.insert(contentsOf: [tag, 0, 0, 0, 2, 7, 7], at: 20)
            let longer = length + 7
            changed[18] = UInt8(longer >> 8 & 0xFF)
            changed[19] = UInt8(longer & 0xFF)
            let frame = try ForwardFrame(decoding: changed)
            #expect((frame.items[0] == .entry(try FrameSamples.entry())) == isTaken, "tag \(tag)")
            #expect(frame.items[1] == .entry(try FrameSamples.entry(2)), "the other entry is not harmed")
        }
    }

    @Test func headerFieldsOfALaterReleaseAreSkipped() throws {
        var bytes = ForwardFrame.encode([try FrameSamples.entry()], origin: 1)
        bytes[15] = 6
        bytes.insert(contentsOf: [130, 0, 0, 0, 1, 5], at: 16)
        #expect(try ForwardFrame(decoding: bytes).items.count == 1)
        bytes[16] = 4
        #expect(throws: FrameError.self) { try ForwardFrame(decoding: bytes) }
    }

    @Test func anotherVersionIsToldFromGarbage() throws {
        var bytes = ForwardFrame.encode([try FrameSamples.entry()], origin: 1)
        bytes[2] = 9
        #expect(throws: FrameError(.unsupportedVersion, "version 9 is not spoken here")) {
            try ForwardFrame(decoding: bytes)
        }
        bytes[0] = 0
        #expect(throws: FrameError(.notAFrame, "the bytes do not begin like a batch of events")) {
            try ForwardFrame(decoding: bytes)
        }
        let later = PeerProtocolVersions(oldest: 2, newest: 4)
        #expect(PeerProtocolVersions(oldest: 1, newest: 3).best(with: later) == 3)
        #expect(PeerProtocolVersions.spoken.best(with: later) == nil)
    }

    @Test func limitsHoldForFrameEntriesEnvelopesTextsAndHops() throws {
        let entry = try FrameSamples.entry()
        let bytes = ForwardFrame.encode([entry, entry], origin: 1)
        var limits = FrameLimits()
        limits.frameBytes = bytes.count - 1
        #expect(throws: FrameError.self) { try ForwardFrame(decoding: bytes, limits: limits) }
        limits = FrameLimits()
        limits.entries = 1
        #expect(throws: FrameError.self) { try ForwardFrame(decoding: bytes, limits: limits) }
        #expect(throws: FrameError.self, "a frame without entries asks nothing") {
            try ForwardFrame(decoding: ForwardFrame.encode([], origin: 1))
        }
        func code(_ change: (inout FrameLimits) -> Void) throws -> FrameError.Code? {
            var limits = FrameLimits()
            change(&limits)
            guard case .faulty(let error) = try ForwardFrame(decoding: bytes, limits: limits).items[0] else {
                return nil
            }
            return error.code
        }
        #expect(try code { $0.envelopeBytes = 4 } == .tooLarge)
        #expect(try code { $0.textBytes = 10 } == .tooLarge)
        #expect(try code { $0.hops = 0 } == .tooLarge)
        #expect(try code { _ in } == nil)
    }

    @Test func anEntryWithoutANeededFieldIsFaulty() throws {
        var entry = try FrameSamples.entry()
        entry.principal = ""
        let frame = try ForwardFrame(decoding: ForwardFrame.encode([entry], origin: 1))
        guard case .faulty(let error) = frame.items[0] else { return #expect(Bool(false), "it has no principal") }
        #expect(error.code == .malformed)
    }

    @Test(arguments: [UInt64](1...6)) func mutatedFramesNeverTrap(_ seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let frame = ForwardFrame.encode([try FrameSamples.entry(), try FrameSamples.entry(2)], origin: 77)
        let answer = FrameSamples.answer().encoded()
        let greeting = UplinkGreeting(accounts: [try FrameSamples.account()]).encoded
        var record = WindowRecord()
        record.add(DeliveryID(event: 1, target: 2), from: .init(cell: "x/y", origin: 3), on: "bus")
        var read = 0
        for round in 0..<4_000 {
            var bytes = [frame, answer, greeting, record.encoded][round % 4]
            for _ in 0..<Int.random(in: 1...4, using: &generator) {
                guard !bytes.isEmpty else { break }
                let place = Int.random(in: 0..<bytes.count, using: &generator)
                switch Int.random(in: 0..<4, using: &generator) {
                case 0: bytes[place] = .random(in: 0...255, using: &generator)
                case 1: bytes.remove(at: place)
                case 2: bytes.insert(.random(in: 0...255, using: &generator), at: place)
                default: bytes.removeLast(min(bytes.count, Int.random(in: 0..<12, using: &generator)))
                }
            }
            if let frame = try? ForwardFrame(decoding: bytes) {
                read += 1
                #expect(frame.items.count <= FrameLimits().entries, "seed \(seed)")
            }
            if (try? VerdictFrame(decoding: bytes)) != nil { read += 1 }
            if (try? UplinkGreeting(decoding: bytes)) != nil { read += 1 }
            if let record = try? WindowRecord(decoding: bytes) {
                #expect(record.wordCount * 16 <= bytes.count, "seed \(seed)")
            }
            _ = try? ChannelMessage.decode(bytes)
        }
        #expect(read > 0, "seed \(seed): some mutations are harmless")
    }
}
