import EventModel
import SansIO

/// A change of one attribute: a new value, or nil to go back to the default.
public typealias QueueAttributeChange = (name: String, value: String?)

extension QueueDriver {
    static let removalPrefix = "queue-removal/"

    /// Creates a queue, or returns the one of that name if every given attribute has the given value there.
    ///
    /// Fails with ``QueueFault/attributeDiffers(_:)`` or ``QueueFault/tooManyQueues(limit:)``.
    public func create(
        _ key: QueueKey,
        attributes: [QueueAttribute],
        tags: [QueueTag],
        completion: @escaping (Result<Queue, QueueFault>) -> Void
    ) {
        change(completion) { [self] done in
            if let existing = queues[key]?.queue {
                for attribute in attributes {
                    let value = existing.attributes.effective(attribute.name) ?? ""
                    guard value.utf8.elementsEqual(attribute.value.utf8) else {
                        return done(.failure(.attributeDiffers(attribute.name)))
                    }
                }
                return done(.success(existing))
            }
            let held = names[QueueTenant(region: key.region, account: key.account)]?.count ?? 0
            guard held < quotas.queuesPerAccount else {
                return done(.failure(.tooManyQueues(limit: quotas.queuesPerAccount)))
            }
            var queue = Queue(
                key: key,
                number: store.nextSequence(),
                createdAt: clock.now,
                modifiedAt: clock.now,
                attributes: QueueAttributes(attributes.filter { !$0.value.isEmpty }),
                tags: []
            )
            queue.add(tags)
            guard queue.tags.count <= quotas.tagsPerResource else {
                return done(.failure(.tooManyTags(limit: quotas.tagsPerResource)))
            }
            let entry = ConfigurationChange(
                key: key.configurationKey,
                value: queue.configuration,
                expectedRevision: 0
            )
            store.configure([entry]) { [self] result in
                done(result.map { install(queue, inFlight: 0) }.map { queue }.mapError { .store($0) })
            }
        }
    }

    /// Sets attributes of a queue, or takes them back.
    public func update(
        _ key: QueueKey,
        attributes changed: [QueueAttributeChange],
        completion: @escaping (Result<Void, QueueFault>) -> Void
    ) {
        modify(key, completion) { [self] queue in
            for attribute in changed {
                queue.attributes[attribute.name] = attribute.value
            }
            queue.modifiedAt = clock.now
        }
    }

    /// Adds tags to a queue; a key that is there takes the new value.
    public func tag(
        _ key: QueueKey,
        _ tags: [QueueTag],
        completion: @escaping (Result<Void, QueueFault>) -> Void
    ) {
        modify(key, completion) { queue in queue.add(tags) }
    }

    /// Removes tags from a queue; keys that are not there do no harm.
    public func untag(
        _ key: QueueKey,
        _ tagKeys: [String],
        completion: @escaping (Result<Void, QueueFault>) -> Void
    ) {
        modify(key, completion) { queue in
            for tagKey in tagKeys { queue.remove(tagNamed: tagKey) }
        }
    }

    /// Deletes a queue with its messages. Receives that wait on it fail with ``QueueFault/noSuchQueue``.
    public func remove(_ key: QueueKey, completion: @escaping (Result<Void, QueueFault>) -> Void) {
        change(completion) { [self] done in
            guard let state = queues[key] else { return done(.failure(.noSuchQueue)) }
            let number = state.queue.number
            // The note makes sure that the messages go, even when the node stops between the two writes.
            let entries = [
                ConfigurationChange(key: key.configurationKey, value: nil),
                ConfigurationChange(key: "\(Self.removalPrefix)\(number)", value: Array("{}".utf8)),
            ]
            store.configure(entries) { [self] result in
                if case .failure(let error) = result { return done(.failure(.store(error))) }
                uninstall(state)
                purgeRemoved(number)
                done(.success(()))
            }
        }
    }

    func install(_ queue: Queue, inFlight: Int) {
        let state = QueueState(queue, inFlight: inFlight)
        queues[queue.key] = state
        queuesByNumber[queue.number] = state
        let tenant = QueueTenant(region: queue.key.region, account: queue.key.account)
        var held = names[tenant] ?? []
        let index = Self.position(of: queue.key.name, in: held)
        names[tenant] = nil  // so that the insertion does not copy the array
        held.insert(queue.key.name, at: index)
        names[tenant] = held
        statistics.queues = queues.count
    }

    private func uninstall(_ state: QueueState) {
        let key = state.queue.key
        state.isRemoved = true
        queues[key] = nil
        queuesByNumber[state.queue.number] = nil
        forgetMoves(from: state)
        let tenant = QueueTenant(region: key.region, account: key.account)
        names[tenant]?.removeAll { $0.utf8.elementsEqual(key.name.utf8) }
        if names[tenant]?.isEmpty == true { names[tenant] = nil }
        statistics.queues = queues.count
        if let timer = state.wakeTimer { clock.cancel(timer) }
        state.wakeTimer = nil
        for waiter in state.waiters {
            finish(waiter, .failure(.noSuchQueue))
        }
    }

    /// Removes the messages of a queue that has left the catalog, then the note that asked for it.
    func purgeRemoved(_ number: UInt64) {
        store.purge(queue: number) { [self] result in
            // After a failure the note stays, and the next start tries again.
            guard case .success = result else { return }
            store.configure([ConfigurationChange(key: "\(Self.removalPrefix)\(number)", value: nil)]) { _ in }
        }
    }

    private func modify(
        _ key: QueueKey,
        _ completion: @escaping (Result<Void, QueueFault>) -> Void,
        _ edit: @escaping (inout Queue) -> Void
    ) {
        change(completion) { [self] done in
            guard let state = queues[key] else { return done(.failure(.noSuchQueue)) }
            var queue = state.queue
            edit(&queue)
            guard queue.tags.count <= max(quotas.tagsPerResource, state.queue.tags.count) else {
                return done(.failure(.tooManyTags(limit: quotas.tagsPerResource)))
            }
            let entry = ConfigurationChange(key: key.configurationKey, value: queue.configuration)
            store.configure([entry]) { result in
                if case .success = result { state.queue = queue }
                done(result.mapError { .store($0) })
            }
        }
    }

    /// Runs one catalog change after those before it are done. `body` must call its argument exactly once.
    private func change<Value>(
        _ completion: @escaping (Result<Value, QueueFault>) -> Void,
        _ body: @escaping (@escaping (Result<Value, QueueFault>) -> Void) -> Void
    ) {
        guard changes.count < limits.pendingChanges else { return completion(.failure(.busy)) }
        changes.append {
            body { [self] result in
                isChanging = false
                completion(result)
                runNextChange()
            }
        }
        runNextChange()
    }

    private func runNextChange() {
        guard !isChanging, !changes.isEmpty else { return }
        isChanging = true
        changes.removeFirst()()
    }

    private static func position(of name: String, in names: [String]) -> Int {
        var low = 0
        var high = names.count
        while low < high {
            let middle = (low + high) / 2
            if names[middle].utf8.lexicographicallyPrecedes(name.utf8) { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
