import Router
import SansIO

extension QueueService {
    static let noSuchQueue = AWSError(.queueDoesNotExist, "The specified queue does not exist.")

    static let noFIFO = AWSError(
        .queueUnsupportedOperation,
        "FIFO queues are not supported: only standard queues can be created."
    )

    /// What a client sees of a driver's fault (spec: control §13.6).
    static func error(_ fault: QueueFault, queue name: String) -> AWSError {
        switch fault {
        case .noSuchQueue: return noSuchQueue
        case .attributeDiffers(let attribute):
            return AWSError(
                .queueNameExists,
                "A queue already exists with the same name and a different value for attribute \(attribute)"
            )
        case .tooManyQueues(let limit):
            return AWSError(.queueOverLimit, "The account has reached its limit of \(limit) queues.")
        case .tooManyTags(let limit):
            return AWSError(.invalidParameterValue, "Queue \(name) cannot have more than \(limit) tags.")
        case .purgeInProgress:
            return AWSError(
                .purgeQueueInProgress,
                "Only one PurgeQueue operation on \(name) is allowed every 60 seconds."
            )
        case .overLimit(let count):
            return AWSError(
                .queueOverLimit,
                "Queue \(name) has \(count) messages in flight, as many as a standard queue may have."
            )
        case .busy: return AWSError(.queueThrottled, "Request is throttled.")
        case .store(let error): return self.error(error)
        }
    }

    /// What a client sees of a store's failure. A full disk may pass, so clients are asked to come again.
    static func error(_ failure: StoreError) -> AWSError {
        switch failure.code {
        case .full: return AWSError(.queueThrottled, "Request is throttled: the store is full.")
        case .conflict:
            return AWSError(.queueThrottled, "Request is throttled: another change of the queue came first.")
        case .failed, .corrupt, .closed:
            return AWSError(.internalFailure, "The request failed because of an internal error.")
        }
    }

    /// Answers with a driver's result.
    static func answer<Value>(
        _ result: Result<Value, QueueFault>,
        queue name: String,
        _ reply: Reply,
        _ output: (Value) -> APIResult
    ) {
        switch result {
        case .success(let value): reply(output(value))
        case .failure(let fault): reply(.failure(error(fault, queue: name)))
        }
    }
}
