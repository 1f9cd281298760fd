/// Cuts a stream of bytes into messages, each of which has its length in front as four bytes, highest first.
struct MessageReader {
    /// A message is longer than it may be.
    struct TooLong: Error, Equatable {
        let length: Int
    }

    private let limit: Int
    private var buffer: [UInt8] = []
    /// How much of ``buffer`` was handed over.
    private var offset = 0

    init(limit: Int) {
        self.limit = limit
    }

    /// Whether a message has begun that is not complete.
    var isInsideMessage: Bool { offset < buffer.count }

    /// Takes bytes, however they were cut.
    mutating func append(_ bytes: [UInt8]) {
        if offset == buffer.count {
            buffer = bytes
            offset = 0
        } else {
            buffer.removeSubrange(..<offset)
            offset = 0
            buffer.append(contentsOf: bytes)
        }
    }

    /// The next whole message, or nil when there is none yet.
    mutating func next() throws(TooLong) -> [UInt8]? {
        guard buffer.count - offset >= 4 else { return nil }
        var length = 0
        for index in offset..<offset + 4 { length = length << 8 | Int(buffer[index]) }
        guard length <= limit else { throw TooLong(length: length) }
        guard buffer.count - offset - 4 >= length else { return nil }
        let start = offset + 4
        offset = start + length
        return Array(buffer[start..<offset])
    }

    /// A message as it goes on the wire.
    static func frame(_ message: [UInt8]) -> [UInt8] {
        let length = UInt32(message.count)
        var framed: [UInt8] = []
        framed.reserveCapacity(message.count + 4)
        for shift in [24, 16, 8, 0] { framed.append(UInt8(truncatingIfNeeded: length >> UInt32(shift))) }
        framed.append(contentsOf: message)
        return framed
    }
}
