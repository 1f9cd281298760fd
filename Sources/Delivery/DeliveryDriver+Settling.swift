import RetryControl
import SansIO

/// What follows from the outcomes of attempts.
extension DeliveryDriver {
    /// The outcomes of a batch, sorted by what the store must do.
    private struct Aftermath {
        var resolved: [DeliveryRef] = []
        var finished: [ParkedRef] = []
        var parked: [ParkedDelivery] = []
        var rescheduled: [Reschedule] = []
        var letters: [DeadLetter] = []
        var delivered = 0
        var retried = 0
        var discarded = 0
        /// What this side had no room to attempt.
        var heldBack = 0
        var heldBackBy: DeliveryFailure?
    }

    /// Works through a batch's outcomes. They are outdated when it was heard meanwhile that the target is back.
    func settle(
        _ attempts: [DeliveryAttempt],
        _ outcomes: [DeliveryOutcome],
        pass: CircuitBreaker.Pass,
        isOutdated: Bool,
        on queue: TargetQueue
    ) {
        let now = clock.now
        var aftermath = Aftermath()
        var troubles = 0
        var passesWithin: Duration?
        for (attempt, outcome) in zip(attempts, outcomes) {
            switch outcome {
            case .settled, .delivered:
                aftermath.delivered += 1
                if case .parked = attempt.source { queue.left(attempt) }
                if attempt.attempts > 0 { aftermath.retried += 1 }
                if outcome == .delivered { Self.remove(attempt, &aftermath.resolved, &aftermath.finished) }
            case .discarded:
                aftermath.discarded += 1
                if case .parked = attempt.source { queue.left(attempt) }
                Self.remove(attempt, &aftermath.resolved, &aftermath.finished)
            case .failed(let failure) where failure.isOwn:
                holdBack(attempt, failure, on: queue, now: now, &aftermath)
            case .failed(let failure):
                if failure.isRetryable { troubles += 1 }
                if let limit = failure.retryWithin { passesWithin = min(limit, passesWithin ?? limit) }
                fail(attempt, failure, on: queue, now: now, &aftermath)
            }
        }
        let tried = attempts.count - aftermath.heldBack
        // What was put back waits for its time; what failed before the target was back tells nothing of it.
        if tried == 0 || troubles > 0 && !isOutdated { queue.hurriesTo = nil }
        note(troubles: troubles, of: tried, pass: pass, on: queue, now: now)
        if let passesWithin { queue.breaker.endOpenTime(by: now + passesWithin) }
        apply(aftermath, on: queue)
    }

    /// A batch counts as one attempt for the breaker: it failed when nothing but the target's troubles came of it. One of
    /// which nothing was tried says nothing of the target.
    private func note(
        troubles: Int,
        of count: Int,
        pass: CircuitBreaker.Pass,
        on queue: TargetQueue,
        now: Timestamp
    ) {
        if count > 0 {
            queue.isFailing = troubles > 0
            if troubles > 0 { queue.ramp.noteFailure(now: now) }
            let change = queue.breaker.record(pass, succeeded: troubles < count, now: now, using: &generator)
            if change == .closed { queue.ramp.begin(now: now) }
        } else {
            queue.breaker.cancel(pass)
            // Or the whole backlog would be read and put back while there is no room.
            queue.drainsFrom = now + settings.heldBackDelay
        }
        // Whoever asked while the probe was under way was told to come back when it must be lost; now it is over.
        if pass.isProbe, queue.hasBacklog { scheduleDrain(of: queue.target, at: now) }
    }

    private func policy(of attempt: DeliveryAttempt) -> RetryPolicy {
        dispatcher.retryPolicy(of: attempt.ref.target, acceptedAt: attempt.acceptedAt) ?? RetryPolicy()
    }

    private static func remove(
        _ attempt: DeliveryAttempt,
        _ resolved: inout [DeliveryRef],
        _ finished: inout [ParkedRef]
    ) {
        switch attempt.source {
        case .intake: resolved.append(attempt.ref)
        case .parked(let parked): finished.append(parked)
        }
    }

    private func fail(
        _ attempt: DeliveryAttempt,
        _ failure: DeliveryFailure,
        on queue: TargetQueue,
        now: Timestamp,
        _ aftermath: inout Aftermath
    ) {
        let attempts = attempt.attempts + 1
        let decision = policy(of: attempt).decide(
            after: failure.isRetryable ? .transient : .permanent,
            attempts: Int(attempts),
            acceptedAt: attempt.acceptedAt,
            now: now,
            retryAfter: failure.retryAfter.map { now + $0 },
            backoff: failure.retryWithin.map(settings.backoff.capped(at:)) ?? settings.backoff,
            using: &generator
        )
        let exhausted: DeadLetter.Exhausted?
        switch decision {
        case .retry(let due):
            dispatcher.record(.attemptFailed(failure, willRetry: true), target: queue.target)
            postpone(attempt, until: due, attempts: attempts, failure, &aftermath)
            return
        case .giveUp(.attempts): exhausted = .attempts
        case .giveUp(.age): exhausted = .age
        case .giveUp(.permanent): exhausted = nil
        }
        dispatcher.record(.attemptFailed(failure, willRetry: false), target: queue.target)
        aftermath.letters.append(
            DeadLetter(attempt: attempt, failure: failure, exhausted: exhausted, retries: attempt.attempts)
        )
    }

    /// Puts back what this side had no room to attempt. It comes up again soon, and only its age ends it.
    private func holdBack(
        _ attempt: DeliveryAttempt,
        _ failure: DeliveryFailure,
        on queue: TargetQueue,
        now: Timestamp,
        _ aftermath: inout Aftermath
    ) {
        aftermath.heldBack += 1
        aftermath.heldBackBy = failure
        let due = now + settings.backoff.delay(beforeRetry: 1, using: &generator)
        guard due <= policy(of: attempt).deadline(acceptedAt: attempt.acceptedAt) else {
            let retries = max(1, attempt.attempts) - 1
            aftermath.letters.append(
                DeadLetter(attempt: attempt, failure: failure, exhausted: .age, retries: retries)
            )
            return
        }
        postpone(attempt, until: due, attempts: attempt.attempts, failure, &aftermath)
    }

    private func postpone(
        _ attempt: DeliveryAttempt,
        until due: Timestamp,
        attempts: UInt32,
        _ failure: DeliveryFailure,
        _ aftermath: inout Aftermath
    ) {
        let state = Array("\(failure.code) \(failure.message)".utf8.prefix(256))
        switch attempt.source {
        case .intake:
            aftermath.parked.append(
                ParkedDelivery(
                    ref: attempt.ref,
                    due: due,
                    attempts: attempts,
                    acceptedAt: attempt.acceptedAt,
                    event: attempt.event,
                    state: state
                )
            )
        case .parked(let parked):
            aftermath.rescheduled.append(
                Reschedule(
                    parked: parked,
                    due: due,
                    attempts: attempts,
                    acceptedAt: attempt.acceptedAt,
                    state: state
                )
            )
        }
    }

    /// Not `isBound` is what a full queue could not get rid of: it then holds more than it should for a while.
    private func apply(_ aftermath: Aftermath, on queue: TargetQueue, isBound: Bool = true) {
        if aftermath.delivered > 0 {
            let fact = DeliveryFact.delivered(count: aftermath.delivered, retried: aftermath.retried)
            dispatcher.record(fact, target: queue.target)
        }
        if aftermath.discarded > 0 {
            dispatcher.record(.discarded(count: aftermath.discarded), target: queue.target)
        }
        if let failure = aftermath.heldBackBy {
            dispatcher.record(.heldBack(failure, count: aftermath.heldBack), target: queue.target)
        }
        if !aftermath.resolved.isEmpty { store.resolve(aftermath.resolved) }
        if !aftermath.finished.isEmpty { store.finish(aftermath.finished) }
        if !aftermath.rescheduled.isEmpty { reschedule(aftermath.rescheduled, on: queue) }
        if !aftermath.parked.isEmpty, isBound {
            parkWithinLimits(aftermath.parked, on: queue)
        } else if !aftermath.parked.isEmpty {
            queue.parked += aftermath.parked.size
            park(aftermath.parked)
        }
        if !aftermath.letters.isEmpty { bury(aftermath.letters, on: queue) }
        noteProgress(queue)
    }

    /// Moves fresh deliveries to the retry queue unattempted.
    func parkFresh(_ attempts: [DeliveryAttempt], due: Timestamp) {
        guard let target = attempts.first?.ref.target else { return }
        releaseBytes(attempts.freshBytes, of: queue(target))
        parkWithinLimits(
            attempts.map { attempt in
                ParkedDelivery(
                    ref: attempt.ref,
                    due: due,
                    attempts: attempt.attempts,
                    acceptedAt: attempt.acceptedAt,
                    event: attempt.event,
                    state: []
                )
            },
            on: queue(target)
        )
    }

    /// Parks deliveries; while the store refuses, they wait in memory and their intake records stay.
    func park(_ deliveries: [ParkedDelivery]) {
        guard let target = deliveries.first?.ref.target else { return }
        let queue = queue(target)
        queue.hasBacklog = true
        queue.parking += deliveries.size
        tryPark(deliveries, on: queue)
    }

    private func tryPark(_ deliveries: [ParkedDelivery], on queue: TargetQueue) {
        let target = queue.target
        store.park(deliveries) { [self] result in
            switch result {
            case .success:
                queue.parking -= deliveries.size
                let due = deliveries.lazy.map(\.due).min() ?? clock.now
                // What is read of the queue just now may be from before.
                if queue.isDraining { queue.arrived = min(queue.arrived ?? due, due) }
                scheduleDrain(of: target, at: due)
            case .failure(let error):
                dispatcher.record(.storeFailed(error), target: target)
                guard error.code != .closed else { return }
                _ = clock.schedule(after: settings.storeRetryDelay) { [weak self] in
                    self?.tryPark(deliveries, on: queue)
                }
            }
        }
    }

    private func reschedule(_ changes: [Reschedule], on queue: TargetQueue) {
        store.reschedule(changes) { [self] result in
            // A delivery that could not be rescheduled is still filed under its old due time and comes up again then.
            if case .failure(let error) = result { dispatcher.record(.storeFailed(error), target: queue.target) }
        }
    }

    /// Sends dead letters; what cannot be written now goes back to the retry queue.
    func bury(_ letters: [DeadLetter], on queue: TargetQueue) {
        let fresh = letters.count { $0.attempt.source == .intake }
        queue.inFlight += letters.count
        queue.freshInFlight += fresh
        let freshBytes = letters.lazy.map(\.attempt).freshBytes
        queue.freshBytes += freshBytes
        let leaving = BacklogSize(count: UInt64(fresh), bytes: freshBytes)
        queue.leaving += leaving
        var isDrainStep = false
        if case .parked? = letters.first?.attempt.source { isDrainStep = true }
        if isDrainStep { queue.drainSteps += 1 }
        dispatcher.deadLetter(letters, target: queue.target) { [self] outcomes in
            precondition(outcomes.count == letters.count, "a dispatcher answers every dead letter")
            queue.inFlight -= letters.count
            queue.freshInFlight -= fresh
            queue.freshBytes -= min(queue.freshBytes, freshBytes)
            queue.leaving -= leaving
            var aftermath = Aftermath()
            var settled = 0
            for (letter, outcome) in zip(letters, outcomes) {
                switch outcome {
                case .settled:
                    settled += 1
                    if isDrainStep { queue.left(letter.attempt) }
                case .noQueue:
                    drop(letter, "the target has no dead-letter queue", on: queue, &aftermath)
                case .refused(let reason):
                    drop(letter, reason, on: queue, &aftermath)
                case .retryLater:
                    let due = clock.now + .seconds(30)
                    queue.trimsFrom = due
                    queue.hurriesTo = nil
                    postpone(letter.attempt, until: due, attempts: letter.attempt.attempts, letter.failure, &aftermath)
                }
            }
            if settled > 0 { dispatcher.record(.deadLettered(count: settled), target: queue.target) }
            apply(aftermath, on: queue, isBound: false)
            if isDrainStep { endDrainStep(queue) }
        }
    }

    private func drop(
        _ letter: DeadLetter,
        _ reason: String,
        on queue: TargetQueue,
        _ aftermath: inout Aftermath
    ) {
        let fact = DeliveryFact.dropped(ref: letter.attempt.ref, failure: letter.failure, reason: reason)
        dispatcher.record(fact, target: queue.target)
        if case .parked = letter.attempt.source { queue.left(letter.attempt) }
        Self.remove(letter.attempt, &aftermath.resolved, &aftermath.finished)
    }
}
