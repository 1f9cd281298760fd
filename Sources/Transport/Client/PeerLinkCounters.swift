/// What ``PeerLinks`` have done since they were made.
public struct PeerLinkCounters: Sendable, Hashable {
    /// Requests asked for.
    public var requests: UInt64 = 0
    /// Streams asked for, channels included.
    public var streams: UInt64 = 0
    /// Requests and streams that were refused on the spot because too much waits.
    public var refusals: UInt64 = 0
    /// Connections that were begun.
    public var connectionAttempts: UInt64 = 0
    /// Connections whose handshake succeeded.
    public var connectionsOpened: UInt64 = 0
    /// Connections of those that resumed an earlier one's session.
    public var connectionsResumed: UInt64 = 0
    /// Connections that ended before the peer had answered anything.
    public var connectionFailures: UInt64 = 0
    /// Connections that ended, for whatever reason.
    public var connectionsEnded: UInt64 = 0
    /// Connections on which the peer said that it takes no more.
    public var goAways: UInt64 = 0
    /// Attempts with a new certificate of this node that failed in the handshake, while connections that were made with the
    /// former one went on.
    public var certificateRefusals: UInt64 = 0

    /// Counters that are all zero.
    public init() {}
}
