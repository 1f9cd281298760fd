import Compression
import SansIO
import Testing

@testable import PeerProtocol

/// Frames made smaller for slow links, and what a stranger may send in their name.
@Suite struct CompressedFrameTests {
    private let zlib = ZlibCompressor()

    private func frame(_ count: Int = 20) throws -> [UInt8] {
        ForwardFrame.encode(try (1...count).map { try FrameSamples.entry(UInt64($0)) }, origin: 7)
    }

    private func code(_ bytes: [UInt8], limits: FrameLimits = FrameLimits()) -> FrameError.Code? {
        do throws(FrameError) {
            _ = try ForwardFrame.expanded(bytes, by: zlib, limits: limits)
            return nil
        } catch {
            return error.code
        }
    }

    /// A frame that says it holds so many bytes, with a stream of others.
    private func forged(saying count: Int, holding bytes: [UInt8]) throws -> [UInt8] {
        let stream = try #require(zlib.compress(bytes[...]))
        var forged: [UInt8] = [UInt8(ascii: "F"), UInt8(ascii: "W"), 0x81, 0]
        forged.appendInteger(UInt32(count))
        return forged + stream
    }

    @Test func aCompressedFrameBecomesTheSame() throws {
        let plain = try frame()
        let small = try #require(ForwardFrame.compressed(plain, by: zlib))
        #expect(small.count < plain.count / 2)
        #expect(ForwardFrame.isCompressed(small) && !ForwardFrame.isCompressed(plain))
        #expect(try ForwardFrame.expanded(small, by: zlib) == plain)
        #expect(try ForwardFrame.expanded(plain, by: zlib) == plain, "a plain one stays as it is")
    }

    @Test func aSmallFrameAndOneThatLooksLikeATrapStayPlain() throws {
        let small = try frame(1)
        #expect(small.count < ForwardFrame.leastCompressed)
        #expect(ForwardFrame.compressed(small, by: zlib) == nil)
        var entry = try FrameSamples.entry()
        entry.envelope = [UInt8](repeating: 97, count: 100_000)
        #expect(ForwardFrame.compressed(ForwardFrame.encode([entry], origin: 7), by: zlib) == nil)
        var generator = SeededGenerator(seed: 5)
        entry.envelope = (0..<10_000).map { _ in .random(in: 0...255, using: &generator) }
        #expect(ForwardFrame.compressed(ForwardFrame.encode([entry], origin: 7), by: zlib) == nil, "nothing is gained")
    }

    /// Whoever does not know of it answers that it does not speak this version.
    @Test func anEarlierReleaseTakesItForAVersionThatItDoesNotSpeak() throws {
        let small = try #require(ForwardFrame.compressed(try frame(), by: zlib))
        #expect {
            try ForwardFrame(decoding: small)
        } throws: {
            ($0 as? FrameError)?.code == .unsupportedVersion
        }
    }

    @Test func aBombIsRefusedBeforeItTakesMemory() throws {
        let zeros = [UInt8](repeating: 0, count: 6 << 20)
        #expect(code(try forged(saying: zeros.count, holding: zeros)) == .tooLarge, "a thousand times its size")
        #expect(code(try forged(saying: Int(UInt32.max), holding: [1, 2, 3])) == .tooLarge)
        var limits = FrameLimits()
        limits.frameBytes = 4_000
        #expect(code(try #require(ForwardFrame.compressed(try frame(60), by: zlib)), limits: limits) == .tooLarge)
        #expect(code(try forged(saying: 2_000, holding: zeros)) == .malformed, "it says less than it is")
        #expect(code(try forged(saying: 200, holding: [UInt8](repeating: 1, count: 100))) == .malformed)
        #expect(code([UInt8(ascii: "F"), UInt8(ascii: "W"), 0x81, 0, 0]) == .truncated)
        #expect(code([UInt8(ascii: "F"), UInt8(ascii: "W"), 0x81, 0, 0, 0, 0, 0]) == .malformed)
    }

    @Test func answersSayWhetherTheNodeTakesThem() throws {
        var answer = FrameSamples.answer()
        #expect(try VerdictFrame(decoding: answer.encoded()).takesCompressed == false)
        answer.takesCompressed = true
        #expect(try VerdictFrame(decoding: answer.encoded()) == answer)
    }

    @Test(arguments: [UInt64](1...4)) func mutatedCompressedFramesNeverTrap(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let small = try #require(ForwardFrame.compressed(try frame(), by: zlib))
        for _ in 0..<2_000 {
            var bytes = small
            for _ in 0..<Int.random(in: 1...3, using: &generator) {
                bytes[Int.random(in: 0..<bytes.count, using: &generator)] = .random(in: 0...255, using: &generator)
            }
            if let plain = try? ForwardFrame.expanded(bytes, by: zlib) { _ = try? ForwardFrame(decoding: plain) }
        }
    }
}
