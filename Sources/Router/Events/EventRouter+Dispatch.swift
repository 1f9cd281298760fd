import Delivery
import EventModel
import EventTransform
import RetryControl
import SansIO

/// Attempts on behalf of the delivery driver.
extension EventRouter: DeliveryDispatcher {
    /// The retry policy of a target revision; nil when the revision is not known any more. What waits for a bus of another
    /// cell has the retention for its policy, and keeps it when the bus's account moves here: it could not be attempted before.
    public func retryPolicy(of target: UInt64, acceptedAt: Timestamp) -> RetryPolicy? {
        guard let compiled = compiled(target) else { return nil }
        guard let peers = settings.peers else { return compiled.retryPolicy }
        if isAway(compiled) { return RetryPolicy(unlimitedRetriesWithin: peers.retention) }
        guard case .bus(let address) = compiled.destination, address.account != compiled.account,
            acceptedAt < catalog.state.arrival(of: address.account)
        else { return compiled.retryPolicy }
        return RetryPolicy(unlimitedRetriesWithin: max(peers.retention, compiled.retryPolicy.maximumEventAge))
    }

    /// The bounds of a queue; nil unless it leads to another cell.
    public func backlogLimits(of target: UInt64) -> BacklogLimits? {
        guard let peers = settings.peers, let compiled = compiled(target), isAway(compiled) else { return nil }
        return peers.queues
    }

    /// Whether a target revision has a dead-letter queue.
    public func hasDeadLetterQueue(_ target: UInt64) -> Bool {
        compiled(target)?.deadLetterQueue != nil
    }

    /// Attempts deliveries of one target.
    public func dispatch(
        _ attempts: [DeliveryAttempt],
        target: UInt64,
        completion: @escaping ([DeliveryOutcome]) -> Void
    ) {
        guard let compiled = compiled(target) else {
            let failure = DeliveryFailure(
                code: "NO_RESOURCE",
                message: "The target's definition is no longer in the catalog.",
                isRetryable: false
            )
            return completion(attempts.map { _ in .failed(failure) })
        }
        switch compiled.destination {
        case .queue(let arn): send(attempts, to: arn, of: compiled, completion: completion)
        case .bus(let address): forward(attempts, to: address, of: compiled, completion: completion)
        case .unsupported(let arn):
            let failure = DeliveryFailure(
                code: "NO_RESOURCE",
                message: "Nothing here can deliver to \(arn).",
                isRetryable: false
            )
            completion(attempts.map { _ in .failed(failure) })
        }
    }

    /// Renders payloads and puts them into the queue in one write.
    private func send(
        _ attempts: [DeliveryAttempt],
        to arn: String,
        of target: CompiledTarget,
        completion: @escaping ([DeliveryOutcome]) -> Void
    ) {
        guard let queue = ARN(arn), let owner = queues.policy(of: queue) else {
            return completion(attempts.map { _ in .failed(.missingQueue(arn)) })
        }
        if let failure = authorizer.refusalToSend(to: arn, owner, from: target) {
            return completion(attempts.map { _ in .failed(failure) })
        }
        var outcomes = [DeliveryOutcome](repeating: .delivered, count: attempts.count)
        var batch: [(index: Int, delivery: QueueDelivery)] = []
        for (index, attempt) in attempts.enumerated() {
            switch payload(attempt, of: target) {
            case .success(let delivery?): batch.append((index, delivery))
            case .success(nil): break
            case .failure(let failure): outcomes[index] = .failed(failure)
            }
        }
        put(batch, attempts, to: queue, outcomes: outcomes, completion: completion)
    }

    /// What an attempt sends; nil when the input form gives no text, which is neither delivered nor dead-lettered
    /// (spec: patterns §4.5).
    private func payload(
        _ attempt: DeliveryAttempt,
        of target: CompiledTarget
    ) -> Result<QueueDelivery?, DeliveryFailure> {
        guard let head = StoredEvent.Head(of: attempt.event) else {
            notice(.unreadableEvent(sequence: attempt.ref.event))
            return .failure(
                DeliveryFailure(code: "INTERNAL_ERROR", message: "The event cannot be read.", isRetryable: false)
            )
        }
        let envelope = attempt.event[head.end...]
        let deliver = { (payload: ArraySlice<UInt8>) in
            QueueDelivery(
                ref: attempt.ref,
                payload: payload,
                traceHeader: head.traceHeader.isEmpty ? nil : head.traceHeader,
                acceptedAt: attempt.acceptedAt
            )
        }
        if case .event = target.input { return .success(deliver(envelope)) }
        let context = TransformContext(
            ruleARN: target.names.rule,
            ruleName: target.revision.rule,
            ingestionTime: attempt.acceptedAt
        )
        switch target.input.render(event: Array(envelope), context: context) {
        case .payload(let bytes):
            return .success(deliver(bytes[...]))
        case .invalid(let text):
            return .failure(
                DeliveryFailure(
                    code: "INVALID_JSON",
                    message: "Invalid input for target.",
                    isRetryable: false,
                    body: text
                )
            )
        case .nothing:
            return .success(nil)
        }
    }

    private func put(
        _ batch: [(index: Int, delivery: QueueDelivery)],
        _ attempts: [DeliveryAttempt],
        to queue: ARN,
        outcomes: [DeliveryOutcome],
        completion: @escaping ([DeliveryOutcome]) -> Void
    ) {
        guard !batch.isEmpty else { return completion(outcomes) }
        let sent = batch.map { attempts[$0.index] }
        queues.deliver(
            batch.map(\.delivery),
            to: queue,
            settling: sent.settling,
            finishing: sent.finishing,
            mayRepeat: sent.contains(where: \.mayRepeat)
        ) { [self] result in
            var outcomes = outcomes
            switch result {
            case .success:
                for (index, _) in batch { outcomes[index] = .settled }
            case .failure(.noSuchQueue):
                for (index, _) in batch { outcomes[index] = .failed(.missingQueue(queue.description)) }
            case .failure(.store(let error)):
                let failure = DeliveryFailure(code: "INTERNAL_ERROR", message: error.message, isRetryable: true)
                for (index, _) in batch { outcomes[index] = .failed(failure) }
            case .failure(.tooLarge(let refs, let limit)):
                let failure = DeliveryFailure(
                    code: "INVALID_PARAMETER",
                    message: "One or more parameters are invalid. Reason: Message must be shorter than \(limit) bytes.",
                    isRetryable: false
                )
                let large = Set(refs)
                for (index, delivery) in batch where large.contains(delivery.ref) { outcomes[index] = .failed(failure) }
                let rest = batch.filter { !large.contains($0.delivery.ref) }
                return put(rest, attempts, to: queue, outcomes: outcomes, completion: completion)
            }
            completion(outcomes)
        }
    }
}

extension DeliveryFailure {
    /// The queue is not there (spec: patterns §5.4).
    static func missingQueue(_ arn: String) -> DeliveryFailure {
        DeliveryFailure(
            code: "NO_RESOURCE",
            message: "The specified queue does not exist: \(arn).",
            isRetryable: false
        )
    }
}
