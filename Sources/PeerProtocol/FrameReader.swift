/// Reads big-endian values from bytes that a stranger sent; every read is checked against what is left.
struct FrameReader {
    private let bytes: [UInt8]
    private(set) var position: Int
    private let end: Int

    init(_ bytes: [UInt8]) {
        self.init(bytes, 0..<bytes.count)
    }

    /// Reads part of the bytes; `range` lies within them.
    init(_ bytes: [UInt8], _ range: Range<Int>) {
        self.bytes = bytes
        position = range.lowerBound
        end = range.upperBound
    }

    var remaining: Int { end - position }

    mutating func byte() throws(FrameError) -> UInt8 {
        guard position < end else { throw FrameError(.truncated, "a byte is missing at \(position)") }
        defer { position += 1 }
        return bytes[position]
    }

    mutating func integer<Value: FixedWidthInteger & UnsignedInteger>(_: Value.Type) throws(FrameError) -> Value {
        let size = Value.bitWidth / 8
        guard remaining >= size else { throw FrameError(.truncated, "\(size) bytes are missing at \(position)") }
        var value: Value = 0
        for index in 0..<size { value = value << 8 | Value(bytes[position + index]) }
        position += size
        return value
    }

    /// The range of the next `count` bytes, which are skipped.
    mutating func skip(_ count: Int) throws(FrameError) -> Range<Int> {
        guard count >= 0, count <= remaining else {
            throw FrameError(.truncated, "\(count) bytes are announced at \(position), \(remaining) are there")
        }
        defer { position += count }
        return position..<(position + count)
    }

    /// A field: its tag, and where its value is.
    mutating func field() throws(FrameError) -> (tag: UInt8, value: Range<Int>) {
        let tag = try byte()
        let length = try integer(UInt32.self)
        return (tag, try skip(Int(length)))
    }

    /// UTF-8 text of at most `limit` bytes.
    func text(_ range: Range<Int>, limit: Int, _ name: String) throws(FrameError) -> String {
        guard range.count <= limit else {
            throw FrameError(.tooLarge, "\(name) of \(range.count) bytes, at most \(limit) are taken")
        }
        guard !range.isEmpty else { return "" }
        guard let text = String(validating: bytes[range], as: UTF8.self) else {
            throw FrameError(.malformed, "\(name) is not UTF-8")
        }
        return text
    }

    /// A number of exactly its size.
    func number<Value: FixedWidthInteger & UnsignedInteger>(
        _: Value.Type,
        _ range: Range<Int>,
        _ name: String
    ) throws(FrameError) -> Value {
        guard range.count == Value.bitWidth / 8 else {
            throw FrameError(.malformed, "\(name) takes \(Value.bitWidth / 8) bytes, not \(range.count)")
        }
        var reader = FrameReader(bytes, range)
        return try reader.integer(Value.self)
    }

    func array(_ range: Range<Int>) -> [UInt8] {
        Array(bytes[range])
    }
}

extension [UInt8] {
    mutating func appendInteger(_ value: some FixedWidthInteger & UnsignedInteger) {
        Swift.withUnsafeBytes(of: value.bigEndian) { append(contentsOf: $0) }
    }

    mutating func appendField(_ tag: UInt8, _ value: some Collection<UInt8>) {
        append(tag)
        appendInteger(UInt32(value.count))
        append(contentsOf: value)
    }

    /// Overwrites four bytes with a length that is known only now.
    mutating func setLength(at position: Int, _ length: Int) {
        for index in 0..<4 { self[position + index] = UInt8(truncatingIfNeeded: length >> (24 - 8 * index)) }
    }
}
