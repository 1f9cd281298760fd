import EventModel
import Router

extension QueueService {
    func sendMessage(_ call: APICall, _ reply: @escaping Reply) throws(AWSError) {
        let queue = try queue(of: call, for: .sendMessage)
        let rules = messageRules(of: queue)
        let message = try rules.message(QueueInput(call.input), sender: call.caller.userID)
        guard QueueMessageRules.size(of: message) <= rules.maximumBytes else { throw rules.tooLong(inBatch: false) }
        driver.send([message], to: queue.key) { result in
            Self.answer(result, queue: queue.key.name, reply) { ids in
                .success(Self.sent(message, ids.first))
            }
        }
    }

    func sendMessageBatch(_ call: APICall, _ reply: @escaping Reply) throws(AWSError) {
        let queue = try queue(of: call, for: .sendMessage)
        let rules = messageRules(of: queue)
        var batch = try QueueBatch(QueueInput(call.input), shape: "SendMessageBatchRequestEntry")
        var messages: [(index: Int, message: OutgoingMessage)] = []
        var total = 0
        for (index, entry) in batch.entries.enumerated() {
            do throws(AWSError) {
                let message = try rules.message(entry.input, sender: call.caller.userID)
                let size = QueueMessageRules.size(of: message)
                total += size
                guard size <= rules.maximumBytes else { throw rules.tooLong(inBatch: true) }
                messages.append((index, message))
            } catch {
                try batch.fail(index, error)
            }
        }
        guard total <= quotas.queueMessageBytes else {
            throw AWSError(
                .batchRequestTooLong,
                "Batch requests cannot be longer than \(quotas.queueMessageBytes) bytes. You have sent \(total) bytes."
            )
        }
        guard !messages.isEmpty else { return reply(.success(batch.output)) }
        let checked = batch
        driver.send(messages.map { $0.message }, to: queue.key) { result in
            Self.answer(result, queue: queue.key.name, reply) { ids in
                var batch = checked
                for (sent, id) in zip(messages, ids) { batch.succeed(sent.index, Self.sent(sent.message, id)) }
                return .success(batch.output)
            }
        }
    }

    private func messageRules(of queue: Queue) -> QueueMessageRules {
        QueueMessageRules(maximumBytes: min(queue.attributes.maximumMessageBytes, quotas.queueMessageBytes))
    }

    /// What the answer says of one message; digests of attributes only when there were any.
    private static func sent(_ message: OutgoingMessage, _ id: MessageID?) -> JSONObject {
        var members = JSONObject()
        if let id { members["MessageId"] = .string(id.description) }
        members["MD5OfMessageBody"] = .string(QueueMD5.hex(message.body))
        if let digest = QueueMessageAttributes.md5(message.attributes) {
            members["MD5OfMessageAttributes"] = .string(digest)
        }
        if let digest = QueueMessageAttributes.md5(traceHeader: message.traceHeader) {
            members["MD5OfMessageSystemAttributes"] = .string(digest)
        }
        return members
    }
}
