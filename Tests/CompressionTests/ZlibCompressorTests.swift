import SansIO
import Testing

@testable import Compression

@Suite struct ZlibCompressorTests {
    private static func bytes(_ count: Int, seed: UInt64) -> [UInt8] {
        var generator = SeededGenerator(seed: seed)
        return (0..<count).map { _ in UInt8.random(in: 97...105, using: &generator) }
    }

    @Test(arguments: [1, 6, 9]) func whatWasMadeSmallBecomesTheSame(level: Int) throws {
        let zlib = ZlibCompressor(level: level)
        for count in [1, 2, 1_000, 70_000, 1 << 20] {
            let bytes = Self.bytes(count, seed: UInt64(count))
            let small = try #require(zlib.compress(bytes[...]))
            #expect(count < 1_000 || small.count < count)
            #expect(zlib.expand(small[...], count: count) == bytes)
        }
    }

    @Test func aPartOfAnArrayIsTakenByItself() throws {
        let zlib = ZlibCompressor()
        let bytes = Self.bytes(5_000, seed: 7)
        let small = try #require(zlib.compress(bytes[100..<4_100]))
        let padded = [1, 2, 3] + small + [4]
        #expect(zlib.expand(padded[3..<(3 + small.count)], count: 4_000) == Array(bytes[100..<4_100]))
    }

    @Test func whatIsNotWhatItSaysIsRefused() throws {
        let zlib = ZlibCompressor()
        let small = try #require(zlib.compress(Self.bytes(5_000, seed: 8)[...]))
        #expect(zlib.expand(small[...], count: 4_999) == nil, "more comes out than was said")
        #expect(zlib.expand(small[...], count: 5_001) == nil, "less comes out than was said")
        #expect(zlib.expand((small + [0])[...], count: 5_000) == nil, "bytes behind the end")
        #expect(zlib.expand(small.dropLast(), count: 5_000) == nil)
        #expect(zlib.expand([], count: 10) == nil)
        #expect(zlib.expand(small[...], count: 0) == nil)
    }

    @Test func aBombStaysWithinWhatItSays() throws {
        let zlib = ZlibCompressor()
        let bomb = try #require(zlib.compress([UInt8](repeating: 0, count: 64 << 20)[...]))
        #expect(bomb.count < 1 << 20)
        #expect(zlib.expand(bomb[...], count: 1 << 16) == nil)
    }

    @Test(arguments: [UInt64](1...4)) func mutatedStreamsNeverTrap(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let zlib = ZlibCompressor()
        let plain = Self.bytes(3_000, seed: seed)
        let small = try #require(zlib.compress(plain[...]))
        for _ in 0..<3_000 {
            var bytes = small
            for _ in 0..<Int.random(in: 1...3, using: &generator) {
                let place = Int.random(in: 0..<bytes.count, using: &generator)
                if Bool.random(using: &generator) {
                    bytes[place] ^= UInt8.random(in: 1...255, using: &generator)
                } else {
                    bytes.removeSubrange(place...)
                    bytes.append(0)
                }
            }
            let count = Bool.random(using: &generator) ? 3_000 : Int.random(in: 1...6_000, using: &generator)
            // The checksum may not tell, but what comes out is never of another length.
            if let found = zlib.expand(bytes[...], count: count) { #expect(found.count == count, "seed \(seed)") }
        }
    }
}
