import EventModel
import SansIO

/// A tag of a resource.
public struct Tag: Sendable, Equatable {
    /// The tag's key.
    public var key: String
    /// The tag's value; may be empty.
    public var value: String

    /// Creates a tag.
    public init(key: String, value: String) {
        self.key = key
        self.value = value
    }
}

/// An event bus as its owner described it. Members that echo requests are kept as JSON.
public struct Bus: Sendable, Equatable {
    /// When the bus was created.
    public var created: Timestamp
    /// When it was last changed.
    public var modified: Timestamp
    /// The owner's words.
    public var description: String?
    /// The key identifier, kept as given; Busbar encrypts nothing with it.
    public var kmsKeyIdentifier: String?
    /// `DeadLetterConfig` as given.
    public var deadLetterConfig: JSONObject?
    /// `LogConfig` as given.
    public var logConfig: JSONObject?
    /// The resource policy, byte for byte, or nil.
    public var policy: String?
    /// Tags in the order of their setting.
    public var tags: [Tag]

    /// Creates a bus without anything optional.
    public init(created: Timestamp) {
        self.created = created
        modified = created
        tags = []
    }
}

/// A rule of a bus.
public struct Rule: Sendable, Equatable {
    /// Whether a rule takes events.
    public enum State: String, Sendable {
        /// It does.
        case enabled = "ENABLED"
        /// It does not.
        case disabled = "DISABLED"
        /// It does, read-only management events included.
        case enabledWithAllManagementEvents = "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS"
    }

    /// The rule's name, unique on its bus.
    public var name: String
    /// The event pattern, byte for byte.
    public var pattern: String?
    /// Whether it takes events.
    public var state: State
    /// The owner's words.
    public var description: String?
    /// `RoleArn` of the rule, kept as given.
    public var roleARN: String?
    /// The account that created the rule.
    public var createdBy: AccountID
    /// Tags in the order of their setting.
    public var tags: [Tag]
    /// Targets in the order of their putting.
    public var targets: [Target]

    /// Creates a rule without targets.
    public init(name: String, createdBy: AccountID) {
        self.name = name
        self.createdBy = createdBy
        state = .enabled
        tags = []
        targets = []
    }
}

/// A target of a rule. Replacing a target makes a new revision with a new key; deliveries keep the revision that was there
/// when their event matched (spec: patterns §5.1).
public struct Target: Sendable, Equatable {
    /// The revision's key.
    public var key: UInt64
    /// The target's id, unique in its rule.
    public var id: String
    /// The ARN that events go to.
    public var arn: String
    /// The target exactly as it was put.
    public var definition: JSONObject

    /// Creates a target.
    public init(key: UInt64, id: String, arn: String, definition: JSONObject) {
        self.key = key
        self.id = id
        self.arn = arn
        self.definition = definition
    }
}

/// A target revision with the rule that it belongs to: all that a delivery needs, kept as long as deliveries wait.
public struct TargetRevision: Sendable, Equatable {
    /// The rule's bus.
    public var bus: BusAddress
    /// The rule's name.
    public var rule: String
    /// The target.
    public var target: Target

    /// Creates a revision.
    public init(bus: BusAddress, rule: String, target: Target) {
        self.bus = bus
        self.rule = rule
        self.target = target
    }

    /// The rule's ARN.
    public var ruleARN: String { bus.ruleARN(rule) }
}
