import SansIO

extension EmbeddedStore {
    /// Moves intake deliveries to their targets' retry queues.
    public func park(_ deliveries: [ParkedDelivery], completion: @escaping StoreCompletion<Void>) {
        submit(
            .whenWritten,
            isUrgent: false,
            { engine throws(StoreError) in try engine.park(deliveries) },
            completion: { [unowned self] result in
                if case .success = result {
                    for delivery in deliveries { _ = table.settle(delivery.ref, moved: true) }
                }
                completion(result)
            }
        )
    }

    /// Reads the deliveries of a target that are due, earliest first.
    public func due(
        target: UInt64,
        now: Timestamp,
        limit: Int,
        completion: @escaping StoreCompletion<[ParkedDelivery]>
    ) {
        submit(
            .whenWritten,
            { engine throws(StoreError) in try engine.due(target: target, now: now, limit: limit) },
            completion: completion
        )
    }

    /// The earliest due time of a target's retry queue.
    public func nextDue(target: UInt64, completion: @escaping StoreCompletion<Timestamp?>) {
        submit(
            .whenWritten,
            { engine throws(StoreError) in try engine.nextDue(target: target) },
            completion: completion
        )
    }

    /// Every target with a retry queue that is not empty.
    public func backlogTargets(completion: @escaping StoreCompletion<[TargetBacklog]>) {
        submit(.whenWritten, { engine throws(StoreError) in try engine.backlogTargets() }, completion: completion)
    }

    /// Files parked deliveries under new due times; those that are gone are passed over.
    public func reschedule(_ changes: [Reschedule], completion: @escaping StoreCompletion<Void>) {
        submit(
            .whenWritten,
            isUrgent: false,
            { engine throws(StoreError) in try engine.reschedule(changes) },
            completion: completion
        )
    }

    /// Removes parked deliveries that are done; those that are gone are passed over.
    public func finish(_ parked: [ParkedRef]) {
        submit { engine throws(StoreError) in try engine.finish(parked.lazy.map(\.ref)) }
    }

    /// Reads the oldest deliveries of a target's retry queue.
    public func oldest(
        target: UInt64,
        after: UInt64?,
        acceptedBefore: Timestamp,
        limit: Int,
        completion: @escaping StoreCompletion<[ParkedDelivery]>
    ) {
        submit(
            .whenWritten,
            { engine throws(StoreError) in
                try engine.oldest(target: target, after: after, acceptedBefore: acceptedBefore, limit: limit)
            },
            completion: completion
        )
    }

    /// Removes the oldest deliveries of a target's retry queue.
    public func expire(target: UInt64, acceptedBefore: Timestamp, completion: @escaping StoreCompletion<BacklogSize>) {
        submit(
            .whenWritten,
            { engine throws(StoreError) in try engine.expire(target: target, acceptedBefore: acceptedBefore) },
            completion: completion
        )
    }

    /// Removes the whole retry queue of a target.
    public func dropTarget(_ target: UInt64, completion: @escaping StoreCompletion<UInt64>) {
        submit(
            .whenSynchronised,
            { engine throws(StoreError) in try engine.dropTarget(target) },
            completion: completion
        )
    }
}
