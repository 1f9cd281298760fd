import EventModel

/// Decides requests by policies (spec: control §8.8).
public enum PolicyEvaluator {
    /// Decides a request.
    ///
    /// It allocates nothing unless a statement with a policy variable is reached, and takes time proportional to the
    /// policies and the values of the request.
    ///
    /// - Parameters:
    ///   - request: who wants to do what to what.
    ///   - policies: the policies that apply.
    /// - Returns: the answer, with the statement that decided or the kind of policy that is missing.
    public static func decide(_ request: AuthorizationRequest, under policies: ApplicablePolicies) -> PolicyDecision {
        decide(
            request,
            resourcePolicy: policies.resource,
            identityPolicies: policies.identity,
            resourceAccount: policies.resourceAccount,
            permissionsBoundary: policies.permissionsBoundary,
            sessionPolicy: policies.session,
            serviceControlPolicy: policies.serviceControl,
            demandsResourceGrant: policies.demandsResourceGrant
        )
    }

    /// Decides a request by policies given one by one.
    ///
    /// - Parameters:
    ///   - request: who wants to do what to what.
    ///   - resourcePolicy: the policy of the resource, if it has one.
    ///   - identityPolicies: the caller's own policies.
    ///   - resourceAccount: the account that owns the resource.
    ///   - permissionsBoundary: what the caller may be given at most, if that is limited.
    ///   - sessionPolicy: what the session was limited to, if it was.
    ///   - serviceControlPolicy: the organization's limit for the caller's account, if there is one.
    ///   - demandsResourceGrant: whether to ask the resource's policy as if its account were not the caller's.
    /// - Returns: the answer, with the statement that decided or the kind of policy that is missing.
    public static func decide(
        _ request: AuthorizationRequest,
        resourcePolicy: CompiledPolicy?,
        identityPolicies: IdentityPolicies,
        resourceAccount: AccountID,
        permissionsBoundary: CompiledPolicy? = nil,
        sessionPolicy: CompiledPolicy? = nil,
        serviceControlPolicy: CompiledPolicy? = nil,
        demandsResourceGrant: Bool = false
    ) -> PolicyDecision {
        let resource = verdict(.resource, resourcePolicy, request)
        guard request.principal.kind != .service else { return decideService(resource) }
        let control = verdict(.serviceControl, serviceControlPolicy, request)
        let identity = verdict(identityPolicies, request)
        let boundary = verdict(.permissionsBoundary, permissionsBoundary, request)
        let session = verdict(.session, sessionPolicy, request)
        let denied = control.denied ?? identity.denied ?? resource.denied ?? boundary.denied ?? session.denied
        if let denied { return .deny(.explicit(denied)) }
        if serviceControlPolicy != nil, control.allowed == nil { return .deny(.implicit(missing: .serviceControl)) }
        let limits = Limits(
            boundaryRefuses: permissionsBoundary != nil && boundary.allowed == nil,
            sessionRefuses: sessionPolicy != nil && session.allowed == nil
        )
        if request.principal.account == resourceAccount, !demandsResourceGrant {
            return decideSameAccount(request.principal.kind, resource, identity, limits)
        }
        return decideAcrossAccounts(request.principal.kind, resource, identity, limits)
    }

    private struct Limits {
        var boundaryRefuses: Bool
        var sessionRefuses: Bool

        /// The first limit that refuses.
        var refusal: PolicyKind? {
            if boundaryRefuses { return .permissionsBoundary }
            return sessionRefuses ? .session : nil
        }
    }

    /// For services the resource's policy alone decides.
    private static func decideService(_ resource: SideVerdict) -> PolicyDecision {
        if let denied = resource.denied { return .deny(.explicit(denied)) }
        guard let allowed = resource.allowed else { return .deny(.implicit(missing: .resource)) }
        return .allow(by: allowed)
    }

    private static func decideSameAccount(
        _ kind: Principal.Kind,
        _ resource: SideVerdict,
        _ identity: SideVerdict,
        _ limits: Limits
    ) -> PolicyDecision {
        // Naming the caller itself grants at once; naming its role leaves its limits in force; naming its account only
        // lets the caller's own policies speak.
        if let allowed = resource.allowed {
            if resource.match == .direct { return .allow(by: allowed) }
            if resource.match == .role, limits.refusal == nil { return .allow(by: allowed) }
        }
        if kind == .root { return .allow(by: .accountRoot) }
        guard let allowed = identity.allowed else {
            let isGrantedToRole = resource.allowed != nil && resource.match == .role
            return .deny(.implicit(missing: isGrantedToRole ? limits.refusal ?? .identity : .identity))
        }
        if let refusal = limits.refusal { return .deny(.implicit(missing: refusal)) }
        return .allow(by: allowed)
    }

    /// Both sides must allow; the root of the other account has no policies of its own to ask.
    private static func decideAcrossAccounts(
        _ kind: Principal.Kind,
        _ resource: SideVerdict,
        _ identity: SideVerdict,
        _ limits: Limits
    ) -> PolicyDecision {
        if kind != .root {
            if identity.allowed == nil { return .deny(.implicit(missing: .identity)) }
            if let refusal = limits.refusal { return .deny(.implicit(missing: refusal)) }
        }
        guard let allowed = resource.allowed else { return .deny(.implicit(missing: .resource)) }
        return .allow(by: allowed)
    }

    /// What the policies of one kind say.
    struct SideVerdict {
        var denied: StatementReference?
        var allowed: PolicyDecision.Grant?
        /// How closely the best `Allow` names the caller.
        var match = PrincipalMatch.none
    }

    private static func verdict(_ identity: IdentityPolicies, _ request: AuthorizationRequest) -> SideVerdict {
        switch identity {
        case .none: return SideVerdict()
        case .allowAll: return SideVerdict(allowed: .unrestrictedIdentity, match: .direct)
        case .policies(let policies):
            var result = SideVerdict()
            for index in policies.indices {
                let one = verdict(.identity, policies[index], request, policyIndex: index)
                if one.denied != nil { return one }
                if result.allowed == nil { result = one }
            }
            return result
        }
    }

    private static func verdict(
        _ kind: PolicyKind,
        _ policy: CompiledPolicy?,
        _ request: AuthorizationRequest,
        policyIndex: Int = 0
    ) -> SideVerdict {
        guard let policy else { return SideVerdict() }
        let found = policy.tables.verdict(request)
        func reference(_ index: Int) -> StatementReference {
            StatementReference(policy: kind, policyIndex: policyIndex, statementIndex: index)
        }
        if let index = found.deny { return SideVerdict(denied: reference(index)) }
        guard let index = found.allow else { return SideVerdict() }
        return SideVerdict(allowed: .statement(reference(index)), match: found.match)
    }
}

extension PolicyTables {
    /// The first `Deny` that matches, else the first `Allow` among those that name the caller most closely.
    func verdict(_ request: AuthorizationRequest) -> (deny: Int?, allow: Int?, match: PrincipalMatch) {
        var allow: Int?
        var best = PrincipalMatch.none
        for index in statements.indices {
            let statement = statements[index]
            if !statement.isDeny, best == .direct { continue }
            guard actionMatches(statement, request), resourceMatches(statement, request) else { continue }
            let match = principalMatch(statement, request.principal.storage)
            guard match > (statement.isDeny ? .none : best), conditionsHold(statement, request) else { continue }
            if statement.isDeny { return (index, nil, .none) }
            allow = index
            best = match
        }
        return (nil, allow, best)
    }
}
