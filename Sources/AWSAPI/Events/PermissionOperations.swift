import EventModel
import Router

/// Permissions of a bus: its resource policy, statement by statement or whole (spec: control §7.1, §7.2).
extension EventService {
    func addPermissionOperations() {
        addChange("PutPermission") { [unowned self] call, answer throws(AWSError) in try putPermission(call, answer) }
        addChange("RemovePermission") { [unowned self] call, answer throws(AWSError) in
            try removePermission(call, answer)
        }
    }

    private func putPermission(_ call: APICall, _ answer: @escaping (APIResult) -> Void) throws(AWSError) {
        var checker = ConstraintChecker(call.input)
        let name = checker.string("EventBusName", length: 1...256, pattern: .name)
        let policy = checker.string("Policy")
        let sid = checker.string("StatementId", length: 1...64, pattern: .statementID)
        let action = checker.string("Action", length: 1...64, pattern: .eventsAction)
        let principal = checker.string("Principal", length: 1...12, pattern: .permissionPrincipal)
        let condition = checker.object("Condition")
        try checker.finish()
        let address = BusAddress(
            region: call.region,
            account: call.caller.account,
            name: name ?? BusAddress.defaultName
        )
        try authorizeWithoutResource(call, "events:PutPermission")
        if let policy {
            router.putPolicy(policy, on: address) { answer($0.emptyAnswer) }
            return
        }
        for (member, value) in [("StatementId", sid), ("Action", action), ("Principal", principal)] where value == nil {
            throw .validation("Parameter \(member) is required.")
        }
        guard action == "events:PutEvents" else {
            throw .validation("Provided value in parameter 'action' is not supported.")
        }
        let statement = PermissionStatement(
            sid: sid ?? "",
            principal: principal ?? "",
            organization: try organization(condition, principal: principal ?? "")
        )
        router.putStatement(statement, on: address) { answer($0.emptyAnswer) }
    }

    /// The one condition that the statement form knows (spec: control §7.1).
    private func organization(_ condition: JSONObject?, principal: String) throws(AWSError) -> String? {
        guard let condition else { return nil }
        var checker = ConstraintChecker(condition, path: "condition")
        let type = checker.string("Type", required: true)
        let key = checker.string("Key", required: true)
        let value = checker.string("Value", required: true)
        try checker.finish()
        guard type == "StringEquals" else {
            throw .validation("Provided value in parameter 'condition.type' is not supported.")
        }
        guard key == "aws:PrincipalOrgID" else {
            throw .validation("Provided value in parameter 'condition.key' is not supported.")
        }
        guard principal == "*" else {
            throw .validation("Value of the parameter 'principal' must be '*' when the parameter 'condition' is set.")
        }
        return value
    }

    private func removePermission(_ call: APICall, _ answer: @escaping (APIResult) -> Void) throws(AWSError) {
        var checker = ConstraintChecker(call.input)
        let name = checker.string("EventBusName", length: 1...256, pattern: .name)
        let sid = checker.string("StatementId", length: 1...64, pattern: .statementID)
        let all = checker.bool("RemoveAllPermissions") ?? false
        try checker.finish()
        let address = BusAddress(
            region: call.region,
            account: call.caller.account,
            name: name ?? BusAddress.defaultName
        )
        try authorizeWithoutResource(call, "events:RemovePermission")
        if all {
            router.removePolicy(of: address) { answer($0.emptyAnswer) }
            return
        }
        guard let sid else { throw .validation("Parameter StatementId is required.") }
        router.removeStatement(sid, of: address) { answer($0.emptyAnswer) }
    }
}
