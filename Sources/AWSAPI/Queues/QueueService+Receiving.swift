import EventModel
import Router
import SansIO

extension QueueService {
    func receiveMessage(_ call: APICall, _ reply: @escaping Reply) throws(AWSError) {
        let input = QueueInput(call.input)
        let queue = try queue(of: call, for: .receiveMessage)
        let limit = try input.integer("MaxNumberOfMessages", 1...10, "Must be between 1 and 10, if provided.")
        let wait = try input.integer("WaitTimeSeconds", 0...20, "Must be >= 0 and <= 20, if provided.")
        let hidden = try input.integer("VisibilityTimeout", 0...43_200, "Must be >= 0 and <= 43200, if provided.")
        let view = try QueueMessageView(input)
        let request = QueueReceive(
            limit: limit ?? 1,
            visibilityTimeout: hidden.map { .seconds($0) },
            wait: wait.map { .seconds($0) }
        )
        let token = driver.receive(request, from: queue.key) { result in
            Self.answer(result, queue: queue.key.name, reply) { messages in
                guard !messages.isEmpty else { return .success([:]) }
                return .success(["Messages": .array(messages.map { .object(view.json($0)) })])
            }
        }
        call.onCancel { [driver] in driver.cancel(token) }
    }
}

/// What a receiver wants to see of each message.
struct QueueMessageView {
    private static let systemNames = [
        "SenderId", "SentTimestamp", "ApproximateReceiveCount", "ApproximateFirstReceiveTimestamp", "AWSTraceHeader",
        "DeadLetterQueueSourceArn", "MessageGroupId",
    ]
    /// Names that are valid and that no message of a standard queue has.
    private static let absentNames = ["All", "MessageDeduplicationId", "SequenceNumber"]

    private var attributeNames: [String]
    private var systemNames: [String]

    init(_ input: QueueInput) throws(AWSError) {
        attributeNames = try input.strings("MessageAttributeNames") ?? []
        let deprecated = try input.strings("AttributeNames") ?? []
        let names = try (input.strings("MessageSystemAttributeNames") ?? []) + deprecated
        for name in names
        where !QueueAttributeRules.contains(Self.systemNames + Self.absentNames, name)
            && !QueueAttributeRules.contains(QueueAttributeRules.readable, name)
        {
            throw QueueAttributeRules.unknown(name)
        }
        let all = names.contains { $0 == "All" }
        systemNames = Self.systemNames.filter { all || QueueAttributeRules.contains(names, $0) }
    }

    /// One element of `Messages`.
    func json(_ message: ReceivedQueueMessage) -> JSONObject {
        var members: JSONObject = [
            "MessageId": .string(message.content.id.description),
            "ReceiptHandle": .string(QueueReceiptHandle(message).text),
            "MD5OfBody": .string(QueueMD5.hex(message.content.body)),
            "Body": .string(String(decoding: message.content.body, as: UTF8.self)),
        ]
        let attributes = systemNames.compactMap { name in
            Self.value(name, message).map { JSONObject.Member(key: name, value: .string($0)) }
        }
        if !attributes.isEmpty { members["Attributes"] = .object(JSONObject(attributes)) }
        let selected = QueueMessageAttributes.select(message.content.attributes, attributeNames)
        if let digest = QueueMessageAttributes.md5(selected) {
            members["MD5OfMessageAttributes"] = .string(digest)
            members["MessageAttributes"] = QueueMessageAttributes.json(selected)
        }
        return members
    }

    private static func value(_ name: String, _ message: ReceivedQueueMessage) -> String? {
        switch name {
        case "SenderId": return message.content.sender
        case "SentTimestamp": return String(message.sentAt.milliseconds)
        case "ApproximateReceiveCount": return String(message.receiveCount)
        case "ApproximateFirstReceiveTimestamp": return String(message.firstReceivedAt.milliseconds)
        case "AWSTraceHeader": return message.content.traceHeader
        case "DeadLetterQueueSourceArn": return message.deadLetterSource
        case "MessageGroupId": return message.content.groupID
        default: return nil
        }
    }
}
