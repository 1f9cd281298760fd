import ArgumentParser
import EventModel
import Foundation
import Router

/// `busbar principal`
struct PrincipalCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "principal",
        abstract: "Edit the users and roles of an identity file.",
        subcommands: [Put.self, Remove.self, List.self, Show.self]
    )

    /// Makes a principal, or replaces it.
    struct Put: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "put",
            abstract: "Make a user or a role, or replace everything of it but its keys."
        )

        @Argument(help: "The ARN: arn:aws:iam::ACCOUNT:user/PATH/NAME, or role/ for a role.")
        var arn: String
        @OptionGroup var file: IdentityOptions
        @Option(parsing: .upToNextOption, help: "Files of identity policies.")
        var policy: [String] = []
        @Option(help: "The file of the permissions boundary.")
        var boundary: String?
        @Option(help: "The file of a role's trust policy.")
        var trust: String?
        @Option(parsing: .upToNextOption, help: "Tags: KEY=VALUE.")
        var tag: [String] = []

        func run() async throws {
            let subject = try IdentityFile.Subject(arn)
            guard let named = subject.principal else { throw ValidationError("'\(arn)' names no user or role.") }
            var tags: [String: String] = [:]
            for text in tag {
                guard let sign = text.firstIndex(of: "="), sign > text.startIndex else {
                    throw ValidationError("--tag takes KEY=VALUE, not '\(text)'.")
                }
                tags[String(text[..<sign])] = String(text[text.index(after: sign)...])
            }
            let principal = IdentityFile.Principal(
                kind: named.kind.rawValue,
                name: named.name,
                path: named.path,
                tags: tags,
                policies: try policy.map { try PolicyCommand.read($0) },
                boundary: try boundary.map { try PolicyCommand.read($0) },
                trust: try trust.map { try PolicyCommand.read($0) },
                keys: []
            )
            try file.edit { try $0.put(principal, in: subject.account) }
        }
    }

    /// Removes a principal.
    struct Remove: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "remove",
            abstract: "Remove a user or a role with its keys."
        )

        @Argument(help: "The ARN.")
        var arn: String
        @OptionGroup var file: IdentityOptions

        func run() async throws {
            let subject = try IdentityFile.Subject(arn)
            guard subject.principal != nil else { throw ValidationError("'\(arn)' names no user or role.") }
            try file.edit { try $0.remove(subject) }
        }
    }

    /// Lists principals.
    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(commandName: "list", abstract: "List users and roles.")

        @OptionGroup var file: IdentityOptions

        func run() async throws {
            for account in try file.load().accounts {
                for principal in account.principals {
                    print(
                        "\(principal.arn(in: account)): \(principal.policies.count) policies, "
                            + "\(principal.keys.count) keys"
                    )
                }
            }
        }
    }

    /// Shows a principal's policies.
    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "show",
            abstract: "Show a principal's policies as they are in force."
        )

        @Argument(help: "The ARN.")
        var arn: String
        @OptionGroup var file: IdentityOptions

        func run() async throws {
            for account in try file.load().accounts {
                for principal in account.principals where principal.arn(in: account) == arn {
                    for tag in principal.tags.sorted(by: { $0.key < $1.key }) { print("tag \(tag.key)=\(tag.value)") }
                    for (index, text) in principal.policies.enumerated() { print("policy \(index + 1):\n\(text)") }
                    if let boundary = principal.boundary { print("permissions boundary:\n\(boundary)") }
                    if let trust = principal.trust { print("trust policy:\n\(trust)") }
                    return
                }
            }
            throw ValidationError("There is no principal '\(arn)'.")
        }
    }
}

extension IdentityFile.Principal {
    func arn(in account: IdentityFile.Account) -> String {
        "arn:aws:iam::\(account.id):\(kind)\(path)\(name)"
    }
}
