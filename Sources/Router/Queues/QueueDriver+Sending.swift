import EventModel
import SansIO

/// A message as its sender hands it over.
public struct OutgoingMessage: Sendable, Equatable {
    /// The body, UTF-8.
    public var body: [UInt8]
    /// User attributes.
    public var attributes: [MessageAttribute]
    /// The `AWSTraceHeader` system attribute.
    public var traceHeader: String?
    /// The `MessageGroupId`.
    public var groupID: String?
    /// How long the message stays hidden; nil for the queue's own delay.
    public var delay: Duration?
    /// Who sends, as `SenderId` shows.
    public var sender: String

    /// Creates a message.
    public init(
        body: [UInt8],
        attributes: [MessageAttribute] = [],
        traceHeader: String? = nil,
        groupID: String? = nil,
        delay: Duration? = nil,
        sender: String
    ) {
        self.body = body
        self.attributes = attributes
        self.traceHeader = traceHeader
        self.groupID = groupID
        self.delay = delay
        self.sender = sender
    }
}

/// One event delivery to a queue.
public struct QueueDelivery: Sendable {
    /// Which delivery; it names the message too, so that a repeat does not add another.
    public var ref: DeliveryRef
    /// The payload, UTF-8; of an event that goes as it is, the bytes in which it is kept.
    public var payload: ArraySlice<UInt8>
    /// String attributes, such as those of a dead letter (spec: control §10.3).
    public var attributes: [(name: String, value: String)]
    /// The event's trace header (spec: patterns §1.10).
    public var traceHeader: String?
    /// When the event was accepted.
    public var acceptedAt: Timestamp

    /// Creates a delivery.
    public init(
        ref: DeliveryRef,
        payload: ArraySlice<UInt8>,
        attributes: [(name: String, value: String)] = [],
        traceHeader: String? = nil,
        acceptedAt: Timestamp
    ) {
        self.ref = ref
        self.payload = payload
        self.attributes = attributes
        self.traceHeader = traceHeader
        self.acceptedAt = acceptedAt
    }
}

extension QueueDriver {
    /// The `SenderId` of messages that are event deliveries.
    public static let deliverySender = "events.amazonaws.com"

    /// Sends messages to a queue in one durable write; completes with their ids in order.
    ///
    /// Sizes are the caller's to check.
    public func send(
        _ messages: [OutgoingMessage],
        to key: QueueKey,
        completion: @escaping (Result<[MessageID], QueueFault>) -> Void
    ) {
        guard let state = queues[key] else { return completion(.failure(.noSuchQueue)) }
        let now = clock.now
        var ids: [MessageID] = []
        var stored: [QueueMessage] = []
        for message in messages {
            let content = QueueMessageContent(
                id: MessageID(using: &generator),
                home: state.arn,
                sender: message.sender,
                traceHeader: message.traceHeader,
                groupID: message.groupID,
                attributes: message.attributes,
                body: message.body
            )
            ids.append(content.id)
            stored.append(
                QueueMessage(
                    key: MessageKey(major: store.nextSequence(), minor: 0),
                    sentAt: now,
                    visibleAt: now + (message.delay ?? state.queue.attributes.delay),
                    content: content.encoded
                )
            )
        }
        store.send(QueueSend(queue: state.queue.number, messages: stored, durable: true)) { [self] result in
            wake(state)
            if case .success = result { statistics.sent += UInt64(stored.count) }
            completion(result.map { ids }.mapError { .store($0) })
        }
    }

    /// Puts event deliveries into a queue in one write, not synchronised on its own: the deliveries' intake records or
    /// parked rows protect them until the store syncs.
    ///
    /// - Parameters:
    ///   - batch: the deliveries; either all are written or none.
    ///   - queue: the queue's ARN.
    ///   - settling: intake deliveries that the batch resolves.
    ///   - finishing: parked deliveries that the batch finishes.
    ///   - mayRepeat: true when the queue may hold a message of the batch from before a restart.
    ///   - completion: receives the outcome.
    public func deliver(
        _ batch: [QueueDelivery],
        to queue: ARN,
        settling: [DeliveryRef],
        finishing: [ParkedRef],
        mayRepeat: Bool,
        completion: @escaping (Result<Void, QueueDeliveryFault>) -> Void
    ) {
        guard let state = state(of: queue) else { return completion(.failure(.noSuchQueue)) }
        let now = clock.now
        let limit = min(state.queue.attributes.maximumMessageBytes, quotas.queueMessageBytes)
        let visibleAt = now + state.queue.attributes.delay
        var tooLarge: [DeliveryRef] = []
        var stored: [QueueMessage] = []
        stored.reserveCapacity(batch.count)
        var age: Int64 = 0
        for delivery in batch {
            let attributes = delivery.attributes.map {
                MessageAttribute(name: $0.name, dataType: "String", value: .text($0.value))
            }
            guard attributes.reduce(delivery.payload.count, { $0 + $1.byteCount }) <= limit else {
                tooLarge.append(delivery.ref)
                continue
            }
            let content = QueueMessageContent(
                id: MessageID(using: &generator),
                home: state.arn,
                sender: Self.deliverySender,
                traceHeader: delivery.traceHeader,
                attributes: attributes,
                body: []
            )
            let key = MessageKey(delivery.ref)
            let bytes = content.encoded(body: delivery.payload)
            stored.append(QueueMessage(key: key, sentAt: now, visibleAt: visibleAt, content: bytes))
            age += max(0, (now - delivery.acceptedAt).milliseconds)
        }
        guard tooLarge.isEmpty else { return completion(.failure(.tooLarge(refs: tooLarge, limit: limit))) }
        let send = QueueSend(
            queue: state.queue.number,
            messages: stored,
            settling: settling,
            finishing: finishing,
            mayRepeat: mayRepeat,
            durable: false
        )
        store.send(send) { [self] result in
            wake(state)
            if case .success = result {
                statistics.sent += UInt64(stored.count)
                statistics.delivered += UInt64(stored.count)
                statistics.deliveryMilliseconds += UInt64(age)
            }
            completion(result.mapError { .store($0) })
        }
    }
}
