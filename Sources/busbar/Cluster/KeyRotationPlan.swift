import EventModel

/// What a rotation of gossip's keys has to know of the nodes before it changes any.
struct KeyRotationPlan: Equatable {
    /// A node as its admin address describes it.
    struct Node: Equatable {
        /// Where its view came from among those that were given.
        var place: Int
        /// Its URI.
        var uri: String
        /// The numbers of its keys, the one that it seals with first.
        var keys: [String]
    }

    /// The nodes that were named, each once.
    private(set) var nodes: [Node] = []
    /// Nodes that take part in gossip as one of the others sees it, and were not named; in order.
    private(set) var unnamed: [String] = []

    /// Reads what `GET /cluster` of each node says.
    init(views: [JSONObject]) throws {
        var present: Set<String> = []
        for (place, view) in views.enumerated() {
            let keys = try GossipKeyRing.names(in: view)
            guard let uri = view["node"]?.string, !nodes.contains(where: { $0.uri == uri }) else { continue }
            nodes.append(Node(place: place, uri: uri, keys: keys))
            for member in (view["members"]?.array ?? []).compactMap(\.object) {
                guard let uri = member["node"]?.string, let state = member["state"]?.string else { continue }
                if state == "alive" || state == "suspect" { present.insert(uri) }
            }
        }
        unnamed = present.subtracting(nodes.map(\.uri)).sorted()
    }

    /// Keys of a node that none of the nodes seals with: an earlier rotation that ended early left them.
    func leftovers(of node: Node) -> [String] {
        let inUse = Set(nodes.compactMap(\.keys.first))
        return node.keys.filter { !inUse.contains($0) }
    }
}

extension GossipKeyRing {
    /// The numbers of a node's keys, from its `GET /cluster`; the one that it seals with first.
    static func names(in view: JSONObject) throws -> [String] {
        let names = (view["keys"]?.array ?? []).compactMap(\.string)
        guard !names.isEmpty else {
            throw AdminClient.Failure(description: "\(view["node"]?.string ?? "The node") takes no part in gossip.")
        }
        return names
    }
}
