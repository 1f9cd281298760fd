import Delivery
import EventModel
import PeerProtocol
import SansIO

/// Forwarding events to another bus of this cell (spec: patterns §6, control §7.5).
extension EventRouter {
    /// Events of one batch on their way to another bus.
    private struct Forward {
        var outcomes: [DeliveryOutcome]
        var records: [IntakeRecord] = []
        var settling: [DeliveryRef] = []
        /// Attempts that the append settles, by index.
        var appended: [Int] = []
        /// What the appended events set off.
        var entered: [BusMatcher.Outcome] = []
        /// Deliveries of the retry queue that the append repeats.
        var repeatable: [DeliveryID] = []
    }

    /// Whose the deliveries are that this store made to its own buses. No cell has a name like this.
    private static let own = DuplicateWindow.Sender(cell: "(own)", origin: 0)

    /// Takes a batch of events into the destination bus. What a rule there wants is appended in the same write that
    /// settles the deliveries here, so a crash neither loses nor doubles an event. What waited in the retry queue leaves it
    /// after that write; a crash in between lets it come again, so its id is noted as another cell's would be.
    func forward(
        _ attempts: [DeliveryAttempt],
        to destination: BusAddress,
        of target: CompiledTarget,
        completion: @escaping ([DeliveryOutcome]) -> Void
    ) {
        guard catalog.state.accounts.contains(destination.account) else {
            if let forwarder {
                return forwardAway(attempts, to: destination, of: target, by: forwarder, completion: completion)
            }
            let failure = DeliveryFailure(
                code: "NO_RESOURCE",
                message: "Account \(destination.account) is not hosted by this cell.",
                isRetryable: false
            )
            return completion(attempts.map { _ in .failed(failure) })
        }
        var forward = Forward(outcomes: attempts.map { _ in .delivered })
        for (index, attempt) in attempts.enumerated() {
            take(attempt, index, to: destination, of: target, into: &forward)
        }
        guard !forward.records.isEmpty else { return completion(forward.outcomes) }
        let bus = destination.arn
        var ids = WindowRecord()
        for id in forward.repeatable { ids.add(id, from: Self.own, on: bus) }
        append(forward.records, settling: forward.settling, noting: ids) { [self, forward] result in
            var outcomes = forward.outcomes
            switch result {
            case .success:
                for index in forward.appended where attempts[index].source == .intake { outcomes[index] = .settled }
                for outcome in forward.entered { books[destination, default: BusBook()].enter(outcome) }
                for id in forward.repeatable { ledger.note(id, from: Self.own, on: bus) }
            case .failure(let error):
                let failure = DeliveryFailure(code: "INTERNAL_ERROR", message: error.message, isRetryable: true)
                for index in forward.appended { outcomes[index] = .failed(failure) }
            }
            completion(outcomes)
        }
    }

    private func take(
        _ attempt: DeliveryAttempt,
        _ index: Int,
        to destination: BusAddress,
        of target: CompiledTarget,
        into forward: inout Forward
    ) {
        let id = DeliveryID(event: attempt.ref.event, target: attempt.ref.target)
        if attempt.mayRepeat, ledger.contains(id, from: Self.own, on: destination.arn) {
            books[destination, default: BusBook()].duplicates += 1
            return
        }
        guard var event = StoredEvent(decoding: attempt.event) else {
            forward.outcomes[index] = .failed(unreadable(attempt))
            return
        }
        if let failure = settings.hopFailure(event.hops, from: target.revision.bus, to: destination) {
            statistics.loops += 1
            notice(.loop(bus: destination.arn, hops: event.hops))
            forward.outcomes[index] = .failed(failure)
            return
        }
        if let failure = pendingFailure(destination, for: target) {
            forward.outcomes[index] = .failed(failure)
            return
        }
        guard let bus = catalog.state.bus(destination) else {
            // Acknowledged and dropped, like a put to a bus that does not exist (spec: patterns §6.4).
            statistics.unknownBus += 1
            notice(
                .unknownBus(bus: destination.arn, caller: target.revision.ruleARN, eventID: "\(attempt.ref.event)")
            )
            forward.outcomes[index] = .discarded
            return
        }
        let refusal = authorizer.refusalToForward(event.envelope, to: destination, policy: bus.policy, of: target)
        if let refusal {
            books[destination, default: BusBook()].denied += 1
            notice(.denied(bus: destination.arn, reason: refusal.message))
            forward.outcomes[index] = .failed(refusal)
            return
        }
        event.hops.append(target.revision.bus.arn)
        let now = clock.now
        if destination.region != target.revision.bus.region {
            let id = EventID.make(using: &generator)
            event.envelope = EnvelopeRewriting.arrival(event.envelope, id: id, time: now)
        }
        let outcome = match(event.envelope, on: destination)
        guard outcome.isReadable else {
            forward.outcomes[index] = .failed(unreadable(attempt))
            return
        }
        guard !outcome.targets.isEmpty else {
            books[destination, default: BusBook()].enter(outcome)
            return
        }
        if let failure = fullness(of: outcome.targets) {
            forward.outcomes[index] = .failed(failure)
            return
        }
        forward.entered.append(outcome)
        forward.records.append(IntakeRecord(acceptedAt: now, event: event.encoded, targets: outcome.targets))
        forward.appended.append(index)
        if attempt.source == .intake { forward.settling.append(attempt.ref) } else { forward.repeatable.append(id) }
    }

    private func unreadable(_ attempt: DeliveryAttempt) -> DeliveryFailure {
        notice(.unreadableEvent(sequence: attempt.ref.event))
        return DeliveryFailure(code: "INTERNAL_ERROR", message: "The event cannot be read.", isRetryable: false)
    }

    /// Whether a bus, its policy or its rules may still be on their way here: its account has just come.
    func isPending(_ destination: BusAddress) -> Bool {
        catalog.state.isPending(destination, span: settings.peers?.newAccountTime, now: clock.now)
    }

    /// Why an event waits for a bus of another account; nil when it need not.
    private func pendingFailure(_ destination: BusAddress, for target: CompiledTarget) -> DeliveryFailure? {
        guard destination.account != target.account, isPending(destination) else { return nil }
        notice(.busPending(bus: destination.arn, caller: target.names.rule))
        return DeliveryFailure(
            code: "CROSS_ACCOUNT_INGESTION_FAILED",
            message: "The account of \(destination.arn) has just come to this cell, and the bus has not yet.",
            isRetryable: true,
            retryAfter: settings.peers?.retryAfterPending
        )
    }

    /// Why targets cannot take an event now; nil when they can.
    private func fullness(of targets: [UInt64]) -> DeliveryFailure? {
        guard let full = fullTarget(among: targets) else { return nil }
        notice(.queueFull(target: full))
        return DeliveryFailure(
            code: "THROTTLING",
            message: "The queue for \(full) is full.",
            isRetryable: true,
            retryAfter: settings.peers?.retryAfterFull
        )
    }
}
