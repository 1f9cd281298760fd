import EventModel
import Membership
import PeerProtocol
import SansIO

/// Signs what an edge wants gossip to say of it: which accounts it hosts, and which nodes it has dialled (DESIGN §8).
///
/// An edge takes no part in gossip. The protocol's state keeps its claim and renews it with its certificate; what that state
/// would send to others is not sent, as they hear of the edge from those that hold its uplinks.
public final class LeafClaimant {
    /// The claim changed by itself: it is to be presented anew.
    public var onChange: () -> Void = {}

    private var instance: SWIMInstance
    /// The nodes that its claim names.
    public private(set) var sponsors: [NodeIdentity] = []
    /// Whether no uplink has been open since the last claim. Another process of the same name may have taken it meanwhile, so the next
    /// claim goes above that one's.
    private var wasAlone = false
    private var generator: SeededGenerator
    private let clock: any ClockPort
    private var timer: TimerToken?

    /// A leaf takes no datagrams and no links, but a claim has places for where it would.
    private static let nowhere = NodeEndpoint(host: "0.0.0.0", port: 1)

    /// Creates a claimant; nil when the certificate is not known to the port, or is another node's.
    ///
    /// - Parameters:
    ///   - identity: who this node is.
    ///   - version: its software's version.
    ///   - trustDomain: in lower case.
    ///   - crypto: signs, and knows this node's certificate; it need not seal.
    ///   - clock: time and timers of the shard.
    ///   - seed: seeds the protocol's randomness.
    public init?(
        identity: NodeIdentity,
        version: String,
        trustDomain: String,
        crypto: any MembershipCrypto,
        clock: any ClockPort,
        seed: UInt64
    ) {
        let description = NodeDescription(gossip: Self.nowhere, peer: Self.nowhere, role: .leaf, version: version)
        guard
            let instance = SWIMInstance(
                identity: identity,
                description: description,
                trustDomain: trustDomain,
                crypto: crypto,
                now: clock.now
            )
        else { return nil }
        self.instance = instance
        self.clock = clock
        generator = SeededGenerator(seed: seed)
    }

    /// The accounts that did not fit the last claim.
    public private(set) var accountsLeftOut = 0

    /// What to present to the nodes that are dialled.
    ///
    /// - Parameters:
    ///   - accounts: what the cell hosts; the first ``MembershipLimits/accountsPerNode`` are named.
    ///   - dialled: the nodes with an open uplink, in order of preference. Two are named, and stay named until others
    ///     have to take their place: each change of a claim is told to everybody.
    /// - Returns: the claim and its chain; nil while no node was ever dialled.
    public func presence(accounts: [AccountID], dialled: [NodeIdentity]) -> LeafPresence? {
        if dialled.isEmpty {
            wasAlone = !sponsors.isEmpty
        } else if wasAlone {
            wasAlone = false
            _ = instance.repeatedClaim(now: clock.now)
        }
        for node in dialled where !sponsors.contains(node) {
            if sponsors.count < MembershipLimits.sponsors {
                sponsors.append(node)
            } else if let absent = sponsors.firstIndex(where: { !dialled.contains($0) }) {
                sponsors[absent] = node
            }
        }
        guard !sponsors.isEmpty else { return nil }
        let told = Array(accounts.sorted().prefix(MembershipLimits.accountsPerNode))
        accountsLeftOut = accounts.count - told.count
        var description = instance.ownDescription
        description.accounts = told
        description.sponsors = sponsors.map { instance.key(of: $0) }
        _ = instance.changedDescription(description, now: clock.now)
        arm()
        let (claim, chain) = instance.ownSignedClaim
        return LeafPresence(claim: claim, chain: chain)
    }

    /// Takes up the certificate that the crypto port presents now.
    public func certificateRenewed() {
        change { instance in _ = instance.renewedCertificate(now: clock.now) }
    }

    /// A node at the other end of an uplink holds another claim of this node than the one that it was told. It may be of another
    /// process of the same name, or of an earlier life whose clock was ahead: the next claim goes above it.
    public func heard(_ held: LeafPresence) {
        change { instance in
            _ = instance.heardHeldClaim(held.claim, chain: held.chain, now: clock.now, using: &generator)
        }
    }

    /// Runs something that may change the claim.
    private func change(_ body: (inout SWIMInstance) -> Void) {
        let before = instance.ownSignedClaim.claim
        body(&instance)
        arm()
        if instance.ownSignedClaim.claim != before { onChange() }
    }

    /// A clock that was set back is noticed within this time; what was said while it was ahead, nobody may have believed.
    private static let clockCheck = Duration.seconds(10)

    /// A second renewal soon after the first waits until nobody relies on the certificate before that.
    private func arm() {
        if let timer { clock.cancel(timer) }
        timer = nil
        let next = min(instance.nextWakeup, clock.now + Self.clockCheck)
        timer = clock.schedule(after: max(next - clock.now, .milliseconds(1))) { [weak self] in
            guard let self else { return }
            timer = nil
            change { instance in _ = instance.timerFired(now: self.clock.now, using: &self.generator) }
        }
    }
}
