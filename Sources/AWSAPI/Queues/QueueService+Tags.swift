import EventModel
import Router

extension QueueService {
    func tagQueue(_ call: APICall, _ reply: @escaping Reply) throws(AWSError) {
        guard let tags = try QueueInput(call.input).pairs("Tags") else { throw QueueInput.missing("Tags") }
        let requested = tags.map { Tag(key: $0.key, value: $0.value) }.requestContext
        let queue = try queue(of: call, for: .tagQueue, context: requested)
        try Self.check(tags: tags)
        driver.tag(queue.key, tags.map { QueueTag($0.key, $0.value) }) { result in
            Self.answer(result, queue: queue.key.name, reply) { .success(nil) }
        }
    }

    func untagQueue(_ call: APICall, _ reply: @escaping Reply) throws(AWSError) {
        guard let keys = try QueueInput(call.input).strings("TagKeys") else { throw QueueInput.missing("TagKeys") }
        let queue = try queue(of: call, for: .untagQueue, context: [("aws:TagKeys", keys)])
        driver.untag(queue.key, keys) { result in
            Self.answer(result, queue: queue.key.name, reply) { .success(nil) }
        }
    }

    func listQueueTags(_ call: APICall, _ reply: @escaping Reply) throws(AWSError) {
        let queue = try queue(of: call, for: .listQueueTags)
        guard !queue.tags.isEmpty else { return reply(.success([:])) }
        let members = queue.tags.map { JSONObject.Member(key: $0.key, value: .string($0.value)) }
        reply(.success(["Tags": .object(JSONObject(members))]))
    }

    /// Spec: control §3.2, §3.5.
    static func check(tags: [(key: String, value: String)]) throws(AWSError) {
        for tag in tags {
            guard (1...128).contains(tag.key.utf16.count) else {
                throw QueueInput.invalid(tag.key, "TagKey", "Must be between 1 and 128 characters in length.")
            }
            guard tag.value.utf16.count <= 256 else {
                throw QueueInput.invalid(tag.value, "TagValue", "Must be at most 256 characters in length.")
            }
            guard !tag.key.lowercased().utf8.starts(with: "aws:".utf8) else {
                throw QueueInput.invalid(tag.key, "TagKey", "Keys that begin with aws: are reserved.")
            }
        }
    }
}
