import EventModel

/// One message of an uplink: a channel on which both sides ask and answer (DESIGN §7).
///
/// Layout: the kind (1 byte), the number of the question (8 bytes, big-endian), the body. Both sides number their own questions;
/// an answer carries the number of the question.
public struct ChannelMessage: Sendable, Equatable {
    /// The kinds of message.
    public enum Kind: UInt8, Sendable {
        /// What the opener hosts: an ``UplinkGreeting``. Its number is 0.
        case greeting = 1
        /// A ``ForwardFrame``.
        case question = 2
        /// A ``VerdictFrame``.
        case answer = 3
        /// Nothing; shows that the channel is alive. Answered by one of the same number and kind ``pong``.
        case ping = 4
        /// The answer to a ping.
        case pong = 5
        /// A ``ForwardFrame`` of events that are not sent: what would become of them. Numbered and answered like a question. An
        /// earlier release does not answer.
        case inquiry = 6
        /// To the opener: an ``UplinkGreeting`` of no accounts with the claim that is held of it instead of the one that it greeted
        /// with. Its number is 0; an earlier release ignores it.
        case heldClaim = 7
    }

    /// What the message is.
    public var kind: Kind
    /// Which question it is or answers.
    public var number: UInt64
    /// The body.
    public var body: [UInt8]

    /// Creates a message.
    public init(_ kind: Kind, number: UInt64 = 0, body: [UInt8] = []) {
        self.kind = kind
        self.number = number
        self.body = body
    }

    /// The message's bytes.
    public var encoded: [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(9 + body.count)
        bytes.append(kind.rawValue)
        bytes.appendInteger(number)
        bytes.append(contentsOf: body)
        return bytes
    }

    /// Decodes a message; nil for a kind that a later release may have added, which is to be ignored.
    ///
    /// - Throws: ``FrameError`` when the bytes are too few or too many.
    public static func decode(
        _ bytes: [UInt8],
        limits: FrameLimits = FrameLimits()
    ) throws(FrameError) -> ChannelMessage? {
        guard bytes.count <= limits.frameBytes + 9 else {
            throw FrameError(.tooLarge, "a message of \(bytes.count) bytes")
        }
        var reader = FrameReader(bytes)
        let code = try reader.byte()
        let number = try reader.integer(UInt64.self)
        guard let kind = Kind(rawValue: code) else { return nil }
        return ChannelMessage(kind, number: number, body: Array(bytes[reader.position...]))
    }
}
