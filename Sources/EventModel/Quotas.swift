/// The limits of the service, as constants where AWS fixes them and as settings where it lets them be raised.
///
/// Spec: patterns §10, control §15.
public struct Quotas: Sendable, Equatable {
    /// Nesting that any JSON text may have: `Detail` may nest 1,000 levels (spec: patterns §1.3), and the envelope and
    /// wrappers add a few.
    public static let maximumJSONDepth = 1_100
    /// Nesting that `Detail` may have; an envelope adds a level, so every event that is accepted can be read again.
    public static let maximumDetailDepth = 1_000

    /// Event buses an account may have.
    public var eventBusesPerAccount = 100
    /// Rules a bus may have.
    public var rulesPerBus = 300
    /// Targets a rule may have.
    public var targetsPerRule = 5
    /// Entries of one PutEvents call.
    public var entriesPerPutEvents = 10
    /// Bytes of all entries of one PutEvents call (spec: patterns §1.4).
    public var putEventsBytes = 1_048_576
    /// Characters of an event pattern.
    public var eventPatternCharacters = 4_096
    /// Characters of a bus policy.
    public var busPolicyCharacters = 10_240
    /// Tags of one resource.
    public var tagsPerResource = 50
    /// Bytes of one queue message, attributes included.
    public var queueMessageBytes = 1_048_576
    /// Queues an account may have.
    public var queuesPerAccount = 10_000

    /// The defaults.
    public init() {}
}
