import Router
import SansIO

/// What a receipt handle says: which message of which queue, and which receipt of it (spec: control §13.3).
///
/// Every receipt has a handle of its own; any of a message's handles deletes it, as on standard queues. A check sum tells
/// garbage apart; it is not a secret, since whoever may delete from a queue may delete any of its messages.
struct QueueReceiptHandle: Equatable {
    private static let version: UInt8 = 1

    var queue: UInt64
    var key: MessageKey
    var receiveCount: UInt32
    var receivedAt: Timestamp

    init(_ message: ReceivedQueueMessage) {
        queue = message.queue
        key = message.key
        receiveCount = message.receiveCount
        receivedAt = message.receivedAt
    }

    /// The opaque text that clients see.
    var text: String {
        var bytes: [UInt8] = [Self.version]
        for word in [queue, key.major, key.minor, UInt64(bitPattern: receivedAt.milliseconds), UInt64(receiveCount)] {
            Self.append(word, to: &bytes)
        }
        Self.append(Self.checkSum(bytes[...]), to: &bytes)
        return QueueBase64.encode(bytes)
    }

    /// Reads a text back; nil when it never was a handle.
    init?(_ text: String) {
        guard text.utf8.count == 68, let bytes = QueueBase64.decode(text), bytes.count == 49,
            bytes[0] == Self.version
        else { return nil }
        let words = stride(from: 1, to: 49, by: 8).map { start in
            bytes[start..<(start + 8)].reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        }
        guard words[5] == Self.checkSum(bytes[..<41]), let count = UInt32(exactly: words[4]) else { return nil }
        queue = words[0]
        key = MessageKey(major: words[1], minor: words[2])
        receivedAt = Timestamp(milliseconds: Int64(bitPattern: words[3]))
        receiveCount = count
    }

    private static func append(_ word: UInt64, to bytes: inout [UInt8]) {
        for shift in stride(from: 56, through: 0, by: -8) {
            bytes.append(UInt8(truncatingIfNeeded: word >> UInt64(shift)))
        }
    }

    /// FNV-1a.
    private static func checkSum(_ bytes: ArraySlice<UInt8>) -> UInt64 {
        bytes.reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
    }
}
