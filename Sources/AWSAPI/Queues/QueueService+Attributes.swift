import EventModel
import Router
import SansIO

extension QueueService {
    func getQueueAttributes(_ call: APICall, _ reply: @escaping Reply) throws(AWSError) {
        let names = try QueueInput(call.input).strings("AttributeNames") ?? []
        let queue = try queue(of: call, for: .getQueueAttributes)
        let all = names.contains { $0 == "All" }
        for name in names where name != "All" && !QueueAttributeRules.contains(QueueAttributeRules.readable, name) {
            throw QueueAttributeRules.unknown(name)
        }
        let wanted = QueueAttributeRules.readable.filter { all || QueueAttributeRules.contains(names, $0) }
        guard wanted.contains(where: { $0.utf8.starts(with: "Approximate".utf8) }) else {
            return reply(.success(Self.attributes(wanted, of: queue, QueueCounts(visible: 0, inFlight: 0, delayed: 0))))
        }
        driver.counts(of: queue.key) { result in
            Self.answer(result, queue: queue.key.name, reply) { counts in
                .success(Self.attributes(wanted, of: queue, counts))
            }
        }
    }

    func setQueueAttributes(_ call: APICall, _ reply: @escaping Reply) throws(AWSError) {
        guard let given = try QueueInput(call.input).pairs("Attributes") else { throw QueueInput.missing("Attributes") }
        let queue = try queue(of: call, for: .setQueueAttributes)
        let changes = try QueueAttributeRules.changes(given, fault: access.fault(inPolicy:))
        try checkRedrive(changes, of: queue.key)
        driver.update(queue.key, attributes: changes) { [self] result in
            if case .success = result { tellDoubts(changes, of: queue.key) }
            Self.answer(result, queue: queue.key.name, reply) { .success(nil) }
        }
    }

    private static func attributes(_ names: [String], of queue: Queue, _ counts: QueueCounts) -> JSONObject {
        var attributes = JSONObject()
        for name in names {
            let value: String?
            switch name {
            case "ApproximateNumberOfMessages": value = String(counts.visible)
            case "ApproximateNumberOfMessagesDelayed": value = String(counts.delayed)
            case "ApproximateNumberOfMessagesNotVisible": value = String(counts.inFlight)
            case "CreatedTimestamp": value = String(queue.createdAt.seconds)
            case "LastModifiedTimestamp": value = String(queue.modifiedAt.seconds)
            case "QueueArn": value = queue.arn.description
            default: value = queue.attributes.effective(name)
            }
            if let value { attributes[name] = .string(value) }
        }
        return ["Attributes": .object(attributes)]
    }
}
