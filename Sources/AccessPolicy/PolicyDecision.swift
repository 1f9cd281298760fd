import EventModel

/// The kinds of policy that take part in a decision.
public enum PolicyKind: Int, Hashable, Sendable, CaseIterable {
    /// Of the organization that the caller's account is in.
    case serviceControl
    /// Of the caller.
    case identity
    /// Of the resource.
    case resource
    /// What the caller may be given at most.
    case permissionsBoundary
    /// What a session was limited to when it began.
    case session
}

/// A statement that took part in a decision, by its place.
public struct StatementReference: Hashable, Sendable {
    /// The kind of policy it stands in.
    public var policy: PolicyKind
    /// The place of that policy among the identity policies; zero for other kinds.
    public var policyIndex: Int
    /// The place of the statement in the policy, from zero.
    public var statementIndex: Int

    /// Creates a reference.
    public init(policy: PolicyKind, policyIndex: Int = 0, statementIndex: Int) {
        self.policy = policy
        self.policyIndex = policyIndex
        self.statementIndex = statementIndex
    }
}

/// The answer to an ``AuthorizationRequest``.
public enum PolicyDecision: Hashable, Sendable {
    /// What allows a request.
    public enum Grant: Hashable, Sendable {
        /// An `Allow`. Across accounts it is the one of the resource.
        case statement(StatementReference)
        /// The caller is the root of the account that owns the resource.
        case accountRoot
        /// The caller's side is ``IdentityPolicies/allowAll``.
        case unrestrictedIdentity
    }

    /// What refuses a request.
    public enum Refusal: Hashable, Sendable {
        /// A `Deny` matches.
        case explicit(StatementReference)
        /// Nothing in a policy of this kind allows it.
        case implicit(missing: PolicyKind)
    }

    /// The request is allowed.
    case allow(by: Grant)
    /// The request is refused.
    case deny(Refusal)

    /// Whether the request is allowed.
    public var isAllowed: Bool {
        guard case .allow = self else { return false }
        return true
    }
}

/// The caller's own policies.
public enum IdentityPolicies: Sendable {
    /// No policy, so nothing is allowed. What the root of an account and services have.
    case none
    /// Everything is allowed: for callers that are not limited by policies.
    case allowAll
    /// These policies.
    case policies([CompiledPolicy])
}

/// The policies that a request is judged by.
public struct ApplicablePolicies: Sendable {
    /// The policy of the resource, if it has one.
    public var resource: CompiledPolicy?
    /// The account that owns the resource. For actions without a resource: the caller's.
    public var resourceAccount: AccountID
    /// The caller's own policies.
    public var identity: IdentityPolicies
    /// What the caller may be given at most, if that is limited.
    public var permissionsBoundary: CompiledPolicy?
    /// What the session was limited to, if it was.
    public var session: CompiledPolicy?
    /// The organization's limit for the caller's account, if there is one.
    public var serviceControl: CompiledPolicy?
    /// Whether the resource's policy must allow the caller even if the caller's account owns the resource, as when
    /// somebody else vouches for the caller.
    public var demandsResourceGrant = false

    /// Creates a set of policies.
    public init(
        resource: CompiledPolicy?,
        resourceAccount: AccountID,
        identity: IdentityPolicies,
        permissionsBoundary: CompiledPolicy? = nil,
        session: CompiledPolicy? = nil,
        serviceControl: CompiledPolicy? = nil
    ) {
        self.resource = resource
        self.resourceAccount = resourceAccount
        self.identity = identity
        self.permissionsBoundary = permissionsBoundary
        self.session = session
        self.serviceControl = serviceControl
    }

    /// A policy by its reference.
    public func policy(_ reference: StatementReference) -> CompiledPolicy? {
        switch reference.policy {
        case .serviceControl: return serviceControl
        case .resource: return resource
        case .permissionsBoundary: return permissionsBoundary
        case .session: return session
        case .identity:
            guard case .policies(let list) = identity, list.indices.contains(reference.policyIndex) else { return nil }
            return list[reference.policyIndex]
        }
    }

    /// A statement by its reference.
    public func statement(_ reference: StatementReference) -> PolicyStatement? {
        guard let statements = policy(reference)?.document.statements,
            statements.indices.contains(reference.statementIndex)
        else { return nil }
        return statements[reference.statementIndex]
    }
}
