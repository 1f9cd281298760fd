import EmbeddedStore
import EventModel
import Foundation
import Logging
import Transport

/// The data directory of `busbar dev`: access keys that last, AWS profiles, certificates.
struct DevelopmentEnvironment: Sendable {
    /// A profile of the AWS tools.
    struct Profile: Codable, Sendable {
        var name: String
        var account: String
        var accessKeyID: String
        var secret: String
    }

    /// The two accounts of a development node.
    static let accounts = [("a", "111122223333"), ("b", "444455556666")]

    let directory: URL
    let profiles: [Profile]
    let tls: TLSConfiguration?
    var logLevel = Logger.Level.info

    /// Reads what an earlier start left, or makes it.
    init(directory: String, certificates: String?) throws {
        self.directory = URL(fileURLWithPath: directory, isDirectory: true).standardizedFileURL
        try FileManager.default.createDirectory(
            at: self.directory,
            withIntermediateDirectories: true,
            attributes: [.posixPermissions: 0o700]
        )
        profiles = try Self.loadProfiles(self.directory.appendingPathComponent("keys.json"))
        tls = Self.findCertificates(certificates, self.directory)
    }

    private static func loadProfiles(_ file: URL) throws -> [Profile] {
        if let data = try? Data(contentsOf: file) {
            return try JSONDecoder().decode([Profile].self, from: data)
        }
        let profiles = accounts.map { name, account in
            Profile(
                name: name,
                account: account,
                accessKeyID: "AKIA" + RandomText.make(16, of: RandomText.identifier),
                secret: RandomText.make(40, of: RandomText.secret)
            )
        }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
        try write(encoder.encode(profiles), to: file)
        return profiles
    }

    private static func findCertificates(_ given: String?, _ directory: URL) -> TLSConfiguration? {
        let places =
            given.map { [URL(fileURLWithPath: $0, isDirectory: true)] } ?? [
                directory.appendingPathComponent("certs"),
                URL(fileURLWithPath: "certs/dev", isDirectory: true),
            ]
        for place in places {
            let certificate = place.appendingPathComponent("node.pem").path
            let key = place.appendingPathComponent("node.key").path
            if FileManager.default.isReadableFile(atPath: certificate), FileManager.default.isReadableFile(atPath: key)
            {
                return TLSConfiguration(certificateChainFile: certificate, privateKeyFile: key)
            }
        }
        return nil
    }

    /// The node's configuration: everything on loopback.
    func configuration(port: Int) -> NodeConfiguration {
        var configuration = NodeConfiguration()
        configuration.cell = "dev"
        configuration.node = "dev-1"
        configuration.dataDirectory = directory.appendingPathComponent("store").path
        configuration.store.directory = configuration.dataDirectory
        configuration.store.minimumFreeBytes = 64 << 20
        configuration.listeners = [.init(host: "127.0.0.1", port: port, tls: nil)]
        if let tls {
            configuration.listeners.append(.init(host: "127.0.0.1", port: port == 0 ? 0 : port + 1, tls: tls))
        }
        configuration.accounts = profiles.compactMap { profile in
            AccountID(profile.account).map {
                .init(id: $0, keys: [.init(id: profile.accessKeyID, secret: profile.secret)])
            }
        }
        let identities = directory.appendingPathComponent("identities.json").path
        if FileManager.default.fileExists(atPath: identities) {
            let key = directory.appendingPathComponent("identities.key").path
            let hasKey = FileManager.default.fileExists(atPath: key)
            configuration.identities = .init(file: identities, sealingKeyFile: hasKey ? key : nil)
        }
        configuration.logLevel = logLevel
        configuration.stopTimeout = .seconds(3)
        return configuration
    }

    private var profileDirectory: URL { directory.appendingPathComponent("aws", isDirectory: true) }

    /// Writes the profiles that the AWS tools read.
    func writeProfiles(endpoint: String) throws {
        try FileManager.default.createDirectory(at: profileDirectory, withIntermediateDirectories: true)
        let config = profiles.map { profile in
            "[profile \(profile.name)]\nregion = us-east-1\noutput = json\nendpoint_url = \(endpoint)\n"
        }
        let credentials = profiles.map { profile in
            "[\(profile.name)]\naws_access_key_id = \(profile.accessKeyID)\naws_secret_access_key = \(profile.secret)\n"
        }
        try Self.write(
            Data(config.joined(separator: "\n").utf8),
            to: profileDirectory.appendingPathComponent("config")
        )
        try Self.write(
            Data(credentials.joined(separator: "\n").utf8),
            to: profileDirectory.appendingPathComponent("credentials")
        )
    }

    /// What a person needs to know, for the screen.
    func instructions(_ node: RunningNode) -> String {
        let http = "http://127.0.0.1:\(node.servers[0].port)"
        let https =
            node.servers.count > 1
            ? "https://localhost:\(node.servers[1].port)"
            : "off: no node.pem and node.key found (certs/make-dev-certs makes them)"
        return """

            Busbar is running. Accounts: a = 111122223333, b = 444455556666.
              HTTP   \(http)   (health and metrics: \(http)/readyz, \(http)/metrics)
              HTTPS  \(https)

            In another terminal:
              export AWS_CONFIG_FILE=\(profileDirectory.appendingPathComponent("config").path)
              export AWS_SHARED_CREDENTIALS_FILE=\(profileDirectory.appendingPathComponent("credentials").path)
            and then for example:
              aws --profile a events list-event-buses
              aws --profile b --endpoint-url \(http) sqs list-queues
            (version 1 of aws ignores the profile's endpoint for sqs; version 2 does not need --endpoint-url)

            """
    }

    private static func write(_ data: Data, to file: URL) throws {
        try data.write(to: file, options: .atomic)
        try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: file.path)
    }
}

extension NodeConfiguration {
    /// The log level of that name.
    static func level(_ name: String) -> Logger.Level? {
        Logger.Level(rawValue: name)
    }
}
