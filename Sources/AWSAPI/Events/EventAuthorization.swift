import EventModel
import EventPattern
import Router

/// Who may call what (spec: control §8.4, §8.7).
extension EventService {
    /// Refuses unless the caller may do `action` on `resource`, which belongs to the owner of `bus`. The policy of the bus
    /// speaks too.
    func authorize(
        _ call: APICall,
        _ action: String,
        on resource: String,
        of bus: BusAddress,
        context: [(key: String, values: [String])] = []
    ) throws(AWSError) {
        try ask(call, action, resource, bus.account, policy: catalog.state.bus(bus)?.policy, context)
    }

    /// Refuses unless the caller's own policies let it do `action`, which has no resource that a policy could be attached
    /// to (spec: control §8.4).
    func authorizeWithoutResource(_ call: APICall, _ action: String) throws(AWSError) {
        try ask(call, action, "*", call.caller.account, policy: nil, [])
    }

    /// Lists of a bus's rules name no resource. For a bus of another account its policy decides about the bus.
    func authorizeListing(_ call: APICall, _ action: String, _ bus: BusAddress) throws(AWSError) {
        if bus.account == call.caller.account {
            try authorizeWithoutResource(call, action)
        } else {
            try authorize(call, action, on: bus.arn, of: bus)
        }
    }

    /// Refuses unless the caller may pass the role and the service may assume it for the rule (spec: control §4.2, §8.4).
    func authorizeRole(_ role: String?, _ call: APICall, rule: String, bus: BusAddress) throws(AWSError) {
        guard let role else { return }
        let service = "events.amazonaws.com"
        let ruleARN = bus.ruleARN(rule)
        guard let arn = ARN(role), let owner = AccountID(arn.account) else {
            throw .validation("Provided role '\(role)' cannot be assumed by principal '\(service)'.")
        }
        try ask(
            call,
            "iam:PassRole",
            role,
            owner,
            policy: nil,
            [("iam:PassedToService", [service]), ("iam:AssociatedResourceArn", [ruleARN])]
        )
        let verdict = router.decider.assume(role: role, of: bus.account, by: service, for: ruleARN)
        if case .denied(let text) = verdict { throw .validation(text) }
    }

    private func ask(
        _ call: APICall,
        _ action: String,
        _ resource: String,
        _ owner: AccountID,
        policy: String?,
        _ context: [(key: String, values: [String])]
    ) throws(AWSError) {
        let request = AccessRequest(
            subject: .principal(arn: call.caller.arn, account: call.caller.account),
            action: action,
            resource: resource,
            resourceAccount: owner,
            context: context + call.conditionContext
        )
        if case .denied(let text) = router.decider.decide(request, policy: policy) {
            throw AWSError(.accessDenied, text)
        }
    }

    /// The tags that a resource has, as condition keys.
    func tagContext(of bus: BusAddress) -> [(key: String, values: [String])] {
        catalog.state.bus(bus)?.tags.resourceContext ?? []
    }

    /// The condition keys of rule operations.
    func ruleContext(
        _ name: String,
        on address: BusAddress,
        _ call: APICall,
        pattern: String? = nil
    ) -> [(key: String, values: [String])] {
        let present = try? catalog.state.existingRule(name, on: address)
        var context: [(key: String, values: [String])] = [
            ("events:creatorAccount", [(present?.createdBy ?? call.caller.account).description])
        ]
        context += present?.tags.resourceContext ?? []
        guard let pattern, let parsed = try? Pattern.parse(pattern) else { return context }
        let places = [
            ("events:source", "source"),
            ("events:detail-type", "detail-type"),
            ("events:detail.userIdentity.principalId", "detail.userIdentity.principalId"),
            ("events:detail.service", "detail.service"),
            ("events:detail.eventTypeCode", "detail.eventTypeCode"),
        ]
        for (key, path) in places {
            let values = parsed.literalStrings(at: path)
            if !values.isEmpty { context.append((key, values)) }
        }
        return context
    }
}

extension [Tag] {
    /// As the tags that a request attaches: `aws:RequestTag/...` and `aws:TagKeys`.
    var requestContext: [(key: String, values: [String])] {
        guard !isEmpty else { return [] }
        return map { ("aws:RequestTag/\($0.key)", [$0.value]) } + [("aws:TagKeys", map(\.key))]
    }

    /// As the tags that a resource has: `aws:ResourceTag/...`.
    var resourceContext: [(key: String, values: [String])] {
        map { ("aws:ResourceTag/\($0.key)", [$0.value]) }
    }
}

extension APICall {
    /// The condition keys that every signed call has.
    var conditionContext: [(key: String, values: [String])] {
        var keys: [(key: String, values: [String])] = [
            ("aws:SecureTransport", [isSecure ? "true" : "false"]),
            ("aws:RequestedRegion", [region]),
        ]
        if !sourceAddress.isEmpty { keys.append(("aws:SourceIp", [sourceAddress])) }
        if !userAgent.isEmpty { keys.append(("aws:UserAgent", [userAgent])) }
        if !referer.isEmpty { keys.append(("aws:Referer", [referer])) }
        return keys
    }
}
