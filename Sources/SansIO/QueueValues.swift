/// Names one message of one queue; orders by the time of sending.
///
/// An event delivery uses its ``DeliveryRef`` (`major` event, `minor` target), so repeating the delivery after a crash
/// overwrites the message instead of adding another. Other messages take a fresh sequence and `minor` zero.
public struct MessageKey: Hashable, Comparable, Sendable {
    /// The store sequence of the event, or one of ``StorePort/nextSequence()``.
    public var major: UInt64
    /// The target revision's key, or zero.
    public var minor: UInt64

    /// Creates a key.
    public init(major: UInt64, minor: UInt64) {
        self.major = major
        self.minor = minor
    }

    /// The key of the message that a delivery produces.
    public init(_ ref: DeliveryRef) {
        self.init(major: ref.event, minor: ref.target)
    }

    /// Orders by sequence, then by target.
    public static func < (left: MessageKey, right: MessageKey) -> Bool {
        (left.major, left.minor) < (right.major, right.minor)
    }
}

/// A message on its way into a queue.
public struct QueueMessage: Sendable, Equatable {
    /// The message's key.
    public var key: MessageKey
    /// When it was sent; retention counts from here.
    public var sentAt: Timestamp
    /// When it first becomes visible.
    public var visibleAt: Timestamp
    /// Receipts so far: zero but for a message that moves from another queue.
    public var receiveCount: UInt32
    /// Body and attributes as the queue driver encodes them. Opaque to the store.
    public var content: [UInt8]

    /// Creates a message.
    public init(
        key: MessageKey,
        sentAt: Timestamp,
        visibleAt: Timestamp,
        receiveCount: UInt32 = 0,
        content: [UInt8]
    ) {
        self.key = key
        self.sentAt = sentAt
        self.visibleAt = visibleAt
        self.receiveCount = receiveCount
        self.content = content
    }
}

/// Messages for one queue, with the deliveries that are done once they are written.
public struct QueueSend: Sendable, Equatable {
    /// The queue's key, as the catalog assigned it.
    public var queue: UInt64
    /// The messages.
    public var messages: [QueueMessage]
    /// Intake deliveries that these messages resolve.
    public var settling: [DeliveryRef]
    /// Parked deliveries that these messages finish, in the same atomic write.
    public var finishing: [ParkedRef]
    /// True when a message may already be there from before a restart: a key that the queue holds is then left alone.
    public var mayRepeat: Bool
    /// True when completion must wait for the disk (an API call); false when the deliveries' intake records or parked
    /// rows still protect the messages until the store syncs.
    public var durable: Bool

    /// Creates a send.
    public init(
        queue: UInt64,
        messages: [QueueMessage],
        settling: [DeliveryRef] = [],
        finishing: [ParkedRef] = [],
        mayRepeat: Bool = false,
        durable: Bool
    ) {
        self.queue = queue
        self.messages = messages
        self.settling = settling
        self.finishing = finishing
        self.mayRepeat = mayRepeat
        self.durable = durable
    }
}

/// A message handed to a consumer.
public struct ReceivedMessage: Sendable, Equatable {
    /// The message's key.
    public var key: MessageKey
    /// When it was sent.
    public var sentAt: Timestamp
    /// Receipts, this one included.
    public var receiveCount: UInt32
    /// When it was received for the first time.
    public var firstReceivedAt: Timestamp
    /// Body and attributes as they were sent.
    public var content: [UInt8]

    /// Creates a receipt.
    public init(
        key: MessageKey,
        sentAt: Timestamp,
        receiveCount: UInt32,
        firstReceivedAt: Timestamp,
        content: [UInt8]
    ) {
        self.key = key
        self.sentAt = sentAt
        self.receiveCount = receiveCount
        self.firstReceivedAt = firstReceivedAt
        self.content = content
    }
}

/// What to do with messages that were received too often.
public struct QueueRedrive: Sendable, Equatable {
    /// A message whose receive count has reached this moves instead of being received.
    public var maxReceiveCount: UInt32
    /// The key of the dead-letter queue.
    public var deadLetterQueue: UInt64

    /// Creates a redrive rule.
    public init(maxReceiveCount: UInt32, deadLetterQueue: UInt64) {
        self.maxReceiveCount = maxReceiveCount
        self.deadLetterQueue = deadLetterQueue
    }
}

/// The outcome of a receive.
public struct QueueReceipt: Sendable, Equatable {
    /// The messages, at most as many as were asked for.
    public var messages: [ReceivedMessage]
    /// How many messages moved to the dead-letter queue on the way.
    public var redriven: Int
    /// When the next message becomes visible, if fewer came than were asked for and one is waiting.
    public var nextVisibleAt: Timestamp?

    /// Creates an outcome.
    public init(messages: [ReceivedMessage], redriven: Int = 0, nextVisibleAt: Timestamp? = nil) {
        self.messages = messages
        self.redriven = redriven
        self.nextVisibleAt = nextVisibleAt
    }
}

/// How many messages a queue holds.
public struct QueueCounts: Sendable, Equatable {
    /// Messages that a receive would return now.
    public var visible: UInt64
    /// Messages received and not yet visible again.
    public var inFlight: UInt64
    /// Messages that were never received and are not visible yet.
    public var delayed: UInt64

    /// Creates counts.
    public init(visible: UInt64, inFlight: UInt64, delayed: UInt64) {
        self.visible = visible
        self.inFlight = inFlight
        self.delayed = delayed
    }
}
