import EventModel
import Testing

/// What one tenant may do to another: nothing that the other's policies do not say.
@Suite struct TenantIsolationTests {
    private func allow(_ actions: String, on resource: String, _ scene: APIScene, bus: String) {
        let policy =
            #"{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\","#
            + #"\"Principal\":{\"AWS\":\"111122223333\"},\"Action\":[\#(actions)],\"Resource\":\#(resource)}]}"#
        scene.events("PutPermission", #"{"EventBusName":"\#(bus)","Policy":"\#(policy)"}"#, as: "b")
    }

    @Test func aPolicyIsNotMistakenForOneThatLooksAlike() {
        let scene = APIScene()
        scene.events("CreateEventBus", #"{"Name":"o"}"#, as: "b")
        let arn = "arn:aws:events:us-east-1:444455556666:event-bus/o"
        func policy(_ source: String) -> String {
            #"{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Principal\":\"*\","#
                + #"\"Action\":\"events:PutEvents\",\"Resource\":\"\#(arn)\"},{\"Effect\":\"Deny\",\"Principal\":\"*\","#
                + #"\"Action\":\"events:PutEvents\",\"Resource\":\"\#(arn)\",\"Condition\":{\"StringEquals\":"#
                + #"{\"events:source\":\"\#(source)\"}}}]}"#
        }
        let put = #"{"Entries":[{"Source":"Kiosk","DetailType":"t","Detail":"{}","EventBusName":"\#(arn)"}]}"#
        // U+212A, the Kelvin sign, is canonically equivalent to K.
        scene.events("PutPermission", #"{"EventBusName":"o","Policy":"\#(policy("\u{212A}iosk"))"}"#, as: "b")
        #expect(scene.events("PutEvents", put).status == 200)
        scene.events("PutPermission", #"{"EventBusName":"o","Policy":"\#(policy("Kiosk"))"}"#, as: "b")
        #expect(scene.events("PutEvents", put).code == "AccessDeniedException")
    }

    @Test func aForeignCallerCannotSendWhereItMayNotGoItself() {
        let scene = APIScene()
        for bus in ["open", "secret"] { scene.events("CreateEventBus", #"{"Name":"\#(bus)"}"#, as: "b") }
        allow(
            #"\"events:PutEvents\",\"events:PutRule\",\"events:PutTargets\""#,
            on: #"[\"arn:aws:events:us-east-1:444455556666:event-bus/open\","#
                + #"\"arn:aws:events:us-east-1:444455556666:rule/open/*\"]"#,
            scene,
            bus: "open"
        )
        let open = "arn:aws:events:us-east-1:444455556666:event-bus/open"
        #expect(
            scene.events(
                "PutRule",
                #"{"Name":"r","EventBusName":"\#(open)","EventPattern":"{\"source\":[\"s\"]}"}"#
            ).status == 200
        )
        func put(_ target: String) -> APIScene.Answer {
            scene.events("PutTargets", #"{"Rule":"r","EventBusName":"\#(open)","Targets":[\#(target)]}"#)
        }
        let secret = "arn:aws:events:us-east-1:444455556666:event-bus/secret"
        #expect(put(#"{"Id":"1","Arn":"\#(secret)"}"#).code == "AccessDeniedException")
        let own = "arn:aws:events:us-east-1:111122223333:event-bus/default"
        let letters = #""DeadLetterConfig":{"Arn":"arn:aws:sqs:us-east-1:444455556666:private"}"#
        #expect(
            put(#"{"Id":"1","Arn":"\#(own)",\#(letters)}"#).message
                == "DeadLetterConfig is not allowed on cross-account PutTargets calls."
        )
        #expect(
            put(#"{"Id":"1","Arn":"arn:aws:sqs:us-east-1:444455556666:private"}"#).message
                == "Only EventBus targets are allowed on cross-account PutTargets calls."
        )
        #expect(scene.events("ListTagsForResource", #"{"ResourceARN":"\#(secret)"}"#).code == "AccessDeniedException")
    }

    @Test func tagKeysThatDifferInCaseAloneAreRefused() {
        let scene = APIScene()
        let arn = "arn:aws:events:us-east-1:111122223333:event-bus/default"
        let answer = scene.events(
            "TagResource",
            #"{"ResourceARN":"\#(arn)","Tags":[{"Key":"team","Value":"prod"},{"Key":"TEAM","Value":"x"}]}"#
        )
        #expect(answer.code == "ValidationException")
        let keys = (0..<51).map { #""k\#($0)""# }.joined(separator: ",")
        #expect(
            scene.events("UntagResource", #"{"ResourceARN":"\#(arn)","TagKeys":[\#(keys)]}"#).code
                == "LimitExceededException"
        )
    }
}
