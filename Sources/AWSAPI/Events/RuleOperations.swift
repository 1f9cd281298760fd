import EventModel
import EventPattern
import Router
import Schedules

/// Operations on rules (spec: control §4.2).
extension EventService {
    func addRuleOperations() {
        addChange("PutRule") { [unowned self] call, answer throws(AWSError) in try putRule(call, answer) }
        addChange("DeleteRule") { [unowned self] call, answer throws(AWSError) in try deleteRule(call, answer) }
        addChange("EnableRule") { [unowned self] call, answer throws(AWSError) in
            try setState(.enabled, "events:EnableRule", call, answer)
        }
        addChange("DisableRule") { [unowned self] call, answer throws(AWSError) in
            try setState(.disabled, "events:DisableRule", call, answer)
        }
        addImmediate("DescribeRule") { [unowned self] call throws(AWSError) in try describeRule(call) }
        addImmediate("ListRules") { [unowned self] call throws(AWSError) in try listRules(call) }
        addImmediate("ListRuleNamesByTarget") { [unowned self] call throws(AWSError) in try listRuleNames(call) }
    }

    /// Reads `Name` and `EventBusName`, the way most operations on a rule name it.
    func ruleReference(
        _ call: APICall,
        nameMember: String = "Name",
        also: (inout ConstraintChecker) throws(AWSError) -> Void = { _ in }
    ) throws(AWSError) -> (name: String, bus: BusAddress) {
        var checker = ConstraintChecker(call.input)
        let name = checker.string(nameMember, required: true, length: 1...64, pattern: .name) ?? ""
        let busName = checker.string("EventBusName", length: 1...1_600, pattern: .busNameOrARN)
        try also(&checker)
        try checker.finish()
        return (name, try bus(busName, call))
    }

    private func putRule(_ call: APICall, _ answer: @escaping (APIResult) -> Void) throws(AWSError) {
        var pattern: String?
        var schedule: String?
        var state = Rule.State.enabled
        var description: String?
        var role: String?
        var tagList: TagList?
        let (name, address) = try ruleReference(call) { checker throws(AWSError) in
            pattern = checker.string("EventPattern", length: 0...catalog.state.quotas.eventPatternCharacters)
            schedule = checker.string("ScheduleExpression", length: 0...256)
            let states = ["ENABLED", "DISABLED", "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS"]
            state = checker.string("State", oneOf: states).flatMap(Rule.State.init(rawValue:)) ?? .enabled
            description = checker.string("Description", length: 0...512)
            role = checker.string("RoleArn", length: 1...1_600)
            tagList = TagList(&checker)
        }
        let arn = address.ruleARN(name)
        try authorize(
            call,
            "events:PutRule",
            on: arn,
            of: address,
            context: ruleContext(name, on: address, call, pattern: pattern) + (tagList?.tags.requestContext ?? [])
        )
        try authorizeTagging(tagList, call, on: arn, of: address)
        try authorizeRole(role, call, rule: name, bus: address)
        try checkSchedule(schedule, isDefaultBus: address.name == BusAddress.defaultName)
        if pattern?.isEmpty ?? true, schedule?.isEmpty ?? true {
            throw .validation("Parameter(s) EventPattern or ScheduleExpression must be specified.")
        }
        var rule = Rule(name: name, createdBy: call.caller.account)
        if let pattern, !pattern.isEmpty {
            try checkPattern(pattern)
            rule.pattern = pattern
        }
        rule.state = state
        rule.description = description
        rule.roleARN = role
        rule.tags = try tagList?.checked() ?? []
        catalog.putRule(rule, on: address) { result in
            answer(result.answer { _ in ["RuleArn": .string(arn)] })
        }
    }

    private func checkSchedule(_ schedule: String?, isDefaultBus: Bool) throws(AWSError) {
        guard let schedule else { return }
        guard isDefaultBus else {
            throw .validation("ScheduleExpression is supported only on the default event bus.")
        }
        guard !schedule.isEmpty else { return }
        guard (try? ScheduleExpression(schedule, dialect: .rule)) != nil else {
            throw .validation("Parameter ScheduleExpression is not valid.")
        }
        throw AWSError(
            .unsupported,
            "Busbar does not run scheduled rules yet: ScheduleExpression '\(schedule)' is valid but cannot be used."
        )
    }

    func checkPattern(_ text: String) throws(AWSError) {
        do throws(PatternError) {
            _ = try Pattern.parse(text)
        } catch {
            throw AWSError(.invalidEventPattern, error.message)
        }
    }

    private func deleteRule(_ call: APICall, _ answer: @escaping (APIResult) -> Void) throws(AWSError) {
        let (name, address) = try ruleReference(call) { checker throws(AWSError) in _ = checker.bool("Force") }
        try authorizeRule(call, "events:DeleteRule", name, address)
        catalog.deleteRule(name, on: address) { answer($0.emptyAnswer) }
    }

    private func setState(
        _ state: Rule.State,
        _ action: String,
        _ call: APICall,
        _ answer: @escaping (APIResult) -> Void
    ) throws(AWSError) {
        let (name, address) = try ruleReference(call)
        try authorizeRule(call, action, name, address)
        catalog.updateRule(name, on: address) { rule in
            var rule = rule
            rule.state = state
            return rule
        } completion: { result in
            answer(result.emptyAnswer)
        }
    }

    func authorizeRule(_ call: APICall, _ action: String, _ name: String, _ address: BusAddress) throws(AWSError) {
        let context = ruleContext(name, on: address, call)
        try authorize(call, action, on: address.ruleARN(name), of: address, context: context)
    }

    private func describeRule(_ call: APICall) throws(AWSError) -> JSONObject? {
        let (name, address) = try ruleReference(call)
        try authorizeRule(call, "events:DescribeRule", name, address)
        let rule = try asking { () throws(CatalogError) in try catalog.state.existingRule(name, on: address) }
        var output = rule.summary(on: address)
        output.put("CreatedBy", rule.createdBy.description)
        return output
    }

    private func listRules(_ call: APICall) throws(AWSError) -> JSONObject? {
        var checker = ConstraintChecker(call.input)
        let prefix = checker.string("NamePrefix", length: 1...64, pattern: .name)
        let busName = checker.string("EventBusName", length: 1...1_600, pattern: .busNameOrARN)
        let page = try Page(&checker)
        try checker.finish()
        let address = try bus(busName, call)
        try authorizeListing(call, "events:ListRules", address)
        _ = try asking { () throws(CatalogError) in try catalog.state.existingBus(address) }
        let names = catalog.state.ruleNames(on: address).filter { $0.utf8.starts(with: (prefix ?? "").utf8) }
        let (shown, token) = page.cut(names)
        let rules = shown.compactMap { name in
            (try? catalog.state.existingRule(name, on: address)).map { JSONValue.object($0.summary(on: address)) }
        }
        var output: JSONObject = ["Rules": .array(rules)]
        output.put("NextToken", token)
        return output
    }

    private func listRuleNames(_ call: APICall) throws(AWSError) -> JSONObject? {
        var checker = ConstraintChecker(call.input)
        let target = checker.string("TargetArn", required: true, length: 1...1_600) ?? ""
        let busName = checker.string("EventBusName", length: 1...1_600, pattern: .busNameOrARN)
        let page = try Page(&checker)
        try checker.finish()
        let address = try bus(busName, call)
        try authorizeListing(call, "events:ListRuleNamesByTarget", address)
        _ = try asking { () throws(CatalogError) in try catalog.state.existingBus(address) }
        let names = catalog.state.ruleNames(on: address).filter { name in
            let rule = try? catalog.state.existingRule(name, on: address)
            return rule?.targets.contains { $0.arn.utf8.elementsEqual(target.utf8) } ?? false
        }
        let (shown, token) = page.cut(names)
        var output: JSONObject = ["RuleNames": .array(shown.map(JSONValue.string))]
        output.put("NextToken", token)
        return output
    }
}

extension Rule {
    /// The members that describing and listing share; listing leaves the creator out (spec: control §4.2).
    fileprivate func summary(on address: BusAddress) -> JSONObject {
        var output: JSONObject = ["Name": .string(name), "Arn": .string(address.ruleARN(name))]
        output.put("EventPattern", pattern)
        output.put("State", state.rawValue)
        output.put("Description", description)
        output.put("RoleArn", roleARN)
        output.put("EventBusName", address.name)
        return output
    }
}
