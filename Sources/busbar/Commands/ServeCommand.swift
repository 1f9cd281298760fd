import ArgumentParser
import Foundation

/// `busbar serve --config FILE`
struct ServeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve",
        abstract: "Run a node as a configuration file describes it."
    )

    @Option(name: .long, help: "The YAML file that describes the node.")
    var config: String

    func run() async throws {
        let configuration = try ConfigurationFile.load(config)
        try await NodeProcess(configuration).run()
    }
}
