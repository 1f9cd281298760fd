import ArgumentParser
import EventModel
import Foundation
import SansIO

/// Which identity file a command works on.
struct IdentityOptions: ParsableArguments {
    @Option(help: "The identity file. A node that runs reads it again when it gets SIGHUP.")
    var identities: String

    func edit<Value>(_ change: (inout IdentityFile) throws -> Value) throws -> Value {
        try IdentityFile.edit(identities, change)
    }

    func load() throws -> IdentityFile {
        try IdentityFile.load(identities)
    }
}

/// `busbar account`
struct AccountCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "account",
        abstract: "Edit the accounts of an identity file.",
        subcommands: [Put.self, Remove.self, List.self]
    )

    /// Makes an account, or replaces its organization.
    struct Put: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "put",
            abstract: "Make an account, or replace its place in an organization."
        )

        @Argument(help: "The account's twelve digits.")
        var account: String
        @OptionGroup var file: IdentityOptions
        @Option(help: "The organization that the account is in, for aws:PrincipalOrgID.")
        var organization: String?
        @Option(parsing: .upToNextOption, help: "Its places there, for aws:PrincipalOrgPaths.")
        var organizationPath: [String] = []

        func run() async throws {
            guard let id = AccountID(account) else { throw ValidationError("An account is twelve digits.") }
            guard organization != nil || organizationPath.isEmpty else {
                throw ValidationError("--organization-path needs --organization.")
            }
            try file.edit { identities in
                identities.putAccount(
                    id,
                    organization: organization.map { IdentityFile.Organization(id: $0, paths: organizationPath) }
                )
            }
        }
    }

    /// Removes an account from the file.
    struct Remove: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "remove",
            abstract: "Remove an account with its principals and keys; its buses and queues stay in the store."
        )

        @Argument(help: "The account's twelve digits.")
        var account: String
        @OptionGroup var file: IdentityOptions

        func run() async throws {
            guard AccountID(account) != nil else { throw ValidationError("An account is twelve digits.") }
            try file.edit { try $0.remove(IdentityFile.Subject(account)) }
        }
    }

    /// Lists accounts.
    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(commandName: "list", abstract: "List the accounts.")

        @OptionGroup var file: IdentityOptions

        func run() async throws {
            for account in try file.load().accounts {
                let organization = account.organization.map { " in \($0.id)" } ?? ""
                print(
                    "\(account.id)\(organization): \(account.principals.count) principals, \(account.keys.count) own keys"
                )
            }
        }
    }
}
