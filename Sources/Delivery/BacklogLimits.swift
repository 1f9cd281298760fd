/// How one target's queue is bounded and how fast its backlog is worked off.
///
/// A queue holds what waits in memory and on disk. Its length is what it is bounded by; a delivery that is accepted is
/// never forgotten silently: what overflows goes to the dead-letter queue if there is one, and is counted either way.
public struct BacklogLimits: Sendable, Equatable {
    /// What happens to deliveries for a queue that is full.
    public enum Overflow: String, Sendable, CaseIterable {
        /// The events are refused when they are to be accepted; their sender keeps them.
        case refuseNew
        /// The oldest deliveries make room for new ones.
        case dropOldest
        /// New deliveries are given up.
        case dropNewest
    }

    /// Deliveries that may wait; nil for as many as the disk holds.
    public var maximumDeliveries: UInt64?
    /// What happens beyond that.
    public var overflow = Overflow.refuseNew
    /// Deliveries of the backlog that are attempted in a second, from 1; nil for a rate that grows after an outage until
    /// the target's own limit. Fresh deliveries do not count against it and do not wait for it.
    public var drainRate: Double?

    /// No limit.
    public init() {}
}
