import EventModel
import Testing

/// Permissions (control §7.1-§7.3) and tags (control §3.5).
@Suite struct PermissionAndTagTests {
    private let arn = "arn:aws:events:us-east-1:111122223333:event-bus/default"

    @Test func statementsAreSynthesisedReplacedAndRemoved() {
        let scene = APIScene()
        let one = scene.events(
            "PutPermission",
            #"{"StatementId":"s1","Action":"events:PutEvents","Principal":"444455556666"}"#
        )
        #expect(one.status == 200)
        #expect(one.text.isEmpty)
        let statement =
            #"{"Sid":"s1","Effect":"Allow","Principal":{"AWS":"arn:aws:iam::444455556666:root"},"#
            + #""Action":"events:PutEvents","Resource":"\#(arn)"}"#
        #expect(policy(scene) == #"{"Version":"2012-10-17","Statement":[\#(statement)]}"#)
        scene.events(
            "PutPermission",
            #"{"StatementId":"s2","Action":"events:PutEvents","Principal":"*","#
                + #""Condition":{"Type":"StringEquals","Key":"aws:PrincipalOrgID","Value":"o-a1b2c3"}}"#
        )
        let second =
            #"{"Sid":"s2","Effect":"Allow","Principal":"*","Action":"events:PutEvents","Resource":"\#(arn)","#
            + #""Condition":{"StringEquals":{"aws:PrincipalOrgID":"o-a1b2c3"}}}"#
        #expect(policy(scene) == #"{"Version":"2012-10-17","Statement":[\#(statement),\#(second)]}"#)
        scene.events("RemovePermission", #"{"StatementId":"s1"}"#)
        #expect(policy(scene) == #"{"Version":"2012-10-17","Statement":[\#(second)]}"#)
        let unknown = scene.events("RemovePermission", #"{"StatementId":"s1"}"#)
        #expect(unknown.code == "ResourceNotFoundException")
        #expect(unknown.message == "Statement with the provided id does not exist.")
        scene.events("RemovePermission", #"{"StatementId":"s2"}"#)
        #expect(policy(scene) == nil)
        #expect(scene.events("RemovePermission", #"{"RemoveAllPermissions":true}"#).status == 200)
    }

    @Test func aWholePolicyIsKeptByteForByte() {
        let scene = APIScene()
        let text =
            #"{ \"Version\" : \"2012-10-17\", \"Statement\": [{\"Sid\":\"x\",\"Effect\":\"Allow\","#
            + #"\"Principal\":{\"AWS\":\"444455556666\"},\"Action\":[\"events:PutEvents\"],\"Resource\":\"*\"}] }"#
        scene.events("PutPermission", #"{"Policy":"\#(text)"}"#)
        #expect(
            policy(scene) == text.split(separator: "\\\"", omittingEmptySubsequences: false).joined(separator: "\"")
        )
    }

    @Test func permissionsAreRefusedInTheKnownWords() {
        let scene = APIScene()
        let cases: [(String, String, String)] = [
            (#"{"Policy":"nonsense"}"#, "ValidationException", "This policy contains invalid Json"),
            (#"{"Action":"events:PutEvents"}"#, "ValidationException", "Parameter StatementId is required."),
            (
                #"{"StatementId":"s","Action":"events:PutRule","Principal":"*"}"#, "ValidationException",
                "Provided value in parameter 'action' is not supported."
            ),
            (
                #"{"EventBusName":"none","StatementId":"s","Action":"events:PutEvents","Principal":"*"}"#,
                "ResourceNotFoundException", "Event bus none does not exist."
            ),
            (
                #"{"StatementId":"s","Action":"events:PutEvents","Principal":"444455556666","#
                    + #""Condition":{"Type":"StringEquals","Key":"aws:PrincipalOrgID","Value":"o"}}"#,
                "ValidationException",
                "Value of the parameter 'principal' must be '*' when the parameter 'condition' is set."
            ),
        ]
        for (input, code, message) in cases {
            let answer = scene.events("PutPermission", input)
            #expect(answer.code == code)
            #expect(answer.message == message)
        }
        let foreign =
            #"{\"Version\":\"2012-10-17\",\"Statement\":{\"Effect\":\"Allow\",\"Principal\":\"*\","#
            + #"\"Action\":\"events:PutEvents\",\"Resource\":\"arn:aws:events:us-east-1:111122223333:event-bus/other\"}}"#
        let answer = scene.events("PutPermission", #"{"Policy":"\#(foreign)"}"#)
        #expect(answer.message?.hasPrefix("The relative-id \"event-bus/other\" is invalid for ARN") ?? false)
    }

    @Test func aPolicyBeyondTheLimitIsRefused() {
        let scene = APIScene()
        let filler = String(repeating: "x", count: 10_300)
        let text =
            #"{\"Version\":\"2012-10-17\",\"Id\":\"\#(filler)\",\"Statement\":{\"Effect\":\"Allow\","#
            + #"\"Principal\":\"*\",\"Action\":\"events:PutEvents\",\"Resource\":\"*\"}}"#
        #expect(scene.events("PutPermission", #"{"Policy":"\#(text)"}"#).code == "PolicyLengthExceededException")
    }

    @Test func tagsMergeAndVanish() {
        let scene = APIScene()
        let resource = #""ResourceARN":"\#(arn)""#
        scene.events("TagResource", #"{\#(resource),"Tags":[{"Key":"a","Value":"1"},{"Key":"b","Value":""}]}"#)
        scene.events("TagResource", #"{\#(resource),"Tags":[{"Key":"a","Value":"2"}]}"#)
        #expect(
            scene.events("ListTagsForResource", "{\(resource)}").text
                == #"{"Tags":[{"Key":"a","Value":"2"},{"Key":"b","Value":""}]}"#
        )
        scene.events("UntagResource", #"{\#(resource),"TagKeys":["a","absent"]}"#)
        #expect(scene.events("ListTagsForResource", "{\(resource)}").text == #"{"Tags":[{"Key":"b","Value":""}]}"#)
        #expect(
            scene.events("TagResource", #"{\#(resource),"Tags":[{"Key":"a","Value":"1"},{"Key":"a","Value":"2"}]}"#)
                .message == "Invalid parameter: Duplicated keys are not allowed."
        )
        #expect(
            scene.events(
                "ListTagsForResource",
                #"{"ResourceARN":"arn:aws:events:us-east-1:111122223333:rule/none"}"#
            ).message == "Rule none does not exist on EventBus default."
        )
    }

    private func policy(_ scene: APIScene) -> String? {
        scene.events("DescribeEventBus", "{}").body["Policy"]?.string
    }
}
