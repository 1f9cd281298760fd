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

    /// What is not held: it was not believed, was forgotten, or something else is held of the leaf.
    private struct Refused {
        var presence: LeafPresence
        var tries = 0
        var due: Timestamp
        /// Whether the leaf has been held by this certificate since: what stood in its way is gone.
        var isFree = false
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
        let wasRefused = refused[node] != nil && attached[node] == nil
        let isBelieved = attach(node, presence)
        if isBelieved, driver.isHeld(presence.claim) {
            refused[node] = nil
        } else {
            refused[node] = Refused(presence: presence, due: clock.now + Self.retryDelay)
        }
        if !isBelieved, !wasRefused { onRefusal(node) }
        retryLater()
    }

    /// Whether the leaf's claim is believed, or an earlier one of the same process.
    private func attach(_ node: NodeIdentity, _ presence: LeafPresence) -> Bool {
        let outcome = driver.leafAttached(
            node,
            claim: presence.claim,
            chain: presence.chain,
            accounts: presence.accounts
        )
        tellHeld(node, presence)
        guard let key = outcome.leaf else { return false }
        attached[node] = (key, presence)
        return true
    }

    /// Tells a leaf what is held of it, if that is no older than what it presented. Returns whether it is.
    @discardableResult
    private func tellHeld(_ node: NodeIdentity, _ presence: LeafPresence) -> Bool {
        guard let held = driver.claimHeld(of: node, insteadOf: presence.claim) else { return false }
        onHeldClaim(node, LeafPresence(claim: held.claim, chain: held.chain))
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
        for (node, leaf) in attached where driver.lacksLeaf(leaf.key) {
            refused[node] = Refused(presence: refused[node]?.presence ?? leaf.presence, due: clock.now)
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
        guard var entry = refused[node] else { return }
        // What is older than the held claim is not taken; while the uplink is vouched for there is no more to do than to tell.
        let isVouchedFor = attached[node].map { !driver.lacksLeaf($0.key) } ?? false
        if !(isVouchedFor && tellHeld(node, entry.presence)), attach(node, entry.presence),
            driver.isHeld(entry.presence.claim)
        {
            refused[node] = nil
            return
        }
        entry.tries += 1
        let delay = Self.retryDelay * (1 << min(entry.tries, 6))
        entry.due = clock.now + min(delay, Self.longestDelay)
        refused[node] = entry
    }

    /// Those that were tried the least come first, so that many hopeless ones do not hold up the others; when what stood in the way of
    /// one is gone, it counts as never tried.
    private func nextRetries() -> [NodeIdentity] {
        for (node, entry) in refused where !entry.isFree && driver.holdsLeaf(node, entry.presence.claim) {
            refused[node] = Refused(presence: entry.presence, due: clock.now, isFree: true)
        }
        let due = refused.map { (node: $0.key, tries: $0.value.tries, due: $0.value.due) }
            .filter { $0.due <= clock.now }
        return due.sorted { ($0.tries, $0.due, $0.node) < ($1.tries, $1.due, $1.node) }
            .prefix(Self.retriesAtOnce).map(\.node)
    }
}
