import ArgumentParser
import EventModel

/// `busbar cluster`
struct ClusterCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cluster",
        abstract: "See how a node sees the other nodes, make it leave, and replace the keys of gossip.",
        subcommands: [Members.self, Watch.self, Leave.self, Keys.self]
    )

    /// `busbar cluster members`
    struct Members: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "members",
            abstract: "List the nodes that a node knows, with their state, address and accounts."
        )

        @Option(help: "The node's admin address; BUSBAR_ADMIN sets another default.")
        var admin = PolicyCommand.defaultAddress

        @Flag(help: "Print everything of the node's view as JSON.")
        var json = false

        func run() async throws {
            let view = try AdminClient(admin).get("/cluster")
            guard !json else { return print(JSONValue.object(view).text) }
            for line in Self.table(view) { print(line) }
        }

        /// Members and edges as lines with aligned columns.
        static func table(_ view: JSONObject) -> [String] {
            let members = (view["members"]?.array ?? []).compactMap(\.object)
            let edges = (view["edges"]?.array ?? []).compactMap(\.object)
            guard !members.isEmpty else { return ["This node takes no part in gossip."] }
            var rows = [["NODE", "STATE", "SINCE", "PEERS", "ACCOUNTS"]]
            rows += members.map { row($0, since: $0["since"]?.string ?? "", peers: $0["peer"]?.string ?? "") }
            rows += edges.map { edge in
                let sponsors = (edge["sponsors"]?.array ?? []).compactMap { $0.string?.split(separator: "/").last }
                return row(edge, since: "-", peers: sponsors.isEmpty ? "-" : "via " + sponsors.joined(separator: ", "))
            }
            var widths = [Int](repeating: 0, count: rows[0].count)
            for row in rows { for (index, cell) in row.enumerated() { widths[index] = max(widths[index], cell.count) } }
            let lines = rows.map { row in
                let cells = zip(row, widths).map { $0 + String(repeating: " ", count: $1 - $0.count) }
                return cells.joined(separator: "  ").trimmingSuffix(" ")
            }
            let counts = [("member", members.count), ("edge", edges.count)].filter { $0.1 > 0 }
            return lines + [counts.map { "\($1) \($0)\($1 == 1 ? "" : "s")" }.joined(separator: ", ")]
        }

        private static func row(_ node: JSONObject, since: String, peers: String) -> [String] {
            let uri = node["node"]?.string ?? ""
            var accounts = (node["accounts"]?.array ?? []).compactMap(\.string)
            let others = (node["accountCount"]?.integer ?? 0) - accounts.count
            if others > 0 { accounts.append("and \(others) more") }
            return [
                uri.hasPrefix("spiffe://") ? String(uri.dropFirst("spiffe://".count)) : uri,
                node["state"]?.string ?? "", since, peers, accounts.isEmpty ? "-" : accounts.joined(separator: " "),
            ]
        }
    }

    /// `busbar cluster watch`
    struct Watch: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "watch",
            abstract: "Print what happens to the members, as it happens, until Ctrl-C."
        )

        @Option(help: "The node's admin address; BUSBAR_ADMIN sets another default.")
        var admin = PolicyCommand.defaultAddress

        @Flag(help: "Print what the node remembers and end.")
        var once = false

        func run() async throws {
            var last = 0
            while true {
                let answer = try AdminClient(admin).get("/cluster/events?after=\(last)")
                for event in (answer["events"]?.array ?? []).compactMap(\.object) {
                    print("\(event["time"]?.string ?? "")  \(event["text"]?.string ?? "")")
                }
                let next = answer["last"]?.integer ?? last
                // A node that was started again counts from the beginning.
                last = next < last ? 0 : next
                if once { return }
                try await Task.sleep(for: .seconds(1))
            }
        }
    }

    /// `busbar cluster leave`
    struct Leave: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "leave",
            abstract: "Make a node tell the others that it goes, and stop taking part in gossip.",
            discussion: """
                The node goes on serving its API; it takes part again when it is started again. Stopping a node leaves too.
                """
        )

        @Option(help: "The node's admin address; BUSBAR_ADMIN sets another default.")
        var admin = PolicyCommand.defaultAddress

        func run() async throws {
            _ = try AdminClient(admin).post("/cluster/leave")
            print("The node has left.")
        }
    }
}

extension String {
    /// Without these characters at the end.
    fileprivate func trimmingSuffix(_ character: Character) -> String {
        var text = self[...]
        while text.last == character { text.removeLast() }
        return String(text)
    }
}
