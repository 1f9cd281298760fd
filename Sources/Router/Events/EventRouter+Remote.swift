import Cluster
import Delivery
import EventModel
import PeerProtocol
import SansIO

/// Forwarding events to buses of other cells (spec: patterns §6, DESIGN §7).
extension EventRouter {
    /// Whether a target is a bus of an account that another cell hosts.
    func isAway(_ target: CompiledTarget) -> Bool {
        guard forwarder != nil, case .bus(let address) = target.destination else { return false }
        return !catalog.state.accounts.contains(address.account)
    }

    /// One batch on its way; it is over when each attempt has its outcome.
    private final class Departure {
        var outcomes: [DeliveryOutcome]
        var missing: Int
        let completion: ([DeliveryOutcome]) -> Void

        init(_ count: Int, _ completion: @escaping ([DeliveryOutcome]) -> Void) {
            outcomes = [DeliveryOutcome](repeating: .delivered, count: count)
            missing = count
            self.completion = completion
        }

        func note(_ outcome: DeliveryOutcome, _ index: Int) {
            outcomes[index] = outcome
            missing -= 1
            if missing == 0 { completion(outcomes) }
        }
    }

    /// Sends a batch to the cell that hosts the destination. Each delivery stays in the store until that cell has said what
    /// became of it.
    func forwardAway(
        _ attempts: [DeliveryAttempt],
        to destination: BusAddress,
        of target: CompiledTarget,
        by forwarder: PeerForwarder,
        completion: @escaping ([DeliveryOutcome]) -> Void
    ) {
        let departure = Departure(attempts.count, completion)
        var refused: [(DeliveryFailure, Int)] = []
        var entries: [ForwardEntry] = []
        entries.reserveCapacity(attempts.count)
        // Which attempts the entries are of, once one is missing.
        var places: [Int]?
        for (index, attempt) in attempts.enumerated() {
            switch departing(attempt, to: destination, of: target, after: entries.last) {
            case .failure(let failure):
                refused.append((failure, index))
                if places == nil { places = Array(0..<index) }
            case .success(let entry):
                entries.append(entry)
                places?.append(index)
            }
        }
        forwarder.forward(entries, to: destination.account) { [self, entries, places] place, result in
            let index = places?[place] ?? place
            if case .success(let verdict) = result, verdict.isTaken { return departure.note(.delivered, index) }
            remember(result, of: target.names.destination)
            departure.note(outcome(of: result, entries[place]), index)
        }
        // The last outcome ends the batch, so those that are known already come when all are under way.
        for (failure, index) in refused { departure.note(.failed(failure), index) }
    }

    /// What is sent for an attempt, once this side's own rules have let it go.
    private func departing(
        _ attempt: DeliveryAttempt,
        to destination: BusAddress,
        of target: CompiledTarget,
        after previous: ForwardEntry?
    ) -> Result<ForwardEntry, DeliveryFailure> {
        guard let event = StoredEvent.Head(of: attempt.event) else {
            notice(.unreadableEvent(sequence: attempt.ref.event))
            let text = "The event cannot be read."
            return .failure(DeliveryFailure(code: "INTERNAL_ERROR", message: text, isRetryable: false))
        }
        if let failure = settings.hopFailure(event.hops, from: target.revision.bus, to: destination) {
            statistics.loops += 1
            notice(.loop(bus: destination.arn, hops: event.hops))
            return .failure(failure)
        }
        if let failure = authorizer.refusalToLeave(attempt.event, from: event.end, to: destination, of: target) {
            books[target.revision.bus, default: BusBook()].denied += 1
            notice(.denied(bus: destination.arn, reason: failure.message))
            return .failure(failure)
        }
        let id = DeliveryID(event: attempt.ref.event, target: attempt.ref.target)
        // Within a batch only the way that an event has come can differ.
        if let previous, previous.hops.dropLast().elementsEqual(event.hops) {
            let content = attempt.event[event.end...]
            return .success(ForwardEntry(id: id, like: previous, traceHeader: event.traceHeader, content: content))
        }
        let stored = StoredEvent(
            hops: event.hops,
            traceHeader: event.traceHeader,
            envelope: Array(attempt.event[event.end...])
        )
        return .success(ForwardEntry(id: id, to: target, event: stored))
    }

    /// What a verdict means for the delivery (spec: patterns §5.3, §5.4, §6.4).
    private func outcome(
        of result: Result<PeerVerdict, ForwardFailure>,
        _ entry: ForwardEntry
    ) -> DeliveryOutcome {
        switch result {
        case .failure(let failure): return .failed(DeliveryFailure(failure))
        case .success(.accepted), .success(.duplicate): return .delivered
        case .success(.unknownBus):
            // Acknowledged and dropped, like a put to a bus that does not exist (spec: patterns §6.4).
            statistics.unknownBus += 1
            notice(.unknownBus(bus: entry.bus, caller: entry.rule, eventID: "\(entry.id.event)"))
            return .discarded
        case .success(.loop(let reason)):
            statistics.loops += 1
            notice(.loop(bus: entry.bus, hops: entry.hops))
            return .failed(DeliveryFailure(code: "LOOP_DETECTED", message: reason, isRetryable: false))
        case .success(.denied(let reason)):
            notice(.denied(bus: entry.bus, reason: reason))
            return .failed(DeliveryFailure(code: "NO_PERMISSIONS", message: reason, isRetryable: false))
        case .success(.malformed(let reason)), .success(.tooLarge(let reason)):
            return .failed(DeliveryFailure(code: "INVALID_PARAMETER", message: reason, isRetryable: false))
        case .success(.throttled(let delay)):
            return .failed(
                DeliveryFailure(
                    code: "THROTTLING",
                    message: "The receiving cell has too much to do.",
                    isRetryable: true,
                    retryAfter: delay
                )
            )
        case .success(.busPending(let delay)):
            // An account that moved is there before its buses are. A bus that never comes ends as one that is unknown.
            return .failed(
                DeliveryFailure(
                    code: "CROSS_ACCOUNT_INGESTION_FAILED",
                    message: "The cell that hosts the account of \(entry.bus) now has no such bus yet.",
                    isRetryable: true,
                    retryAfter: delay,
                    // Somebody is about to set the bus up, and then waits for the events.
                    retryWithin: .seconds(60)
                )
            )
        case .success(.notHosted):
            let text = "The cell that was asked does not host the account of \(entry.bus)."
            return .failed(DeliveryFailure(code: "CROSS_ACCOUNT_INGESTION_FAILED", message: text, isRetryable: true))
        case .success(.notCovered(let reason)), .success(.failed(let reason)):
            // A certificate that does not speak for the account is the operator's fault, not the tenant's, and mended by
            // another one: the event waits.
            return .failed(DeliveryFailure(code: "CROSS_ACCOUNT_INGESTION_FAILED", message: reason, isRetryable: true))
        }
    }

    /// Whether a queue of this cell is given events faster than it can take them.
    func isBehind(_ target: UInt64) -> Bool {
        guard delivery.isCrowded(target), case .queue? = compiled(target)?.destination else { return false }
        return true
    }

    /// Rows of the store that keep the window of known deliveries, and are no deliveries themselves.
    public var windowRows: UInt64 { ledger.rows }

    /// Replaces the accounts that this cell hosts. Events that waited for one that came are tried at once.
    public func host(_ accounts: Set<AccountID>) {
        let added = catalog.host(accounts)
        if isServing, !added.isEmpty { retryForwards(to: added.sorted()) }
    }

    /// Tries forwards to these accounts again soon, as when the cell that hosts them is back. What comes within a tenth of a
    /// second is done at a time.
    public func retryForwards(to accounts: [AccountID]) {
        guard !accounts.isEmpty else { return }
        let isScheduled = !returned.isEmpty
        returned.formUnion(accounts)
        guard !isScheduled else { return }
        _ = clock.schedule(after: .milliseconds(100)) { [weak self] in self?.retryReturned() }
    }

    private func retryReturned() {
        let accounts = returned
        returned = []
        delivery.retryNow(accounts.flatMap { busTargets[$0] ?? [] }.sorted())
    }

    /// The ARN of a target whose queue is full and refuses; nil when all of them have room.
    func fullTarget(among targets: [UInt64]) -> String? {
        guard let queues = settings.peers?.queues, queues.overflow == .refuseNew, queues.isBounded else { return nil }
        guard let full = targets.first(where: { !delivery.hasRoom($0) }) else { return nil }
        statistics.queueFull += 1
        return catalog.state.revision(full)?.target.arn ?? "revision \(full)"
    }
}

extension ForwardEntry {
    /// An event that a rule sends to a bus of another cell.
    init(id: DeliveryID, to target: CompiledTarget, event: StoredEvent) {
        self.init(
            id: id,
            sourceAccount: target.account,
            principal: target.names.principal,
            session: target.roleARN == nil ? "" : target.revision.rule,
            rule: target.names.rule,
            bus: target.names.destination,
            hops: event.hops + [target.names.bus],
            traceHeader: event.traceHeader,
            envelope: event.envelope
        )
    }
}

extension DeliveryFailure {
    /// A forward without a verdict. All of these may pass.
    init(_ failure: ForwardFailure) {
        let code =
            switch failure.code {
            case .timedOut: "TIMEOUT"
            case .overloaded: "THROTTLING"
            case .unreachable, .offline: "CONNECTION_FAILURE"
            case .noRoute, .misunderstood, .untrusted, .refused: "CROSS_ACCOUNT_INGESTION_FAILED"
            }
        self.init(code: code, message: failure.message, isRetryable: true, isOwn: failure.isOwn)
    }
}
