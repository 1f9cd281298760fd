import SansIO

extension EmbeddedStore {
    /// Writes messages to a queue, and finishes or settles the deliveries that they replace.
    public func send(_ send: QueueSend, completion: @escaping StoreCompletion<Void>) {
        // The keys of other sends are deliveries that were accepted.
        if send.durable, let unreserved { return later { completion(.failure(unreserved)) } }
        submit(
            send.durable ? .whenSynchronised : .inSendOrder,
            isUrgent: send.durable,
            { engine throws(StoreError) in try engine.send(send) },
            completion: { [unowned self] result in
                if case .success = result { settle(send.settling) }
                completion(result)
            }
        )
    }

    /// Receives visible messages and hides them for a while.
    public func receive(
        queue: UInt64,
        now: Timestamp,
        limit: Int,
        hiddenUntil: Timestamp,
        redrive: QueueRedrive?,
        completion: @escaping StoreCompletion<QueueReceipt>
    ) {
        submit(
            .whenWritten,
            { engine throws(StoreError) in
                try engine.receive(
                    queue: queue,
                    now: now,
                    limit: limit,
                    hiddenUntil: hiddenUntil,
                    redrive: redrive
                )
            },
            completion: completion
        )
    }

    /// Deletes messages durably.
    public func delete(queue: UInt64, keys: [MessageKey], completion: @escaping StoreCompletion<[Bool]>) {
        submit(
            .whenSynchronised,
            { engine throws(StoreError) in try engine.delete(queue: queue, keys: keys) },
            completion: completion
        )
    }

    /// Changes when a message in flight becomes visible again.
    public func changeVisibility(
        queue: UInt64,
        key: MessageKey,
        now: Timestamp,
        visibleAt: Timestamp,
        completion: @escaping StoreCompletion<Bool>
    ) {
        submit(
            .whenWritten,
            { engine throws(StoreError) in
                try engine.changeVisibility(queue: queue, key: key, now: now, visibleAt: visibleAt)
            },
            completion: completion
        )
    }

    /// Removes every message of a queue.
    public func purge(queue: UInt64, completion: @escaping StoreCompletion<Void>) {
        submit(
            .whenSynchronised,
            { engine throws(StoreError) in try engine.purge(queue: queue) },
            completion: completion
        )
    }

    /// Removes messages sent before a time, in whatever order they were sent.
    public func expireMessages(queue: UInt64, sentBefore: Timestamp, completion: @escaping StoreCompletion<UInt64>) {
        submit(
            .whenWritten,
            { engine throws(StoreError) in try engine.expireMessages(queue: queue, sentBefore: sentBefore) },
            completion: completion
        )
    }

    /// Counts a queue's messages.
    public func counts(queue: UInt64, now: Timestamp, completion: @escaping StoreCompletion<QueueCounts>) {
        submit(
            .whenWritten,
            { engine throws(StoreError) in try engine.counts(queue: queue, now: now) },
            completion: completion
        )
    }

    /// Reads configuration entries by prefix.
    public func configuration(prefix: String, completion: @escaping StoreCompletion<[ConfigurationEntry]>) {
        submit(
            .whenWritten,
            { engine throws(StoreError) in try engine.configuration(prefix: prefix) },
            completion: completion
        )
    }

    /// Applies configuration changes, all or none.
    public func configure(_ changes: [ConfigurationChange], completion: @escaping StoreCompletion<Void>) {
        if let unreserved { return later { completion(.failure(unreserved)) } }
        submit(
            .whenSynchronised,
            { engine throws(StoreError) in try engine.configure(changes) },
            completion: completion
        )
    }
}
