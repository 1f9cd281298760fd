import Delivery
import EventModel

/// Decides whether a rule may deliver, on behalf of deliveries and of their simulation.
struct DeliveryAuthorizer {
    let decider: any AccessDecider
    /// Whether an own queue without a policy refuses, as on AWS.
    let isStrict: Bool

    /// The service that acts for rules.
    static let service = "events.amazonaws.com"

    /// Why a queue does not let a rule send; nil when it does (spec: control §10.1, patterns §5.6).
    func refusalToSend(
        to arn: String,
        _ queue: (owner: AccountID, policy: String?),
        from target: CompiledTarget,
        isDeadLetter: Bool = false
    ) -> DeliveryFailure? {
        let role = isDeadLetter ? nil : target.roleARN
        if role == nil, queue.policy == nil, queue.owner == target.account, !isStrict { return nil }
        let subject: AccessRequest.Subject =
            if let role {
                .role(arn: role, session: target.revision.rule, account: target.account)
            } else {
                .service(name: Self.service, sourceARN: target.revision.ruleARN, sourceAccount: target.account)
            }
        let request = AccessRequest(
            subject: subject,
            action: "sqs:SendMessage",
            resource: arn,
            resourceAccount: queue.owner,
            context: role == nil ? [] : Self.source(of: target)
        )
        return refusal(of: request, policy: queue.policy, role: role, target)
    }

    /// Why a bus does not let a rule forward an event; nil when it does (spec: control §7.5).
    func refusalToForward(
        _ envelope: [UInt8],
        to destination: BusAddress,
        policy: String?,
        of target: CompiledTarget
    ) -> DeliveryFailure? {
        if policy == nil, target.account == destination.account, target.roleARN == nil { return nil }
        let request = Self.forwardRequest(envelope, to: destination, of: target)
        return refusal(of: request, policy: policy, role: target.roleARN, target)
    }

    /// Lets everyone in: stands for the policy of a bus that another cell holds, so that only this side's policies decide.
    static let openPolicy =
        #"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}}"#

    /// Why this side does not let a rule's role forward an event to a bus of another cell; nil when it does. The receiving
    /// side asks the policy of the bus (DESIGN §6). The event stands in `bytes` behind an offset.
    func refusalToLeave(
        _ bytes: [UInt8],
        from start: Int = 0,
        to destination: BusAddress,
        of target: CompiledTarget
    ) -> DeliveryFailure? {
        // Without a role the account's root sends, whom only the receiving bus can refuse.
        guard target.roleARN != nil else { return nil }
        let request = Self.forwardRequest(Array(bytes[start...]), to: destination, of: target)
        return refusal(of: request, policy: Self.openPolicy, role: target.roleARN, target)
    }

    /// The question that a forward puts to the destination's policy.
    static func forwardRequest(
        _ envelope: [UInt8],
        to destination: BusAddress,
        of target: CompiledTarget
    ) -> AccessRequest {
        let subject: AccessRequest.Subject =
            if let role = target.roleARN {
                .role(arn: role, session: target.revision.rule, account: target.account)
            } else {
                .principal(arn: "arn:aws:iam::\(target.account):root", account: target.account)
            }
        let (eventSource, detailType) = EnvelopeRewriting.sourceAndType(envelope)
        return AccessRequest(
            subject: subject,
            action: "events:PutEvents",
            resource: destination.arn,
            resourceAccount: destination.account,
            context: [
                ("events:eventBusInvocation", ["true"]),
                ("events:source", [eventSource]),
                ("events:detail-type", [detailType]),
            ] + source(of: target)
        )
    }

    private static func source(of target: CompiledTarget) -> [(key: String, values: [String])] {
        [
            ("aws:SourceArn", [target.revision.ruleARN]),
            ("aws:SourceAccount", [target.account.description]),
            ("aws:SecureTransport", ["true"]),
        ]
    }

    private func refusal(
        of request: AccessRequest,
        policy: String?,
        role: String?,
        _ target: CompiledTarget
    ) -> DeliveryFailure? {
        if let role {
            let verdict = decider.assume(
                role: role,
                of: target.account,
                by: Self.service,
                for: target.revision.ruleARN
            )
            if case .denied(let text) = verdict {
                return DeliveryFailure(code: "FAILED_TO_ASSUME_ROLE", message: text, isRetryable: false)
            }
        }
        guard case .denied(let text) = decider.decide(request, policy: policy) else { return nil }
        return DeliveryFailure(code: "NO_PERMISSIONS", message: text, isRetryable: false)
    }
}

extension CompiledTarget {
    /// The account of the rule.
    var account: AccountID { revision.bus.account }
}
