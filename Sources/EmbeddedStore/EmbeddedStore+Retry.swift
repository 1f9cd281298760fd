import SansIO

extension EmbeddedStore {
    public func park(_ deliveries: [ParkedDelivery], completion: @escaping StoreCompletion<Void>) {
        submit(
            .whenWritten,
            { engine throws(StoreError) in try engine.park(deliveries) },
            completion: { [self] result in
                if case .success = result {
                    for delivery in deliveries { _ = table.settle(delivery.ref) }
                }
                completion(result)
            }
        )
    }

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

    public func nextDue(target: UInt64, completion: @escaping StoreCompletion<Timestamp?>) {
        submit(
            .whenWritten,
            { engine throws(StoreError) in try engine.nextDue(target: target) },
            completion: completion
        )
    }

    public func backlogTargets(completion: @escaping StoreCompletion<[TargetBacklog]>) {
        submit(.whenWritten, { engine throws(StoreError) in try engine.backlogTargets() }, completion: completion)
    }

    public func reschedule(_ changes: [Reschedule], completion: @escaping StoreCompletion<Void>) {
        submit(
            .whenWritten,
            { engine throws(StoreError) in try engine.reschedule(changes) },
            completion: completion
        )
    }

    public func finish(_ parked: [ParkedRef]) {
        submit { engine throws(StoreError) in try engine.finish(parked.lazy.map(\.ref)) }
    }

    public func oldest(
        target: UInt64,
        acceptedBefore: Timestamp,
        limit: Int,
        completion: @escaping StoreCompletion<[ParkedDelivery]>
    ) {
        submit(
            .whenWritten,
            { engine throws(StoreError) in
                try engine.oldest(target: target, acceptedBefore: acceptedBefore, limit: limit)
            },
            completion: completion
        )
    }

    public func expire(target: UInt64, acceptedBefore: Timestamp, completion: @escaping StoreCompletion<UInt64>) {
        submit(
            .whenWritten,
            { engine throws(StoreError) in try engine.expire(target: target, acceptedBefore: acceptedBefore) },
            completion: completion
        )
    }

    public func dropTarget(_ target: UInt64, completion: @escaping StoreCompletion<UInt64>) {
        submit(
            .whenSynchronised,
            { engine throws(StoreError) in try engine.dropTarget(target) },
            completion: completion
        )
    }
}
