import ArgumentParser
import EventModel
import Foundation
import SansIO

/// `busbar key`
struct KeyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "key",
        abstract: "Edit the access keys of an identity file.",
        discussion: """
            Every principal may have two keys. To replace one without a pause: create the second, give it to the clients, \
            deactivate the first, and delete it when nothing misses it.
            """,
        subcommands: [Create.self, Activate.self, Deactivate.self, Delete.self, List.self]
    )

    /// Makes a key.
    struct Create: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "create",
            abstract: "Make an access key and print it with its secret, which is not shown again."
        )

        @Option(help: "Whose key: the ARN of a user, or an account's twelve digits for a key that acts as its root.")
        var principal: String
        @OptionGroup var file: IdentityOptions
        @Option(help: "The file of the key that secrets are encrypted with, 64 hexadecimal digits; made when missing.")
        var sealingKeyFile: String?
        @Option(help: "The environment variable that holds it instead.")
        var sealingKeyEnvironment: String?

        func run() async throws {
            if let sealingKeyFile, !FileManager.default.fileExists(atPath: sealingKeyFile) {
                let text = try SealingKey.generate() + "\n"
                let attributes: [FileAttributeKey: Any] = [.posixPermissions: 0o600]
                let path = sealingKeyFile
                guard FileManager.default.createFile(atPath: path, contents: Data(text.utf8), attributes: attributes)
                else { throw ValidationError("\(path) cannot be written.") }
            }
            let sealing = try SealingKey(
                file: sealingKeyFile,
                variable: sealingKeyEnvironment,
                environment: ProcessInfo.processInfo.environment
            )
            let subject = try IdentityFile.Subject(principal)
            let now = CivilTime(Timestamp(milliseconds: Int64(Date().timeIntervalSince1970 * 1_000))).iso8601
            let made = try IdentityFile.makeKey(sealing: sealing, now: now)
            try file.edit { file in
                try file.add(made.key, to: subject)
                // A file that its node could not read must not be written, e.g. with keys sealed by different keys.
                var problems: [String] = []
                _ = file.accounts(sealing: sealing, problems: &problems)
                guard problems.isEmpty else {
                    throw IdentityFile.Failure(description: problems.joined(separator: "; "))
                }
            }
            print("aws_access_key_id = \(made.key.id)\naws_secret_access_key = \(made.secret)")
        }
    }

    /// Lets a key sign again.
    struct Activate: AsyncParsableCommand {
        static let configuration = CommandConfiguration(commandName: "activate", abstract: "Let a key sign again.")

        @Argument(help: "The key's id.")
        var id: String
        @OptionGroup var file: IdentityOptions

        func run() async throws {
            try file.edit { file in
                try file.changeKey(id) { key in
                    var key = key
                    key.active = true
                    return key
                }
            }
        }
    }

    /// Keeps a key from signing.
    struct Deactivate: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "deactivate",
            abstract: "Keep a key from signing until it is activated again."
        )

        @Argument(help: "The key's id.")
        var id: String
        @OptionGroup var file: IdentityOptions

        func run() async throws {
            try file.edit { file in
                try file.changeKey(id) { key in
                    var key = key
                    key.active = false
                    return key
                }
            }
        }
    }

    /// Deletes a key.
    struct Delete: AsyncParsableCommand {
        static let configuration = CommandConfiguration(commandName: "delete", abstract: "Delete a key for good.")

        @Argument(help: "The key's id.")
        var id: String
        @OptionGroup var file: IdentityOptions

        func run() async throws {
            try file.edit { try $0.changeKey(id) { _ in nil } }
        }
    }

    /// Lists keys.
    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "list",
            abstract: "List keys, never their secrets."
        )

        @OptionGroup var file: IdentityOptions

        func run() async throws {
            for account in try file.load().accounts {
                Self.print(account.keys, "arn:aws:iam::\(account.id):root")
                for principal in account.principals { Self.print(principal.keys, principal.arn(in: account)) }
            }
        }

        private static func print(_ keys: [IdentityFile.Key], _ owner: String) {
            for key in keys {
                Swift.print("\(key.id) \(key.active ? "active" : "inactive") \(key.created) \(owner)")
            }
        }
    }
}
