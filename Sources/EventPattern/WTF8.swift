/// UTF-8 in which unpaired surrogates may stand as three bytes, seen as UTF-16 (spec: patterns §2.19).
enum WTF8 {
    /// The bytes that a sequence with this first byte has.
    static func length(_ first: UInt8) -> Int {
        switch first {
        case 0..<0xC0: 1
        case 0xC0..<0xE0: 2
        case 0xE0..<0xF0: 3
        default: 4
        }
    }

    /// The UTF-16 units of a range of bytes that begins and ends between characters.
    static func units(_ bytes: [UInt8], _ start: Int, _ end: Int) -> Int {
        var count = 0
        for index in start..<max(start, end) {
            let byte = bytes[index]
            if byte & 0xC0 != 0x80 { count += byte >= 0xF0 ? 2 : 1 }
        }
        return count
    }

    /// The code point at `position`; a cut-off sequence yields what is there.
    static func scalar(_ bytes: [UInt8], _ position: Int) -> UInt32 {
        let first = bytes[position]
        let length = length(first)
        guard length > 1 else { return UInt32(first) }
        var value = UInt32(first) & (0xFF >> UInt32(length + 1))
        for index in (position + 1)..<min(position + length, bytes.count) {
            value = value << 6 | UInt32(bytes[index] & 0x3F)
        }
        return value
    }

    /// The text as UTF-16 units.
    static func utf16(_ bytes: [UInt8]) -> [UInt16] {
        var units: [UInt16] = []
        units.reserveCapacity(bytes.count)
        var position = 0
        while position < bytes.count {
            let scalar = scalar(bytes, position)
            if scalar >= 0x10000 {
                units.append(UInt16(truncatingIfNeeded: 0xD800 + (scalar - 0x10000) >> 10))
                units.append(UInt16(truncatingIfNeeded: 0xDC00 + (scalar & 0x3FF)))
            } else {
                units.append(UInt16(truncatingIfNeeded: scalar))
            }
            position += length(bytes[position])
        }
        return units
    }

    /// Orders two texts by their UTF-16 units, the evaluation order of fields (spec: patterns §2.4).
    static func precedes(_ left: [UInt8], _ right: [UInt8]) -> Bool {
        // Only sequences from U+E000 up order differently by bytes.
        guard left.contains(where: { $0 >= 0xED }) || right.contains(where: { $0 >= 0xED }) else {
            return left.lexicographicallyPrecedes(right)
        }
        return utf16(left).lexicographicallyPrecedes(utf16(right))
    }
}
