import ArgumentParser

/// The `busbar` command.
@main
struct BusbarCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "busbar",
        abstract: "A distributed, cross-account event router that speaks AWS EventBridge's API.",
        version: "0.1.0",
        subcommands: [
            ServeCommand.self, DevCommand.self, ConfigCommand.self, PatternCommand.self, PolicyCommand.self,
            ClusterCommand.self, MapCommand.self, AccountCommand.self, PrincipalCommand.self, KeyCommand.self,
            SimulateCommand.self,
        ]
    )
}
