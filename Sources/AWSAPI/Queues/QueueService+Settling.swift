import EventModel
import Router
import SansIO

extension QueueService {
    func deleteMessage(_ call: APICall, _ reply: @escaping Reply) throws(AWSError) {
        let queue = try queue(of: call, for: .deleteMessage)
        let handle = try Self.handle(QueueInput(call.input), of: queue)
        // A message that is gone already is no error: deleting is idempotent.
        driver.delete([handle.key], from: queue.key) { result in
            Self.answer(result, queue: queue.key.name, reply) { _ in .success(nil) }
        }
    }

    func deleteMessageBatch(_ call: APICall, _ reply: @escaping Reply) throws(AWSError) {
        let queue = try queue(of: call, for: .deleteMessage)
        var batch = try QueueBatch(QueueInput(call.input), shape: "DeleteMessageBatchRequestEntry")
        var keys: [MessageKey] = []
        for (index, entry) in batch.entries.enumerated() {
            do throws(AWSError) {
                let key = try Self.handle(entry.input, of: queue).key
                if !keys.contains(key) { keys.append(key) }
                batch.succeed(index)
            } catch {
                try batch.fail(index, error)
            }
        }
        guard !keys.isEmpty else { return reply(.success(batch.output)) }
        let output = batch.output
        driver.delete(keys, from: queue.key) { result in
            Self.answer(result, queue: queue.key.name, reply) { _ in .success(output) }
        }
    }

    func changeMessageVisibility(_ call: APICall, _ reply: @escaping Reply) throws(AWSError) {
        let queue = try queue(of: call, for: .changeMessageVisibility)
        let change = try VisibilityChange(QueueInput(call.input), of: queue, now: call.now)
        driver.changeVisibility(of: change.handle.key, in: queue.key, to: change.timeout) { result in
            Self.answer(result, queue: queue.key.name, reply) { isInFlight in
                isInFlight ? .success(nil) : .failure(change.notInFlight)
            }
        }
    }

    func changeMessageVisibilityBatch(_ call: APICall, _ reply: @escaping Reply) throws(AWSError) {
        let queue = try queue(of: call, for: .changeMessageVisibility)
        let gathering = QueueBatchGathering(
            try QueueBatch(QueueInput(call.input), shape: "ChangeMessageVisibilityBatchRequestEntry")
        )
        var changes: [(index: Int, change: VisibilityChange)] = []
        for (index, entry) in gathering.batch.entries.enumerated() {
            do throws(AWSError) {
                changes.append((index, try VisibilityChange(entry.input, of: queue, now: call.now)))
            } catch {
                try gathering.batch.fail(index, error)
            }
        }
        gathering.open = changes.count
        guard !changes.isEmpty else { return reply(.success(gathering.batch.output)) }
        for (index, change) in changes {
            driver.changeVisibility(of: change.handle.key, in: queue.key, to: change.timeout) { result in
                switch result {
                case .success(true): gathering.batch.succeed(index)
                case .success(false): gathering.batch.note(index, change.notInFlight)
                case .failure(let fault): gathering.batch.note(index, Self.error(fault, queue: queue.key.name))
                }
                gathering.open -= 1
                if gathering.open == 0 { reply(.success(gathering.batch.output)) }
            }
        }
    }

    /// The receipt handle of a request; it must be one of this queue.
    static func handle(_ input: QueueInput, of queue: Queue) throws(AWSError) -> QueueReceiptHandle {
        let text = try input.required("ReceiptHandle")
        guard let handle = QueueReceiptHandle(text), handle.queue == queue.number else {
            throw AWSError(
                .receiptHandleIsInvalid,
                "The input receipt handle \"\(text)\" is not a valid receipt handle."
            )
        }
        return handle
    }
}

/// A batch whose entries are answered one by one.
private final class QueueBatchGathering {
    var batch: QueueBatch
    var open = 0

    init(_ batch: QueueBatch) {
        self.batch = batch
    }
}

/// One change of a message's visibility timeout (spec: control §13.3).
private struct VisibilityChange {
    private static let longest = 43_200

    var handle: QueueReceiptHandle
    var timeout: Duration

    init(_ input: QueueInput, of queue: Queue, now: Timestamp) throws(AWSError) {
        handle = try QueueService.handle(input, of: queue)
        let range = 0...Self.longest
        guard let seconds = try input.integer("VisibilityTimeout", range, "Must be between 0 and 43200.") else {
            throw QueueInput.missing("VisibilityTimeout")
        }
        timeout = .seconds(seconds)
        guard now + timeout <= handle.receivedAt + .seconds(Self.longest) else {
            throw QueueInput.invalid(
                seconds,
                "VisibilityTimeout",
                "Total VisibilityTimeout for the message is beyond the limit [43200 seconds]."
            )
        }
    }

    var notInFlight: AWSError {
        AWSError(
            .messageNotInflight,
            "Message does not exist or is not available for visibility timeout change."
        )
    }
}
