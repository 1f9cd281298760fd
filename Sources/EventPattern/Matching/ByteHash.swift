/// Hashing and comparing short runs of bytes.
enum ByteHash {
    @inline(__always) private static func mix(_ left: UInt64, _ right: UInt64) -> UInt64 {
        let product = left.multipliedFullWidth(by: right)
        return product.high ^ product.low
    }

    @inline(__always) private static func load8(_ bytes: UnsafePointer<UInt8>) -> UInt64 {
        UnsafeRawPointer(bytes).loadUnaligned(as: UInt64.self)
    }

    @inline(__always) private static func load4(_ bytes: UnsafePointer<UInt8>) -> UInt64 {
        UInt64(UnsafeRawPointer(bytes).loadUnaligned(as: UInt32.self))
    }

    /// The hash of `bytes[0..<count]`; reads nothing beyond.
    @inline(__always) static func hash(_ bytes: UnsafePointer<UInt8>, _ count: Int, seed: UInt64) -> UInt64 {
        let first: UInt64
        let second: UInt64
        if count >= 8 {
            if count > 16 { return long(bytes, count, seed: seed) }
            first = load8(bytes)
            second = load8(bytes + (count &- 8))
        } else if count >= 4 {
            first = load4(bytes)
            second = load4(bytes + (count &- 4))
        } else if count > 0 {
            first = UInt64(bytes[0]) | UInt64(bytes[count >> 1]) << 8 | UInt64(bytes[count &- 1]) << 16
            second = 0
        } else {
            first = 0
            second = 0
        }
        return finish(first, second, count, seed)
    }

    @inline(__always) private static func finish(
        _ first: UInt64,
        _ second: UInt64,
        _ count: Int,
        _ seed: UInt64
    ) -> UInt64 {
        let salt = (seed &+ UInt64(truncatingIfNeeded: count) &<< 8) &* 0x9E37_79B9_7F4A_7C15
        return mix(mix(first ^ 0x8C6F_5B1D_3A2E_9471, second ^ salt) ^ salt, 0xD6E8_FEB8_6659_FD93)
    }

    private static func long(_ bytes: UnsafePointer<UInt8>, _ count: Int, seed: UInt64) -> UInt64 {
        var state = seed ^ 0xA5A3_5625_2B37_C1D9
        var position = 0
        while count - position > 16 {
            state = mix(load8(bytes + position) ^ state, load8(bytes + position + 8) ^ 0xE703_7ED1_A0B4_28DB)
            position += 16
        }
        return finish(load8(bytes + count - 16) ^ state, load8(bytes + count - 8), count, seed)
    }

    /// The hash to try when another key has this one.
    static func next(_ hash: UInt64) -> UInt64 {
        mix(hash ^ 0xC2B2_AE3D_27D4_EB4F, 0x9FB2_1C65_1E98_DF25) &+ 1
    }

    @inline(__always) static func equal(
        _ left: UnsafePointer<UInt8>,
        _ right: UnsafePointer<UInt8>,
        _ count: Int
    ) -> Bool {
        if count >= 8 {
            var position = 0
            while position &+ 8 <= count {
                if load8(left + position) != load8(right + position) { return false }
                position &+= 8
            }
            return load8(left + (count &- 8)) == load8(right + (count &- 8))
        }
        if count >= 4 {
            return load4(left) == load4(right) && load4(left + (count &- 4)) == load4(right + (count &- 4))
        }
        for index in 0..<count where left[index] != right[index] { return false }
        return true
    }
}
