import EventModel
import Testing

@testable import AccessPolicy

@Suite struct PolicyAdviceTests {
    private func advice(_ differences: String, version: String = "2012-10-17") throws -> [PolicyAdvice.Warning] {
        try #require(try Fixture.policy([differences], version: version)).document.advice.map(\.warning)
    }

    /// The documented policies must not be warned about (spec: control §7.6, §10.2).
    @Test(arguments: [
        "{}", #"{"Principal":"*","Condition":{"StringEquals":{"aws:PrincipalOrgID":"o-a1b2c3"}}}"#,
        #"{"Condition":{"ForAllValues:StringEquals":{"events:source":"com.x","events:detail-type":"NewOrder"}}}"#,
        #"{"Action":["events:PutRule","events:TagResource"],"Resource":"arn:aws:events:eu-west-1:111111111111:rule/orders/*","Condition":{"StringEqualsIfExists":{"events:creatorAccount":"${aws:PrincipalAccount}"}}}"#,
        #"{"Principal":{"Service":"events.amazonaws.com"},"Action":"sqs:SendMessage","Resource":"arn:aws:sqs:eu-west-1:111111111111:q","Condition":{"ArnEquals":{"aws:SourceArn":"arn:aws:events:us-west-2:*:*"}}}"#,
        #"{"Action":"*","Resource":"*","Condition":{"StringEquals":{"aws:PrincipalTag/team":"a","s3:prefix":"b"}}}"#,
        #"{"Condition":{"Null":{"events:source":"false"},"ForAllValues:StringEquals":{"events:source":"a"}}}"#,
    ])
    func silent(_ differences: String) throws {
        #expect(try advice(differences) == [])
    }

    @Test(
        arguments: [
            (#"{"Condition":{"StringEquals":{"aws:PrincipalOrg":"o"}}}"#, [.unknownConditionKey("aws:PrincipalOrg")]),
            (#"{"Condition":{"StringEquals":{"source":"o"}}}"#, [.unknownConditionKey("source")]),
            (
                #"{"Condition":{"StringEquals":{"events:creatorAccount":"${aws:PrincipalAccount}"}}}"#,
                [.conditionKeyWithoutAction("events:creatorAccount")]
            ),
            (#"{"Condition":{"StringEquals":{"sqs:x":"o"}}}"#, [.conditionKeyWithoutAction("sqs:x")]),
            (
                #"{"Resource":"arn:aws:events:eu-west-1:11111111111:event-bus/orders"}"#,
                [.accountIDLength("11111111111")]
            ),
            (
                #"{"Resource":"arn:aws:events:eu-west-1:event-bus/orders"}"#,
                [.impossibleARN("arn:aws:events:eu-west-1:event-bus/orders")]
            ),
            (#"{"Resource":"arn:aws:events:eu-west-1:111111111111:rule/orders/*"}"#, [.noActionForResource]),
            (
                #"{"Principal":{"AWS":"arn:aws:iam::222222222222:role/*"}}"#,
                [.wildcardInPrincipal("arn:aws:iam::222222222222:role/*")]
            ),
            (#"{"Condition":{"StringEquals":{"aws:SourceAccount":"2222"}}}"#, [.accountIDLength("2222")]),
            (
                #"{"Condition":{"NumericEquals":{"aws:EpochTime":["1","x"]}}}"#,
                [.unreadableValue(name: "NumericEquals", value: "x")]
            ),
            (
                #"{"Condition":{"ArnLike":{"aws:SourceArn":"*"}}}"#,
                [.unreadableValue(name: "ArnLike", value: "*"), .conditionNeverHolds(key: "aws:SourceArn")]
            ),
            (
                #"{"Condition":{"Null":{"aws:SourceArn":"true"},"StringLike":{"AWS:sourcearn":"*"}}}"#,
                [.conditionNeverHolds(key: "AWS:sourcearn")]
            ),
            (
                #"{"Condition":{"StringEquals":{"events:source":"a","EVENTS:source":"b"}}}"#,
                [.conditionNeverHolds(key: "EVENTS:source")]
            ),
        ] as [(String, [PolicyAdvice.Warning])]
    )
    func warns(_ differences: String, _ expected: [PolicyAdvice.Warning]) throws {
        #expect(try advice(differences) == expected)
    }

    @Test func variablesOfTheOldVersion() throws {
        let value = "${aws:PrincipalAccount}"
        let differences = #"{"Condition":{"StringEquals":{"aws:SourceAccount":"\#(value)"}}}"#
        #expect(try advice(differences, version: "2008-10-17") == [.variableIsLiteral(value)])
        #expect(try advice(differences) == [])
    }

    @Test func describesTheStatement() throws {
        let policy = try #require(try Fixture.policy(["{}", #"{"Condition":{"Bool":{"aws:Nope":"true"}}}"#]))
        #expect(policy.document.advice.map(\.description) == ["statement 2: unknown condition key aws:Nope"])
    }
}
