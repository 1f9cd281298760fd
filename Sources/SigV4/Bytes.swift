/// ASCII letters that the formats of this module use.
enum ASCII {
    static let tab: UInt8 = 0x09
    static let newline: UInt8 = 0x0A
    static let space: UInt8 = 0x20
    static let percent: UInt8 = 0x25
    static let ampersand: UInt8 = 0x26
    static let comma: UInt8 = 0x2C
    static let dot: UInt8 = 0x2E
    static let slash: UInt8 = 0x2F
    static let zero: UInt8 = 0x30
    static let colon: UInt8 = 0x3A
    static let semicolon: UInt8 = 0x3B
    static let equals: UInt8 = 0x3D
    static let question: UInt8 = 0x3F
}

/// True for the bytes that RFC 3986 never escapes: `A-Z a-z 0-9 - . _ ~`. Two bit sets instead of a table in memory.
func isUnreserved(_ byte: UInt8) -> Bool {
    switch byte {
    case 0..<64: return (0x03FF_6000_0000_0000 as UInt64) >> UInt64(byte) & 1 == 1
    case 64..<128: return (0x47FF_FFFE_87FF_FFFE as UInt64) >> UInt64(byte - 64) & 1 == 1
    default: return false
    }
}

func lowercased(_ byte: UInt8) -> UInt8 {
    byte >= 0x41 && byte <= 0x5A ? byte + 0x20 : byte
}

/// The value of a hexadecimal digit in either case, or nil.
func hexadecimalValue(_ byte: UInt8) -> UInt8? {
    switch byte {
    case 0x30...0x39: return byte - 0x30
    case 0x41...0x46: return byte - 0x41 + 10
    case 0x61...0x66: return byte - 0x61 + 10
    default: return nil
    }
}

/// The lower-case hexadecimal digit for a value below 16.
func hexadecimalDigit(_ value: UInt8) -> UInt8 {
    value < 10 ? value + 0x30 : value + 0x57
}

/// Appends `%XX` with upper-case digits.
func appendEscaped(_ byte: UInt8, to out: inout [UInt8]) {
    let (high, low) = (byte >> 4, byte & 15)
    out.append(ASCII.percent)
    out.append(high < 10 ? high + 0x30 : high + 0x37)
    out.append(low < 10 ? low + 0x30 : low + 0x37)
}

/// The text with `%XX` resolved; a malformed escape stays as it is. `+` is a plus.
func percentDecoded(_ bytes: ArraySlice<UInt8>) -> [UInt8] {
    var out: [UInt8] = []
    out.reserveCapacity(bytes.count)
    var index = bytes.startIndex
    while index < bytes.endIndex {
        if bytes[index] == ASCII.percent, bytes.endIndex - index > 2,
            let high = hexadecimalValue(bytes[index + 1]), let low = hexadecimalValue(bytes[index + 2])
        {
            out.append(high << 4 | low)
            index += 3
        } else {
            out.append(bytes[index])
            index += 1
        }
    }
    return out
}

/// Compares without leaving early; only the lengths influence the time.
func equalInConstantTime(_ left: String, _ right: String) -> Bool {
    let (left, right) = (left.utf8.span, right.utf8.span)
    guard left.count == right.count else { return false }
    var difference: UInt8 = 0
    for index in left.indices {
        difference |= left[index] ^ right[index]
    }
    return difference == 0
}

private func haveSameElements(_ left: Span<UInt8>, _ right: Span<UInt8>) -> Bool {
    guard left.count == right.count else { return false }
    for index in left.indices where left[index] != right[index] {
        return false
    }
    return true
}

extension String {
    /// Compares bytes, where `==` would compare by canonical equivalence.
    func hasBytes(_ other: ArraySlice<UInt8>) -> Bool {
        utf8.count == other.count && haveSameElements(utf8.span, other.span)
    }

    /// Compares bytes, where `==` would compare by canonical equivalence.
    func hasSameBytes(as other: String) -> Bool {
        utf8.count == other.utf8.count && haveSameElements(utf8.span, other.utf8.span)
    }
}
