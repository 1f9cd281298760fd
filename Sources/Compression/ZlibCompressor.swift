import CZlib
import SansIO

/// Compression in zlib's format (RFC 1950), by that library.
public struct ZlibCompressor: CompressionPort {
    private let level: Int32

    /// Creates a compressor.
    ///
    /// - Parameter level: 1 (quick) to 9 (small).
    public init(level: Int = 1) {
        precondition((1...9).contains(level), "levels of zlib go from 1 to 9")
        self.level = Int32(level)
    }

    /// The bytes as one zlib stream; nil when out of memory.
    public func compress(_ bytes: ArraySlice<UInt8>) -> [UInt8]? {
        let bound = compressBound(uLong(bytes.count))
        let result = [UInt8](unsafeUninitializedCapacity: Int(bound)) { buffer, count in
            var size = bound
            let code = bytes.withUnsafeBufferPointer { source in
                compress2(buffer.baseAddress, &size, source.baseAddress, uLong(source.count), level)
            }
            count = code == Z_OK ? Int(size) : 0
        }
        return result.isEmpty ? nil : result
    }

    /// What a zlib stream of exactly these bytes holds, if that is as long as it says.
    public func expand(_ bytes: ArraySlice<UInt8>, count: Int) -> [UInt8]? {
        guard count > 0, !bytes.isEmpty else { return nil }
        let result = [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            var size = uLongf(count)
            var used = uLong(bytes.count)
            let code = bytes.withUnsafeBufferPointer { source in
                uncompress2(buffer.baseAddress, &size, source.baseAddress, &used)
            }
            let isRight = code == Z_OK && Int(size) == count && Int(used) == bytes.count
            filled = isRight ? count : 0
        }
        return result.isEmpty ? nil : result
    }
}
