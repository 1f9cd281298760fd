import EventModel
import EventTransform
import Router

/// Operations on targets (spec: control §4.3, patterns §4.7).
extension EventService {
    func addTargetOperations() {
        addChange("PutTargets") { [unowned self] call, answer throws(AWSError) in try putTargets(call, answer) }
        addChange("RemoveTargets") { [unowned self] call, answer throws(AWSError) in try removeTargets(call, answer) }
        addImmediate("ListTargetsByRule") { [unowned self] call throws(AWSError) in try listTargets(call) }
    }

    private func putTargets(_ call: APICall, _ answer: @escaping (APIResult) -> Void) throws(AWSError) {
        var elements: [JSONValue] = []
        let (name, address) = try ruleReference(call, nameMember: "Rule") { checker throws(AWSError) in
            elements = checker.list("Targets", required: true, length: 1...100) ?? []
            for (index, element) in elements.enumerated() {
                guard let object = element.object else {
                    checker.mistyped("Targets", "a list of objects")
                    return
                }
                var nested = ConstraintChecker(object, path: "targets.\(index + 1).member")
                TargetConstraints.check(&nested, path: "targets.\(index + 1).member")
                checker.absorb(nested)
            }
        }
        let definitions = elements.compactMap(\.object)
        let arns = definitions.compactMap { $0["Arn"]?.string }
        try authorize(
            call,
            "events:PutTargets",
            on: address.ruleARN(name),
            of: address,
            context: ruleContext(name, on: address, call) + [("events:TargetArn", arns)]
        )
        _ = try asking { () throws(CatalogError) in try catalog.state.existingRule(name, on: address) }
        var targets: [(id: String, arn: String, definition: JSONObject)] = []
        for definition in definitions {
            let id = definition["Id"]?.string ?? ""
            let arn = definition["Arn"]?.string ?? ""
            try TargetRules.check(definition, id: id, arn: arn, rule: name, bus: address)
            let role = definition["RoleArn"]?.string
            try authorizeRole(role, call, rule: name, bus: address)
            try checkForeignCaller(definition, arn, call, bus: address)
            try checkBusTarget(arn, role: role, call, bus: address, rule: name)
            targets.append((id, arn, definition))
        }
        router.putTargets(targets, rule: name, on: address) { result in
            answer(result.answer { _ in JSONObject.nothingFailed })
        }
    }

    /// A caller from another account may attach nothing but buses (spec: patterns §6.2), and only buses that would take its
    /// own events: the rule's owner must not deliver for it where it may not go itself. Dead letters would be such a way too.
    private func checkForeignCaller(
        _ definition: JSONObject,
        _ arn: String,
        _ call: APICall,
        bus: BusAddress
    ) throws(AWSError) {
        guard bus.account != call.caller.account else { return }
        guard let destination = BusAddress(arn: arn) else {
            throw .validation("Only EventBus targets are allowed on cross-account PutTargets calls.")
        }
        guard definition["DeadLetterConfig"]?.object == nil else {
            throw .validation("DeadLetterConfig is not allowed on cross-account PutTargets calls.")
        }
        try authorize(call, "events:PutEvents", on: destination.arn, of: destination)
    }

    /// A foreign bus must let the rule's account in already when it becomes a target (spec: control §7.5). What another cell
    /// hosts is decided there with each event; this side asks the role's own policies.
    private func checkBusTarget(
        _ arn: String,
        role: String?,
        _ call: APICall,
        bus: BusAddress,
        rule: String
    ) throws(AWSError) {
        guard let destination = BusAddress(arn: arn), destination.account != bus.account else { return }
        let request = AccessRequest(
            subject: role.map { .role(arn: $0, session: rule, account: bus.account) }
                ?? .principal(arn: "arn:aws:iam::\(bus.account):root", account: bus.account),
            action: "events:PutEvents",
            resource: destination.arn,
            resourceAccount: destination.account,
            context: [
                ("events:eventBusInvocation", ["true"]), ("aws:SourceArn", [bus.ruleARN(rule)]),
                ("aws:SourceAccount", [bus.account.description]),
            ] + call.conditionContext
        )
        if let text = router.refusalToTarget(destination, request: request) { throw AWSError(.accessDenied, text) }
        guard let receiver = catalog.state.bus(destination) else { return }
        if case .denied(let text) = router.decider.decide(request, policy: receiver.policy) {
            throw AWSError(.accessDenied, text)
        }
    }

    private func removeTargets(_ call: APICall, _ answer: @escaping (APIResult) -> Void) throws(AWSError) {
        var ids: [String] = []
        let (name, address) = try ruleReference(call, nameMember: "Rule") { checker throws(AWSError) in
            ids = checker.strings("Ids", required: true, length: 1...100, element: 1...64) ?? []
            _ = checker.bool("Force")
        }
        try authorizeRule(call, "events:RemoveTargets", name, address)
        router.removeTargets(ids, rule: name, on: address) { result in
            // Removing an id that is not there succeeds: Terraform takes any failed entry for an error
            // (spec: control §4.3, §16 point 2).
            answer(result.answer { _ in JSONObject.nothingFailed })
        }
    }

    private func listTargets(_ call: APICall) throws(AWSError) -> JSONObject? {
        var page: Page?
        let (name, address) = try ruleReference(call, nameMember: "Rule") { checker throws(AWSError) in
            page = try Page(&checker)
        }
        try authorizeRule(call, "events:ListTargetsByRule", name, address)
        let rule = try asking { () throws(CatalogError) in try catalog.state.existingRule(name, on: address) }
        let sorted = rule.targets.sorted { $0.id.utf8.lexicographicallyPrecedes($1.id.utf8) }
        guard let (shown, token) = page?.cut(sorted.map(\.id)) else { return nil }
        let targets = sorted[shown.startIndex..<shown.endIndex].map { JSONValue.object($0.definition) }
        var output: JSONObject = ["Targets": .array(Array(targets))]
        output.put("NextToken", token)
        return output
    }
}

extension JSONObject {
    /// `FailedEntryCount` and `FailedEntries` of a call that failed in nothing.
    fileprivate static var nothingFailed: JSONObject { ["FailedEntryCount": 0, "FailedEntries": .array([])] }
}
