import EventModel
import Router
import SansIO
import Testing

/// Input that once did harm: each case is a request that was answered wrongly, or too slowly.
@Suite struct HostileInputTests {
    @Test(arguments: [1, 999, 1_000, 1_001, 1_099, 1_100, 1_101])
    func whatIsAcceptedIsDeliveredHoweverDeep(depth: Int) {
        let scene = APIScene()
        scene.queues("CreateQueue", #"{"QueueName":"q"}"#)
        scene.events("PutRule", #"{"Name":"r","EventPattern":"{\"source\":[\"s\"]}"}"#)
        scene.events(
            "PutTargets",
            #"{"Rule":"r","Targets":[{"Id":"1","Arn":"arn:aws:sqs:us-east-1:111122223333:q"}]}"#
        )
        let detail =
            String(repeating: #"{\"a\":"#, count: depth) + "1" + String(repeating: "}", count: depth)
        let answer = scene.events(
            "PutEvents",
            #"{"Entries":[{"Source":"s","DetailType":"t","Detail":"\#(detail)"}]}"#
        )
        let entry = answer.body["Entries"]?.array?.first?.object
        let received = scene.queues("ReceiveMessage", #"{"QueueUrl":"http://x/111122223333/q"}"#)
        if depth <= Quotas.maximumDetailDepth {
            #expect(entry?["EventId"] != nil)
            #expect(received.body["Messages"]?.array?.count == 1)
        } else {
            #expect(entry?["ErrorCode"]?.string == "MalformedDetail")
            #expect(received.body["Messages"] == nil)
        }
    }

    @Test func aDenyOnAResourceHoldsInEverySpelling() {
        let scene = APIScene()
        let rule = "arn:aws:events:us-east-1:444455556666:rule/spy"
        scene.events("PutRule", #"{"Name":"spy","EventPattern":"{\"source\":[\"s\"]}"}"#, as: "b")
        let policy =
            #"{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Principal\":\"*\","#
            + #"\"Action\":\"events:*\",\"Resource\":\"*\"},{\"Effect\":\"Deny\",\"Principal\":\"*\","#
            + #"\"Action\":\"events:*Tag*\",\"Resource\":\"\#(rule)\"}]}"#
        scene.events("PutPermission", #"{"Policy":"\#(policy)"}"#, as: "b")
        for arn in [
            rule, "arn:aws:events:us-east-1:444455556666:rule/default/spy",
            "arn:aws-cn:events:us-east-1:444455556666:rule/spy",
            "arn:aws-cn:events:us-east-1:444455556666:rule/default/spy",
        ] {
            let answer = scene.events("TagResource", #"{"ResourceARN":"\#(arn)","Tags":[{"Key":"k","Value":"v"}]}"#)
            #expect(answer.status == 400, "\(arn)")
            #expect(answer.code == "AccessDeniedException" || answer.code == "ValidationException", "\(arn)")
        }
        #expect(scene.events("ListTagsForResource", #"{"ResourceARN":"\#(rule)"}"#).code == "AccessDeniedException")
    }

    @Test func tagsAreLimitedOnCreationToo() {
        let scene = APIScene()
        let tags = (0..<51).map { #"{"Key":"k\#($0)","Value":"v"}"# }.joined(separator: ",")
        let bus = scene.events("CreateEventBus", #"{"Name":"o","Tags":[\#(tags)]}"#)
        #expect(bus.code == "LimitExceededException")
        let rule = scene.events("PutRule", #"{"Name":"r","EventPattern":"{\"a\":[1]}","Tags":[\#(tags)]}"#)
        #expect(rule.code == "LimitExceededException")
    }

    @Test func hugeMapsAndFormsAreRefusedUnread() {
        let scene = APIScene()
        let pairs = (0..<20_000).map { #""k\#($0)":"v""# }.joined(separator: ",")
        #expect(scene.queues("CreateQueue", #"{"QueueName":"q","tags":{\#(pairs)}}"#).code == "SerializationException")
        var request = scene.plain("", (0..<20_000).map { "f\($0)=1" }.joined(separator: "&"))
        request.headers.removeAll { $0.name == "x-amz-target" || $0.name == "content-type" }
        request.headers.append(HTTPField("content-type", "application/x-www-form-urlencoded"))
        let answer = scene.call(scene.signed(request, service: "sts"))
        #expect(answer.text.contains("The request has more than 200 fields."))
    }

    @Test func timesBeyondTheCalendarAreRefused() {
        let scene = APIScene()
        for time in ["1e300", "-1e300", "253402300800", "-62167219201"] {
            let answer = scene.events(
                "PutEvents",
                #"{"Entries":[{"Source":"s","DetailType":"t","Detail":"{}","Time":\#(time)}]}"#
            )
            #expect(answer.code == "SerializationException", "\(time)")
        }
    }
}
