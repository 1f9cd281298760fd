import Cluster
import EventModel
import SansIO
import Transport

extension NodeConfiguration {
    /// How a node talks to the nodes of other cells.
    struct Cluster: Sendable {
        /// Whose certificates count, in lower case, e.g. `example.com`.
        var trustDomain: String
        var peers: Peers
        /// How nodes find each other; nil leaves it to ``cells``.
        var gossip: Gossip?
        /// The way out of a cell that only dials; nil for a cell that others can reach.
        var uplink: Uplink?
        /// Cells that are known without gossip.
        var cells: [Cell] = []

        var role: Role { uplink == nil ? .core : .edge }
    }

    /// What part a cell has in the cluster.
    enum Role: String, Sendable, CaseIterable {
        /// Other nodes can dial it.
        case core
        /// It dials out, and the centre sends to it through the stream that it keeps open.
        case edge
    }

    /// The peer listener, and what proves who this node is.
    struct Peers: Sendable {
        /// Where other nodes may dial; nil for an edge cell that only dials out.
        var listener: Listener?
        /// The address that other nodes are told; nil for the listener's own.
        var advertiseHost: String?
        /// The port that other nodes are told; nil for the listener's own.
        var advertisePort: Int?
        /// PEM files: the chain, leaf first; its key; the roots; revocation lists.
        var certificate: String
        var key: String
        var roots: String
        var revocationLists: [String] = []
        /// How far clocks may disagree about a certificate's validity.
        var clockSkew = Duration.seconds(60)
        /// How long after its announced next update a revocation list counts as current.
        var revocationStaleness = Duration.seconds(7 * 86_400)
        /// Whether a chain without a current revocation list is refused.
        var requiresRevocationLists = false
        /// The limits of the listener.
        var limits = HTTPServerConfiguration.peers
        /// How long an event may wait for a bus of another cell.
        var retention = Duration.seconds(86_400)
        /// How long a caller of PutEvents waits for a bus of another cell.
        var putTimeout = Duration.seconds(5)
        /// For how long an account that came here counts as new.
        var newAccountTime = Duration.seconds(600)
        /// Events that other cells may send in a second in the name of one account; nil for any number.
        var accountEventsPerSecond: Int?
        /// The queues towards other cells.
        var queues = PeerQueues()
        /// How often the files are looked at for changes.
        var reloadInterval = Duration.seconds(10)
    }

    /// The gossip socket.
    struct Gossip: Sendable {
        /// The timings that fit a network.
        enum Preset: String, Sendable, CaseIterable {
            case lan
            case wan
            case local
        }

        var host: String
        /// 0 lets the system choose.
        var port: Int
        /// The IP address that other nodes are told; nil for the socket's own.
        var advertiseHost: String?
        /// The port that other nodes are told; nil for the socket's own.
        var advertisePort: Int?
        var preset = Preset.lan
        /// The file with the keys that seal datagrams, the one in use first.
        var keyRing: String
        /// Peer listeners of nodes to ask at the start, host names included.
        var seeds: [NodeEndpoint] = []
    }

    /// What is said of the queues towards other cells; nil where nothing is said.
    struct PeerQueues: Sendable {
        /// What happens to an event for another cell while the queue is full.
        enum Overflow: String, Sendable, CaseIterable {
            case refuseNew
            case dropOldest
            case dropNewest
        }

        /// Events that may wait for the link in the queue of one rule's target.
        var queueEvents: Int?
        /// Bytes of such events, in megabytes of 1,048,576.
        var queueMegabytes: Int?
        var whenFull: Overflow?
        /// Events a second that a backlog is sent with when the link is back.
        var drainEventsPerSecond: Int?
        /// When what is sent is compressed.
        var compression: ForwarderSettings.Compression?
    }

    /// The link of an edge cell to the centre.
    struct Uplink: Sendable {
        /// What holds for an edge where neither `uplink` nor `peers` says anything else.
        static let queueEvents = 5_000_000
        static let queueMegabytes = 8_192
        static let drainEventsPerSecond = 1_000

        /// Peer listeners of the centre, each of which gets an uplink.
        var seeds: [NodeEndpoint]
        /// What goes before the same keys of `peers`.
        var queues = PeerQueues()
    }

    /// A cell that is known without gossip.
    struct Cell: Sendable {
        var name: String
        var accounts: [AccountID]
        var nodes: [CellNode]
    }

    /// One node of such a cell.
    struct CellNode: Sendable {
        var identity: NodeIdentity
        var endpoint: NodeEndpoint
    }
}
