import ArgumentParser
import EventModel

extension ClusterCommand {
    /// `busbar cluster keys`
    struct Keys: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "keys",
            abstract: "Work with the keys that seal gossip.",
            subcommands: [ClusterCommand.List.self, ClusterCommand.Rotate.self]
        )
    }

    /// `busbar cluster keys list`
    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "list",
            abstract: "List the numbers of a node's keys, the one in use first; the keys themselves are not shown."
        )

        @Option(help: "The node's admin address; BUSBAR_ADMIN sets another default.")
        var admin = PolicyCommand.defaultAddress

        func run() async throws {
            for name in try ClusterCommand.keys(try AdminClient(admin).get("/cluster")) { print(name) }
        }
    }

    /// `busbar cluster keys rotate`
    struct Rotate: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "rotate",
            abstract: "Give all nodes a fresh key, let all use it, and take the former keys away.",
            discussion: """
                Name the admin address of every node. Each step is done on all nodes before the next begins, so that \
                gossip never pauses; a step that fails on one node ends the command, and it can be run again. The key \
                crosses to the admin addresses unencrypted: run the command where these are local, or through a tunnel. \
                A node that is away during a rotation needs the new key ring file before it starts again.
                """
        )

        @Option(parsing: .singleValue, help: "The admin address of a node; repeat it for every node.")
        var admin: [String]

        func run() async throws {
            let nodes = try Self.clients(admin)
            let key = try SealingKey.generate()
            guard let number = GossipKeyRing.key(hexadecimal: key)?.name else { return }
            var former: [[String]] = []
            for node in nodes {
                // The same node by another name has the new key already.
                former.append(try ClusterCommand.keys(try node.get("/cluster")).filter { $0 != number })
                _ = try node.post("/cluster/keys", ["add": .string(key)])
            }
            for node in nodes { _ = try node.post("/cluster/keys", ["use": .string(number)]) }
            for (node, names) in zip(nodes, former) {
                for name in names { _ = try node.post("/cluster/keys", ["remove": .string(name)]) }
            }
            print("\(nodes.count) node\(nodes.count == 1 ? "" : "s") now use key \(number) and no other.")
        }

        /// Clients of these addresses, each once.
        static func clients(_ addresses: [String]) throws -> [AdminClient] {
            var seen: Set<String> = []
            return try addresses.map { try AdminClient($0) }.filter { seen.insert($0.address).inserted }
        }
    }

    fileprivate static func keys(_ view: JSONObject) throws -> [String] {
        let names = (view["keys"]?.array ?? []).compactMap(\.string)
        guard !names.isEmpty else { throw ValidationError("The node takes no part in gossip.") }
        return names
    }
}
