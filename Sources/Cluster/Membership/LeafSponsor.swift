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

    private let driver: MembershipDriver
    private let clock: any ClockPort
    private var attached: [NodeIdentity: (key: NodeKey, presence: LeafPresence)] = [:]
    /// What was not believed, or was forgotten, and is tried again: a claim may be refused for coming too soon after another one, or
    /// while the uplink of the node's former process counts elsewhere.
    private var refused: [NodeIdentity: LeafPresence] = [:]
    private var isRetrying = false
    /// How many leaves the protocol's state had forgotten when what was presented was last compared with it.
    private var forgotten: UInt64 = 0
    private static let retryDelay = Duration.seconds(10)
    /// Refused leaves that are tried in one turn: each may cost a signature's verification.
    private static let retriesAtOnce = 32
    private var retriedLast: NodeIdentity?

    /// Creates a sponsor over a driver that takes part in gossip.
    public init(_ driver: MembershipDriver, clock: any ClockPort) {
        self.driver = driver
        self.clock = clock
    }

    /// A leaf with an open uplink says what gossip is to say of it.
    public func present(_ node: NodeIdentity, _ presence: LeafPresence) {
        let outcome = driver.leafAttached(
            node,
            claim: presence.claim,
            chain: presence.chain,
            accounts: presence.accounts
        )
        guard let key = outcome.leaf else {
            let isNew = refused.updateValue(presence, forKey: node) == nil
            retryLater()
            if isNew { onRefusal(node) }
            return
        }
        attached[node] = (key, presence)
        refused[node] = nil
        retryLater()
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
            refused[node] = leaf.presence
        }
    }

    private func retryLater() {
        guard !isRetrying else { return }
        isRetrying = true
        _ = clock.schedule(after: Self.retryDelay) { [weak self] in
            guard let self else { return }
            isRetrying = false
            noteForgotten()
            let nodes = refused.keys.sorted()
            let start = retriedLast.flatMap { last in nodes.firstIndex { $0 > last } } ?? 0
            for node in (nodes[start...] + nodes[..<start]).prefix(Self.retriesAtOnce) {
                retriedLast = node
                if let presence = refused[node] { present(node, presence) }
            }
            if !refused.isEmpty || !attached.isEmpty { retryLater() }
        }
    }
}
