import Glibc
import SansIO
import Testing

@testable import EmbeddedStore

/// The function that sums up RocksDB's log in the place of RocksDB's own.
@Suite("RocksChecksumTests")
struct RocksChecksumTests {
    private typealias Extend = @convention(c) (UInt32, UnsafePointer<CChar>?, Int) -> UInt32

    private func extend(_ where: UnsafeMutableRawPointer?) throws -> (address: UnsafeMutableRawPointer, Extend) {
        let address = try #require(dlsym(`where`, "_ZN7rocksdb6crc32c6ExtendEjPKcm"))
        return (address, unsafeBitCast(address, to: Extend.self))
    }

    @Test func theSumsAreThoseOfRocksDB() throws {
        var generator = SeededGenerator(seed: 32)
        let ours = try extend(nil)
        // Behind the program itself comes the library.
        let library = try extend(UnsafeMutableRawPointer(bitPattern: -1))
        #expect(ours.address != library.address)
        for count in Array(0...70) + [1200, 40_000] {
            let bytes = (0..<count).map { _ in CChar.random(in: .min ... .max, using: &generator) }
            let before = UInt32.random(in: 0 ... .max, using: &generator)
            for start in [0, before] { #expect(ours.1(start, bytes, count) == library.1(start, bytes, count)) }
            let bits = bytes.map { UInt8(bitPattern: $0) }
            #expect(bits.withUnsafeBytes { Checksum.portable($0) } == ours.1(0, bytes, count))
        }
    }
}
