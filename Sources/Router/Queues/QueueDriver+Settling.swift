import EventModel
import SansIO

extension QueueDriver {
    /// Deletes messages; completes with whether each was there.
    public func delete(
        _ keys: [MessageKey],
        from queue: QueueKey,
        completion: @escaping (Result<[Bool], QueueFault>) -> Void
    ) {
        guard let state = queues[queue] else { return completion(.failure(.noSuchQueue)) }
        store.delete(queue: state.queue.number, keys: keys) { [self] result in
            if case .success(let found) = result {
                let count = found.count { $0 }
                statistics.deleted += UInt64(count)
                state.inFlight = max(0, state.inFlight - count)
            }
            completion(result.mapError { .store($0) })
        }
    }

    /// Changes how long from now a message in flight stays hidden; completes with false when it is not in flight.
    public func changeVisibility(
        of key: MessageKey,
        in queue: QueueKey,
        to timeout: Duration,
        completion: @escaping (Result<Bool, QueueFault>) -> Void
    ) {
        guard let state = queues[queue] else { return completion(.failure(.noSuchQueue)) }
        let now = clock.now
        store.changeVisibility(queue: state.queue.number, key: key, now: now, visibleAt: now + timeout) {
            [self] result in
            if case .success(true) = result {
                if timeout <= .zero { state.inFlight = max(0, state.inFlight - 1) }
                wake(state)
            }
            completion(result.mapError { .store($0) })
        }
    }

    /// Removes every message of a queue. Fails with ``QueueFault/purgeInProgress`` less than a minute after the last time;
    /// a restart forgets that time.
    public func purge(_ queue: QueueKey, completion: @escaping (Result<Void, QueueFault>) -> Void) {
        guard let state = queues[queue] else { return completion(.failure(.noSuchQueue)) }
        let now = clock.now
        if let purgedAt = state.purgedAt, now < purgedAt + limits.purgeInterval {
            return completion(.failure(.purgeInProgress))
        }
        state.purgedAt = now
        store.purge(queue: state.queue.number) { result in
            switch result {
            case .success: state.inFlight = 0
            case .failure: state.purgedAt = nil
            }
            completion(result.mapError { .store($0) })
        }
    }

    /// Counts the messages of a queue.
    public func counts(of queue: QueueKey, completion: @escaping (Result<QueueCounts, QueueFault>) -> Void) {
        guard let state = queues[queue] else { return completion(.failure(.noSuchQueue)) }
        store.counts(queue: state.queue.number, now: clock.now) { result in
            completion(result.mapError { .store($0) })
        }
    }

    func scheduleSweep() {
        guard !isShutDown, sweepTimer == nil else { return }
        sweepTimer = clock.schedule(after: limits.sweepInterval) { [weak self] in
            guard let self else { return }
            sweepTimer = nil
            sweep(queuesByNumber.keys.sorted(), from: 0)
        }
    }

    /// Expires messages of one queue and then of the next: one store operation at a time, so that a sweep over many
    /// queues does not crowd out other work.
    private func sweep(_ numbers: [UInt64], from start: Int) {
        guard !isShutDown else { return }
        var index = start
        while index < numbers.count, queuesByNumber[numbers[index]] == nil { index += 1 }
        guard index < numbers.count, let state = queuesByNumber[numbers[index]] else { return scheduleSweep() }
        expire(state) { [weak self, index] in self?.sweep(numbers, from: index + 1) }
    }

    /// Removes the messages of one queue that are past their retention.
    func expire(_ state: QueueState, then: @escaping () -> Void) {
        let bound = clock.now + (.zero - state.queue.attributes.retention)
        store.expireMessages(queue: state.queue.number, sentBefore: bound) { [weak self] result in
            if case .success(let count) = result { self?.statistics.expired += count }
            then()
        }
    }
}
