import ArgumentParser
import Foundation

/// `busbar serve --config FILE`
struct ServeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve",
        abstract: "Run a node as a configuration file describes it.",
        discussion: """
            SIGHUP makes the node read accounts, users, roles and keys, certificate files and the key ring again; the rest \
            takes a restart.
            """
    )

    @Option(name: .long, help: "The YAML file that describes the node.")
    var config: String

    func run() async throws {
        let configuration = try ConfigurationFile.load(config)
        let file = config
        try await NodeProcess(configuration, reload: { try ConfigurationFile.load(file) }).run()
    }
}
