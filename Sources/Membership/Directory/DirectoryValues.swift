import EventModel
import SansIO

/// A cell: the nodes that share one store. Cell names are unique per authority (DESIGN §6).
public struct CellIdentity: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// The authority of its nodes' URIs.
    public var authority: String
    /// Its name.
    public var cell: String

    /// Creates a cell's identity.
    public init(authority: String, cell: String) {
        self.authority = authority
        self.cell = cell
    }

    /// The cell of a node.
    public init(of node: NodeIdentity) {
        self.init(authority: node.authority, cell: node.cell)
    }

    /// `authority/cell`.
    public var description: String { "\(authority)/\(cell)" }

    /// Orders by authority, then by name.
    public static func < (left: CellIdentity, right: CellIdentity) -> Bool {
        (left.authority, left.cell) < (right.authority, right.cell)
    }
}

/// A node of a cell that hosts an account.
public struct DirectoryNode: Equatable, Sendable {
    /// Who it is: a peer link expects this URI.
    public var identity: NodeIdentity
    /// Where it takes peer links.
    public var endpoint: NodeEndpoint
    /// Its part in gossip; a leaf is reached through one of ``sponsors`` and not by dialling it.
    public var role: NodeDescription.Role
    /// For a leaf: the nodes that hold its uplink now, in order.
    public var sponsors: [NodeIdentity]
    /// How loaded it is, 0 to 255.
    public var pressure: UInt8
    /// Its software's version.
    public var version: String
    /// True while it is suspected: others of its cell are the better choice.
    public var isSuspect: Bool
}

/// What the directory answers for an account.
public struct DirectoryEntry: Equatable, Sendable {
    /// The cell that hosts it.
    public var cell: CellIdentity
    /// The cell's nodes that host it, by identity; never empty.
    public var nodes: [DirectoryNode]
}

/// Changed answers of the directory, from one cause; ``AccountDirectory/entry(for:)`` gives them.
public struct DirectoryChange: Equatable, Sendable {
    /// The accounts that are hosted, by another cell or other nodes than before or by nodes that describe themselves anew; in
    /// order.
    public var hosted: [AccountID]
    /// The accounts that nobody hosts any more, in order.
    public var withdrawn: [AccountID]

    /// Creates a change.
    public init(hosted: [AccountID] = [], withdrawn: [AccountID] = []) {
        self.hosted = hosted
        self.withdrawn = withdrawn
    }

    /// True when nothing has changed.
    public var isEmpty: Bool { hosted.isEmpty && withdrawn.isEmpty }
}
