import EventModel

/// One attribute of a queue, both sides as the client wrote them.
public struct QueueAttribute: Sendable, Equatable {
    /// The name, e.g. `VisibilityTimeout`.
    public var name: String
    /// The value; texts such as policies are kept byte for byte.
    public var value: String

    /// Creates an attribute.
    public init(_ name: String, _ value: String) {
        self.name = name
        self.value = value
    }
}

/// The attributes that were set on a queue, with the figures that the driver needs read once.
///
/// Spec: control §13.2. Ranges are checked by whoever sets a value; a value that cannot be read counts as its default.
public struct QueueAttributes: Sendable, Equatable {
    /// What was set, by name.
    public private(set) var values: [QueueAttribute] = []
    /// How long a received message stays hidden unless the receiver says otherwise.
    public private(set) var visibilityTimeout = Duration.seconds(30)
    /// How long a new message stays hidden unless the sender says otherwise.
    public private(set) var delay = Duration.zero
    /// How long a message is kept from its sending on.
    public private(set) var retention = Duration.seconds(345_600)
    /// How long a receive waits unless the receiver says otherwise.
    public private(set) var receiveWait = Duration.zero
    /// Bytes that a message with its attributes may have.
    public private(set) var maximumMessageBytes = 1_048_576
    /// Where messages go that were received too often, if that was set.
    public private(set) var redrive: RedrivePolicy?
    /// Which queues may name this one as their dead-letter queue, if that was set.
    public private(set) var redriveAllow: RedriveAllowPolicy?

    /// The attributes of a queue of which nothing was set.
    public init() {}

    /// Attributes from names and values; a name that comes twice takes its last value.
    public init(_ attributes: [QueueAttribute]) {
        for attribute in attributes {
            self[attribute.name] = attribute.value
        }
    }

    /// The policy text, if one was set.
    public var policy: String? { self["Policy"] }

    /// The value that was set under a name, or nil. Setting nil goes back to the default.
    public subscript(name: String) -> String? {
        get {
            values.first { $0.name.utf8.elementsEqual(name.utf8) }?.value
        }
        set {
            values.removeAll { $0.name.utf8.elementsEqual(name.utf8) }
            if let newValue {
                let index = values.firstIndex { name.utf8.lexicographicallyPrecedes($0.name.utf8) } ?? values.count
                values.insert(QueueAttribute(name, newValue), at: index)
            }
            derive(name, newValue)
        }
    }

    /// The value in force under a name: what was set or the default; nil for attributes without a default.
    public func effective(_ name: String) -> String? {
        if let value = self[name] { return value }
        switch name {
        case "DelaySeconds", "ReceiveMessageWaitTimeSeconds": return "0"
        case "MaximumMessageSize": return "1048576"
        case "MessageRetentionPeriod": return "345600"
        case "VisibilityTimeout": return "30"
        case "SqsManagedSseEnabled": return self["KmsMasterKeyId"] == nil ? "true" : "false"
        default: return nil
        }
    }

    private mutating func derive(_ name: String, _ value: String?) {
        switch name {
        case "VisibilityTimeout": visibilityTimeout = Self.seconds(value, default: 30)
        case "DelaySeconds": delay = Self.seconds(value, default: 0)
        case "MessageRetentionPeriod": retention = Self.seconds(value, default: 345_600)
        case "ReceiveMessageWaitTimeSeconds": receiveWait = Self.seconds(value, default: 0)
        case "MaximumMessageSize": maximumMessageBytes = value.flatMap { Int($0) } ?? 1_048_576
        case "RedrivePolicy": redrive = value.flatMap { RedrivePolicy($0) }
        case "RedriveAllowPolicy": redriveAllow = value.flatMap { RedriveAllowPolicy($0) }
        default: break
        }
    }

    private static func seconds(_ value: String?, default standard: Int64) -> Duration {
        .seconds(value.flatMap { Int64($0) } ?? standard)
    }
}

/// Where messages go that were received too often (spec: control §13.2).
public struct RedrivePolicy: Sendable, Equatable {
    /// The dead-letter queue.
    public var deadLetterTarget: ARN
    /// Receipts after which a message moves, 1...1000.
    public var maxReceiveCount: Int

    /// Reads the JSON text of the `RedrivePolicy` attribute; nil when it breaks the rules.
    public init?(_ text: String) {
        guard let object = (try? JSONValue(parsing: text, maximumDepth: 4))?.object,
            let arn = object["deadLetterTargetArn"]?.string.flatMap({ ARN($0) }), QueueKey(arn) != nil,
            let value = object["maxReceiveCount"], let count = value.integer ?? value.string.flatMap({ Int($0) }),
            (1...1000).contains(count)
        else { return nil }
        deadLetterTarget = arn
        maxReceiveCount = count
    }
}

/// Which queues may name a queue as their dead-letter queue (spec: control §13.2).
public enum RedriveAllowPolicy: Sendable, Equatable {
    /// Every queue of the account.
    case allowAll
    /// None.
    case denyAll
    /// The listed ones, at most ten.
    case byQueue([String])

    /// Reads the JSON text of the `RedriveAllowPolicy` attribute; nil when it breaks the rules.
    public init?(_ text: String) {
        guard let object = (try? JSONValue(parsing: text, maximumDepth: 4))?.object,
            let permission = object["redrivePermission"]?.string
        else { return nil }
        let sources = object["sourceQueueArns"]
        switch permission {
        case "allowAll" where sources == nil: self = .allowAll
        case "denyAll" where sources == nil: self = .denyAll
        case "byQueue":
            guard let values = sources?.array, (1...10).contains(values.count) else { return nil }
            let names = values.compactMap { $0.string }
            guard names.count == values.count, names.allSatisfy({ ARN($0) != nil }) else { return nil }
            self = .byQueue(names)
        default: return nil
        }
    }

    /// Whether the queue of that ARN may use this one.
    public func allows(_ source: ARN) -> Bool {
        switch self {
        case .allowAll: return true
        case .denyAll: return false
        case .byQueue(let names): return names.contains { $0.utf8.elementsEqual(source.description.utf8) }
        }
    }
}
