/// A piece of a byte pool, by offset and length, so that tables of pieces need no reference counting.
struct ByteSlice: Sendable, Hashable {
    var start: Int32
    var count: Int32

    static let empty = ByteSlice(start: 0, count: 0)

    var range: Range<Int> { Int(start)..<Int(start) + Int(count) }
}

/// Comparisons over bytes. Text in policies compares byte for byte, never by canonical equivalence.
enum Bytes {
    static func equal(_ left: Span<UInt8>, _ right: Span<UInt8>) -> Bool {
        guard left.count == right.count else { return false }
        for index in 0..<left.count where left[index] != right[index] {
            return false
        }
        return true
    }

    static func hasPrefix(_ text: Span<UInt8>, _ prefix: Span<UInt8>) -> Bool {
        guard text.count >= prefix.count else { return false }
        for index in 0..<prefix.count where text[index] != prefix[index] {
            return false
        }
        return true
    }

    static func isASCII(_ text: Span<UInt8>) -> Bool {
        var union: UInt8 = 0
        for index in 0..<text.count {
            union |= text[index]
        }
        return union < 0x80
    }

    /// Compares with a text that has been lower-cased already.
    static func equalIgnoringCase(_ text: Span<UInt8>, lowered: Span<UInt8>) -> Bool {
        guard isASCII(text) else {
            // Case mapping beyond ASCII can change lengths and reach into ASCII, so the whole text is mapped.
            return equal(lowercased(text).span, lowered)
        }
        guard text.count == lowered.count else { return false }
        for index in 0..<text.count where lowercasedASCII(text[index]) != lowered[index] {
            return false
        }
        return true
    }

    /// Lower case by Unicode's default mapping.
    static func lowercased(_ text: Span<UInt8>) -> [UInt8] {
        Array(String(decoding: array(text), as: UTF8.self).lowercased().utf8)
    }

    static func array(_ text: Span<UInt8>) -> [UInt8] {
        var copy: [UInt8] = []
        copy.reserveCapacity(text.count)
        for index in 0..<text.count {
            copy.append(text[index])
        }
        return copy
    }

    static func lowercasedASCII(_ byte: UInt8) -> UInt8 {
        byte >= 0x41 && byte <= 0x5A ? byte | 0x20 : byte
    }

    /// Lower case in ASCII only, which is what action and key names compare by.
    static func lowercasedASCII(_ text: String) -> [UInt8] {
        text.utf8.map { lowercasedASCII($0) }
    }

    static func isDigit(_ byte: UInt8) -> Bool { byte >= 0x30 && byte <= 0x39 }

    /// Whether the byte continues a UTF-8 sequence.
    static func isContinuation(_ byte: UInt8) -> Bool { byte & 0xC0 == 0x80 }

    /// `true` or `false` in any letter case.
    static func bool(_ text: Span<UInt8>) -> Bool? {
        if equalsKeyword(text, "true") { return true }
        if equalsKeyword(text, "false") { return false }
        return nil
    }

    private static func equalsKeyword(_ text: Span<UInt8>, _ keyword: StaticString) -> Bool {
        guard text.count == keyword.utf8CodeUnitCount else { return false }
        let word = keyword.utf8Start
        for index in 0..<text.count where lowercasedASCII(text[index]) != word[index] {
            return false
        }
        return true
    }
}
