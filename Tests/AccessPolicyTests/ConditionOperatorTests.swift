import Testing

@testable import AccessPolicy

/// One condition against one key, over the whole evaluator.
@Suite struct ConditionOperatorTests {
    struct Row: Sendable, CustomStringConvertible {
        var operation: String
        var listed: String
        var seen: [String]
        var expected: Bool

        init(_ operation: String, _ listed: String, _ seen: [String], _ expected: Bool) {
            self.operation = operation
            self.listed = listed
            self.seen = seen
            self.expected = expected
        }

        var description: String { "\(operation) \(listed) on \(seen)" }
    }

    // spec: control §8.5
    static let single: [Row] = [
        Row("StringEquals", #""a""#, ["a"], true), Row("StringEquals", #""a""#, ["A"], false),
        Row("StringEquals", #"["b","a"]"#, ["a"], true), Row("StringEquals", #""a*""#, ["ab"], false),
        Row("StringEquals", #""\u00e9""#, ["e\u{301}"], false), Row("StringEquals", "7", ["7"], true),
        Row("StringEquals", "true", ["true"], true), Row("StringNotEquals", #""a""#, ["b"], true),
        Row("StringNotEquals", #"["a","b"]"#, ["b"], false),
        Row("StringEqualsIgnoreCase", #""ÄB""#, ["äb"], true), Row("StringEqualsIgnoreCase", #""ab""#, ["AB"], true),
        Row("StringNotEqualsIgnoreCase", #""ab""#, ["AB"], false),
        Row("StringLike", #""a*c?""#, ["abbcd"], true), Row("StringLike", #""a?""#, ["a"], false),
        Row("StringNotLike", #""a*""#, ["abc"], false), Row("StringNotLike", #""a*""#, ["b"], true),
        Row("NumericEquals", #""1.0""#, ["1"], true), Row("NumericEquals", "2", ["1"], false),
        Row("NumericNotEquals", "2", ["1"], true), Row("NumericLessThan", "2", ["1"], true),
        Row("NumericLessThan", "2", ["2"], false), Row("NumericLessThanEquals", "2", ["2"], true),
        Row("NumericGreaterThan", "2", ["3"], true), Row("NumericGreaterThan", "2", ["2"], false),
        Row("NumericGreaterThanEquals", "2", ["2"], true), Row("NumericEquals", "2", ["two"], false),
        Row("NumericNotEquals", "2", ["two"], true), Row("NumericNotEquals", #""two""#, ["2"], true),
        Row("DateEquals", #""2026-01-15T12:00:00Z""#, ["1768478400"], true),
        Row("DateNotEquals", #""2026-01-15T12:00:00Z""#, ["1768478400"], false),
        Row("DateLessThan", #""2026-01-15""#, ["2026-01-14T23:59:59Z"], true),
        Row("DateLessThanEquals", #""2026-01-15""#, ["2026-01-15"], true),
        Row("DateGreaterThan", #""2026-01-15""#, ["2026-01-15"], false),
        Row("DateGreaterThanEquals", "1768478400", ["2026-01-15T12:00:00Z"], true),
        Row("Bool", #""true""#, ["true"], true), Row("Bool", #""True""#, ["true"], true),
        Row("Bool", "false", ["true"], false), Row("Bool", #""yes""#, ["yes"], false),
        Row("Bool", #"["true","false"]"#, ["false"], true),
        Row("BinaryEquals", #""Zm8=""#, ["Zm8="], true), Row("BinaryEquals", #""Zm8=""#, ["Zm9v"], false),
        Row("BinaryEquals", #""%""#, ["%"], false),
        Row("IpAddress", #""10.0.0.0/8""#, ["10.1.1.1"], true),
        Row("IpAddress", #""2001:db8::/32""#, ["2001:db8::1"], true),
        Row("NotIpAddress", #""10.0.0.0/8""#, ["10.1.1.1"], false), Row("NotIpAddress", #""10/8""#, ["10.1.1.1"], true),
        Row("ArnEquals", #""arn:aws:sqs:*:1:q*""#, ["arn:aws:sqs:eu:1:q:r"], true),
        Row("ArnLike", #""arn:*:1:q""#, ["arn:aws:sqs:eu:1:q"], false),
        Row("ArnEquals", #""arn:aws:s?s:eu:1:q""#, ["arn:aws:sns:eu:1:q"], true),
        Row("ArnLike", #""*""#, ["arn:aws:sns:eu:1:q"], false), Row("ArnLike", #""*:*:*:*:*:*""#, ["text"], false),
        Row("ArnNotEquals", #""arn:aws:sqs:*:1:q""#, ["arn:aws:sqs:eu:1:q"], false),
        Row("ArnNotLike", #""arn:aws:sqs:*:1:q""#, ["arn:aws:sqs:eu:2:q"], true),
        Row("Null", #""true""#, [], true), Row("Null", #""true""#, ["x"], false), Row("Null", #""false""#, ["x"], true),
        Row("Null", "false", [], false), Row("Null", #"["true","false"]"#, [], true),
        Row("Null", #""maybe""#, [], false),
    ]

    static let modified: [Row] = [
        Row("StringEquals", #""a""#, [], false), Row("StringNotEquals", #""a""#, [], true),
        Row("StringEqualsIfExists", #""a""#, [], true), Row("StringEqualsIfExists", #""a""#, ["b"], false),
        Row("StringNotEqualsIfExists", #""a""#, [], true), Row("StringNotEqualsIfExists", #""a""#, ["a"], false),
        Row("ForAllValues:StringEquals", #"["a","b"]"#, ["a", "b"], true),
        Row("ForAllValues:StringEquals", #"["a","b"]"#, ["a", "c"], false),
        Row("ForAllValues:StringEquals", #""a""#, [], true), Row("ForAllValues:StringNotEquals", #""a""#, [], true),
        Row("ForAllValues:StringNotEquals", #""a""#, ["b", "c"], true),
        Row("ForAllValues:StringNotEquals", #""a""#, ["a", "c"], false),
        Row("ForAnyValue:StringEquals", #""a""#, ["a", "c"], true), Row("ForAnyValue:StringEquals", #""a""#, [], false),
        Row("ForAnyValue:StringEqualsIfExists", #""a""#, [], true),
        Row("ForAnyValue:StringNotEquals", #""a""#, ["a"], false),
        Row("ForAnyValue:StringNotEquals", #""a""#, [], false),
        Row("ForAnyValue:StringNotEquals", #""a""#, ["a", "b"], true),
        Row("ForAllValues:NumericLessThanIfExists", "5", ["1", "4"], true),
        Row("ForAnyValue:ArnLike", #""arn:aws:sqs:*:1:*""#, ["x", "arn:aws:sqs:eu:1:q"], true),
        Row("StringEquals", #"["a","b"]"#, ["a", "b"], false), Row("StringNotEquals", #"["a","b"]"#, ["a", "b"], true),
        // The values of a key are a set.
        Row("StringEquals", #""a""#, ["a", "a"], true),
    ]

    private func holds(_ row: Row, key: String = "aws:RequestTag/k") throws -> Bool {
        let condition = #"{"Condition":{"\#(row.operation)":{"\#(key)":\#(row.listed)}}}"#
        var request = Fixture.request("rootB")
        for value in row.seen {
            request.context.add(ConditionKey(key.uppercased()), value)
        }
        let policy = try Fixture.policy([condition])
        return PolicyEvaluator.decide(
            request,
            resourcePolicy: policy,
            identityPolicies: .none,
            resourceAccount: Fixture.owner
        ).isAllowed
    }

    @Test(arguments: single + modified)
    func evaluates(_ row: Row) throws {
        #expect(try holds(row) == row.expected)
    }

    @Test(arguments: single + modified)
    func evaluatesKeysWithANumber(_ row: Row) throws {
        #expect(try holds(row, key: "events:TargetArn") == row.expected)
    }

    @Test func namesRoundTrip() {
        for comparison in ConditionOperator.Comparison.allCases where comparison != .null {
            for name in [comparison.rawValue, "ForAllValues:\(comparison.rawValue)IfExists"] {
                #expect(ConditionOperator(name)?.description == name)
            }
        }
        for name in ["StringNotLike", "NotIpAddressIfExists", "ForAnyValue:ArnNotEquals", "Null"] {
            #expect(ConditionOperator(name)?.description == name)
        }
    }

    @Test(arguments: [
        "", "stringEquals", "StringEqual", "IfExists", "NullIfExists", "ForAllValues:Null", "BoolNot", "ForAnyValue:",
        "forallvalues:StringEquals", "StringEqualsIfExistsIfExists", "ForAllValues:ForAnyValue:Bool",
    ])
    func unknownNames(_ name: String) {
        #expect(ConditionOperator(name) == nil)
    }

    @Test(arguments: [
        (#""${aws:PrincipalAccount}""#, "222222222222", true), (#""${aws:username}""#, "x", false),
        (#""${aws:username, 'x'}""#, "x", true), (#""x${$}{y}""#, "x${y}", true), (#""${?}""#, "?", true),
        (#""${aws:PrincipalAccount""#, "${aws:PrincipalAccount", true), (#"["${aws:username}","x"]"#, "x", true),
        (#""a-${AWS:principalACCOUNT}-b""#, "a-222222222222-b", true),
    ])
    func variables(_ listed: String, _ seen: String, _ expected: Bool) throws {
        #expect(try holds(Row("StringEquals", listed, [seen], expected)) == expected)
        #expect(try holds(Row("StringNotEquals", listed, [seen], expected)) != expected)
    }

    // spec: control §8.6: what a variable brings is literal, and one with several values brings nothing
    @Test func substitutedWildcardsAreLiteral() throws {
        let policy = try Fixture.policy([#"{"Condition":{"StringLike":{"aws:SourceArn":"x-${events:source}*"}}}"#])
        func decide(_ sources: [String], _ value: String) -> Bool {
            var request = Fixture.request("rootB")
            for source in sources {
                request.context.add(.source, source)
            }
            request.context.add(.sourceARN, value)
            return PolicyEvaluator.decide(
                request,
                resourcePolicy: policy,
                identityPolicies: .none,
                resourceAccount: Fixture.owner
            ).isAllowed
        }
        #expect(decide(["a*"], "x-a*b"))
        #expect(!decide(["a*"], "x-ab"))
        #expect(!decide(["a", "b"], "x-a"))
    }
}
