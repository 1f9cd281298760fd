import EventModel
import SansIO

/// One node's part of the membership protocol: SWIM with Lifeguard, bound to certificates.
///
/// A value without I/O: its methods take what happened and the time, and return what to do. The interpreter sends
/// datagrams, makes sync requests over peer links, reads ``nextWakeup`` after every call and calls
/// ``timerFired(now:using:)`` then.
///
/// ## Sources
/// - SWIM: A. Das, I. Gupta, A. Motivala, "Scalable Weakly-consistent Infection-style Process Group Membership Protocol",
///   DSN 2002: round-robin probing in shuffled order (§4.3), indirect probes (§3.1), suspicion (§4.2), and dissemination on
///   the probes' backs (§4.1).
/// - Lifeguard: A. Dadgar, J. Phillips, J. Currey, "Lifeguard: Local Health Awareness for More Accurate Failure Detection",
///   DSN-W 2018: local health multiplier with nacks, dynamic suspicion timeout, buddy system.
///
/// ## A member's states
/// A claim is a node's signed word about itself with an incarnation that only it can raise. Of two claims the higher
/// incarnation counts. Within one incarnation a view only moves forward:
/// ```
/// alive(i) < suspect(i) < dead(i) < alive(i+1) < ...        left(i) is a claim of its own
/// ```
/// - *alive → suspect*: this node's probe failed, or a present member's signed suspicion of incarnation `i` was heard.
/// - *suspect → dead*: the time of ``MembershipConfiguration/suspicionMultiplier`` is over. Each signer shortens it, and
///   counts once.
/// - *suspect or dead → alive*: only by the subject's own claim of a higher incarnation. A node makes 60 of them a minute at
///   most, 30 of these since one other says so: the next waits for a second.
/// - *any → left*: only by the subject's own claim, which no sync tells to who does not know the node. *Any → ejected*: its certificate is revoked, expired or untrusted.
///
/// The incarnation is the milliseconds of the node's clock when it signs, or one more than its last. So it survives a restart
/// without a file. If the clock was set back, the node meets its own former claim when it joins and goes above it. Nobody
/// believes an incarnation, or the first datagram of an epoch, that lies more than 12 hours ahead of the own clock; a running
/// node whose clock is set back by more than that takes up its incarnations where others had last believed them.
///
/// ## Who is believed about what
/// | statement | believed from |
/// |---|---|
/// | life, departure, incarnation, addresses, role, version, pressure, accounts | the subject's signature alone |
/// | suspicion | the signature of a present member, once a signer, within a budget a minute |
/// | a death, or another view's state | nobody: it makes this node look for itself |
/// | a leaf's presence | a sponsor that the leaf's own claim names |
/// | a probe's answer | the target's signature over the prober's nonce, also when a helper passes it on |
///
/// Datagrams are sealed with the ring's key, which keeps strangers out, and signed by their sender, which keeps members from
/// speaking for each other: a member that lies can say untrue things about itself, and raise one suspicion each, which its
/// subject refutes. Claims are verified when they are news, and not again. `SWIMInstance+Names.swift` tells what happens
/// when two certificates claim one name.
///
/// ## Departures from the papers, and why
/// 1. *No verdicts.* SWIM spreads "confirm", and any member can kill any other with it. Here each view concludes for itself.
/// 2. *Corroboration.* On hearing of a suspicion about six nodes probe its subject at once, which both shares a true suspicion
///    sooner and lets a false one be refuted sooner; and before a view declares a death it asks the subject three times more.
/// 3. *A failed probe is suspected at its end*, after ``MembershipConfiguration/probeTimeout`` and
///    ``MembershipConfiguration/indirectTimeout``, rather than at the end of the period; and the direct ping is repeated
///    for as long, so that losses rarely lead to suspicions.
/// 4. *Time in which this node did not run counts for nothing* (`ProtocolClock`) and is taken as a sign of poor local health.
/// 5. *View sums.* Each datagram carries a sum of its sender's view. When views differ though no news are under way, or by the
///    same for a while though news always are, the nodes sync in full over a peer link. So syncs are rare when idle and
///    prompt when needed.
/// 6. *Dead members are tried for days*, and when one answers the two sync: a partition heals by itself.
/// 7. *Leaves* are not probed; the nodes that hold their uplinks vouch for them. Such a word is numbered, names the certificate of the
///    claim that it is for, and holds as long as its sponsor is present and has not restarted since; a sponsor that hears an untrue word in its own name says what is so,
///    above it. A leaf that nobody vouches for is forgotten as a departed member is, and no sync teaches it again. A leaf
///    itself, which does not probe either, holds a member dead when two others do, or one does and its own sync failed.
/// 8. Idle nodes gossip nothing: claims are not repeated, and a round of gossip is sent only while there are news. News of leaves
///    get the room that news of members leave.
public struct SWIMInstance {
    /// What it runs with.
    public let configuration: MembershipConfiguration
    /// The trust domain whose nodes it accepts.
    public let trustDomain: String
    /// Counts of every protocol step.
    public internal(set) var counters = MembershipCounters()
    /// Which cell hosts which account, as this node sees it.
    public internal(set) var directory = AccountDirectory()
    /// What the nodes that are held dead hosted when they last said so. A verdict may be wrong, and a link says more than a
    /// missing datagram: when ``directory`` has no answer, events go on along this one.
    public internal(set) var formerDirectory = AccountDirectory()
    /// How slow this node itself seems: 0 is well.
    public internal(set) var localHealth = 0

    let crypto: any MembershipCrypto
    package let domain: UInt64

    var clock: ProtocolClock
    var timers = TimerHeap()
    var records: [MemberRecord]
    var freeSlots: [Int] = []
    var slots: [NodeKey: Int] = [:]
    var slotOfCertificate: [CertificateFingerprint: Int] = [:]

    /// The present members except this node, in the order in which they are probed; those that are not present any more
    /// are taken out when their turn comes.
    var active: [Int] = []
    var turn = 0
    /// Members that are dead, left or ejected; others are taken out when they come up.
    var departed: [Int] = []
    /// Members to be probed before their turn.
    var extraProbes: [(slot: Int, hearsay: Member.State?)] = []
    var probesUnderWay = 0
    /// The number of present members, this node included.
    var present = 1
    /// The sum of the present members' shares: equal views have equal sums.
    var viewSum: UInt64 = 0
    var viewChangedAt: Int64
    var lastDeathAt: Int64?

    /// News of members, which go first.
    var queue = DisseminationQueue()
    /// News of leaves, which get what room the others leave.
    var leafQueue = DisseminationQueue()
    /// Leaves about which this node has to say its word again, and whether it is going to.
    var attachmentsToRepeat: [NodeKey] = []
    var isRepeatScheduled = false
    var isGossipScheduled = false
    var relays: [Relay] = []
    var waiting = WaitingClaims()
    var syncing = SyncState()
    var leaves = LeafTable()
    var names = NameState()
    var lists = AccountLists()
    var listPullAt: Int64?
    var listAlarms = Allowance()

    /// The certificate that signs datagrams; differs from the claim's for a while after a renewal.
    var datagramCertificate: CertificateFingerprint
    var datagramCertificateUntil: Int64?
    var nextDatagram: UInt32 = 1
    var serial: UInt64 = 0
    var refutationPenalty = Allowance()
    var refutationsOfFloods = Allowance()
    var refutationShare = Allowance()
    /// The incarnation above which this node is going to say that it is alive.
    var refutationDue: UInt64?
    /// Words about leaves in this node's name that it has answered.
    var ownAttachments = Allowance()
    var wrongSignatures = Allowance()
    var strangers = StrangerPings()
    var sources = [Allowance](repeating: Allowance(), count: 256)
    /// Wrong signatures from addresses that are not those of whom they name.
    var wrongSources = [Allowance](repeating: Allowance(), count: 256)
    var clockDoubts = ClockDoubts()
    var rises = OwnRises()
    var isLeaving = false
    var seeds: [NodeEndpoint] = []
    var capacityAlarms = Allowance()
    var actions: [MembershipAction] = []

    /// Creates an instance that does nothing until ``started(seeds:now:using:)``; nil when the certificate is not known to the
    /// port, or is another node's.
    ///
    /// - Parameters:
    ///   - identity: who this node is; the identity of the crypto port's own certificate.
    ///   - description: what it says about itself.
    ///   - trustDomain: in lower case.
    ///   - configuration: must be valid.
    ///   - crypto: signatures, certificates and sealing; must know and trust its own certificate.
    ///   - now: the wall clock's time, which seeds the incarnation.
    public init?(
        identity: NodeIdentity,
        description: NodeDescription,
        trustDomain: String,
        configuration: MembershipConfiguration = .lan,
        crypto: any MembershipCrypto,
        now: Timestamp
    ) {
        precondition(configuration.validate().isEmpty, "\(configuration.validate())")
        precondition(description.problems().isEmpty, "\(description.problems())")
        guard let facts = crypto.certificate(crypto.ownCertificate), facts.identity == identity,
            identity.isIn(trustDomain: trustDomain)
        else { return nil }
        self.configuration = configuration
        self.trustDomain = trustDomain
        self.crypto = crypto
        domain = crypto.digest(Array(trustDomain.utf8)[...]).high
        clock = ProtocolClock(now)
        viewChangedAt = now.milliseconds
        datagramCertificate = facts.fingerprint
        let incarnation = UInt64(max(now.milliseconds, 1))
        let claim = NodeClaim(
            node: NodeKey(crypto.digest(Array(identity.uri.utf8)[...])),
            identity: identity,
            life: .alive,
            incarnation: incarnation,
            epoch: incarnation,
            certificate: facts.fingerprint,
            description: description,
            endorsement: nil
        )
        let own = MemberRecord(
            claim: claim,
            signed: [],
            facts: facts,
            state: .alive,
            since: now.milliseconds,
            sinceWall: now
        )
        records = [own]
        slots[claim.node] = 0
        slotOfCertificate[facts.fingerprint] = 0
        followOwnAccounts()
        signOwnClaim()
        recount(0)
        publish(0)
        actions.removeAll()
    }

    /// This node, as it sees itself.
    public var own: Member { records[0].member }

    /// What this node says about itself, with the accounts that its certificate does not cover.
    public var ownDescription: NodeDescription { records[0].claim.description }

    /// Every core member that is held, this node included, in no order that means anything but always the same.
    public var members: [Member] {
        var all: [Member] = []
        all.reserveCapacity(records.count)
        let free = Set(freeSlots)
        for (slot, record) in records.enumerated() where !free.contains(slot) { all.append(record.member) }
        return all
    }

    /// A member by its identity's key.
    public func member(_ key: NodeKey) -> Member? { slots[key].map { records[$0].member } }

    /// The key of an identity.
    public func key(of identity: NodeIdentity) -> NodeKey { NodeKey(crypto.digest(Array(identity.uri.utf8)[...])) }

    /// The number of members that are alive or suspected, this node included.
    public var presentCount: Int { present }

    /// Nodes whose claims were refused in the last ten minutes because they lie more than half a day ahead of this node's
    /// clock.
    public var nodesAheadOfClock: Int { clockDoubts.count(now: clock.now) }

    /// A number that is equal in equal views: of the same present members at the same incarnations.
    public var viewFingerprint: UInt64 { viewSum }

    /// A number that is equal when the same words of sponsors hold about the same claims of leaves.
    public var leafFingerprint: UInt64 { leaves.sum }

    /// When ``timerFired(now:using:)`` must be called at the latest. Read it after every call; it may come nearer.
    public var nextWakeup: Timestamp {
        timers.earliest.map { clock.wallTime(of: $0) } ?? .distantFuture
    }
}
