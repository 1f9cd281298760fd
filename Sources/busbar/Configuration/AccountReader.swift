import AccessPolicy
import EventModel
import Foundation
import Router

/// Reads accounts, users, roles and keys of the configuration file.
enum AccountReader {
    static func account(
        _ reader: ConfigurationReader,
        _ environment: [String: String]
    ) -> NodeConfiguration.Account? {
        let text = reader.string("id")
        let id = text.flatMap { AccountID($0) }
        if id == nil { reader.note("must be an account's twelve digits, in quotes", key: "id") }
        let keys = reader.list("keys").compactMap { key($0, environment) }
        var account = id.map { NodeConfiguration.Account(id: $0, keys: keys) }
        if let organization = reader.nested("organization") {
            account?.organizationID = organization.string("id")
            account?.organizationPaths = organization.strings("paths")
            organization.finish()
        }
        account?.principals =
            reader.list("users").compactMap { principal($0, .user, environment) }
            + reader.list("roles").compactMap { principal($0, .role, environment) }
        reader.finish()
        return account
    }

    private static func principal(
        _ reader: ConfigurationReader,
        _ kind: PrincipalDeclaration.Kind,
        _ environment: [String: String]
    ) -> NodeConfiguration.Principal? {
        let name = reader.string("name")
        if name == nil { reader.note("is missing", key: "name") }
        var declaration = PrincipalDeclaration(kind: kind, name: name ?? "", path: reader.string("path") ?? "/")
        if name != nil, let fault = PrincipalDeclaration.fault(name: declaration.name, path: declaration.path) {
            reader.note("is not valid: \(fault)", key: "name")
        }
        declaration.tags = reader.texts("tags").map { Tag(key: $0.key, value: $0.value) }
        declaration.policies = reader.list("policies").compactMap { document($0, .identity) }
        declaration.permissionsBoundary = reader.nested("boundary").flatMap { document($0, .identity) }
        var keys: [NodeConfiguration.Key] = []
        switch kind {
        case .user:
            keys = reader.list("keys").compactMap { key($0, environment) }
            if keys.count > IdentityFile.keysPerPrincipal {
                reader.note("has \(keys.count) keys; a user may have \(IdentityFile.keysPerPrincipal)", key: "keys")
            }
        case .role:
            declaration.trustPolicy = reader.nested("trust").flatMap { document($0, .trust) }
        }
        reader.finish()
        return name.map { _ in NodeConfiguration.Principal(declaration: declaration, keys: keys) }
    }

    /// A policy: its text as `document`, or the file that holds it as `file`.
    private static func document(
        _ reader: ConfigurationReader,
        _ attachment: PolicyDocument.Attachment
    ) -> String? {
        let inline = reader.string("document")
        let file = reader.string("file")
        reader.finish()
        guard (inline == nil) != (file == nil) else {
            reader.note("needs exactly one of document and file")
            return nil
        }
        var text = inline
        if let file {
            text = try? String(contentsOfFile: file, encoding: .utf8)
            if text == nil { reader.note("names a file that cannot be read: \(file)", key: "file") }
        }
        guard let text else { return nil }
        do throws(PolicyError) {
            _ = try PolicyDocument(parsing: text, attachment: attachment)
        } catch {
            reader.note("is not a valid policy: \(error)")
        }
        return text
    }

    static func identities(_ reader: ConfigurationReader) -> NodeConfiguration.Identities? {
        let file = reader.string("file")
        if file == nil { reader.note("is missing", key: "file") }
        let keyFile = reader.string("sealingKeyFile")
        let variable = reader.string("sealingKeyEnvironment")
        if keyFile != nil, variable != nil {
            reader.note("may have only one of sealingKeyFile and sealingKeyEnvironment")
        }
        reader.finish()
        return file.map {
            NodeConfiguration.Identities(file: $0, sealingKeyFile: keyFile, sealingKeyVariable: variable)
        }
    }

    private static func key(_ reader: ConfigurationReader, _ environment: [String: String]) -> NodeConfiguration.Key? {
        let id = reader.string("id")
        if id == nil { reader.note("is missing", key: "id") }
        let inline = reader.string("secret")
        let file = reader.string("secretFile")
        let variable = reader.string("secretEnvironment")
        reader.finish()
        guard [inline, file, variable].compactMap({ $0 }).count == 1 else {
            reader.note("needs exactly one of secret, secretFile and secretEnvironment")
            return nil
        }
        var secret = inline
        if let file {
            secret = try? String(contentsOfFile: file, encoding: .utf8).trimmingCharacters(in: .whitespacesAndNewlines)
            if secret == nil { reader.note("names a file that cannot be read: \(file)", key: "secretFile") }
        } else if let variable {
            secret = environment[variable]
            if secret == nil { reader.note("names a variable that is not set: \(variable)", key: "secretEnvironment") }
        }
        guard let id, let secret else { return nil }
        guard secret.utf8.count >= 16 else {
            reader.note("must be at least 16 characters long", key: "secret")
            return nil
        }
        return NodeConfiguration.Key(id: id, secret: secret)
    }
}

extension NodeConfiguration {
    /// Adds what the identity file declares; an account that the configuration has too gets both.
    ///
    /// - Throws: ``ConfigurationFile/Invalid`` with every problem of the file.
    mutating func addIdentities(environment: [String: String]) throws {
        guard let identities else { return }
        var problems: [String] = []
        var sealing: SealingKey?
        var added: [Account] = []
        do {
            if identities.sealingKeyFile != nil || identities.sealingKeyVariable != nil {
                sealing = try SealingKey(
                    file: identities.sealingKeyFile,
                    variable: identities.sealingKeyVariable,
                    environment: environment
                )
            }
            added = try IdentityFile.load(identities.file).accounts(sealing: sealing, problems: &problems)
        } catch {
            problems.append("\(error)")
        }
        for account in added {
            guard let index = accounts.firstIndex(where: { $0.id == account.id }) else {
                accounts.append(account)
                continue
            }
            accounts[index].keys += account.keys
            accounts[index].principals += account.principals
            if let organization = account.organizationID {
                accounts[index].organizationID = organization
                accounts[index].organizationPaths = account.organizationPaths
            }
        }
        problems += accounts.duplicates.map { "accounts \($0)" }
        if accounts.isEmpty { problems.append("there is no account") }
        if let cluster {
            let check = PeerCertificateCheck(cluster, cell: cell, node: node)
            for account in added where !check.covers(account.id) {
                problems.append("account \(account.id) is not covered by the certificate of peers")
            }
        }
        guard problems.isEmpty else { throw ConfigurationFile.Invalid(file: identities.file, problems: problems) }
    }
}

extension [NodeConfiguration.Account] {
    /// What `accounts` does for everything that is declared twice.
    var duplicates: [String] {
        var lines: [String] = []
        var ids: Set<AccountID> = []
        var names: Set<String> = []
        var keys: Set<String> = []
        for account in self {
            if !ids.insert(account.id).inserted { lines.append("names account \(account.id) twice") }
            for key in account.keys + account.principals.flatMap(\.keys) where !keys.insert(key.id).inserted {
                lines.append("has the access key \(key.id) twice")
            }
            for principal in account.principals {
                // IAM tells names apart without regard to letter case and path.
                let kind = principal.declaration.kind.rawValue
                let name = "\(account.id)/\(kind)/\(principal.declaration.name.lowercased())"
                if !names.insert(name).inserted {
                    lines.append("gives account \(account.id) the \(kind) \(principal.declaration.name) twice")
                }
            }
        }
        return lines
    }
}
