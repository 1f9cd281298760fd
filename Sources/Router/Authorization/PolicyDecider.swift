import AccessPolicy
import EventModel
import SansIO

/// Decides access with the policy engine: by the caller's policies from the ``IdentityDirectory`` and the resource's.
public final class PolicyDecider: AccessDecider {
    /// Called with the fault of a stored policy that cannot be read; the resource is then closed, except that its owner's
    /// root may replace the policy.
    public var onUnreadablePolicy: (String) -> Void = { _ in }
    /// Who there is. Replacing it takes effect with the next decision.
    public var directory: IdentityDirectory {
        didSet { remotes = [:] }
    }

    private struct RemoteKey: Hashable {
        var arn: [UInt8]
        var session: [UInt8]
        var account: AccountID
    }

    private enum Entry {
        case policy(CompiledPolicy)
        case unreadable
    }

    /// A request put to the policies, or refused before.
    private enum Question {
        case ask(AuthorizationRequest, ApplicablePolicies)
        case refused(String)
    }

    private let clock: any ClockPort
    /// By the policy's bytes: texts compare by canonical equivalence, and then one tenant's policy could stand for another's.
    private var compiled: [[UInt8]: Entry] = [:]
    /// The policies that were asked for last: hashing a long text for every event costs more than the decision.
    private var recent = RecentPolicies<Entry>()
    /// Keys by the spelling that requests use.
    private var conditionKeys: [String: ConditionKey] = [:]
    /// Principals of other cells, whose condition values are worth keeping.
    private var remotes: [RemoteKey: IdentityDirectory.Identity] = [:]
    private static let cacheLimit = 4_096

    /// Creates a decider.
    public init(clock: any ClockPort, directory: IdentityDirectory = IdentityDirectory()) {
        self.clock = clock
        self.directory = directory
    }

    /// Decides one request against the resource's policy text, nil when it has none.
    public func decide(_ request: AccessRequest, policy: String?) -> AccessVerdict {
        // Without a policy nothing can refuse the owner's root (spec: control §8.8), and this is every local event.
        if policy == nil, case .principal(let arn, let account) = request.subject, account == request.resourceAccount,
            Self.isRoot(arn)
        {
            return .allowed
        }
        switch question(request, policy) {
        case .refused(let text): return .denied(text)
        case .ask(let question, let policies):
            let decision = PolicyEvaluator.decide(question, under: policies)
            guard let text = decision.denialText(for: question) else { return .allowed }
            return .denied(text)
        }
    }

    /// Decides and says why.
    public func explain(_ request: AccessRequest, policy: String?) -> AccessExplanation {
        switch question(request, policy) {
        case .refused(let text):
            return AccessExplanation(verdict: .denied(text), lines: ["refused: \(text)"])
        case .ask(let question, let policies):
            return AccessExplanation(PolicyEvaluator.explain(question, under: policies), of: question)
        }
    }

    /// Whether an ARN of a caller is that of an account's root: `arn:aws:iam::` and twelve digits come before `:root`.
    static func isRoot(_ arn: String) -> Bool {
        arn.utf8.count == 30 && arn.utf8.suffix(5).elementsEqual(":root".utf8)
    }

    private func question(_ request: AccessRequest, _ policy: String?) -> Question {
        guard let identity = identity(request.subject) else {
            return .refused("The caller's identity \(request.subject.name) is not one that policies know.")
        }
        let question = AuthorizationRequest(
            principal: identity.principal,
            action: PolicyAction(request.action),
            resource: request.resource,
            context: context(request)
        )
        if identity.isClosed {
            return .refused(Self.refusal(question, missing: .identity) + " (one of its policies cannot be read)")
        }
        var policies = ApplicablePolicies(
            resource: nil,
            resourceAccount: request.resourceAccount,
            identity: identity.policies,
            permissionsBoundary: identity.permissionsBoundary
        )
        // A certificate that covers the owner of the resource makes another cell's node no owner: being of the same account
        // grants nothing, only the resource's policy does.
        if case .remote = request.subject { policies.demandsResourceGrant = true }
        switch entry(policy) {
        case nil: break
        case .policy(let compiled)?: policies.resource = compiled
        case .unreadable?:
            // A policy that cannot be read denies; it never allows. Its owner must be able to replace it.
            let isRepair = request.action == "sqs:SetQueueAttributes" && identity.principal.kind == .root
            guard isRepair, identity.principal.account == request.resourceAccount else {
                return .refused(Self.refusal(question, missing: .resource) + " (the policy cannot be read)")
            }
        }
        return .ask(question, policies)
    }

    private static func refusal(_ question: AuthorizationRequest, missing: PolicyKind) -> String {
        PolicyDecision.deny(.implicit(missing: missing)).denialText(for: question) ?? "denied"
    }

    private func context(_ request: AccessRequest) -> RequestContext {
        var context = RequestContext()
        for (name, values) in request.context {
            let key = conditionKey(name)
            for value in values { context.add(key, value) }
        }
        switch request.subject {
        case .principal: context.add(.viaAWSService, false)
        case .role, .remote: break
        case .service(_, let sourceARN, let sourceAccount): addSource(sourceARN, sourceAccount, to: &context)
        }
        context.addTime(clock.now)
        return context
    }

    private func conditionKey(_ name: String) -> ConditionKey {
        if let key = conditionKeys[name] { return key }
        // Canonical equivalence cannot mix two keys up here: only names that are ASCII are kept.
        let key = ConditionKey(name)
        guard name.utf8.allSatisfy({ $0 < 0x80 }), conditionKeys.count < Self.cacheLimit else { return key }
        conditionKeys[name] = key
        return key
    }

    private func addSource(_ arn: String, _ account: AccountID, to context: inout RequestContext) {
        context.add(.sourceARN, arn)
        context.add(.sourceAccount, account.description)
        if let organization = directory.attributes(of: account).organizationID {
            context.add(.sourceOrganizationID, organization)
        }
    }

    private func entry(_ policy: String?) -> Entry? {
        guard let policy else { return nil }
        if let entry = recent[policy] { return entry }
        let entry = compiledEntry(policy)
        recent.insert(policy, entry)
        return entry
    }

    private func compiledEntry(_ policy: String) -> Entry {
        let key = Array(policy.utf8)
        if let entry = compiled[key] { return entry }
        if compiled.count >= Self.cacheLimit { compiled.removeAll() }
        let entry: Entry
        do throws(PolicyError) {
            entry = .policy(CompiledPolicy(try PolicyDocument(parsing: policy)))
        } catch {
            onUnreadablePolicy(error.description)
            entry = .unreadable
        }
        compiled[key] = entry
        return entry
    }

    private func identity(_ subject: AccessRequest.Subject) -> IdentityDirectory.Identity? {
        switch subject {
        case .principal(let arn, let account):
            guard let identity = directory.identity(arn: arn), identity.principal.account == account else { return nil }
            return identity
        case .role(let arn, let session, let account): return roleSession(arn, session, account)
        case .remote(let arn, let session, let account): return remote(arn, session, account)
        case .service(let name, _, _): return IdentityDirectory.Identity(principal: .service(name), policies: .none)
        }
    }

    /// A principal of another cell, by its name alone: what this cell may have declared under the same name does not count.
    /// Organizations are only those that this cell's own configuration tells of the account.
    private func remote(_ text: String, _ session: String, _ account: AccountID) -> IdentityDirectory.Identity? {
        let key = RemoteKey(arn: Array(text.utf8), session: Array(session.utf8), account: account)
        if let known = remotes[key] { return known }
        guard let principal = remotePrincipal(text, session, account) else { return nil }
        if remotes.count >= Self.cacheLimit { remotes.removeAll() }
        let identity = IdentityDirectory.Identity(principal: principal, policies: .allowAll)
        remotes[key] = identity
        return identity
    }

    private func remotePrincipal(_ text: String, _ session: String, _ account: AccountID) -> Principal? {
        guard let arn = ARN(text), arn.service == "iam", AccountID(arn.account) == account else { return nil }
        let attributes = directory.attributes(of: account)
        if arn.resource == "root" { return .root(of: account, attributes: attributes) }
        guard let start = arn.resource.firstIndex(of: "/"), let slash = arn.resource.lastIndex(of: "/") else {
            return nil
        }
        let path = String(arn.resource[start...slash])
        let name = String(arn.resource[arn.resource.index(after: slash)...])
        guard !name.isEmpty else { return nil }
        switch arn.resource[..<start] {
        case "user": return .user(name, path: path, of: account, attributes: attributes)
        case "role" where !session.isEmpty:
            return .roleSession(role: name, path: path, session: session, of: account, attributes: attributes)
        default: return nil
        }
    }

    /// A session of a role. In an account that declares no roles any of its own will do, and is not limited.
    private func roleSession(_ text: String, _ session: String, _ account: AccountID) -> IdentityDirectory.Identity? {
        if let role = directory.role(text) { return role.account == account ? role.session(session) : nil }
        guard !directory.declaresRoles(account), let arn = ARN(text), arn.service == "iam",
            AccountID(arn.account) == account, arn.resource.utf8.starts(with: "role/".utf8),
            let slash = arn.resource.lastIndex(of: "/")
        else { return nil }
        let path = arn.resource[arn.resource.index(arn.resource.startIndex, offsetBy: 4)...slash]
        let name = arn.resource[arn.resource.index(after: slash)...]
        guard !name.isEmpty else { return nil }
        let principal = Principal.roleSession(
            role: String(name),
            path: String(path),
            session: session,
            of: account,
            attributes: directory.attributes(of: account)
        )
        return IdentityDirectory.Identity(principal: principal, policies: .allowAll)
    }
}

/// Roles and policy texts.
extension PolicyDecider {
    /// Decides whether a service may act with a role for a resource, by the role's trust policy.
    public func assume(
        role text: String,
        of account: AccountID,
        by service: String,
        for sourceARN: String
    ) -> AccessVerdict {
        let refusal = "Provided role '\(text)' cannot be assumed by principal '\(service)'."
        guard let role = directory.role(text) else {
            guard !directory.declaresRoles(account) else { return .denied("\(refusal) There is no such role.") }
            let isOwn = ARN(text).map { $0.service == "iam" && AccountID($0.account) == account } ?? false
            return isOwn ? .allowed : .denied("\(refusal) It is not a role of account \(account).")
        }
        guard role.account == account else { return .denied("\(refusal) It is not a role of account \(account).") }
        guard let trust = role.trust else { return .denied("\(refusal) It has no trust policy that can be read.") }
        var context = RequestContext()
        addSource(sourceARN, account, to: &context)
        context.addTime(clock.now)
        let question = AuthorizationRequest(
            principal: .service(service),
            action: .assumeRole,
            resource: text,
            context: context
        )
        let policies = ApplicablePolicies(resource: trust, resourceAccount: account, identity: .none)
        if PolicyEvaluator.decide(question, under: policies).isAllowed { return .allowed }
        return .denied("\(refusal) Its trust policy does not let it for \(sourceARN).")
    }

    /// Checks that a text is a policy that a resource may carry; returns what is wrong with it, or nil.
    public func fault(inPolicy text: String) -> String? {
        do throws(PolicyError) {
            _ = try PolicyDocument(parsing: text)
            return nil
        } catch {
            return error.description
        }
    }

    /// What is doubtful about a policy, a line each.
    public func warnings(aboutPolicy text: String) -> [String] {
        (try? PolicyDocument(parsing: text))?.advice.map(\.description) ?? []
    }
}

extension AccessRequest.Subject {
    /// The principal's ARN or the service's name.
    var name: String {
        switch self {
        case .principal(let arn, _), .role(let arn, _, _), .remote(let arn, _, _): arn
        case .service(let name, _, _): name
        }
    }
}

extension AccessExplanation {
    /// Words an explanation of the policy engine.
    public init(_ explanation: PolicyExplanation, of question: AuthorizationRequest) {
        let text = explanation.decision.denialText(for: question)
        let statement = explanation.deciding ?? explanation.nearest?.statement
        self.init(
            verdict: text.map(AccessVerdict.denied) ?? .allowed,
            lines: explanation.lines,
            statement: statement.map { statement in
                let reference = statement.reference
                return ("\(reference.policy)", reference.policyIndex, reference.statementIndex, statement.sid)
            }
        )
    }
}
