import EventModel
import Testing

@testable import AccessPolicy

@Suite struct PolicyExplanationTests {
    private func explain(_ caller: String, _ statements: [String]) throws -> PolicyExplanation {
        let policies = ApplicablePolicies(
            resource: try Fixture.policy(statements),
            resourceAccount: Fixture.owner,
            identity: .allowAll
        )
        var request = Fixture.request(caller)
        request.context.add(.source, "com.x")
        return PolicyEvaluator.explain(request, under: policies)
    }

    @Test func namesTheDecidingStatement() throws {
        let explanation = try explain("bob", ["{}", #"{"Sid":"no","Effect":"Deny"}"#])
        #expect(explanation.lines == [#"explicitly denied by statement 2 ("no") of the resource-based policy"#])
        #expect(explanation.deciding?.sid == "no")
        #expect(explanation.nearest == nil)
    }

    @Test func namesTheConditionThatFailed() throws {
        let explanation = try explain(
            "bob",
            [
                #"{"Action":"events:PutRule"}"#,
                #"{"Sid":"near","Condition":{"StringEquals":{"events:source":["com.a","com.b"],"aws:SourceArn":"x"}}}"#,
            ]
        )
        #expect(explanation.decision == .deny(.implicit(missing: .resource)))
        #expect(
            explanation.nearest?.mismatches == [
                .condition(name: "StringEquals", key: "events:source", listed: ["com.a", "com.b"], seen: ["com.x"]),
                .condition(name: "StringEquals", key: "aws:SourceArn", listed: ["x"], seen: []),
            ]
        )
        #expect(
            explanation.lines == [
                "refused: no resource-based policy allows it",
                #"closest: statement 2 ("near") of the resource-based policy"#,
                #"  condition StringEquals on events:source wants "com.a", "com.b", the key is "com.x""#,
                #"  condition StringEquals on aws:SourceArn wants "x", the key is absent"#,
            ]
        )
    }

    @Test func namesEveryElement() throws {
        let statement = #"{"Principal":{"AWS":"333333333333"},"NotAction":"events:*","Resource":"arn:aws:sqs:*"}"#
        let explanation = try explain("bob", [statement])
        #expect(
            explanation.nearest?.mismatches == [
                .principal(
                    listed: ["333333333333"],
                    isNegated: false,
                    caller: "arn:aws:iam::222222222222:user/bob"
                ),
                .action(listed: ["events:*"], isNegated: true, requested: "events:PutEvents"),
                .resource(listed: ["arn:aws:sqs:*"], isNegated: false, requested: Fixture.bus),
            ]
        )
    }

    @Test func saysThatNamingTheAccountDelegates() throws {
        let policies = ApplicablePolicies(
            resource: try Fixture.policy([#"{"Principal":{"AWS":"111111111111"}}"#]),
            resourceAccount: Fixture.owner,
            identity: .none
        )
        let explanation = PolicyEvaluator.explain(Fixture.request("alice"), under: policies)
        #expect(explanation.nearest?.mismatches == [])
        #expect(explanation.lines.count == 3)
    }
}
