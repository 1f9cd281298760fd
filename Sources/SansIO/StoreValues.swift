/// Names one delivery: one accepted event on its way to one target.
///
/// References order by event, then target, which is the order of acceptance.
public struct DeliveryRef: Hashable, Comparable, Sendable {
    /// The event's store sequence: unique and rising within one store, also across restarts. Never zero.
    public var event: UInt64
    /// The target revision's key, as the catalog assigned it. Never zero.
    public var target: UInt64

    /// Creates a reference.
    public init(event: UInt64, target: UInt64) {
        self.event = event
        self.target = target
    }

    /// Orders by event, then by target.
    public static func < (left: DeliveryRef, right: DeliveryRef) -> Bool {
        (left.event, left.target) < (right.event, right.target)
    }
}

/// An accepted event and the targets that must get it: what ``StorePort/append(_:settling:completion:)`` makes durable.
public struct IntakeRecord: Sendable, Equatable {
    /// When the event was accepted; retry ages count from here.
    public var acceptedAt: Timestamp
    /// The event as the drivers encode it. Opaque to the store.
    public var event: [UInt8]
    /// Keys of the target revisions, at least one, without repeats.
    public var targets: [UInt64]

    /// Creates a record.
    public init(acceptedAt: Timestamp, event: [UInt8], targets: [UInt64]) {
        self.acceptedAt = acceptedAt
        self.event = event
        self.targets = targets
    }
}

/// An intake record found unresolved at start.
public struct RecoveredRecord: Sendable, Equatable {
    /// The event's store sequence.
    public var sequence: UInt64
    /// When the event was accepted.
    public var acceptedAt: Timestamp
    /// The event's bytes as they were appended.
    public var event: [UInt8]
    /// The targets whose delivery is not known to be resolved.
    public var targets: [UInt64]

    /// Creates a record.
    public init(sequence: UInt64, acceptedAt: Timestamp, event: [UInt8], targets: [UInt64]) {
        self.sequence = sequence
        self.acceptedAt = acceptedAt
        self.event = event
        self.targets = targets
    }
}

/// A delivery in a target's retry queue.
public struct ParkedDelivery: Sendable, Equatable {
    /// Which delivery this is.
    public var ref: DeliveryRef
    /// When the next attempt is due.
    public var due: Timestamp
    /// How many attempts were made so far.
    public var attempts: UInt32
    /// When the event was accepted.
    public var acceptedAt: Timestamp
    /// The event's bytes as they were appended.
    public var event: [UInt8]
    /// What the driver wants to remember, e.g. the last error. Opaque to the store and small.
    public var state: [UInt8]

    /// Creates a parked delivery.
    public init(
        ref: DeliveryRef,
        due: Timestamp,
        attempts: UInt32,
        acceptedAt: Timestamp,
        event: [UInt8],
        state: [UInt8]
    ) {
        self.ref = ref
        self.due = due
        self.attempts = attempts
        self.acceptedAt = acceptedAt
        self.event = event
        self.state = state
    }
}

/// Points at a parked delivery: its reference and the due time it is filed under.
public struct ParkedRef: Hashable, Sendable {
    /// Which delivery.
    public var ref: DeliveryRef
    /// The due time under which the store holds it.
    public var due: Timestamp

    /// Creates a pointer.
    public init(ref: DeliveryRef, due: Timestamp) {
        self.ref = ref
        self.due = due
    }
}

/// A new due time for a parked delivery after a failed attempt.
public struct Reschedule: Sendable, Equatable {
    /// Which delivery, filed under its present due time.
    public var parked: ParkedRef
    /// The new due time.
    public var due: Timestamp
    /// Attempts made so far, the failed one included.
    public var attempts: UInt32
    /// When the event was accepted, as in the parked delivery.
    public var acceptedAt: Timestamp
    /// The driver's new note.
    public var state: [UInt8]

    /// Creates a change.
    public init(parked: ParkedRef, due: Timestamp, attempts: UInt32, acceptedAt: Timestamp, state: [UInt8]) {
        self.parked = parked
        self.due = due
        self.attempts = attempts
        self.acceptedAt = acceptedAt
        self.state = state
    }
}

/// How much one target's retry queue holds.
public struct TargetBacklog: Sendable, Equatable {
    /// The target revision's key.
    public var target: UInt64
    /// How many deliveries are parked, and the bytes of their events; exact, after a crash too.
    public var size: BacklogSize
    /// The earliest due time.
    public var nextDue: Timestamp

    /// Creates a summary.
    public init(target: UInt64, size: BacklogSize, nextDue: Timestamp) {
        self.target = target
        self.size = size
        self.nextDue = nextDue
    }
}

/// A number of deliveries, with the bytes of their events as the drivers encode them.
///
/// An event with several targets counts for each of them. What a store needs besides is not in it.
public struct BacklogSize: Sendable, Equatable {
    /// Deliveries.
    public var count: UInt64
    /// Bytes of their events.
    public var bytes: UInt64

    /// Nothing.
    public static let zero = BacklogSize(count: 0, bytes: 0)

    /// Creates a size.
    public init(count: UInt64, bytes: UInt64) {
        self.count = count
        self.bytes = bytes
    }

    /// Adds two sizes.
    public static func + (left: BacklogSize, right: BacklogSize) -> BacklogSize {
        BacklogSize(count: left.count + right.count, bytes: left.bytes + right.bytes)
    }

    /// Adds a size in place.
    public static func += (left: inout BacklogSize, right: BacklogSize) { left = left + right }

    /// Takes a size away as far as there is one; neither number goes below zero.
    public static func -= (left: inout BacklogSize, right: BacklogSize) {
        left.count -= min(left.count, right.count)
        left.bytes -= min(left.bytes, right.bytes)
    }
}

/// One configuration entry. Revisions rise with every change of the entry and start at 1.
public struct ConfigurationEntry: Sendable, Equatable {
    /// The entry's key; keys order by their UTF-8 bytes.
    public var key: String
    /// The value's bytes.
    public var value: [UInt8]
    /// The revision of this value.
    public var revision: UInt64

    /// Creates an entry.
    public init(key: String, value: [UInt8], revision: UInt64) {
        self.key = key
        self.value = value
        self.revision = revision
    }
}

/// One change of a configuration write.
public struct ConfigurationChange: Sendable, Equatable {
    /// The entry's key.
    public var key: String
    /// The new value, or nil to remove the entry.
    public var value: [UInt8]?
    /// The revision the entry must have now: 0 when it must not exist, nil when any will do.
    public var expectedRevision: UInt64?

    /// Creates a change.
    public init(key: String, value: [UInt8]?, expectedRevision: UInt64? = nil) {
        self.key = key
        self.value = value
        self.expectedRevision = expectedRevision
    }
}

/// Why a store operation failed. After a failure nothing of the operation has been done, unless the case says otherwise.
public struct StoreError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The kinds of failure.
    public enum Code: String, Sendable {
        /// The disk is full, or a configured size limit is reached. May pass.
        case full
        /// The engine or the disk failed. Whether the operation took effect is not known.
        case failed
        /// A configuration entry did not have the expected revision.
        case conflict
        /// The data on disk is not what the store wrote.
        case corrupt
        /// The store is closed, or closing.
        case closed
    }

    /// The kind of failure.
    public var code: Code
    /// What happened, for a person.
    public var message: String

    /// Creates an error.
    public init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    /// Code and message.
    public var description: String { "\(code.rawValue): \(message)" }

    /// Errors are equal when their codes are.
    public static func == (left: StoreError, right: StoreError) -> Bool { left.code == right.code }
}
