/// Base64 (RFC 4648, with padding) for binary conditions.
enum Base64 {
    /// The bytes, or nil when the text is not base64.
    static func decode(_ text: Span<UInt8>) -> [UInt8]? {
        guard text.count % 4 == 0 else { return nil }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.count / 4 * 3)
        var padding = 0
        var block: UInt32 = 0
        for index in 0..<text.count {
            let byte = text[index]
            if byte == UInt8(ascii: "="), index >= text.count - 2 {
                padding += 1
                block <<= 6
            } else {
                guard padding == 0, let value = value(byte) else { return nil }
                block = block << 6 | value
            }
            guard index % 4 == 3 else { continue }
            bytes.append(UInt8(truncatingIfNeeded: block >> 16))
            if padding < 2 { bytes.append(UInt8(truncatingIfNeeded: block >> 8)) }
            if padding < 1 { bytes.append(UInt8(truncatingIfNeeded: block)) }
            block = 0
        }
        return bytes
    }

    private static func value(_ byte: UInt8) -> UInt32? {
        switch byte {
        case 0x41...0x5A: UInt32(byte - 0x41)
        case 0x61...0x7A: UInt32(byte - 0x61 + 26)
        case 0x30...0x39: UInt32(byte - 0x30 + 52)
        case UInt8(ascii: "+"): 62
        case UInt8(ascii: "/"): 63
        default: nil
        }
    }
}
