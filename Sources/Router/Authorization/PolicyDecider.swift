import AccessPolicy
import EventModel
import SansIO

/// Decides access with the policy engine. Until identities carry policies of their own, every key acts as its account's
/// root, so the identity side allows and the resource's policy decides across accounts.
public final class PolicyDecider: AccessDecider {
    /// Called with the fault of a stored policy that cannot be read; the resource is then closed to everyone but its
    /// owner's administration.
    public var onUnreadablePolicy: (String) -> Void = { _ in }

    private enum Entry {
        case policy(CompiledPolicy)
        case unreadable
    }

    private let clock: any ClockPort
    private var compiled: [String: Entry] = [:]
    private static let cacheLimit = 4_096

    /// Creates a decider.
    public init(clock: any ClockPort) {
        self.clock = clock
    }

    /// Decides one request against the resource's policy text, nil when it has none.
    public func decide(_ request: AccessRequest, policy: String?) -> AccessVerdict {
        // Without a policy nothing can refuse the owner's root (spec: control §8.8), and this is every local event.
        if policy == nil, case .principal(_, let account) = request.subject, account == request.resourceAccount {
            return .allowed
        }
        guard let principal = Self.principal(request.subject) else {
            return .denied("The caller's identity \(request.subject) is not one that policies know.")
        }
        var context = RequestContext()
        for (key, values) in request.context {
            for value in values { context.add(ConditionKey(key), value) }
        }
        if case .service(_, let sourceARN, let sourceAccount) = request.subject {
            context.add(.sourceARN, sourceARN)
            context.add(.sourceAccount, sourceAccount.description)
        }
        context.addTime(clock.now)
        let question = AuthorizationRequest(
            principal: principal,
            action: PolicyAction(request.action),
            resource: request.resource,
            context: context
        )
        guard let resourcePolicy = entry(policy) else { return decide(question, nil, request) }
        switch resourcePolicy {
        case .policy(let compiled):
            return decide(question, compiled, request)
        case .unreadable:
            // A policy that cannot be read denies; it never allows.
            return .denied(
                PolicyDecision.deny(.implicit(missing: .resource)).denialText(for: question) ?? "denied"
            )
        }
    }

    private func decide(
        _ question: AuthorizationRequest,
        _ policy: CompiledPolicy?,
        _ request: AccessRequest
    ) -> AccessVerdict {
        let decision = PolicyEvaluator.decide(
            question,
            resourcePolicy: policy,
            identityPolicies: .allowAll,
            resourceAccount: request.resourceAccount
        )
        guard let text = decision.denialText(for: question) else { return .allowed }
        return .denied(text)
    }

    private func entry(_ policy: String?) -> Entry? {
        guard let policy else { return nil }
        if let entry = compiled[policy] { return entry }
        if compiled.count >= Self.cacheLimit { compiled.removeAll() }
        let entry: Entry
        do throws(PolicyError) {
            entry = .policy(CompiledPolicy(try PolicyDocument(parsing: policy)))
        } catch {
            onUnreadablePolicy(error.description)
            entry = .unreadable
        }
        compiled[policy] = entry
        return entry
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

    private static func principal(_ subject: AccessRequest.Subject) -> Principal? {
        switch subject {
        case .principal(let arn, _): return Principal(arn: arn)
        case .role(let arn, let session, let account): return roleSession(arn, session, account)
        case .service(let name, _, _): return .service(name)
        }
    }

    private static func roleSession(_ text: String, _ session: String, _ account: AccountID) -> Principal? {
        guard let arn = ARN(text), arn.service == "iam", AccountID(arn.account) == account,
            arn.resource.utf8.starts(with: "role/".utf8), let slash = arn.resource.lastIndex(of: "/")
        else { return nil }
        let path = arn.resource[arn.resource.index(arn.resource.startIndex, offsetBy: 4)...slash]
        let name = arn.resource[arn.resource.index(after: slash)...]
        guard !name.isEmpty else { return nil }
        return .roleSession(role: String(name), path: String(path), session: session, of: account)
    }
}
