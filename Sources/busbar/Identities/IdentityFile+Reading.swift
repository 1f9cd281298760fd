import EventModel
import Router

/// What a node makes of the file.
extension IdentityFile {
    /// The accounts with their secrets opened.
    ///
    /// - Parameters:
    ///   - sealing: the key that opens secrets; only needed when there are keys.
    ///   - problems: gets a line for everything that is wrong.
    /// - Returns: the accounts that can be used.
    func accounts(sealing: SealingKey?, problems: inout [String]) -> [NodeConfiguration.Account] {
        var found: [NodeConfiguration.Account] = []
        for account in accounts {
            guard let id = AccountID(account.id) else {
                problems.append("identities: '\(account.id)' is not an account's twelve digits")
                continue
            }
            var result = NodeConfiguration.Account(id: id, keys: Self.open(account.keys, sealing, &problems))
            result.organizationID = account.organization?.id
            result.organizationPaths = account.organization?.paths ?? []
            for principal in account.principals {
                guard let declaration = principal.declaration else {
                    problems.append("identities: account \(id): '\(principal.kind)' is neither user nor role")
                    continue
                }
                if let fault = PrincipalDeclaration.fault(name: declaration.name, path: declaration.path) {
                    problems.append("identities: account \(id): '\(principal.path)\(principal.name)': \(fault)")
                }
                let keys = Self.open(principal.keys, sealing, &problems)
                result.principals.append(NodeConfiguration.Principal(declaration: declaration, keys: keys))
            }
            found.append(result)
        }
        return found
    }

    private static func open(
        _ keys: [Key],
        _ sealing: SealingKey?,
        _ problems: inout [String]
    ) -> [NodeConfiguration.Key] {
        var opened: [NodeConfiguration.Key] = []
        for key in keys where key.active {
            guard let sealing else {
                problems.append("identities: key \(key.id) is sealed, and there is no sealing key")
                continue
            }
            do {
                opened.append(NodeConfiguration.Key(id: key.id, secret: try sealing.open(key.sealed, keyID: key.id)))
            } catch {
                problems.append("identities: \(error)")
            }
        }
        return opened
    }
}

extension IdentityFile.Principal {
    /// The principal without its keys; nil when it is neither user nor role.
    var declaration: PrincipalDeclaration? {
        guard let kind = PrincipalDeclaration.Kind(rawValue: kind) else { return nil }
        var declaration = PrincipalDeclaration(kind: kind, name: name, path: path)
        declaration.tags = tags.sorted { $0.key < $1.key }.map { Tag(key: $0.key, value: $0.value) }
        declaration.policies = policies
        declaration.permissionsBoundary = boundary
        declaration.trustPolicy = trust
        return declaration
    }
}
