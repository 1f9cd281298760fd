import EventModel
import Router
import SansIO

/// Message move tasks (spec: control §13.4). They live in memory: a restart forgets them, and what was not moved by then
/// is still in the source queue.
extension QueueService {
    func startMessageMoveTask(_ call: APICall, _ reply: @escaping Reply) throws(AWSError) {
        let input = QueueInput(call.input)
        let source = try Self.key(ofARN: input.required("SourceArn"), in: call, member: "SourceArn")
        let destination = try input.string("DestinationArn")
        let rate = try input.integer(
            "MaxNumberOfMessagesPerSecond",
            1...500,
            "Must be between 1 and 500, if provided."
        )
        guard let queue = driver.queue(source) else { throw Self.noSuchResource("SourceArn") }
        try authorise(call, .startMessageMoveTask, source, policy: queue.attributes.policy)
        var target: QueueKey?
        if let destination {
            let key = try Self.key(ofARN: destination, in: call, member: "DestinationArn")
            guard let queue = driver.queue(key) else { throw Self.noSuchResource("DestinationArn") }
            try authorise(call, .sendMessage, key, policy: queue.attributes.policy)
            target = key
        }
        switch driver.startMove(from: source, to: target, rate: rate) {
        case .success(let task): reply(.success(["TaskHandle": .string(Self.handle(of: task))]))
        case .failure(let fault): reply(.failure(Self.error(fault)))
        }
    }

    func listMessageMoveTasks(_ call: APICall, _ reply: @escaping Reply) throws(AWSError) {
        let input = QueueInput(call.input)
        let source = try Self.key(ofARN: input.required("SourceArn"), in: call, member: "SourceArn")
        let limit = try input.integer("MaxResults", 1...10, "Must be between 1 and 10, if provided.")
        guard let queue = driver.queue(source) else { throw Self.noSuchResource("SourceArn") }
        try authorise(call, .listMessageMoveTasks, source, policy: queue.attributes.policy)
        let tasks = driver.moves(from: source, limit: limit ?? 1)
        reply(.success(["Results": .array(tasks.map { .object(Self.json($0)) })]))
    }

    func cancelMessageMoveTask(_ call: APICall, _ reply: @escaping Reply) throws(AWSError) {
        let handle = try QueueInput(call.input).required("TaskHandle")
        guard let bytes = QueueBase64.decode(handle), let id = MessageID(String(decoding: bytes, as: UTF8.self)) else {
            throw AWSError(.invalidParameterValue, "Value for parameter TaskHandle is invalid.")
        }
        let noSuchTask = AWSError(.queueResourceNotFound, "Task does not exist.")
        guard let task = driver.move(id: id), let source = QueueKey(task.source) else { throw noSuchTask }
        try authorise(call, .cancelMessageMoveTask, source, policy: driver.queue(source)?.attributes.policy)
        guard let cancelled = driver.cancelMove(id: id) else { throw noSuchTask }
        reply(.success(["ApproximateNumberOfMessagesMoved": .integer(cancelled.moved)]))
    }

    private static func key(
        ofARN text: String,
        in call: APICall,
        member: String
    ) throws(AWSError) -> QueueKey {
        guard let key = ARN(text).flatMap({ QueueKey($0) }), key.region.utf8.elementsEqual(call.region.utf8) else {
            throw noSuchResource(member)
        }
        return key
    }

    private static func noSuchResource(_ member: String) -> AWSError {
        AWSError(
            .queueResourceNotFound,
            "The resource that you specified for the \(member) parameter doesn't exist."
        )
    }

    private static func handle(of task: QueueMoveTask) -> String {
        QueueBase64.encode(Array(task.id.description.utf8))
    }

    private static func error(_ fault: QueueMoveFault) -> AWSError {
        switch fault {
        case .noSuchSource: return noSuchResource("SourceArn")
        case .noSuchDestination: return noSuchResource("DestinationArn")
        case .notDeadLetterQueue:
            return AWSError(.invalidParameterValue, "Source queue must be configured as a Dead Letter Queue.")
        case .alreadyRunning:
            return AWSError(
                .invalidParameterValue,
                "There is already a task running. Only one active task is allowed for a source queue arn at a given time."
            )
        case .tooManyTasks(let limit):
            return AWSError(.queueOverLimit, "As many as \(limit) message move tasks are running.")
        }
    }

    private static func json(_ task: QueueMoveTask) -> JSONObject {
        var members: JSONObject = [
            "Status": .string(task.status.rawValue),
            "SourceArn": .string(task.source.description),
            "ApproximateNumberOfMessagesMoved": .integer(task.moved),
            "ApproximateNumberOfMessagesToMove": .integer(task.toMove),
            "StartedTimestamp": .integer(task.startedAt.milliseconds),
        ]
        if task.status == .running { members["TaskHandle"] = .string(handle(of: task)) }
        if let destination = task.destination { members["DestinationArn"] = .string(destination.description) }
        if let rate = task.rate { members["MaxNumberOfMessagesPerSecond"] = .integer(rate) }
        if let failure = task.failure { members["FailureReason"] = .string(failure) }
        return members
    }
}
