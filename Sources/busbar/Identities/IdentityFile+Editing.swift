import AccessPolicy
import EventModel
import Foundation
import Router
import SansIO

/// The changes that commands make.
extension IdentityFile {
    /// Whom a command means: an account itself, or one of its users or roles.
    struct Subject: Sendable {
        var account: AccountID
        /// Nil for the account itself.
        var principal: (kind: PrincipalDeclaration.Kind, path: String, name: String)?

        /// Reads twelve digits, or the ARN of an account's root, a user or a role.
        init(_ text: String) throws {
            let wrong = Failure(
                description: "'\(text)' is neither an account's twelve digits nor the ARN of a principal"
            )
            if let account = AccountID(text) {
                self.account = account
                return
            }
            guard let arn = ARN(text), arn.service == "iam", let account = AccountID(arn.account) else { throw wrong }
            self.account = account
            if arn.resource == "root" { return }
            let parts = arn.resource.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
            guard parts.count >= 2, let kind = PrincipalDeclaration.Kind(rawValue: parts[0]), let name = parts.last
            else {
                throw wrong
            }
            let path = "/" + parts[1..<(parts.count - 1)].map { $0 + "/" }.joined()
            if let fault = PrincipalDeclaration.fault(name: name, path: path) {
                throw Failure(description: "'\(text)': \(fault)")
            }
            principal = (kind, path, name)
        }
    }

    /// The place of an account.
    func index(of account: AccountID) throws -> Int {
        guard let index = accounts.firstIndex(where: { $0.id == account.description }) else {
            throw Failure(description: "the file has no account \(account); `busbar account put \(account)` makes it")
        }
        return index
    }

    /// Makes an account, or replaces its organization.
    mutating func putAccount(_ account: AccountID, organization: Organization?) {
        if let index = try? index(of: account) {
            accounts[index].organization = organization
        } else {
            accounts.append(
                Account(id: account.description, organization: organization, keys: [], principals: [])
            )
        }
    }

    /// Makes a principal, or replaces everything of it but its keys.
    mutating func put(_ principal: Principal, in account: AccountID) throws {
        try Self.check(principal)
        let index = try index(of: account)
        if let place = accounts[index].principals.firstIndex(where: {
            $0.kind == principal.kind && $0.name.lowercased() == principal.name.lowercased()
        }) {
            let present = accounts[index].principals[place]
            guard present.name == principal.name, present.path == principal.path else {
                throw Failure(
                    description:
                        "there is a \(present.kind) \(present.path)\(present.name) already; names are unique in an "
                        + "account whatever their case and path: remove it first"
                )
            }
            let keys = accounts[index].principals[place].keys
            accounts[index].principals[place] = principal
            accounts[index].principals[place].keys = keys
        } else {
            accounts[index].principals.append(principal)
            accounts[index].principals.sort { ($0.kind, $0.path, $0.name) < ($1.kind, $1.path, $1.name) }
        }
    }

    /// Refuses policies that cannot be read.
    private static func check(_ principal: Principal) throws {
        func check(_ text: String, _ attachment: PolicyDocument.Attachment, _ what: String) throws {
            do throws(PolicyError) {
                _ = try PolicyDocument(parsing: text, attachment: attachment)
            } catch {
                throw Failure(description: "the \(what) is not valid: \(error)")
            }
        }
        for (index, text) in principal.policies.enumerated() { try check(text, .identity, "policy \(index + 1)") }
        if let boundary = principal.boundary { try check(boundary, .identity, "permissions boundary") }
        if let trust = principal.trust {
            guard principal.kind == "role" else { throw Failure(description: "only roles have a trust policy") }
            try check(trust, .trust, "trust policy")
        }
    }

    /// Removes a principal with its keys.
    mutating func remove(_ subject: Subject) throws {
        let index = try index(of: subject.account)
        guard let wanted = subject.principal else {
            accounts.remove(at: index)
            return
        }
        let before = accounts[index].principals.count
        accounts[index].principals.removeAll {
            $0.kind == wanted.kind.rawValue && $0.name == wanted.name && $0.path == wanted.path
        }
        guard accounts[index].principals.count < before else {
            throw Failure(description: "there is no such principal")
        }
    }

    /// Adds a key.
    mutating func add(_ key: Key, to subject: Subject) throws {
        try change(subject) { keys in
            guard keys.count < Self.keysPerPrincipal else {
                throw Failure(
                    description: "there are \(keys.count) keys already; delete one that is no longer used first"
                )
            }
            keys.append(key)
        }
    }

    private mutating func change(_ subject: Subject, _ body: (inout [Key]) throws -> Void) throws {
        let index = try index(of: subject.account)
        guard let wanted = subject.principal else { return try body(&accounts[index].keys) }
        guard wanted.kind == .user else { throw Failure(description: "a role has no keys; rules assume it") }
        guard
            let place = accounts[index].principals.firstIndex(where: {
                $0.kind == "user" && $0.name == wanted.name && $0.path == wanted.path
            })
        else { throw Failure(description: "there is no such user") }
        try body(&accounts[index].principals[place].keys)
    }

    /// Changes the key of that id, wherever it is; returning nil removes it.
    mutating func changeKey(_ id: String, _ change: (Key) -> Key?) throws {
        for account in accounts.indices {
            if Self.change(&accounts[account].keys, id, change) { return }
            for principal in accounts[account].principals.indices {
                if Self.change(&accounts[account].principals[principal].keys, id, change) { return }
            }
        }
        throw Failure(description: "there is no key \(id)")
    }

    private static func change(_ keys: inout [Key], _ id: String, _ change: (Key) -> Key?) -> Bool {
        guard let place = keys.firstIndex(where: { $0.id == id }) else { return false }
        if let key = change(keys[place]) { keys[place] = key } else { keys.remove(at: place) }
        return true
    }

    /// A fresh key with its secret, which is shown once and kept sealed.
    static func makeKey(sealing: SealingKey, now: String) throws -> (key: Key, secret: String) {
        let id = "AKIA" + RandomText.make(16, of: RandomText.identifier)
        let secret = RandomText.make(40, of: RandomText.secret)
        return (Key(id: id, sealed: try sealing.seal(secret, keyID: id), active: true, created: now), secret)
    }
}

/// Random text from the system's generator.
enum RandomText {
    static let identifier = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
    static let secret = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

    static func make(_ count: Int, of alphabet: String) -> String {
        var generator = SystemRandomNumberGenerator()
        let letters = Array(alphabet)
        return String((0..<count).map { _ in letters[Int.random(in: 0..<letters.count, using: &generator)] })
    }
}
