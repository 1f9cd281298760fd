import EventModel
import Membership
import SansIO

/// Routes as gossip tells of them.
extension MembershipDriver: RouteDirectory {
    /// The cell that hosts an account, with those of its nodes that take links. Suspected ones are left out while others are
    /// there: suspicion is no verdict. When all are held dead they are asked all the same: a verdict stops no events that a
    /// link could take.
    public func route(to account: AccountID) -> AccountRoute? {
        guard let entry = host(of: account)?.entry else { return nil }
        let reachable = entry.nodes.filter { $0.role == .core }
        let well = reachable.filter { !$0.isSuspect }
        let nodes = well.isEmpty ? reachable : well
        return AccountRoute(
            cell: entry.cell,
            nodes: nodes.map { PeerNode(identity: $0.identity, endpoint: $0.endpoint) },
            sponsors: Array(Set(entry.nodes.flatMap(\.sponsors))).sorted()
        )
    }

    /// Those of some accounts whose cells have nodes that take links. An edge is reached through its uplink alone, and whoever
    /// holds that hears of it there.
    public func reachable(_ accounts: [AccountID]) -> [AccountID] {
        accounts.filter { account in directory.entry(for: account)?.nodes.contains { $0.role == .core } == true }
    }
}
