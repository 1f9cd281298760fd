import Delivery
import EventModel
import EventTransform
import SansIO

/// Dead letters, and the books of deliveries.
extension EventRouter {
    /// Moves deliveries to the target's dead-letter queue (spec: patterns §5.5).
    public func deadLetter(
        _ letters: [DeadLetter],
        target: UInt64,
        completion: @escaping ([DeadLetterOutcome]) -> Void
    ) {
        guard let compiled = compiled(target), let text = compiled.deadLetterQueue else {
            return completion(letters.map { _ in .noQueue })
        }
        guard let arn = ARN(text), let queue = queues.policy(of: arn) else {
            return completion(letters.map { _ in .refused("the dead-letter queue \(text) does not exist") })
        }
        if let refusal = authorizer.refusalToSend(to: text, queue, from: compiled, isDeadLetter: true) {
            return completion(letters.map { _ in .refused(refusal.message) })
        }
        let batch = letters.map { letter($0, of: compiled) }
        let attempts = letters.map(\.attempt)
        queues.deliver(
            batch,
            to: arn,
            settling: attempts.settling,
            finishing: attempts.finishing,
            mayRepeat: attempts.contains(where: \.mayRepeat)
        ) { [self] result in
            switch result {
            case .success: completion(letters.map { _ in .settled })
            case .failure(.noSuchQueue):
                completion(letters.map { _ in .refused("the dead-letter queue \(text) does not exist") })
            case .failure(.store(let error)): completion(letters.map { _ in .retryLater(error.message) })
            case .failure(.tooLarge(let refs, let limit)):
                split(letters, refs: Set(refs), limit: limit, target: target, completion: completion)
            }
        }
    }

    /// Sends the letters that fit; the others are refused by the queue.
    private func split(
        _ letters: [DeadLetter],
        refs: Set<DeliveryRef>,
        limit: Int,
        target: UInt64,
        completion: @escaping ([DeadLetterOutcome]) -> Void
    ) {
        let refused = DeadLetterOutcome.refused("the dead letter is longer than the queue's \(limit) bytes")
        let fitting = letters.filter { !refs.contains($0.attempt.ref) }
        guard !fitting.isEmpty else { return completion(letters.map { _ in refused }) }
        deadLetter(fitting, target: target) { outcomes in
            var rest = outcomes.makeIterator()
            completion(letters.map { refs.contains($0.attempt.ref) ? refused : rest.next() ?? refused })
        }
    }

    private func letter(_ letter: DeadLetter, of target: CompiledTarget) -> QueueDelivery {
        let attempt = letter.attempt
        let event = StoredEvent(decoding: attempt.event)
        var attributes: [(name: String, value: String)] = [
            ("RULE_ARN", target.revision.ruleARN),
            ("TARGET_ARN", target.revision.target.arn),
            ("ERROR_CODE", letter.failure.code),
            ("ERROR_MESSAGE", letter.failure.message),
        ]
        if let exhausted = letter.exhausted {
            attributes.append(("EXHAUSTED_RETRY_CONDITION", exhausted.rawValue))
            attributes.append(("RETRY_ATTEMPTS", String(letter.retries)))
        }
        return QueueDelivery(
            ref: attempt.ref,
            payload: (letter.failure.body ?? body(attempt, event, of: target))[...],
            attributes: attributes,
            traceHeader: event.flatMap { $0.traceHeader.isEmpty ? nil : $0.traceHeader },
            acceptedAt: attempt.acceptedAt
        )
    }

    /// The payload that was to be sent (spec: patterns §5.5).
    private func body(_ attempt: DeliveryAttempt, _ event: StoredEvent?, of target: CompiledTarget) -> [UInt8] {
        guard let event else { return attempt.event }
        let context = TransformContext(
            ruleARN: target.revision.ruleARN,
            ruleName: target.revision.rule,
            ingestionTime: attempt.acceptedAt
        )
        switch target.input.render(event: event.envelope, context: context) {
        case .payload(let bytes): return bytes
        case .invalid(let text): return text
        case .nothing: return event.envelope
        }
    }

    /// Keeps the books and tells the operator.
    public func record(_ fact: DeliveryFact, target: UInt64) {
        guard let revision = catalog.state.revision(target) else { return recordOrphan(fact, target) }
        let bus = revision.bus
        let arn = revision.target.arn
        switch fact {
        case .delivered(let count, let retried):
            books[bus, default: BusBook()].delivered += UInt64(count)
            books[bus, default: BusBook()].retried += UInt64(retried)
        case .discarded(let count): books[bus, default: BusBook()].dropped += UInt64(count)
        case .attemptFailed(let failure, let willRetry):
            books[bus, default: BusBook()].failedAttempts += 1
            notice(.attemptFailed(target: arn, rule: revision.ruleARN, failure: failure, willRetry: willRetry))
        case .heldBack(let failure, let count):
            books[bus, default: BusBook()].heldBack += UInt64(count)
            notice(.heldBack(target: arn, rule: revision.ruleARN, failure: failure, count: count))
        case .deadLettered(let count):
            books[bus, default: BusBook()].deadLettered += UInt64(count)
        case .dropped(let ref, let failure, let reason):
            books[bus, default: BusBook()].dropped += 1
            notice(
                .dropped(
                    target: arn,
                    rule: revision.ruleARN,
                    event: ref.event,
                    failure: failure,
                    reason: reason
                )
            )
        case .expired(let count):
            books[bus, default: BusBook()].expired += count
            notice(.expired(target: arn, rule: revision.ruleARN, count: count))
        case .overflowed(let count):
            statistics.overflowed += UInt64(count)
            notice(.overflowed(target: arn, rule: revision.ruleARN, count: count))
        case .storeFailed(let error):
            notice(.storeFailed(error))
        case .drained:
            forgetIfRetired(target)
        }
    }

    /// A delivery whose target revision is not in the catalog, as after damage to its entry: counted and told all the same.
    private func recordOrphan(_ fact: DeliveryFact, _ target: UInt64) {
        switch fact {
        case .dropped(let ref, let failure, let reason):
            statistics.orphaned += 1
            let name = "revision \(target)"
            notice(.dropped(target: name, rule: "unknown", event: ref.event, failure: failure, reason: reason))
        case .storeFailed(let error):
            notice(.storeFailed(error))
        default: break
        }
    }
}
