/// The books of one bus since the process started. They balance:
///
/// `accepted = matched + unmatched`, and
/// `created + recovered = delivered + deadLettered + dropped + expired +` deliveries that still wait.
public struct BusBook: Sendable, Equatable {
    /// Events taken in: put, or forwarded from another bus.
    public var accepted: UInt64 = 0
    /// Events that at least one rule matched.
    public var matched: UInt64 = 0
    /// Events that no rule matched.
    public var unmatched: UInt64 = 0
    /// Rule firings.
    public var triggeredRules: UInt64 = 0
    /// Deliveries made for accepted events: one a matching rule and target.
    public var created: UInt64 = 0
    /// Deliveries found waiting at the start.
    public var recovered: UInt64 = 0
    /// Deliveries that reached their target.
    public var delivered: UInt64 = 0
    /// Deliveries among these that needed more than one attempt.
    public var retried: UInt64 = 0
    /// Attempts that failed.
    public var failedAttempts: UInt64 = 0
    /// Attempts that were not made, for there was no room here to make them; the deliveries went back to their queue.
    public var heldBack: UInt64 = 0
    /// Deliveries moved to a dead-letter queue.
    public var deadLettered: UInt64 = 0
    /// Deliveries that ended without a dead-letter queue that takes them, or for a bus that does not exist.
    public var dropped: UInt64 = 0
    /// Deliveries that grew too old while their target was down.
    public var expired: UInt64 = 0
    /// Requests and forwards that a policy refused.
    public var denied: UInt64 = 0
    /// Forwarded events that had been taken in before, mostly of other cells; not counted as accepted.
    public var duplicates: UInt64 = 0

    /// An empty book.
    public init() {}

    /// Enters an accepted event.
    mutating func enter(_ outcome: BusMatcher.Outcome) {
        accepted += 1
        if outcome.matchedRules > 0 { matched += 1 } else { unmatched += 1 }
        triggeredRules += UInt64(outcome.matchedRules)
        created += UInt64(outcome.targets.count)
    }

    /// Enters accepted events.
    mutating func enter(_ outcomes: some Sequence<BusMatcher.Outcome>) {
        for outcome in outcomes { enter(outcome) }
    }

    /// Deliveries that still wait.
    public var waiting: UInt64 {
        (created + recovered) &- (delivered + deadLettered + dropped + expired)
    }
}

/// Figures of a router that belong to no bus.
public struct RouterStatistics: Sendable, Equatable {
    /// PutEvents calls.
    public var putEventsCalls: UInt64 = 0
    /// PutEvents calls refused as a whole.
    public var putEventsRefused: UInt64 = 0
    /// Entries of PutEvents.
    public var entries: UInt64 = 0
    /// Entries refused for themselves.
    public var failedEntries: UInt64 = 0
    /// Events to a bus that does not exist: answered as accepted, and dropped (spec: patterns §1.9, §6.4).
    public var unknownBus: UInt64 = 0
    /// Forwards ended because the event had passed the bus before or had made too many hops.
    public var loops: UInt64 = 0
    /// Deliveries that ended because the catalog no longer knows their target.
    public var orphaned: UInt64 = 0
    /// Deliveries that a full queue towards another cell pushed out, new ones or old ones.
    public var overflowed: UInt64 = 0
    /// Events refused because a queue that they were for was full.
    public var queueFull: UInt64 = 0
    /// What other cells sent.
    public var peers = PeerStatistics()

    /// Figures that are all zero.
    public init() {}
}
