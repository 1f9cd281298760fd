import EventModel

/// A user or a role of an account, as configuration declares it.
public struct PrincipalDeclaration: Sendable, Equatable {
    /// The kinds of principal that configuration declares.
    public enum Kind: String, Sendable, CaseIterable {
        /// Signs requests with its own keys.
        case user
        /// Is assumed by rules that deliver with it.
        case role
    }

    /// User or role.
    public var kind: Kind
    /// The name, unique among the account's principals of the kind.
    public var name: String
    /// The path; begins and ends with a slash.
    public var path: String
    /// Tags, for `aws:PrincipalTag/...`.
    public var tags: [Tag]
    /// Texts of the identity policies.
    public var policies: [String]
    /// The text of the policy that limits what the identity policies can grant, or nil.
    public var permissionsBoundary: String?
    /// The text of a role's trust policy; nil lets nobody assume it.
    public var trustPolicy: String?

    /// Creates a principal without policies.
    public init(kind: Kind, name: String, path: String = "/") {
        self.kind = kind
        self.name = name
        self.path = path
        tags = []
        policies = []
    }

    /// The ARN of the user or role.
    public func arn(in account: AccountID) -> String {
        "arn:aws:iam::\(account):\(kind.rawValue)\(path)\(name)"
    }

    /// What is wrong with a name or path, or nil: IAM's characters, at most 64 of them in a name and 512 in a path.
    public static func fault(name: String, path: String) -> String? {
        let extra = Set("+=,.@-_".utf8)
        let isName =
            !name.isEmpty && name.utf8.count <= 64 && name.utf8.allSatisfy { isAlphanumeric($0) || extra.contains($0) }
        guard isName else { return "a name has 1 to 64 letters, digits and characters of +=,.@-_" }
        let isPath =
            path.utf8.first == UInt8(ascii: "/") && path.utf8.last == UInt8(ascii: "/") && path.utf8.count <= 512
            && path.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F }
        return isPath ? nil : "a path begins and ends with a slash and has at most 512 printable characters"
    }

    private static func isAlphanumeric(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
    }
}

/// What is declared about an account: its place in an organization, and its principals.
public struct AccountDeclaration: Sendable, Equatable {
    /// The account.
    public var account: AccountID
    /// The organization, or nil when the account is in none.
    public var organizationID: String?
    /// The account's places in the organization, for `aws:PrincipalOrgPaths`.
    public var organizationPaths: [String]
    /// Users and roles.
    public var principals: [PrincipalDeclaration]

    /// Creates an account without anything declared.
    public init(account: AccountID) {
        self.account = account
        organizationPaths = []
        principals = []
    }
}
