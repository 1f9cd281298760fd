/// Makes identifiers in UUID version 4 form.
public enum EventID {
    /// Returns `8-4-4-4-12` lower-case hexadecimal digits with version and variant bits set (RFC 9562).
    public static func make(using generator: inout some RandomNumberGenerator) -> String {
        let high = generator.next() & 0xFFFF_FFFF_FFFF_0FFF | 0x4000
        let low = generator.next() & 0x3FFF_FFFF_FFFF_FFFF | 0x8000_0000_0000_0000
        return String(unsafeUninitializedCapacity: 36) { buffer in
            func write(_ count: Int, of digits: UInt64, at index: Int) {
                for place in 0..<count {
                    buffer[index + place] = UInt8(truncatingIfNeeded: digits >> UInt64(56 - 8 * place))
                }
            }
            let (middle, rear) = (digits(high), digits(low >> 32))
            write(8, of: digits(high >> 32), at: 0)
            buffer[8] = UInt8(ascii: "-")
            write(4, of: middle, at: 9)
            buffer[13] = UInt8(ascii: "-")
            write(4, of: middle << 32, at: 14)
            buffer[18] = UInt8(ascii: "-")
            write(4, of: rear, at: 19)
            buffer[23] = UInt8(ascii: "-")
            write(4, of: rear << 32, at: 24)
            write(8, of: digits(low), at: 28)
            return 36
        }
    }

    /// The eight hexadecimal digits of a number's low half, the first one in the highest byte.
    private static func digits(_ number: UInt64) -> UInt64 {
        // Each nibble moves into a byte of its own; those from ten on lie 39 beyond "0" more.
        var nibbles = number & 0xFFFF_FFFF
        nibbles = (nibbles << 16 | nibbles) & 0x0000_FFFF_0000_FFFF
        nibbles = (nibbles << 8 | nibbles) & 0x00FF_00FF_00FF_00FF
        nibbles = (nibbles << 4 | nibbles) & 0x0F0F_0F0F_0F0F_0F0F
        let isLetter = (nibbles &+ 0x0606_0606_0606_0606) >> 4 & 0x0101_0101_0101_0101
        return nibbles &+ 0x3030_3030_3030_3030 &+ isLetter &* 0x27
    }
}
