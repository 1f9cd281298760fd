import AccessPolicy
import EventModel

/// Who there is: accounts, users and roles with their policies compiled. Made when configuration is read, replaced as a
/// whole when it is read again.
public struct IdentityDirectory: Sendable {
    /// A principal with the policies of its side.
    public struct Identity: Sendable {
        /// The principal.
        public var principal: Principal
        /// Its identity policies.
        public var policies: IdentityPolicies
        /// What it may be given at most, if that is limited.
        public var permissionsBoundary: CompiledPolicy?
        /// True when one of its policies cannot be read: it is then refused everything.
        public var isClosed = false
    }

    /// A role, with what its sessions need.
    struct Role {
        var arn: String
        var attributes: PrincipalAttributes
        var name: String
        var path: String
        var account: AccountID
        var trust: CompiledPolicy?
        var identity: Identity

        func session(_ name: String) -> Identity {
            var session = identity
            session.principal = .roleSession(
                role: self.name,
                path: path,
                session: name,
                of: account,
                attributes: attributes
            )
            return session
        }
    }

    private struct Account {
        var attributes: PrincipalAttributes
        var root: Identity
        var declaresRoles: Bool
    }

    /// Policies that cannot be read, a line each. Their principals are closed.
    public private(set) var faults: [String] = []
    private var accounts: [AccountID: Account] = [:]
    /// By ARN. Names are ASCII, so that String's equality is exact among them; lookups check the bytes.
    private var users: [String: Identity] = [:]
    private var roles: [String: Role] = [:]

    /// Creates a directory.
    ///
    /// - Parameter declarations: the accounts with their principals; of an account that is named twice the later one counts.
    public init(_ declarations: [AccountDeclaration] = []) {
        for declaration in declarations { add(declaration) }
    }

    /// The principal of an API caller: the root of an account, or a user.
    ///
    /// - Parameter arn: the caller's ARN.
    /// - Returns: nil for a user that is not declared, and for any other text.
    public func identity(arn: String) -> Identity? {
        if let user = users[arn], user.principal.arn.utf8.elementsEqual(arn.utf8) { return user }
        guard let parsed = ARN(arn), parsed.service == "iam", parsed.resource == "root" else { return nil }
        return AccountID(parsed.account).map(root)
    }

    /// The root of an account.
    public func root(_ account: AccountID) -> Identity {
        accounts[account]?.root ?? Identity(principal: .root(of: account), policies: .none)
    }

    /// The organization that an account is in, and its places there.
    func attributes(of account: AccountID) -> PrincipalAttributes {
        accounts[account]?.attributes ?? PrincipalAttributes()
    }

    /// The role of that ARN.
    func role(_ arn: String) -> Role? {
        guard let role = roles[arn], role.arn.utf8.elementsEqual(arn.utf8) else { return nil }
        return role
    }

    /// Whether an account declares roles. One that declares none lets its rules use any role of its own, with every right
    /// of the account.
    public func declaresRoles(_ account: AccountID) -> Bool {
        accounts[account]?.declaresRoles ?? false
    }

    private mutating func add(_ declaration: AccountDeclaration) {
        let account = declaration.account
        let attributes = PrincipalAttributes(
            organizationID: declaration.organizationID,
            organizationPaths: declaration.organizationPaths
        )
        accounts[account] = Account(
            attributes: attributes,
            root: Identity(principal: .root(of: account, attributes: attributes), policies: .none),
            declaresRoles: declaration.principals.contains { $0.kind == .role }
        )
        for principal in declaration.principals {
            var own = attributes
            own.tags = principal.tags.map { ($0.key, $0.value) }
            add(principal, own, account)
        }
    }

    private mutating func add(
        _ declared: PrincipalDeclaration,
        _ attributes: PrincipalAttributes,
        _ account: AccountID
    ) {
        let arn = declared.arn(in: account)
        var identity = Identity(
            principal: .user(declared.name, path: declared.path, of: account, attributes: attributes),
            policies: .none
        )
        var policies: [CompiledPolicy] = []
        for (index, text) in declared.policies.enumerated() {
            guard let policy = compile(text, .identity, "identity policy \(index + 1) of \(arn)") else {
                identity.isClosed = true
                continue
            }
            policies.append(policy)
        }
        if !policies.isEmpty { identity.policies = .policies(policies) }
        if let boundary = declared.permissionsBoundary {
            identity.permissionsBoundary = compile(boundary, .identity, "the permissions boundary of \(arn)")
            if identity.permissionsBoundary == nil { identity.isClosed = true }
        }
        switch declared.kind {
        case .user: users[arn] = identity
        case .role:
            // A trust policy that cannot be read lets nobody in, like an absent one.
            let trust = declared.trustPolicy.flatMap { compile($0, .trust, "the trust policy of \(arn)") }
            roles[arn] = Role(
                arn: arn,
                attributes: attributes,
                name: declared.name,
                path: declared.path,
                account: account,
                trust: trust,
                identity: identity
            )
        }
    }

    private mutating func compile(
        _ text: String,
        _ attachment: PolicyDocument.Attachment,
        _ place: String
    ) -> CompiledPolicy? {
        do throws(PolicyError) {
            return try CompiledPolicy(parsing: text, attachment: attachment)
        } catch {
            faults.append("\(place) cannot be read: \(error)")
            return nil
        }
    }
}
