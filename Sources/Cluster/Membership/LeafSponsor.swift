import EventModel
import Membership
import PeerProtocol
import SansIO

/// Tells gossip of the leaves whose uplinks end at this node, and of their going (DESIGN §8).
///
/// A leaf says itself what is said of it; this node adds that it holds the uplink.
public final class LeafSponsor {
    /// Hears of a leaf whose word is not believed; once for each uplink. It is tried again meanwhile.
    public var onRefusal: (NodeIdentity) -> Void = { _ in }

    /// Hears of the claim that is held of a leaf instead of the one that it presented, which it has to be told: it takes no part in
    /// gossip, and has no other way to know that it must go above that one.
    public var onHeldClaim: (NodeIdentity, LeafPresence) -> Void = { _, _ in }

    /// What was not believed, or was forgotten.
    private struct Refused {
        var presence: LeafPresence
        var tries = 0
        var due: Timestamp
    }

    private let driver: MembershipDriver
    private let clock: any ClockPort
    private var attached: [NodeIdentity: (key: NodeKey, presence: LeafPresence)] = [:]
    /// Tried again: a claim may be refused for coming too soon after another one, or while the uplink of the node's former
    /// process counts elsewhere.
    private var refused: [NodeIdentity: Refused] = [:]
    private var isRetrying = false
    /// How many leaves the protocol's state had forgotten when what was presented was last compared with it.
    private var forgotten: UInt64 = 0
    private static let retryDelay = Duration.seconds(10)
    private static let longestDelay = Duration.seconds(60)
    /// Refused leaves that are tried in one turn: each may cost a signature's verification.
    private static let retriesAtOnce = 32

    /// Creates a sponsor over a driver that takes part in gossip.
    public init(_ driver: MembershipDriver, clock: any ClockPort) {
        self.driver = driver
        self.clock = clock
    }

    /// A leaf with an open uplink says what gossip is to say of it.
    public func present(_ node: NodeIdentity, _ presence: LeafPresence) {
        if !attach(node, presence) {
            let isNew = refused[node] == nil
            refused[node] = Refused(presence: presence, due: clock.now + Self.retryDelay)
            if isNew { onRefusal(node) }
        }
        retryLater()
    }

    /// Whether the leaf's claim is believed.
    private func attach(_ node: NodeIdentity, _ presence: LeafPresence) -> Bool {
        let outcome = driver.leafAttached(
            node,
            claim: presence.claim,
            chain: presence.chain,
            accounts: presence.accounts
        )
        if let held = driver.claimHeld(insteadOf: presence.claim) {
            onHeldClaim(node, LeafPresence(claim: held.claim, chain: held.chain))
        }
        guard let key = outcome.leaf else { return false }
        attached[node] = (key, presence)
        refused[node] = nil
        return true
    }

    /// A node's uplink is gone.
    public func withdraw(_ node: NodeIdentity) {
        refused[node] = nil
        if let leaf = attached.removeValue(forKey: node) { driver.leafDetached(leaf.key) }
    }

    /// After a time in which this node's clock was ahead, leaves whose claims were as far ahead are forgotten; what they have said
    /// since did not count then, and they have no reason to say it again.
    private func noteForgotten() {
        let count = driver.counters.leavesForgotten
        guard count != forgotten else { return }
        forgotten = count
        for (node, leaf) in attached where refused[node] == nil && driver.lacksLeaf(leaf.key) {
            refused[node] = Refused(presence: leaf.presence, due: clock.now)
        }
    }

    private func retryLater() {
        guard !isRetrying, !refused.isEmpty || !attached.isEmpty else { return }
        isRetrying = true
        _ = clock.schedule(after: Self.retryDelay) { [weak self] in
            guard let self else { return }
            isRetrying = false
            noteForgotten()
            for node in nextRetries() { retry(node) }
            retryLater()
        }
    }

    private func retry(_ node: NodeIdentity) {
        guard var entry = refused[node], !attach(node, entry.presence), refused[node] != nil else { return }
        entry.tries += 1
        let delay = Self.retryDelay * (1 << min(entry.tries, 6))
        entry.due = clock.now + min(delay, Self.longestDelay)
        refused[node] = entry
    }

    /// First those whose claims are held by now, as what stood in their way is gone; then those that were tried the least, so that
    /// many hopeless ones do not hold up the others.
    private func nextRetries() -> [NodeIdentity] {
        func rank(_ entry: Refused) -> Int { driver.holdsLeaf(entry.presence.claim) ? -1 : entry.tries }
        let due = refused.map { (node: $0.key, rank: rank($0.value), due: $0.value.due) }
            .filter { $0.rank < 0 || $0.due <= clock.now }
        return due.sorted { ($0.rank, $0.due, $0.node) < ($1.rank, $1.due, $1.node) }
            .prefix(Self.retriesAtOnce).map(\.node)
    }
}
