import EventModel
import Membership
import SansIO

/// Tells which cell hosts an account, and where its nodes are; read for every batch, so it must be quick.
///
/// An answer is a hint: the receiving node decides whether it hosts the account, and the forwarder believes it only if its
/// certificate covers the account.
public protocol RouteDirectory: AnyObject {
    /// The cell that hosts an account; nil when none is known to.
    func route(to account: AccountID) -> AccountRoute?
}

/// The cell of an account.
public struct AccountRoute: Sendable, Equatable {
    /// The cell's name.
    public var cell: CellIdentity
    /// Its nodes that take connections, in order of identity; none for a cell that only dials out.
    public var nodes: [PeerNode]
    /// For a cell that only dials out: the nodes that hold its uplinks, and alone can send to it.
    public var sponsors: [NodeIdentity]

    /// Creates a route.
    public init(cell: CellIdentity, nodes: [PeerNode], sponsors: [NodeIdentity] = []) {
        self.cell = cell
        self.nodes = nodes.sorted { $0.identity < $1.identity }
        self.sponsors = sponsors
    }
}

/// A node that takes connections.
public struct PeerNode: Hashable, Sendable {
    /// Who it must prove to be.
    public var identity: NodeIdentity
    /// Where it listens for peers.
    public var endpoint: NodeEndpoint

    /// Creates a node.
    public init(identity: NodeIdentity, endpoint: NodeEndpoint) {
        self.identity = identity
        self.endpoint = endpoint
    }

    /// The address for a ``PeerLinkPort``.
    public var address: PeerAddress { PeerAddress(endpoint: endpoint, uri: identity.uri) }
}

/// A directory that is configured rather than learnt.
public final class StaticDirectory: RouteDirectory {
    /// The routes. A change takes effect with the next batch.
    public var routes: [AccountID: AccountRoute]

    /// Creates a directory.
    public init(_ routes: [AccountID: AccountRoute] = [:]) {
        self.routes = routes
    }

    /// The configured route.
    public func route(to account: AccountID) -> AccountRoute? {
        routes[account]
    }
}

/// Asks several directories in order; the first that knows the account counts.
public final class LayeredDirectory: RouteDirectory {
    private let layers: [any RouteDirectory]

    /// Creates a directory over others.
    public init(_ layers: [any RouteDirectory]) {
        self.layers = layers
    }

    /// The route of the first layer that has one.
    public func route(to account: AccountID) -> AccountRoute? {
        for layer in layers {
            if let route = layer.route(to: account) { return route }
        }
        return nil
    }
}
