import SansIO

extension QueueDriver {
    /// Completes with how many messages a receive may take, after counting anew when the estimate is at the limit.
    func admit(_ waiter: QueueWaiter, _ completion: @escaping (Result<Int, QueueFault>) -> Void) {
        let state = waiter.state
        let limit = limits.inFlightPerQueue
        guard state.inFlight >= limit else {
            return completion(.success(min(waiter.limit, limit - state.inFlight)))
        }
        store.counts(queue: state.queue.number, now: clock.now) { result in
            switch result {
            case .failure(let error): completion(.failure(.store(error)))
            case .success(let counts):
                state.inFlight = Int(min(counts.inFlight, UInt64(Int32.max)))
                guard state.inFlight < limit else {
                    return completion(.failure(.overLimit(inFlight: state.inFlight)))
                }
                completion(.success(min(waiter.limit, limit - state.inFlight)))
            }
        }
    }

    /// The redrive rule in force for a queue: none while the dead-letter queue does not exist.
    func redrive(of state: QueueState) -> QueueRedrive? {
        guard let policy = state.queue.attributes.redrive, let target = self.state(of: policy.deadLetterTarget),
            target !== state
        else { return nil }
        return QueueRedrive(
            maxReceiveCount: UInt32(policy.maxReceiveCount),
            deadLetterQueue: target.queue.number
        )
    }

    /// Counts messages that a receive moved away and wakes those who wait for them.
    func noteRedriven(_ count: Int, from state: QueueState) {
        guard count > 0 else { return }
        statistics.redriven += UInt64(count)
        if let policy = state.queue.attributes.redrive, let target = self.state(of: policy.deadLetterTarget) {
            wake(target)
        }
    }

    /// Makes messages visible again that were received for nobody.
    func handBack(_ keys: [MessageKey], to state: QueueState) {
        for key in keys {
            let now = clock.now
            store.changeVisibility(queue: state.queue.number, key: key, now: now, visibleAt: now) {
                [weak self] result in
                guard case .success(true) = result else { return }
                state.inFlight = max(0, state.inFlight - 1)
                self?.wake(state)
            }
        }
    }

    /// Sees to it that the receives that wait look again when the next message becomes visible.
    func arm(_ state: QueueState, at instant: Timestamp) {
        cancelWakeTimer(state)
        guard !state.isRemoved, !isShutDown else { return }
        let delay = max(.milliseconds(1), instant - clock.now)
        state.wakeTimer = clock.schedule(after: delay) { [weak self] in
            state.wakeTimer = nil
            self?.wake(state)
        }
    }

    func cancelWakeTimer(_ state: QueueState) {
        if let timer = state.wakeTimer { clock.cancel(timer) }
        state.wakeTimer = nil
    }
}
