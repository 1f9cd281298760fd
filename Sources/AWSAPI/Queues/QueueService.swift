import EventModel
import Router
import SansIO

/// The SQS operations that Busbar has (spec: control §13), over one shard's ``QueueDriver``.
///
/// Every operation is authorised: within an account unless the queue's policy denies, from another account when the
/// queue's policy allows.
public final class QueueService: APIService {
    typealias Reply = (APIResult) -> Void

    let driver: QueueDriver
    let access: any AccessDecider
    let quotas: Quotas
    /// Hears of a queue policy that was set and probably does not do what its author wants.
    public var onDoubtfulPolicy: (_ queue: String, _ warning: String) -> Void = { _, _ in }

    /// Creates the service.
    ///
    /// - Parameters:
    ///   - driver: the queues of the shard.
    ///   - access: decides on behalf of queue policies.
    ///   - quotas: limits of the service.
    public init(driver: QueueDriver, access: any AccessDecider, quotas: Quotas = Quotas()) {
        self.driver = driver
        self.access = access
        self.quotas = quotas
    }

    /// The operation of that name, or nil.
    public func operation(named name: String) -> APIOperation? {
        switch name {
        case "CreateQueue": return answering(createQueue)
        case "DeleteQueue": return answering(deleteQueue)
        case "GetQueueUrl": return answering(getQueueURL)
        case "ListQueues": return answering(listQueues)
        case "ListDeadLetterSourceQueues": return answering(listDeadLetterSourceQueues)
        case "GetQueueAttributes": return answering(getQueueAttributes)
        case "SetQueueAttributes": return answering(setQueueAttributes)
        case "SendMessage": return answering(sendMessage)
        case "SendMessageBatch": return answering(sendMessageBatch)
        case "ReceiveMessage": return answering(receiveMessage)
        case "DeleteMessage": return answering(deleteMessage)
        case "DeleteMessageBatch": return answering(deleteMessageBatch)
        case "ChangeMessageVisibility": return answering(changeMessageVisibility)
        case "ChangeMessageVisibilityBatch": return answering(changeMessageVisibilityBatch)
        case "PurgeQueue": return answering(purgeQueue)
        case "TagQueue": return answering(tagQueue)
        case "UntagQueue": return answering(untagQueue)
        case "ListQueueTags": return answering(listQueueTags)
        case "StartMessageMoveTask": return answering(startMessageMoveTask)
        case "ListMessageMoveTasks": return answering(listMessageMoveTasks)
        case "CancelMessageMoveTask": return answering(cancelMessageMoveTask)
        default: return nil
        }
    }

    /// Makes an operation of a body that either throws before it has answered, or answers once.
    private func answering(
        _ body: @escaping (APICall, @escaping Reply) throws(AWSError) -> Void
    ) -> APIOperation {
        { call, reply in
            do throws(AWSError) {
                try body(call, reply)
            } catch {
                reply(.failure(error))
            }
        }
    }

    /// The queue that the request's `QueueUrl` names, after asking whether the caller may do `action` to it.
    func queue(
        of call: APICall,
        for action: QueueAction,
        context: [(key: String, values: [String])] = []
    ) throws(AWSError) -> Queue {
        let url = try QueueInput(call.input).required("QueueUrl")
        guard let key = QueueURL.key(url, region: call.region), let queue = driver.queue(key) else {
            throw Self.noSuchQueue
        }
        let tags = queue.tags.map { Tag(key: $0.key, value: $0.value) }.resourceContext
        try authorise(call, action, queue.key, policy: queue.attributes.policy, context: context + tags)
        return queue
    }

    /// Tells of what is doubtful about a policy that was set.
    func tellDoubts(_ changes: [QueueAttributeChange], of key: QueueKey) {
        guard let text = changes.first(where: { $0.name == "Policy" })?.value, !text.isEmpty else { return }
        for warning in access.warnings(aboutPolicy: text) { onDoubtfulPolicy(key.description, warning) }
    }

    /// Throws unless the caller may do `action` to the queue of `key`.
    func authorise(
        _ call: APICall,
        _ action: QueueAction,
        _ key: QueueKey,
        policy: String?,
        context: [(key: String, values: [String])] = []
    ) throws(AWSError) {
        // Some operations are the owner's alone, whatever the policy grants to others.
        let isForeign = call.caller.account != key.account
        let request = AccessRequest(
            subject: .principal(arn: call.caller.arn, account: call.caller.account),
            action: "sqs:\(action.rawValue)",
            resource: key.description,
            resourceAccount: key.account,
            context: context + call.conditionContext
        )
        let verdict = access.decide(request, policy: isForeign && action.isOwnerOnly ? nil : policy)
        if case .denied(let text) = verdict { throw AWSError(.queueAccessDenied, text) }
    }
}

/// The actions of queue policies; a batch operation needs the action of its single form.
enum QueueAction: String {
    case changeMessageVisibility = "ChangeMessageVisibility"
    case createQueue = "CreateQueue"
    case deleteMessage = "DeleteMessage"
    case deleteQueue = "DeleteQueue"
    case getQueueAttributes = "GetQueueAttributes"
    case getQueueURL = "GetQueueUrl"
    case listDeadLetterSourceQueues = "ListDeadLetterSourceQueues"
    case listQueues = "ListQueues"
    case listQueueTags = "ListQueueTags"
    case purgeQueue = "PurgeQueue"
    case receiveMessage = "ReceiveMessage"
    case sendMessage = "SendMessage"
    case setQueueAttributes = "SetQueueAttributes"
    case tagQueue = "TagQueue"
    case untagQueue = "UntagQueue"
    case startMessageMoveTask = "StartMessageMoveTask"
    case listMessageMoveTasks = "ListMessageMoveTasks"
    case cancelMessageMoveTask = "CancelMessageMoveTask"

    /// Whether no policy can grant the action to another account.
    var isOwnerOnly: Bool {
        switch self {
        case .createQueue, .deleteQueue, .listQueues, .listQueueTags, .setQueueAttributes, .tagQueue, .untagQueue,
            .startMessageMoveTask, .listMessageMoveTasks, .cancelMessageMoveTask:
            return true
        default:
            return false
        }
    }
}
