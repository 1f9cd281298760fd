import ArgumentParser
import EventModel

/// `busbar map`
struct MapCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "map",
        abstract: "Draw who can reach which bus, by which statement of its policy, over which link.",
        discussion: """
            A running node answers for the buses of its cell: the accounts that a policy lets in, under which conditions, \
            and the rules that lead to other buses.
            """
    )

    @Option(help: "The node's admin address; BUSBAR_ADMIN sets another default.")
    var admin = PolicyCommand.defaultAddress

    @Flag(help: "Print the map as JSON.")
    var json = false

    func run() async throws {
        let answer = try AdminClient(admin).get("/map")
        if json {
            print((answer["map"] ?? .null).text)
        } else {
            for line in answer["lines"]?.array ?? [] { print(line.string ?? "") }
        }
    }
}
