import ArgumentParser
import Foundation
import Transport

/// `busbar dev`
struct DevCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "dev",
        abstract: "Run one node for development: two accounts, loopback only, AWS profiles ready to use.",
        discussion: """
            Keeps everything in the data directory: the store, the access keys made at first start, and the AWS profiles \
            'a' (account 111122223333) and 'b' (account 444455556666).
            """
    )

    @Option(help: "The data directory.")
    var data = ".busbar-dev"

    @Option(help: "The port for plain HTTP on loopback; HTTPS is on the next one. 0 lets the system choose both.")
    var port = 8080

    @Option(help: "A directory with node.pem and node.key for HTTPS; without them HTTPS is off.")
    var certs: String?

    @Option(help: "How much to log: trace, debug, info, notice, warning, error, critical.")
    var log = "info"

    func run() async throws {
        guard let level = NodeConfiguration.level(log) else {
            throw ValidationError("--log must be one of trace, debug, info, notice, warning, error, critical.")
        }
        guard (0...65_534).contains(port) else { throw ValidationError("--port must be from 0 to 65534.") }
        var environment = try DevelopmentEnvironment(directory: data, certificates: certs)
        environment.logLevel = level
        var configuration = environment.configuration(port: port)
        try configuration.addIdentities(environment: ProcessInfo.processInfo.environment)
        let ready = environment
        try await NodeProcess(
            configuration,
            ready: { node in
                do {
                    try ready.writeProfiles(endpoint: "http://127.0.0.1:\(node.servers[0].port)")
                    print(ready.instructions(node))
                    fflush(nil)
                } catch {
                    print("The AWS profiles could not be written: \(error)")
                }
            }
        ).run()
    }
}
