/// A fast 64-bit sum of bytes under a key, which nobody without the key can aim at.
enum KeyedSum {
    static func of(_ bytes: ArraySlice<UInt8>, key: UInt64) -> UInt64 {
        bytes.withUnsafeBytes { raw in
            var sum = key ^ UInt64(raw.count) &* 0x9E37_79B9_7F4A_7C15
            var position = 0
            while position + 8 <= raw.count {
                sum = mixed(sum ^ raw.loadUnaligned(fromByteOffset: position, as: UInt64.self))
                position += 8
            }
            var rest: UInt64 = 0
            while position < raw.count {
                rest = rest << 8 | UInt64(raw[position])
                position += 1
            }
            return mixed(mixed(sum ^ rest) ^ key)
        }
    }

    @inline(__always)
    private static func mixed(_ value: UInt64) -> UInt64 {
        let product = value.multipliedFullWidth(by: 0x9E37_79B9_7F4A_7C15)
        return product.high ^ product.low &+ 0x2545_F491_4F6C_DD1D
    }

    /// The number, big-endian, and zeros up to the given length.
    static func padded(_ number: UInt64, to count: Int) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(count)
        append(number, to: &bytes)
        bytes.append(contentsOf: repeatElement(0, count: count - 8))
        return bytes
    }

    static func append(_ number: some FixedWidthInteger, to bytes: inout [UInt8]) {
        withUnsafeBytes(of: number.bigEndian) { bytes.append(contentsOf: $0) }
    }

    /// The first eight bytes as a number, big-endian.
    static func read(_ bytes: ArraySlice<UInt8>) -> UInt64 {
        bytes.prefix(8).reduce(0) { $0 << 8 | UInt64($1) }
    }
}
