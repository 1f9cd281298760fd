import ArgumentParser

/// `busbar config`
struct ConfigCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "config",
        abstract: "Work with configuration files.",
        subcommands: [Check.self]
    )

    /// `busbar config check FILE`
    struct Check: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "check",
            abstract: "Check a configuration file and list every problem in it, and what is seldom meant as warnings."
        )

        @Argument(help: "The YAML file.")
        var file: String

        func run() async throws {
            let configuration = try ConfigurationFile.load(file)
            for warning in configuration.warnings { print("warning: \(warning)") }
            let peers = configuration.cluster.map { ", \($0.role.rawValue) node of \($0.trustDomain)" } ?? ""
            print(
                "\(file) is good: \(configuration.accounts.count) accounts, "
                    + "\(configuration.listeners.count) listeners\(peers)."
            )
        }
    }
}
