import SansIO

/// How one target's queue is bounded and how fast its backlog is worked off.
///
/// A queue holds what waits in memory and on disk. It is bounded by its length and by its bytes; a delivery that is accepted
/// is never forgotten silently: what overflows goes to the dead-letter queue if there is one, and is counted either way.
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
    /// Bytes of the events that may wait; nil for as many as the disk holds. The store needs some more for each event.
    public var maximumBytes: UInt64?
    /// What happens beyond that.
    public var overflow = Overflow.refuseNew
    /// Deliveries of the backlog that are attempted in a second, from 1; nil for a rate that grows after an outage until
    /// the target's own limit. Fresh deliveries do not count against it and do not wait for it.
    public var drainRate: Double?

    /// No limit.
    public init() {}

    /// Whether there is a limit.
    public var isBounded: Bool { maximumDeliveries != nil || maximumBytes != nil }

    /// What a queue of such a size holds too much.
    func excess(of size: BacklogSize) -> BacklogSize {
        var excess = size
        excess -= BacklogSize(count: maximumDeliveries ?? .max, bytes: maximumBytes ?? .max)
        return excess
    }

    /// How much of what is allowed a queue of such a size holds, in thousandths.
    func fullness(of size: BacklogSize) -> Int {
        let shares = [(size.count, maximumDeliveries), (size.bytes, maximumBytes)].map { held, maximum in
            maximum.map { Double(held) / Double(max(1, $0)) } ?? 0
        }
        return Int((shares.max() ?? 0) * 1_000)
    }

    /// The limit that a queue of such a size is beyond, in words.
    func description(beyondBy excess: BacklogSize) -> String {
        if excess.count > 0, let maximumDeliveries { return "\(maximumDeliveries) deliveries" }
        return "\(maximumBytes ?? 0) bytes in deliveries"
    }
}
