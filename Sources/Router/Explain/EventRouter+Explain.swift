import EventModel
import SansIO

/// A question to the policies that are in force: may this principal do this to that resource?
public struct AccessQuestion: Sendable, Equatable {
    /// Why a question cannot be put.
    public struct Fault: Error, Sendable, Equatable, CustomStringConvertible {
        /// What is wrong.
        public let description: String
    }

    /// An account's twelve digits, the ARN of a root, user, role or role session, or the name of a service.
    public var principal: String
    /// The action, e.g. `events:PutEvents`.
    public var action: String
    /// The ARN of the resource, or `*`.
    public var resource: String
    /// Condition keys with their values.
    public var context: [(key: String, values: [String])]

    /// Creates a question.
    public init(
        principal: String,
        action: String,
        resource: String,
        context: [(key: String, values: [String])] = []
    ) {
        self.principal = principal
        self.action = action
        self.resource = resource
        self.context = context
    }

    /// Compares member by member.
    public static func == (left: AccessQuestion, right: AccessQuestion) -> Bool {
        left.principal == right.principal && left.action == right.action && left.resource == right.resource
            && left.context.elementsEqual(right.context) { $0.key == $1.key && $0.values == $1.values }
    }

    /// The principal with its account; a service acts for `aws:SourceArn` and `aws:SourceAccount` of the context.
    func subject() throws(Fault) -> (subject: AccessRequest.Subject, account: AccountID) {
        if let account = AccountID(principal) {
            return (.principal(arn: "arn:aws:iam::\(account):root", account: account), account)
        }
        guard let arn = ARN(principal), let account = AccountID(arn.account) else {
            let source = first("aws:SourceArn") ?? ""
            guard principal.utf8.suffix(14).elementsEqual(".amazonaws.com".utf8),
                let account = AccountID(first("aws:SourceAccount") ?? ARN(source)?.account ?? "")
            else {
                throw Fault(
                    description: "the principal \(principal) is neither an account's twelve digits, nor an ARN, nor a "
                        + "service with aws:SourceArn or aws:SourceAccount in the context"
                )
            }
            return (.service(name: principal, sourceARN: source, sourceAccount: account), account)
        }
        let parts = arn.resource.split(separator: "/", omittingEmptySubsequences: false)
        switch (arn.service, parts[0]) {
        case ("iam", "role"): return (.role(arn: principal, session: "explain", account: account), account)
        case ("sts", "assumed-role") where parts.count == 3:
            let role = "arn:aws:iam::\(account):role/\(parts[1])"
            return (.role(arn: role, session: String(parts[2]), account: account), account)
        default: return (.principal(arn: principal, account: account), account)
        }
    }

    /// The first value of a condition key; keys are told apart without regard to case.
    func first(_ key: String) -> String? {
        context.first { $0.key.lowercased() == key.lowercased() }?.values.first
    }

    /// The context as the request carries it.
    func requestContext(of subject: AccessRequest.Subject) -> [(key: String, values: [String])] {
        var context = context
        switch subject {
        case .service:
            context.removeAll { ["aws:sourcearn", "aws:sourceaccount"].contains($0.key.lowercased()) }
        case .principal where action == "events:PutEvents" && first("events:eventBusInvocation") == nil:
            context.append(("events:eventBusInvocation", ["false"]))
        default: break
        }
        return context
    }
}

/// Answers for people.
extension EventRouter {
    /// Explains a decision by the policies that are in force now, as far as this cell has them.
    public func explain(_ question: AccessQuestion) throws(AccessQuestion.Fault) -> AccessExplanation {
        let (subject, account) = try question.subject()
        let resource = resourcePolicy(question.resource)
        let request = AccessRequest(
            subject: subject,
            action: question.action,
            resource: question.resource,
            resourceAccount: resource.owner ?? account,
            context: question.requestContext(of: subject)
        )
        guard let bus = BusAddress(arn: question.resource), isElsewhere(bus) else {
            return decider.explain(request, policy: resource.policy)
        }
        guard catalog.state.accounts.contains(account) else {
            let line = "the policies of account \(account) are not known here"
            var explanation = AccessExplanation(verdict: .allowed, lines: [line] + linesOnBus(bus, target: nil))
            explanation.isOpen = true
            return explanation
        }
        var explanation = decider.explain(request, policy: DeliveryAuthorizer.openPolicy)
        if explanation.verdict.isAllowed {
            explanation.lines = ["the caller's side allows it; the policy of the bus is not known here"]
            explanation.statement = nil
            explanation.isOpen = true
        }
        explanation.lines += linesOnBus(bus, target: nil)
        return explanation
    }

    /// Why this side does not let a rule have a bus of another cell as its target; nil when it does, or when the bus is
    /// here. The policy of the bus is asked with each event, by the cell that holds it.
    public func refusalToTarget(_ bus: BusAddress, request: AccessRequest) -> String? {
        guard isElsewhere(bus) else { return nil }
        let explanation = decider.explain(request, policy: DeliveryAuthorizer.openPolicy)
        guard case .denied(let text) = explanation.verdict else { return nil }
        // A statement whose conditions ask about the event may allow it when there is one.
        let misses = explanation.lines.filter { $0.hasPrefix("  ") }.map { $0.drop { $0 == " " } }
        return !misses.isEmpty && misses.allSatisfy { $0.hasPrefix("condition ") } ? nil : text
    }

    private func resourcePolicy(_ text: String) -> (owner: AccountID?, policy: String?) {
        if let resource = TaggedResource(arn: text) {
            switch resource {
            case .bus(let bus), .rule(_, let bus): return (bus.account, catalog.state.bus(bus)?.policy)
            }
        }
        guard let arn = ARN(text) else { return (nil, nil) }
        if let queue = queues.policy(of: arn) { return (queue.owner, queue.policy) }
        return (AccountID(arn.account), nil)
    }

    /// Walks a hypothetical event from a bus on.
    public func simulate(
        _ event: HypotheticalEvent,
        by caller: String,
        of account: AccountID,
        to address: BusAddress
    ) -> WalkStep {
        let isAlone = forwarder == nil
        var walk = EventWalk(
            state: catalog.state,
            decider: decider,
            settings: settings,
            now: clock.now,
            elsewhere: isAlone ? nil : { [self] bus, target in linesOnBus(bus, target: target) },
            queue: { [queues] in queues.policy(of: $0) }
        )
        return walk.put(event, by: caller, of: account, to: address)
    }

    /// The time of the router's clock.
    public var now: Timestamp { clock.now }
}
