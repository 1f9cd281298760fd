import EventModel
import Membership
import SansIO

/// Runs the membership protocol of one node over its ports.
///
/// Belongs to one shard: everything is called on it, and observers are. What it learns never closes a peer link: a node that
/// is held dead may well be reachable over one, and a link says more than a missing datagram.
public final class MembershipDriver {
    /// Names an observer for ``removeObserver(_:)``.
    public struct ObserverToken: Hashable, Sendable {
        let number: Int
    }

    /// What the peer listener answers to a request for ``MembershipSync/path``.
    public enum SyncAnswer: Equatable, Sendable {
        /// 200 with this body.
        case answer([UInt8])
        /// 403: the link's certificate is not that of a node of the trust domain.
        case notANode
        /// 400: malformed, another trust domain, or one request too many.
        case refused
    }

    private var instance: SWIMInstance
    private var generator: SeededGenerator
    private let clock: any ClockPort
    private let datagrams: any DatagramPort
    private let links: any PeerLinkPort
    private var observers: [(token: ObserverToken, observe: (MembershipEvent) -> Void)] = []
    private var nextObserver = 0
    private var timer: (token: TimerToken, at: Timestamp)?
    private var lastNow: Timestamp
    private var isRunning = false
    private var leaveCompletion: (() -> Void)?

    /// Creates a driver that does nothing until ``start(seeds:)``.
    ///
    /// - Parameters:
    ///   - instance: the protocol's state.
    ///   - clock: time and timers of the shard.
    ///   - datagrams: the gossip port, bound to the address that the instance announces.
    ///   - links: the links over which full-state syncs go.
    ///   - seed: seeds the protocol's randomness.
    public init(
        instance: SWIMInstance,
        clock: any ClockPort,
        datagrams: any DatagramPort,
        links: any PeerLinkPort,
        seed: UInt64
    ) {
        self.instance = instance
        self.clock = clock
        self.datagrams = datagrams
        self.links = links
        generator = SeededGenerator(seed: seed)
        lastNow = clock.now
    }

    /// Begins to take part.
    ///
    /// - Parameter seeds: addresses of peer listeners of some members, this node's own allowed.
    public func start(seeds: [NodeEndpoint]) {
        precondition(!isRunning, "started twice")
        isRunning = true
        datagrams.onReceive = { [weak self] bytes, source in self?.received(bytes, source) }
        perform(instance.started(seeds: seeds, now: clock.now, using: &generator))
    }

    /// Stops at once, without a word to the others.
    public func stop() {
        isRunning = false
        datagrams.onReceive = nil
        if let timer { clock.cancel(timer.token) }
        timer = nil
    }

    /// Leaves: tells the others, and completes when they have had the time to hear it. The node then stops taking part.
    public func leave(completion: @escaping () -> Void) {
        guard isRunning, leaveCompletion == nil else { return completion() }
        leaveCompletion = completion
        perform(instance.leaveRequested(now: clock.now, using: &generator))
    }

    /// Hears of every event of this node's view, directory changes included, as it happens.
    public func observe(_ observer: @escaping (MembershipEvent) -> Void) -> ObserverToken {
        nextObserver += 1
        let token = ObserverToken(number: nextObserver)
        observers.append((token, observer))
        return token
    }

    /// Stops telling an observer.
    public func removeObserver(_ token: ObserverToken) {
        observers.removeAll { $0.token == token }
    }

    /// Every core member of the view, by identity.
    public var members: [Member] { instance.members.sorted { $0.identity < $1.identity } }

    /// This node, as it sees itself.
    public var own: Member { instance.own }

    /// The number of members that are alive or suspected, this node included.
    public var presentCount: Int { instance.presentCount }

    /// The number of leaves that are known.
    public var leafCount: Int { instance.leafCount }

    /// Lists of accounts that present nodes name and that are not here.
    public var missingAccountLists: Int { instance.missingAccountLists }

    /// Nodes whose claims were refused lately for lying more than a day ahead of this node's clock.
    public var nodesAheadOfClock: Int { instance.nodesAheadOfClock }

    /// A number that is equal in equal views.
    public var viewFingerprint: UInt64 { instance.viewFingerprint }

    /// A number that is equal when the same is held of leaves.
    public var leafFingerprint: UInt64 { instance.leafFingerprint }

    /// Which cell hosts which account.
    public var directory: AccountDirectory { instance.directory }

    /// Which cell hosts an account: a present one, or else one whose nodes are held dead, which are still asked.
    public func host(of account: AccountID) -> (entry: DirectoryEntry, isHeldDead: Bool)? {
        if let entry = directory.entry(for: account) { return (entry, false) }
        return instance.formerDirectory.entry(for: account).map { ($0, true) }
    }

    /// Counts of every protocol step.
    public var counters: MembershipCounters { instance.counters }

    /// How slow this node itself seems: 0 is well.
    public var localHealth: Int { instance.localHealth }

    /// A member by its identity.
    public func member(_ identity: NodeIdentity) -> Member? { instance.member(instance.key(of: identity)) }

    /// Says something new about this node. Coarse steps of pressure spare gossip: each change is told to everybody.
    ///
    /// - Parameter change: changes the present description.
    public func describe(_ change: (inout NodeDescription) -> Void) {
        var description = instance.own.description
        description.accounts = instance.ownDescription.accounts
        change(&description)
        perform(instance.changedDescription(description, now: clock.now))
    }

    /// The key of an identity.
    package func key(of identity: NodeIdentity) -> NodeKey { instance.key(of: identity) }

    /// The number of the trust domain in messages.
    package var domain: UInt64 { instance.domain }

    /// Sends a member a datagram with the given items, whatever they say.
    package func send(_ items: [(kind: MessageHeader.ItemKind, content: [UInt8])], to listener: NodeKey) {
        guard isRunning else { return }
        perform(instance.send(items, to: listener, now: clock.now))
    }

    /// Takes up the certificate that the crypto port presents now.
    public func certificateRenewed() {
        perform(instance.renewedCertificate(now: clock.now))
    }

    /// Judges every certificate anew: roots or revocation lists have changed.
    public func trustChanged() {
        perform(instance.changedTrust(now: clock.now, using: &generator))
    }

    /// Answers another node's full-state sync.
    ///
    /// - Parameters:
    ///   - body: the request's body.
    ///   - identity: what the link's certificate says.
    /// - Returns: the answer.
    public func answerSync(_ body: [UInt8], from identity: CertificateIdentity) -> SyncAnswer {
        guard let node = NodeIdentity(identity, trustDomain: instance.trustDomain) else { return .notANode }
        guard isRunning else { return .refused }
        let (answer, actions) = instance.receivedSyncRequest(body, from: node, now: clock.now, using: &generator)
        perform(actions)
        return answer.map { .answer($0) } ?? .refused
    }

    /// This node's signed claim and certificate chain: what a leaf hands to the nodes that it dials.
    public var ownSignedClaim: (claim: [UInt8], chain: [UInt8]) { instance.ownSignedClaim }

    /// Every leaf that is known, by identity.
    public var leafViews: [LeafView] { instance.leafViews }

    /// A leaf has opened its uplink to this node.
    ///
    /// - Parameters:
    ///   - node: who the uplink's certificate says it is; a claim of another node is refused.
    ///   - claim: its signed claim; nothing is told of the uplink unless it names this node as a sponsor.
    ///   - chain: its certificate's chain.
    ///   - accounts: what it hosts, when there are too many for its claim to carry them all.
    /// - Returns: whether its claim is believed; with the leaf's key for ``leafDetached(_:)`` then.
    public func leafAttached(
        _ node: NodeIdentity,
        claim: [UInt8],
        chain: [UInt8],
        accounts: [AccountID] = []
    ) -> LeafOutcome {
        guard isRunning, instance.isClaim(claim, of: node) else { return .refused }
        let (outcome, actions) = instance.leafAttached(
            claim: claim,
            chain: chain,
            accounts: accounts,
            now: clock.now,
            using: &generator
        )
        perform(actions)
        return outcome
    }

    /// The claim and chain that are held of a node instead of a claim that it presented, unless that one is newer.
    func claimHeld(of node: NodeIdentity, insteadOf claim: [UInt8]) -> (claim: [UInt8], chain: [UInt8])? {
        instance.isClaim(claim, of: node) ? instance.claimHeld(insteadOf: claim) : nil
    }

    /// Whether a leaf is held by the certificate of a claim that it presented.
    func holdsLeaf(_ node: NodeIdentity, _ claim: [UInt8]) -> Bool {
        instance.isClaim(claim, of: node) && instance.holdsLeaf(claim)
    }

    /// Whether a claim that a leaf presented is the one that is held of it.
    func isHeld(_ claim: [UInt8]) -> Bool { instance.isHeld(claim) }

    /// Whether a leaf with an uplink to this node has to be presented anew.
    func lacksLeaf(_ leaf: NodeKey) -> Bool { instance.lacksLeaf(leaf) }

    /// A leaf's uplink to this node is gone.
    public func leafDetached(_ leaf: NodeKey) {
        guard isRunning else { return }
        perform(instance.leafDetached(leaf, now: clock.now))
    }

    private func received(_ bytes: [UInt8], _ source: NodeEndpoint) {
        guard isRunning else { return }
        perform(instance.receivedDatagram(bytes, from: source, now: clock.now, using: &generator))
    }

    private func perform(_ actions: [MembershipAction]) {
        for action in actions {
            switch action {
            case .send(let bytes, let endpoint): datagrams.send(bytes, to: endpoint)
            case .sync(let sync): begin(sync)
            case .event(let event): publish(event)
            }
        }
        arm()
    }

    private func publish(_ event: MembershipEvent) {
        for (_, observe) in observers { observe(event) }
        guard event == .leaveCompleted else { return }
        stop()
        leaveCompletion?()
        leaveCompletion = nil
    }

    private func begin(_ sync: MembershipSync) {
        links.exchange(
            sync.body,
            path: MembershipSync.path,
            with: sync.peer,
            timeout: MembershipSync.timeout
        ) { [weak self] result in self?.completed(sync, result) }
    }

    private func completed(_ sync: MembershipSync, _ result: Result<PeerReply, PeerLinkError>) {
        guard isRunning else { return }
        if case .success(let reply) = result, reply.status == 200 {
            perform(
                instance.receivedSyncReply(reply.body, number: sync.number, now: clock.now, using: &generator)
            )
        } else {
            perform(instance.syncFailed(number: sync.number, now: clock.now))
        }
    }

    /// Keeps one timer, for the instance's next wake-up. A wall clock that was set moves the instance's times with it, so
    /// the timer is then made anew.
    private func arm() {
        guard isRunning else { return }
        let next = instance.nextWakeup
        let now = clock.now
        let wasSetBack = now < lastNow
        lastNow = now
        if let timer {
            if timer.at == next, !wasSetBack { return }
            clock.cancel(timer.token)
        }
        guard next != .distantFuture else {
            timer = nil
            return
        }
        let token = clock.schedule(after: max(next - now, .zero)) { [weak self] in self?.wake() }
        timer = (token, next)
    }

    private func wake() {
        timer = nil
        guard isRunning else { return }
        perform(instance.timerFired(now: clock.now, using: &generator))
    }
}
