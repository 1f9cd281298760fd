import EventModel
import Router

/// Reads and checks messages on their way in (spec: control §13.3, §13.6).
struct QueueMessageRules {
    /// Bytes that one message may have.
    var maximumBytes: Int

    /// The message of a SendMessage request or of a batch entry, without its size checked.
    func message(_ input: QueueInput, sender: String) throws(AWSError) -> OutgoingMessage {
        let body = try input.required("MessageBody")
        try Self.check(characters: body)
        let delay = try input.integer("DelaySeconds", 0...900, "DelaySeconds must be >= 0 and <= 900.")
        let group = try input.string("MessageGroupId")
        if let group {
            guard (1...128).contains(group.utf8.count), group.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
                throw QueueInput.invalid(
                    group,
                    "MessageGroupId",
                    "Can only include alphanumeric and punctuation characters. 1 to 128 in length."
                )
            }
        }
        if let deduplication = try input.string("MessageDeduplicationId") {
            throw QueueInput.invalid(
                deduplication,
                "MessageDeduplicationId",
                "Only FIFO queues take it, and they are not supported."
            )
        }
        return OutgoingMessage(
            body: Array(body.utf8),
            attributes: try QueueMessageAttributes.read(input),
            traceHeader: try QueueMessageAttributes.traceHeader(input),
            groupID: group,
            delay: delay.map { .seconds($0) },
            sender: sender
        )
    }

    /// Bytes of a message that count: the body and its attributes' names, types and values.
    static func size(of message: OutgoingMessage) -> Int {
        message.attributes.reduce(message.body.count) { $0 + $1.byteCount }
    }

    /// The refusal of a message over ``maximumBytes``.
    func tooLong(inBatch: Bool) -> AWSError {
        AWSError(
            .invalidParameterValue,
            (inBatch ? "One or more parameters cannot be validated." : "One or more parameters are invalid.")
                + " Reason: Message must be shorter than \(maximumBytes) bytes."
        )
    }

    static func check(characters text: String) throws(AWSError) {
        let isValid = text.unicodeScalars.allSatisfy { scalar in
            switch scalar.value {
            case 0x9, 0xA, 0xD, 0x20...0xD7FF, 0xE000...0xFFFD, 0x1_0000...0x10_FFFF: return true
            default: return false
            }
        }
        guard isValid else {
            throw AWSError(
                .invalidMessageContents,
                "Invalid characters found. Valid unicode characters are #x9, #xA, #xD, #x20 to #xD7FF, "
                    + "#xE000 to #xFFFD, #x10000 to #x10FFFF"
            )
        }
    }
}
