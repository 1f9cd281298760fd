import EventModel
import Router

extension QueueService {
    func createQueue(_ call: APICall, _ reply: @escaping Reply) throws(AWSError) {
        let input = QueueInput(call.input)
        let name = try input.required("QueueName")
        let given = try input.pairs("Attributes") ?? []
        let tags = try input.pairs("tags") ?? []
        try Self.check(queueName: name, given)
        let key = QueueKey(region: call.region, account: call.caller.account, name: name)
        let requested = tags.map { Tag(key: $0.key, value: $0.value) }.requestContext
        let present = driver.queue(key)
        try authorise(call, .createQueue, key, policy: present?.attributes.policy, context: requested)
        if !tags.isEmpty {
            try authorise(call, .tagQueue, key, policy: present?.attributes.policy, context: requested)
        }
        let changes = try QueueAttributeRules.changes(given, fault: access.fault(inPolicy:))
        try checkRedrive(changes, of: key)
        try Self.check(tags: tags)
        // Values are compared with those of an existing queue, so the empty ones count too.
        driver.create(
            key,
            attributes: given.map { QueueAttribute($0.key, $0.value) },
            tags: tags.map { QueueTag($0.key, $0.value) }
        ) { [self] result in
            if case .success = result, present == nil { tellDoubts(changes, of: key) }
            Self.answer(result, queue: name, reply) { queue in
                .success(["QueueUrl": .string(QueueURL.text(queue.key, endpoint: call.endpoint))])
            }
        }
    }

    func deleteQueue(_ call: APICall, _ reply: @escaping Reply) throws(AWSError) {
        let queue = try queue(of: call, for: .deleteQueue)
        driver.remove(queue.key) { result in
            Self.answer(result, queue: queue.key.name, reply) { .success(nil) }
        }
    }

    func getQueueURL(_ call: APICall, _ reply: @escaping Reply) throws(AWSError) {
        let input = QueueInput(call.input)
        let name = try input.required("QueueName")
        var account = call.caller.account
        if let owner = try input.string("QueueOwnerAWSAccountId") {
            guard let parsed = AccountID(owner) else {
                throw QueueInput.invalid(owner, "QueueOwnerAWSAccountId", "Must be an account id of 12 digits.")
            }
            account = parsed
        }
        let key = QueueKey(region: call.region, account: account, name: name)
        guard let queue = driver.queue(key) else { throw Self.noSuchQueue }
        try authorise(call, .getQueueURL, key, policy: queue.attributes.policy)
        reply(.success(["QueueUrl": .string(QueueURL.text(key, endpoint: call.endpoint))]))
    }

    func listQueues(_ call: APICall, _ reply: @escaping Reply) throws(AWSError) {
        let input = QueueInput(call.input)
        let prefix = try input.string("QueueNamePrefix") ?? ""
        let page = try QueuePage(input)
        // Listing concerns no single queue: the resource is every queue of the caller's account and region.
        try authorise(
            call,
            .listQueues,
            QueueKey(region: call.region, account: call.caller.account, name: "*"),
            policy: nil
        )
        let keys = driver.list(
            region: call.region,
            account: call.caller.account,
            prefix: prefix,
            after: page.after,
            limit: page.limit + 1
        )
        var output = page.output("QueueUrls", keys, endpoint: call.endpoint)
        if keys.isEmpty { output["QueueUrls"] = nil }
        reply(.success(output))
    }

    func listDeadLetterSourceQueues(_ call: APICall, _ reply: @escaping Reply) throws(AWSError) {
        let queue = try queue(of: call, for: .listDeadLetterSourceQueues)
        let page = try QueuePage(QueueInput(call.input))
        let sources = driver.sources(ofDeadLetterQueue: queue.key).filter { key in
            page.after.map { $0.utf8.lexicographicallyPrecedes(key.name.utf8) } ?? true
        }
        reply(.success(page.output("queueUrls", sources, endpoint: call.endpoint)))
    }

    func purgeQueue(_ call: APICall, _ reply: @escaping Reply) throws(AWSError) {
        let queue = try queue(of: call, for: .purgeQueue)
        driver.purge(queue.key) { result in
            Self.answer(result, queue: queue.key.name, reply) { .success(nil) }
        }
    }

    private static func check(queueName name: String, _ attributes: [(key: String, value: String)]) throws(AWSError) {
        let asksForFIFO = attributes.contains { $0.key == "FifoQueue" && $0.value == "true" }
        if asksForFIFO || name.utf8.suffix(5).elementsEqual(".fifo".utf8) { throw noFIFO }
        let isValid = name.utf8.count <= 80 && name.utf8.allSatisfy(QueueBatch.isIDByte)
        guard isValid else {
            throw AWSError(
                .invalidParameterValue,
                "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length"
            )
        }
    }

    /// Checks the other end of a redrive policy: a queue of the same account and region that lets this one in.
    func checkRedrive(_ changes: [QueueAttributeChange], of key: QueueKey) throws(AWSError) {
        guard let text = changes.first(where: { $0.name == "RedrivePolicy" })?.value,
            let policy = RedrivePolicy(text)
        else { return }
        guard let target = QueueKey(policy.deadLetterTarget), let queue = driver.queue(target) else {
            throw QueueInput.invalid(text, "RedrivePolicy", "Dead letter target does not exist.")
        }
        guard target.account == key.account, target.region == key.region, target != key else {
            throw QueueInput.invalid(
                text,
                "RedrivePolicy",
                "Dead letter target must be another queue of the same account and region."
            )
        }
        if let allow = queue.attributes.redriveAllow, !allow.allows(key.arn) {
            throw QueueInput.invalid(
                text,
                "RedrivePolicy",
                "The RedriveAllowPolicy of the dead letter target does not allow \(key)."
            )
        }
    }
}

/// One page of a list of queues: `MaxResults` and `NextToken` (spec: control §13.2).
struct QueuePage {
    /// The name that the last page ended with.
    var after: String?
    var limit: Int
    private var isBounded: Bool

    init(_ input: QueueInput) throws(AWSError) {
        let size = try input.integer("MaxResults", 1...1000, "Must be between 1 and 1000, if provided.")
        limit = size ?? 1000
        isBounded = size != nil
        guard let token = try input.string("NextToken") else { return }
        guard isBounded, let bytes = QueueBase64.decode(token), !bytes.isEmpty else {
            throw QueueInput.invalid(
                token,
                "NextToken",
                isBounded ? "The token is not one of this service." : "NextToken needs MaxResults."
            )
        }
        after = String(decoding: bytes, as: UTF8.self)
    }

    /// The members of an answer with the first `limit` of `keys`.
    func output(_ name: String, _ keys: [QueueKey], endpoint: String) -> JSONObject {
        let page = keys.prefix(limit)
        var output = JSONObject()
        output[name] = .array(page.map { .string(QueueURL.text($0, endpoint: endpoint)) })
        if isBounded, keys.count > limit, let last = page.last {
            output["NextToken"] = .string(QueueBase64.encode(Array(last.name.utf8)))
        }
        return output
    }
}
