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
            for name in try GossipKeyRing.names(in: try AdminClient(admin).get("/cluster")) { print(name) }
        }
    }

    /// `busbar cluster keys rotate`
    struct Rotate: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "rotate",
            abstract: "Give all nodes a fresh key, let all use it, and take the former keys away.",
            discussion: """
                Name the admin address of every node. All of them are asked first, and nothing is changed unless each \
                answers and none that takes part is missing. Then each step is done on all nodes before the next begins, \
                so that gossip never pauses; a step that fails on one node ends the command, and it can be run again, \
                which also takes away what the attempt left. The key crosses to the admin addresses unencrypted: run the \
                command where these are local, or through a tunnel. A node that is away during a rotation needs the new \
                key ring file before it starts again.
                """
        )

        @Option(parsing: .singleValue, help: "The admin address of a node; repeat it for every node.")
        var admin: [String]

        @Flag(help: "Go on though nodes are missing; they are held dead until their files are changed.")
        var incomplete = false

        func run() async throws {
            let clients = try Self.clients(admin)
            let plan = try KeyRotationPlan(views: try clients.map { try $0.get("/cluster") })
            guard plan.unnamed.isEmpty || incomplete else {
                throw AdminClient.Failure(
                    description: "These nodes take part in gossip and are not named, so they could not read what the "
                        + "others send: \(plan.unnamed.joined(separator: ", ")). Nothing was changed. Name their admin "
                        + "addresses too; --incomplete goes on without them."
                )
            }
            let nodes = plan.nodes.map { (client: clients[$0.place], node: $0) }
            if plan.unnamed.isEmpty {
                for (client, node) in nodes { try Self.remove(plan.leftovers(of: node), client) }
            }
            let key = try SealingKey.generate()
            guard let number = GossipKeyRing.key(hexadecimal: key)?.name else { return }
            for (client, _) in nodes { _ = try client.post("/cluster/keys", ["add": .string(key)]) }
            for (client, _) in nodes { _ = try client.post("/cluster/keys", ["use": .string(number)]) }
            for (client, _) in nodes {
                let names = try GossipKeyRing.names(in: try client.get("/cluster"))
                try Self.remove(names.filter { $0 != number }, client)
            }
            print("\(nodes.count) node\(nodes.count == 1 ? " now uses" : "s now use") key \(number) and no other.")
        }

        private static func remove(_ keys: [String], _ client: AdminClient) throws {
            for key in keys { _ = try client.post("/cluster/keys", ["remove": .string(key)]) }
        }

        /// Clients of these addresses, each once.
        static func clients(_ addresses: [String]) throws -> [AdminClient] {
            var seen: Set<String> = []
            return try addresses.map { try AdminClient($0) }.filter { seen.insert($0.address).inserted }
        }
    }
}
