/// Appends integers in network byte order and short texts, which is all that the protocol's messages consist of.
extension [UInt8] {
    mutating func append(_ value: UInt16) {
        append(UInt8(truncatingIfNeeded: value >> 8))
        append(UInt8(truncatingIfNeeded: value))
    }

    mutating func append(_ value: UInt32) {
        append(UInt16(truncatingIfNeeded: value >> 16))
        append(UInt16(truncatingIfNeeded: value))
    }

    mutating func append(_ value: UInt64) {
        append(UInt32(truncatingIfNeeded: value >> 32))
        append(UInt32(truncatingIfNeeded: value))
    }

    mutating func append(_ value: Digest128) {
        append(value.high)
        append(value.low)
    }

    /// Appends up to 255 bytes behind their number.
    mutating func appendShort(_ bytes: some Collection<UInt8>) {
        precondition(bytes.count <= 255, "\(bytes.count) bytes in a short field")
        append(UInt8(truncatingIfNeeded: bytes.count))
        append(contentsOf: bytes)
    }
}

/// Reads what ``Swift/Array`` appends above from bytes that anybody may have written: every read may fail, none traps.
struct ByteReader {
    let bytes: [UInt8]
    private(set) var position: Int
    let end: Int

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
        position = 0
        end = bytes.count
    }

    /// Reads a part of `bytes`; the range must be inside.
    init(_ bytes: [UInt8], _ range: Range<Int>) {
        precondition(range.lowerBound >= 0 && range.upperBound <= bytes.count, "\(range) of \(bytes.count) bytes")
        self.bytes = bytes
        position = range.lowerBound
        end = range.upperBound
    }

    var remaining: Int { end - position }

    mutating func byte() -> UInt8? {
        guard position < end else { return nil }
        defer { position += 1 }
        return bytes[position]
    }

    mutating func uint16() -> UInt16? { integer(2).map(UInt16.init(truncatingIfNeeded:)) }

    mutating func uint32() -> UInt32? { integer(4).map(UInt32.init(truncatingIfNeeded:)) }

    mutating func uint64() -> UInt64? { integer(8) }

    mutating func digest() -> Digest128? {
        guard remaining >= 16, let high = integer(8), let low = integer(8) else { return nil }
        return Digest128(high: high, low: low)
    }

    /// The range of the next `count` bytes, which are then behind.
    mutating func range(_ count: Int) -> Range<Int>? {
        guard count >= 0, remaining >= count else { return nil }
        defer { position += count }
        return position..<(position + count)
    }

    /// The range of a short field's bytes.
    mutating func short() -> Range<Int>? {
        guard let count = byte() else { return nil }
        return range(Int(count))
    }

    /// A short field that must be UTF-8 of at most `limit` bytes.
    mutating func text(limit: Int) -> String? {
        guard let range = short(), range.count <= limit else { return nil }
        return String(validating: bytes[range], as: UTF8.self)
    }

    private mutating func integer(_ count: Int) -> UInt64? {
        guard remaining >= count else { return nil }
        var value: UInt64 = 0
        for offset in position..<(position + count) { value = value << 8 | UInt64(bytes[offset]) }
        position += count
        return value
    }
}
