/// How often each step of the protocol happened since the instance began. For metrics: all only rise.
public struct MembershipCounters: Equatable, Sendable {
    /// Datagrams handed out for sending, and their bytes after sealing.
    public var sentDatagrams: UInt64 = 0
    /// Bytes of those.
    public var sentBytes: UInt64 = 0
    /// Datagrams received, of whatever kind.
    public var receivedDatagrams: UInt64 = 0
    /// Bytes of those.
    public var receivedBytes: UInt64 = 0
    /// Datagrams dropped unverified because their sender sent too many, or too many in its name had a wrong signature.
    public var droppedOverRate: UInt64 = 0
    /// Datagrams that no accepted key opens.
    public var droppedUnsealed: UInt64 = 0
    /// Datagrams too short or inconsistent.
    public var droppedMalformed: UInt64 = 0
    /// Datagrams, claims and suspicions of another trust domain.
    public var droppedForeign: UInt64 = 0
    /// Datagrams of a version or type that is not known here.
    public var droppedUnknown: UInt64 = 0
    /// Datagrams of senders whose certificate is not known yet.
    public var droppedStranger: UInt64 = 0
    /// Datagrams, claims and suspicions with a wrong signature.
    public var droppedForged: UInt64 = 0
    /// Datagrams seen before or too old to tell.
    public var droppedReplayed: UInt64 = 0
    /// Datagrams that begin an epoch more than half a day ahead of this node's clock.
    public var droppedAheadOfClock: UInt64 = 0
    /// Datagrams and claims under a revoked, expired or untrusted certificate.
    public var droppedUnentitled: UInt64 = 0

    /// Probes begun.
    public var probes: UInt64 = 0
    /// Probes answered directly or through another node.
    public var probesAnswered: UInt64 = 0
    /// Probes that asked others.
    public var probesIndirect: UInt64 = 0
    /// Probes that nobody answered.
    public var probesFailed: UInt64 = 0
    /// Probes made for others.
    public var relays: UInt64 = 0
    /// Probes for others declined: too many were under way, in all or for one node.
    public var relaysDeclined: UInt64 = 0
    /// Nacks sent.
    public var nacksSent: UInt64 = 0
    /// Probes for somebody else that arrived here.
    public var misdirectedProbes: UInt64 = 0
    /// Suspicions of this node's own making.
    public var suspicionsRaised: UInt64 = 0
    /// Suspicions taken from others.
    public var suspicionsHeard: UInt64 = 0
    /// Suspicions ignored: their signer is not entitled, or had its share.
    public var suspicionsIgnored: UInt64 = 0
    /// Words about leaves ignored: their sponsor had its share, or their number is more than half a day ahead of this node's clock.
    public var attachmentsIgnored: UInt64 = 0
    /// Leaves forgotten: away for too long, or their places were needed.
    public var leavesForgotten: UInt64 = 0
    /// Claims that this node signed to refute a suspicion of itself.
    public var refutations: UInt64 = 0
    /// Of those, claims that had to wait for a second, as there were very many.
    public var refutationsDeferred: UInt64 = 0
    /// Nodes declared dead.
    public var deaths: UInt64 = 0
    /// Times that this node gave up incarnations because its clock had been more than half a day ahead.
    public var incarnationsAbandoned: UInt64 = 0
    /// Wake-ups that came so late that this node was not running, or its clock was set.
    public var lateWakeups: UInt64 = 0

    /// Claims accepted.
    public var claimsAccepted: UInt64 = 0
    /// Claims ignored because their subject changes too often.
    public var claimsOverRate: UInt64 = 0
    /// Claims refused because their incarnation is more than half a day ahead of this node's clock.
    public var claimsAheadOfClock: UInt64 = 0
    /// Claims under unknown certificates dropped: whoever passed them on had its share of those that wait.
    public var claimsNotAwaited: UInt64 = 0
    /// Claims of a name under another certificate that were refused.
    public var claimsContested: UInt64 = 0
    /// Claims to accounts outside the certificate's scope.
    public var accountsOutsideScope: UInt64 = 0
    /// Accounts that a second cell has come to claim.
    public var accountsContested: UInt64 = 0
    /// Lists of accounts asked for, each time counted.
    public var accountListsRequested: UInt64 = 0
    /// Lists of accounts that came.
    public var accountListsReceived: UInt64 = 0
    /// Lists of accounts handed to others.
    public var accountListsServed: UInt64 = 0
    /// Lists that were another than they were said to be.
    public var accountListsForged: UInt64 = 0
    /// Lists that their nodes signed for and that are too long, too short, or out of order.
    public var accountListsRefused: UInt64 = 0
    /// Lists that were not asked for: there is no room.
    public var accountListsWithoutRoom: UInt64 = 0
    /// Gossip items of unknown kinds that were skipped.
    public var itemsSkipped: UInt64 = 0
    /// Rounds of gossip.
    public var gossipRounds: UInt64 = 0
    /// Syncs begun.
    public var syncs: UInt64 = 0
    /// Syncs that failed.
    public var syncsFailed: UInt64 = 0
    /// Syncs answered.
    public var syncsServed: UInt64 = 0
    /// Certificate chains asked for.
    public var chainsRequested: UInt64 = 0
    /// Certificate chains that did not verify.
    public var chainsRefused: UInt64 = 0

    /// Creates counters at zero.
    public init() {}
}
