import CStore

/// CRC-32C (Castagnoli), with the processor's instruction where there is one.
enum Checksum {
    private static let hasHardware = busbar_crc32c_has_hardware() != 0

    /// Reflected polynomial 0x82F63B78, sliced by eight: `table[k][b]` is the effect of byte `b` followed by `k` zeros.
    private static let table: [[UInt32]] = {
        var slices = [[UInt32]](repeating: [UInt32](repeating: 0, count: 256), count: 8)
        for byte in 0..<256 {
            var value = UInt32(byte)
            for _ in 0..<8 { value = value & 1 == 1 ? (value >> 1) ^ 0x82F6_3B78 : value >> 1 }
            slices[0][byte] = value
        }
        for byte in 0..<256 {
            for slice in 1..<8 {
                let previous = slices[slice - 1][byte]
                slices[slice][byte] = (previous >> 8) ^ slices[0][Int(previous & 0xFF)]
            }
        }
        return slices
    }()

    /// The checksum of `bytes`.
    static func crc32c(_ bytes: UnsafeRawBufferPointer) -> UInt32 {
        guard let start = bytes.baseAddress else { return 0 }
        guard hasHardware else { return portable(bytes) }
        return ~busbar_crc32c_hardware(~0, start.assumingMemoryBound(to: UInt8.self), bytes.count)
    }

    /// The same by table, for processors without the instruction.
    static func portable(_ bytes: UnsafeRawBufferPointer) -> UInt32 {
        var state = ~UInt32(0)
        var index = 0
        while index + 8 <= bytes.count {
            let word = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: index, as: UInt64.self)) ^ UInt64(state)
            state = 0
            for slice in 0..<8 {
                state ^= table[7 - slice][Int((word >> UInt64(slice * 8)) & 0xFF)]
            }
            index += 8
        }
        while index < bytes.count {
            state = (state >> 8) ^ table[0][Int((state ^ UInt32(bytes[index])) & 0xFF)]
            index += 1
        }
        return ~state
    }
}
