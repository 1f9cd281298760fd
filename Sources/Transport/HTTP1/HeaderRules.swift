/// Which header fields may go out, for both protocol versions.
enum HeaderRules {
    /// True for a non-empty token (RFC 9110 §5.6.2).
    static func isUsableName(_ name: String) -> Bool {
        let bytes = name.utf8
        return !bytes.isEmpty && bytes.allSatisfy(isTokenByte)
    }

    /// True for a byte of a token.
    static func isTokenByte(_ byte: UInt8) -> Bool {
        let word = byte < 64 ? tokenBytes.low : byte < 128 ? tokenBytes.high : 0
        return word >> UInt64(byte & 63) & 1 == 1
    }

    /// One bit for each ASCII byte: digits and !#$%&'*+-. below 64, letters and ^_`|~ above.
    private static let tokenBytes: (low: UInt64, high: UInt64) = (0x03FF_6CFA_0000_0000, 0x57FF_FFFF_C7FF_FFFE)

    /// True for fields that the transport itself decides: connection management and framing.
    static func isConnectionSpecific(_ name: String) -> Bool {
        switch name.utf8.count {
        case 7: return equals(name, "upgrade")
        case 10: return equals(name, "connection") || equals(name, "keep-alive")
        case 14: return equals(name, "content-length")
        case 16: return equals(name, "proxy-connection")
        case 17: return equals(name, "transfer-encoding")
        default: return false
        }
    }

    /// True when `name` is `lowercase` in any case of its ASCII letters.
    static func equals(_ name: String, _ lowercase: StaticString) -> Bool {
        guard name.utf8.count == lowercase.utf8CodeUnitCount else { return false }
        let expected = UnsafeBufferPointer(start: lowercase.utf8Start, count: lowercase.utf8CodeUnitCount)
        return zip(name.utf8, expected).allSatisfy { lower($0) == $1 }
    }

    /// True when two authorities name the same host and port; a default port may be left out (RFC 9110 §4.2.3).
    static func isSameHost(_ left: String, _ right: String) -> Bool {
        withoutDefaultPort(left).elementsEqual(withoutDefaultPort(right)) { lower($0) == lower($1) }
    }

    private static func withoutDefaultPort(_ authority: String) -> Substring.UTF8View {
        for suffix in [":443", ":80"] where authority.hasSuffix(suffix) {
            return authority.dropLast(suffix.utf8.count).utf8
        }
        return authority[...].utf8
    }

    /// The byte, an ASCII capital as its small letter.
    static func lower(_ byte: UInt8) -> UInt8 {
        byte >= UInt8(ascii: "A") && byte <= UInt8(ascii: "Z") ? byte | 0x20 : byte
    }
}

extension [UInt8] {
    /// Appends a non-negative number in decimal digits.
    mutating func appendDecimal(_ number: Int) {
        precondition(number >= 0, "only sizes and status codes are written")
        var divisor = 1
        while number / divisor >= 10 { divisor *= 10 }
        while divisor > 0 {
            append(UInt8(ascii: "0") + UInt8(number / divisor % 10))
            divisor /= 10
        }
    }

    /// Appends text with ASCII capitals as small letters.
    mutating func appendLowercased(_ text: String) {
        let start = count
        append(contentsOf: text.utf8)
        withUnsafeMutableBufferPointer { bytes in
            for index in start..<bytes.count { bytes[index] = HeaderRules.lower(bytes[index]) }
        }
    }

    /// Appends a field value; control bytes become spaces, so that no value can end its line.
    mutating func appendFieldValue(_ text: String) {
        let start = count
        append(contentsOf: text.utf8)
        withUnsafeMutableBufferPointer { bytes in
            for index in start..<bytes.count {
                let byte = bytes[index]
                bytes[index] = byte < 0x20 || byte == 0x7F ? 0x20 : byte
            }
        }
    }
}
