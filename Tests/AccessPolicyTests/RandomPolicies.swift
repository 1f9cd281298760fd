import AccessPolicy
import EventModel
import SansIO

/// Policies and requests over so few names that they often meet.
struct RandomPolicies {
    var generator: SeededGenerator

    init(seed: UInt64) {
        generator = SeededGenerator(seed: seed)
    }

    mutating func pick<Element>(_ elements: [Element]) -> Element {
        elements[Int.random(in: 0..<elements.count, using: &generator)]
    }

    mutating func chance(_ percent: Int) -> Bool {
        Int.random(in: 0..<100, using: &generator) < percent
    }

    mutating func some(_ elements: [JSONValue]) -> JSONValue {
        if chance(60) { return pick(elements) }
        return .array((0..<Int.random(in: 1...3, using: &generator)).map { _ in pick(elements) })
    }

    mutating func request() -> PlainRequest {
        let caller = pick(["alice", "bob", "pubB", "pubA", "rootA", "rootB", "svc", "sched"])
        let organization: String? = pick(["o-acme", "o-other", nil])
        let principal: Principal =
            caller == "pubA"
            ? .roleSession(role: "pub", session: "s1", of: Fixture.owner)
            : Fixture.caller(caller, organization: organization)
        var context: [String: [String]] = [:]
        func maybe(_ key: String, _ values: [String], most: Int = 1, _ source: inout RandomPolicies) {
            guard source.chance(60) else { return }
            let count = Int.random(in: 1...most, using: &source.generator)
            context[key] = (0..<count).map { _ in source.pick(values) }
        }
        maybe("events:source", ["com.a", "com.b", "com.é", "COM.A"], most: 3, &self)
        maybe("events:detail-type", ["Order", "order", "Refund"], most: 2, &self)
        maybe("aws:sourcearn", Self.arns, &self)
        maybe("aws:sourceip", ["203.0.113.7", "10.1.2.3", "10.1.200.3"], &self)
        maybe("aws:securetransport", ["true", "false"], &self)
        maybe("aws:epochtime", ["5", "7", "7.5", "-1", "soon"], &self)
        maybe("aws:currenttime", ["2026-01-15T12:00:00Z", "2026-02-01T00:00:00Z"], &self)
        maybe("events:creatoraccount", ["111111111111", "222222222222"], &self)
        maybe("aws:requesttag/team", ["red", "blue"], &self)
        return PlainRequest(
            principal: principal,
            action: pick(["events:PutEvents", "events:PutRule", "sqs:SendMessage"]),
            resource: pick([
                Fixture.bus, "arn:aws:events:eu-west-1:111111111111:rule/orders/222222222222-x", "*",
            ]),
            context: context
        )
    }

    static let arns = [
        "arn:aws:events:eu-west-1:222222222222:rule/fwd", "arn:aws:events:us-east-1:222222222222:rule/a:b",
        "not-an-arn",
    ]

    mutating func document(_ attachment: PolicyDocument.Attachment, statements: Int) throws -> PolicyDocument {
        let list = (0..<statements).map { _ in statement(attachment) }
        return try Self.document(list, attachment, version: chance(85) ? "2012-10-17" : "2008-10-17")
    }

    static func document(
        _ statements: [JSONValue],
        _ attachment: PolicyDocument.Attachment,
        version: String = "2012-10-17"
    ) throws -> PolicyDocument {
        let object: JSONObject = ["Version": .string(version), "Statement": .array(statements)]
        return try PolicyDocument(parsing: JSONValue.object(object).text, attachment: attachment)
    }

    mutating func statement(_ attachment: PolicyDocument.Attachment, effect: String? = nil) -> JSONValue {
        var statement: JSONObject = ["Effect": .string(effect ?? (chance(70) ? "Allow" : "Deny"))]
        if attachment == .resource { statement[chance(85) ? "Principal" : "NotPrincipal"] = principals() }
        statement[chance(85) ? "Action" : "NotAction"] = some([
            "events:PutEvents", "events:Put*", "EVENTS:*", "*", "events:PutEvent?", "sqs:SendMessage", "*:*Rule",
        ])
        statement[chance(85) ? "Resource" : "NotResource"] = some([
            "*", .string(Fixture.bus), "arn:aws:events:*:111111111111:event-bus/ord*", "arn:*:rule/orders/*-?",
            "arn:aws:events:eu-west-1:111111111111:rule/orders/${aws:PrincipalAccount}-*",
            "arn:aws:events:eu-west-1:111111111111:rule/orders/${aws:username, '2'}*", "arn:aws:events:*",
        ])
        if chance(65) {
            var conditions = JSONObject()
            for _ in 0..<Int.random(in: 1...3, using: &generator) {
                let (name, key, values) = condition()
                conditions[name] = .object([key: values])
            }
            statement["Condition"] = .object(conditions)
        }
        return .object(statement)
    }

    private mutating func principals() -> JSONValue {
        if chance(20) { return "*" }
        let names: [JSONValue] = [
            "111111111111", "222222222222", "arn:aws:iam::222222222222:root", "arn:aws:iam::111111111111:user/alice",
            "arn:aws:iam::222222222222:user/bob", "arn:aws:iam::222222222222:role/team/pub",
            "arn:aws:sts::222222222222:assumed-role/pub/s1", "arn:aws:iam::111111111111:role/pub",
            "arn:aws:sts::111111111111:assumed-role/pub/s1", "arn:aws:sts::111111111111:assumed-role/pub/*", "*",
        ]
        if chance(20) { return .object(["Service": some(["events.amazonaws.com", "scheduler.amazonaws.com"])]) }
        return .object(["AWS": some(names)])
    }

    private mutating func condition() -> (name: String, key: String, values: JSONValue) {
        let texts: [JSONValue] = [
            "com.a", "com.b", "com.*", "c?m.é", "com.?", "Order", "order", "o-acme", "bob", "*", "222222222222",
            "${aws:PrincipalAccount}", "${aws:username}", "${events:source}", "${aws:username, 'com.a'}", "b${*}",
        ]
        let key = pick([
            "events:source", "events:detail-type", "EVENTS:Source", "aws:PrincipalOrgID", "aws:username",
            "aws:PrincipalAccount", "events:creatorAccount", "aws:RequestTag/team", "aws:unheard",
        ])
        let text = ["StringEquals", "StringNotEquals", "StringLike", "StringNotLike"]
        let folded = ["StringEqualsIgnoreCase", "StringNotEqualsIgnoreCase"]
        let number = ["Equals", "NotEquals", "LessThan", "LessThanEquals", "GreaterThan", "GreaterThanEquals"]
        let arn = ["ArnEquals", "ArnLike", "ArnNotEquals", "ArnNotLike"]
        let arnPatterns: [JSONValue] = [
            "arn:aws:events:*:222222222222:rule/*", "arn:aws:events:*:rule/*", "arn:*:*:*:*:*", "*",
            "arn:aws:events:us-east-1:222222222222:rule/${aws:username, 'a'}*", .string(Self.arns[0]),
        ]
        let kind = Int.random(in: 0..<10, using: &generator)
        switch kind {
        case 0...3: return (modified(pick(text)), key, some(texts))
        case 4: return (modified(pick(folded)), key, some(texts))
        case 5: return (modified("Numeric" + pick(number)), "aws:EpochTime", some(["5", 7, "7.50", "later", "-1e0"]))
        case 6:
            let dates: [JSONValue] = ["2026-01-15T12:00:00Z", "2026-01-20T00:00:00Z", "never"]
            return (modified("Date" + pick(number)), "aws:CurrentTime", some(dates))
        case 7: return (modified(pick(arn)), pick(["aws:SourceArn", "aws:PrincipalArn"]), some(arnPatterns))
        case 8:
            let blocks: [JSONValue] = ["203.0.113.0/24", "10.1.0.0/16", "10.1.2.3", "0.0.0.0/0", "10.1.128.0/17"]
            return (modified(pick(["IpAddress", "NotIpAddress"])), "aws:SourceIp", some(blocks))
        default:
            if chance(50) { return ("Null", key, pick(["true", "false", true])) }
            return (modified("Bool"), "aws:SecureTransport", pick(["true", "false", true, "yes"]))
        }
    }

    private mutating func modified(_ name: String) -> String {
        pick(["", "", "ForAllValues:", "ForAnyValue:"]) + name + pick(["", "", "IfExists"])
    }
}
