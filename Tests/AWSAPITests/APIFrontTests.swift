import EventModel
import SansIO
import Testing

/// Routing, authentication and protocols (spec: control §1, §2.7).
@Suite struct APIFrontTests {
    @Test func aWrongSecretIsAWrongSignature() {
        let scene = APIScene()
        let request = scene.signed(
            scene.plain("AWSEvents.ListEventBuses", "{}"),
            service: "events",
            secret: "another/Secret/Key0123456789abcdefghij"
        )
        let answer = scene.call(request)
        #expect(answer.status == 400)
        #expect(answer.code == "InvalidSignatureException")
        #expect(answer.message?.hasPrefix("The request signature we calculated does not match") ?? false)
    }

    @Test func aSkewedClockIsToldBothTimes() {
        let scene = APIScene()
        let request = scene.signed(
            scene.plain("AWSEvents.ListEventBuses", "{}"),
            service: "events",
            offset: .seconds(-3_600)
        )
        let answer = scene.call(request)
        #expect(answer.code == "InvalidSignatureException")
        #expect(
            answer.message
                == "Signature expired: 20260115T113456Z is now earlier than 20260115T122956Z "
                + "(20260115T123456Z - 5 min.)"
        )
    }

    @Test func noSignatureAtAllIsMissing() {
        let scene = APIScene()
        let answer = scene.call(scene.plain("AWSEvents.ListEventBuses", "{}"))
        #expect(answer.status == 400)
        #expect(answer.code == "MissingAuthenticationTokenException")
        #expect(answer.message == "Missing Authentication Token")
        let queue = scene.call(scene.plain("AmazonSQS.ListQueues", "{}"))
        #expect(queue.status == 403)
    }

    @Test func whatThereIsNotIsNamed() {
        let scene = APIScene()
        let operation = scene.events("CreateArchive", "{}")
        #expect(operation.code == "UnknownOperationException")
        #expect(operation.message == "Busbar does not have the operation CreateArchive of events.")
        let prefix = scene.call(scene.request("Nonsense.Do", "{}", service: "events"))
        #expect(prefix.message == "Busbar does not have the operation Nonsense.Do.")
    }

    @Test func aScopeOfAnotherServiceIsRefused() {
        let scene = APIScene()
        let answer = scene.call(scene.request("AWSEvents.ListEventBuses", "{}", service: "sqs"))
        #expect(answer.message == "Credential should be scoped to correct service: 'events'.")
    }

    @Test func bodiesThatAreNotJSONObjectsAreRefused() {
        let scene = APIScene()
        for body in ["", "[]", "{", "nonsense", "{\"a\":01}"] where !body.isEmpty {
            let answer = scene.events("ListEventBuses", body)
            #expect(answer.status == 400)
            #expect(answer.code == "SerializationException", "\(body)")
        }
        let deep = String(repeating: "[", count: 100_000)
        #expect(scene.events("ListEventBuses", "{\"a\":\(deep)").code == "SerializationException")
        var request = scene.plain("AWSEvents.ListEventBuses", "")
        request.body = [0x7B, 0x22, 0xFF, 0x22, 0x3A, 0x31, 0x7D]
        #expect(scene.call(scene.signed(request, service: "events")).code == "SerializationException")
    }

    @Test func anOversizeBodyIsAnswered() {
        let scene = APIScene()
        var request = scene.plain("AWSEvents.PutEvents", "")
        request.fault = .bodyTooLarge(limit: 4_194_304)
        let answer = scene.call(request)
        #expect(answer.status == 413)
        #expect(answer.message == "The request body is longer than the limit of 4194304 bytes.")
    }

    @Test func theQueryProtocolAnswersInXML() {
        let scene = APIScene()
        var request = scene.plain("", "Action=GetCallerIdentity&Version=2011-06-15")
        request.headers.removeAll { $0.name == "x-amz-target" || $0.name == "content-type" }
        request.headers.append(HTTPField("content-type", "application/x-www-form-urlencoded; charset=utf-8"))
        let answer = scene.call(scene.signed(request, service: "sts"))
        #expect(answer.status == 200)
        #expect(answer.text.contains("<Arn>arn:aws:iam::111122223333:root</Arn>"))
        #expect(answer.text.contains("<Account>111122223333</Account>"))
        let unknown = scene.call(scene.plain("", "").with(query: "Action=AssumeRole", scene))
        #expect(unknown.text.contains("<Code>InvalidAction</Code>"))
    }

    @Test func queueErrorsCarryTheirLegacyCode() {
        let scene = APIScene()
        let answer = scene.queues("GetQueueUrl", #"{"QueueName":"none"}"#)
        #expect(answer.code == "com.amazonaws.sqs#QueueDoesNotExist")
        #expect(
            answer.headers.contains(
                HTTPField("x-amzn-query-error", "AWS.SimpleQueueService.NonExistentQueue;Sender")
            )
        )
    }

    @Test func putEventsAnswersEntryByEntry() {
        let scene = APIScene()
        let answer = scene.events(
            "PutEvents",
            #"{"Entries":[{"Source":"s","DetailType":"t","Detail":"{}"},{"Source":"s"}]}"#
        )
        #expect(answer.body["FailedEntryCount"]?.integer == 1)
        let entries = answer.body["Entries"]?.array ?? []
        #expect(entries.count == 2)
        #expect(entries.first?.object?["EventId"]?.string?.utf8.count == 36)
        #expect(entries.last?.object?["ErrorCode"]?.string == "InvalidArgument")
    }

    @Test func putEventsLimitsAreTheServices() {
        let scene = APIScene()
        let entry = #"{"Source":"s","DetailType":"d","Detail":"{}","EventBusName":"b"}"#
        let eleven = scene.events(
            "PutEvents",
            #"{"Entries":[\#(Array(repeating: entry, count: 11).joined(separator: ","))]}"#
        )
        let printed =
            "PutEventsRequestEntry(time=null, source=s, resources=null, detailType=d, detail={}, "
            + "eventBusName=b, traceHeader=null, kmsKeyIdentifier=null, internalMetadata=null)"
        #expect(
            eleven.message == "1 validation error detected: Value '["
                + Array(repeating: printed, count: 11).joined(separator: ", ")
                + "]' at 'entries' failed to satisfy constraint: Member must have length less than or equal to 10"
        )
        let big = String(repeating: "x", count: 1_048_576)
        #expect(
            scene.events("PutEvents", #"{"Entries":[{"Source":"s","DetailType":"d","Detail":"\#(big)"}]}"#).message
                == "Total size of the entries in the request is over the limit."
        )
    }

    @Test func patternsAreTested() {
        let scene = APIScene()
        let event =
            #"{\"id\":\"1\",\"account\":\"1\",\"source\":\"s\",\"time\":\"2026-01-15T12:34:56Z\","#
            + #"\"region\":\"r\",\"detail-type\":\"t\",\"detail\":{\"a\":1}}"#
        #expect(
            scene.events("TestEventPattern", #"{"EventPattern":"{\"detail\":{\"a\":[1]}}","Event":"\#(event)"}"#).text
                == #"{"Result":true}"#
        )
        #expect(
            scene.events("TestEventPattern", #"{"EventPattern":"{\"a\":[1]}","Event":"{}"}"#).message
                == "Parameter Event is not valid."
        )
    }
}

extension HTTPRequest {
    fileprivate func with(query: String, _ scene: APIScene) -> HTTPRequest {
        var request = self
        request.headers.removeAll { $0.name == "x-amz-target" || $0.name == "content-type" }
        request.headers.append(HTTPField("content-type", "application/x-www-form-urlencoded"))
        request.body = Array(query.utf8)
        return scene.signed(request, service: "sts")
    }
}
