import EventModel
import Testing

@testable import AccessPolicy

/// The callers and requests of spec: control §9.
enum Fixture {
    static let bus = "arn:aws:events:eu-west-1:111111111111:event-bus/orders"
    static let owner = account("111111111111")
    static let other = account("222222222222")

    static func account(_ text: String) -> AccountID {
        guard let account = AccountID(text) else { preconditionFailure("not an account: \(text)") }
        return account
    }

    static func caller(_ name: String, organization: String? = "o-acme") -> Principal {
        let attributes = PrincipalAttributes(organizationID: organization)
        switch name {
        case "alice": return .user("alice", of: owner, attributes: attributes)
        case "bob": return .user("bob", of: other, attributes: attributes)
        case "pubB":
            return .roleSession(role: "pub", path: "/team/", session: "s1", of: other, attributes: attributes)
        case "rootA": return .root(of: owner, attributes: attributes)
        case "rootB": return .root(of: other, attributes: attributes)
        case "svc": return .service("events.amazonaws.com")
        case "sched": return .service("scheduler.amazonaws.com")
        default: preconditionFailure("unknown caller \(name)")
        }
    }

    static func identity(_ name: String) throws -> IdentityPolicies {
        let allow = #"{"Effect":"Allow","Action":"*","Resource":"*"}"#
        let deny = #"{"Effect":"Deny","Action":"*","Resource":"*"}"#
        switch name {
        case "allow": return .policies([try identityPolicy(allow)])
        case "deny": return .policies([try identityPolicy(allow + "," + deny)])
        default: return .none
        }
    }

    static func identityPolicy(_ statements: String) throws -> CompiledPolicy {
        let text = #"{"Version":"2012-10-17","Statement":["# + statements + "]}"
        return try CompiledPolicy(parsing: text, attachment: .identity)
    }

    static func defaultContext() -> RequestContext {
        var context = RequestContext()
        context.add(.secureTransport, true)
        context.add(.sourceIP, "203.0.113.7")
        context.add(.currentTime, "2026-01-15T12:00:00Z")
        context.add(.epochTime, "1768478400")
        return context
    }

    static func request(_ caller: String, _ action: PolicyAction = .putEvents) -> AuthorizationRequest {
        AuthorizationRequest(
            principal: Fixture.caller(caller),
            action: action,
            resource: bus,
            context: defaultContext()
        )
    }

    /// The statement that cases differ from, with the members of `difference` in place of its own.
    static func statement(_ difference: String) throws -> JSONValue {
        var statement: JSONObject = [
            "Effect": "Allow",
            "Principal": .object(["AWS": "222222222222"]),
            "Action": "events:PutEvents",
            "Resource": .string(bus),
        ]
        let parsed = try JSONValue(parsing: difference.replacing("\"BUS\"", with: "\"\(bus)\""))
        for member in try #require(parsed.object).members {
            if member.key.hasPrefix("Not") { statement[String(member.key.dropFirst(3))] = nil }
            statement[member.key] = member.value
        }
        return .object(statement)
    }

    static func policy(_ differences: [String], version: String = "2012-10-17") throws -> CompiledPolicy? {
        guard !differences.isEmpty else { return nil }
        let statements = try differences.map { try statement($0) }
        let document: JSONObject = ["Version": .string(version), "Statement": .array(statements)]
        return try CompiledPolicy(parsing: JSONValue.object(document).text)
    }
}

extension EvaluationCase {
    var version: String { context.contains("Version 2008-10-17") ? "2008-10-17" : "2012-10-17" }

    /// The request, read off the context column.
    func request() throws -> AuthorizationRequest {
        var request = Fixture.request(caller)
        for part in context.split(separator: ";").map({ $0.drop { $0 == " " } }) {
            if part.hasPrefix("Version ") { continue }
            if part == "aws:PrincipalOrgID absent" {
                request.principal = Fixture.caller(caller, organization: nil)
            } else if part == "DescribeRule" {
                request.action = PolicyAction("events:DescribeRule")
            } else if part.hasPrefix("PutRule on ") {
                request.action = PolicyAction("events:PutRule")
                request.resource = "arn:aws:events:eu-west-1:111111111111:" + part.dropFirst("PutRule on ".count)
            } else {
                let sides = part.split(separator: "=", maxSplits: 1).map(String.init)
                try #require(sides.count == 2, "unread context: \(part)")
                let key = ConditionKey(sides[0])
                request.context.remove(key)
                for value in sides[1].split(separator: ",") {
                    request.context.add(key, String(value))
                }
            }
        }
        return request
    }
}

extension PolicyDecision {
    var summary: String {
        switch self {
        case .allow: "ALLOW"
        case .deny(.explicit): "DENY(explicit)"
        case .deny(.implicit): "DENY(implicit)"
        }
    }
}

@Suite struct EvaluationCaseTests {
    @Test func tableIsComplete() {
        #expect(EvaluationCase.all.map(\.number) == Array(1...92))
    }

    // spec: control §9
    @Test(arguments: EvaluationCase.all)
    func decides(_ row: EvaluationCase) throws {
        let decision = PolicyEvaluator.decide(
            try row.request(),
            resourcePolicy: try Fixture.policy(row.statements, version: row.version),
            identityPolicies: try Fixture.identity(row.identity),
            resourceAccount: Fixture.owner
        )
        #expect(decision.summary == row.expected)
    }

    // spec: control §9, "deny statement wins whatever the order"
    @Test(arguments: EvaluationCase.all)
    func orderOfStatementsDoesNotMatter(_ row: EvaluationCase) throws {
        let decision = PolicyEvaluator.decide(
            try row.request(),
            resourcePolicy: try Fixture.policy(row.statements.reversed(), version: row.version),
            identityPolicies: try Fixture.identity(row.identity),
            resourceAccount: Fixture.owner
        )
        #expect(decision.summary == row.expected)
    }
}
