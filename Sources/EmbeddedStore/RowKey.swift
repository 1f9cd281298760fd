import SansIO

/// A row's key: up to four big-endian words, so rows order by the numbers, and none is allocated.
struct RowKey {
    private var words: (UInt64, UInt64, UInt64, UInt64)
    private var byteCount: Int

    init(_ first: UInt64) {
        words = (first.bigEndian, 0, 0, 0)
        byteCount = 8
    }

    init(_ first: UInt64, _ second: UInt64) {
        words = (first.bigEndian, second.bigEndian, 0, 0)
        byteCount = 16
    }

    init(_ first: UInt64, _ second: UInt64, _ third: UInt64) {
        words = (first.bigEndian, second.bigEndian, third.bigEndian, 0)
        byteCount = 24
    }

    init(_ first: UInt64, _ second: UInt64, _ third: UInt64, _ fourth: UInt64) {
        words = (first.bigEndian, second.bigEndian, third.bigEndian, fourth.bigEndian)
        byteCount = 32
    }

    func withBytes<Value>(_ body: (UnsafeRawBufferPointer) -> Value) -> Value {
        withUnsafeBytes(of: words) { body(UnsafeRawBufferPointer(rebasing: $0[0..<byteCount])) }
    }

    /// Word `index` of a stored key.
    static func word(_ index: Int, of bytes: UnsafeRawBufferPointer) -> UInt64 {
        guard bytes.count >= index * 8 + 8 else { return 0 }
        return UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: index * 8, as: UInt64.self))
    }

    /// The message that a stored key of the line, or of a message's small row, names.
    static func message(of bytes: UnsafeRawBufferPointer) -> MessageKey {
        MessageKey(major: word(1, of: bytes), minor: word(2, of: bytes))
    }
}

extension Timestamp {
    /// A number that orders as the time does.
    var ordered: UInt64 { UInt64(bitPattern: milliseconds) ^ (1 << 63) }

    /// The time that ``ordered`` made a number of.
    init(ordered: UInt64) {
        self.init(milliseconds: Int64(bitPattern: ordered ^ (1 << 63)))
    }
}
