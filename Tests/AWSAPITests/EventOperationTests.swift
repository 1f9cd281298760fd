import EventModel
import Testing

/// Operations of `events` with the texts of control §3 and §4.
@Suite struct EventOperationTests {
    @Test func busesLiveAndDieByTheRecordedTexts() {
        let scene = APIScene()
        let made = scene.events("CreateEventBus", #"{"Name":"orders","Description":"d"}"#)
        #expect(made.status == 200)
        #expect(made.body["EventBusArn"]?.string == "arn:aws:events:us-east-1:111122223333:event-bus/orders")
        #expect(made.body["Description"]?.string == "d")
        let again = scene.events("CreateEventBus", #"{"Name":"orders"}"#)
        #expect(again.status == 400)
        #expect(again.code == "ResourceAlreadyExistsException")
        #expect(again.message == "Event bus orders already exists.")
        #expect(scene.events("CreateEventBus", #"{"Name":"default"}"#).message == "Event bus default already exists.")
        #expect(
            scene.events("CreateEventBus", #"{"Name":"a/b"}"#).message == "Event bus name must not contain '/'."
        )
        #expect(
            scene.events("CreateEventBus", #"{"Name":"aws.x"}"#).message
                == "EventBus name starting with 'aws.' is not valid."
        )
        #expect(
            scene.events("DescribeEventBus", #"{"Name":"none"}"#).message == "Event bus none does not exist."
        )
        #expect(scene.events("DescribeEventBus", "{}").body["Name"]?.string == "default")
        #expect(
            scene.events("DeleteEventBus", #"{"Name":"default"}"#).message == "Cannot delete event bus default."
        )
        scene.events("PutRule", #"{"Name":"r","EventBusName":"orders","EventPattern":"{\"source\":[\"x\"]}"}"#)
        #expect(
            scene.events("DeleteEventBus", #"{"Name":"orders"}"#).message
                == "EventBus can't be deleted since it has rules."
        )
        scene.events("DeleteRule", #"{"Name":"r","EventBusName":"orders"}"#)
        let gone = scene.events("DeleteEventBus", #"{"Name":"orders"}"#)
        #expect(gone.status == 200)
        #expect(gone.text.isEmpty)
        #expect(scene.events("DeleteEventBus", #"{"Name":"orders"}"#).status == 200)
    }

    @Test func updatesKeepWhatIsAbsentAndClearWhatIsEmpty() {
        let scene = APIScene()
        scene.events("CreateEventBus", #"{"Name":"o","Description":"d","KmsKeyIdentifier":"alias/k"}"#)
        let updated = scene.events("UpdateEventBus", #"{"Name":"o","Description":""}"#)
        #expect(updated.body["Description"] == nil)
        #expect(updated.body["KmsKeyIdentifier"]?.string == "alias/k")
    }

    @Test func constraintsAreCollectedInTheModelsWords() {
        let scene = APIScene()
        let one = scene.events("CreateEventBus", #"{"Name":"Bad Name!"}"#)
        #expect(one.code == "ValidationException")
        #expect(
            one.message == "1 validation error detected: Value 'Bad Name!' at 'name' failed to satisfy constraint: "
                + "Member must satisfy regular expression pattern: [/\\.\\-_A-Za-z0-9]+"
        )
        let long = String(repeating: "x", count: 65)
        let two = scene.events("PutRule", #"{"Name":"\#(long)","State":"ON"}"#)
        #expect(
            two.message == "2 validation errors detected: Value '\(long)' at 'name' failed to satisfy constraint: "
                + "Member must have length less than or equal to 64; Value 'ON' at 'state' failed to satisfy "
                + "constraint: Member must satisfy enum value set: "
                + "[ENABLED, DISABLED, ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS]"
        )
        #expect(
            scene.events("CreateEventBus", "{}").message
                == "1 validation error detected: Value null at 'name' failed to satisfy constraint: "
                + "Member must not be null"
        )
        #expect(scene.events("CreateEventBus", #"{"Name":5}"#).code == "SerializationException")
    }

    @Test func rulesLiveAndDieByTheRecordedTexts() {
        let scene = APIScene()
        let made = scene.events("PutRule", #"{"Name":"r","EventPattern":"{\"source\": [\"x\"]}","Description":"d"}"#)
        #expect(made.body["RuleArn"]?.string == "arn:aws:events:us-east-1:111122223333:rule/r")
        let told = scene.events("DescribeRule", #"{"Name":"r"}"#).body
        #expect(told["EventPattern"]?.string == #"{"source": ["x"]}"#)
        #expect(told["State"]?.string == "ENABLED")
        #expect(told["CreatedBy"]?.string == "111122223333")
        #expect(told["EventBusName"]?.string == "default")
        scene.events("DisableRule", #"{"Name":"r"}"#)
        #expect(scene.events("DescribeRule", #"{"Name":"r"}"#).body["State"]?.string == "DISABLED")
        scene.events("PutRule", #"{"Name":"r","EventPattern":"{\"source\":[\"y\"]}"}"#)
        let replaced = scene.events("DescribeRule", #"{"Name":"r"}"#).body
        #expect(replaced["State"]?.string == "ENABLED", "what is left out is unset")
        #expect(replaced["Description"] == nil)
        #expect(
            scene.events("DescribeRule", #"{"Name":"z"}"#).message == "Rule z does not exist on EventBus default."
        )
        #expect(
            scene.events("PutRule", #"{"Name":"r"}"#).message
                == "Parameter(s) EventPattern or ScheduleExpression must be specified."
        )
        #expect(
            scene.events("PutRule", #"{"Name":"r","EventBusName":"none","EventPattern":"{\"a\":[1]}"}"#).message
                == "Event bus none does not exist."
        )
        let bad = scene.events("PutRule", #"{"Name":"r","EventPattern":"[]"}"#)
        #expect(bad.code == "InvalidEventPatternException")
        #expect(
            bad.message == "Event pattern is not valid. Reason: Filter is not an object\n"
                + " at [Source: (String)\"[]\"; line: 1, column: 2]"
        )
        #expect(scene.events("DeleteRule", #"{"Name":"never"}"#).status == 200)
    }

    @Test func schedulesAreCheckedLikeTheService() {
        let scene = APIScene()
        scene.events("CreateEventBus", #"{"Name":"o"}"#)
        #expect(
            scene.events("PutRule", #"{"Name":"r","EventBusName":"o","ScheduleExpression":"rate(5 minutes)"}"#).message
                == "ScheduleExpression is supported only on the default event bus."
        )
        for text in ["rate(1 minutes)", "rate(0 minutes)", "cron(0 1 * * * *)", "now"] {
            #expect(
                scene.events("PutRule", #"{"Name":"r","ScheduleExpression":"\#(text)"}"#).message
                    == "Parameter ScheduleExpression is not valid."
            )
        }
    }

    @Test func targetsAreKeptAsPut() {
        let scene = APIScene()
        scene.events("PutRule", #"{"Name":"r","EventPattern":"{\"source\":[\"x\"]}"}"#)
        let queue = "arn:aws:sqs:us-east-1:111122223333:q"
        let target = #"{"Id":"1","Arn":"\#(queue)","RetryPolicy":{"MaximumRetryAttempts":3}}"#
        let put = scene.events("PutTargets", #"{"Rule":"r","Targets":[\#(target)]}"#)
        #expect(put.text == #"{"FailedEntryCount":0,"FailedEntries":[]}"#)
        #expect(scene.events("ListTargetsByRule", #"{"Rule":"r"}"#).text == #"{"Targets":[\#(target)]}"#)
        #expect(
            scene.events("ListRuleNamesByTarget", #"{"TargetArn":"\#(queue)"}"#).text == #"{"RuleNames":["r"]}"#
        )
        #expect(scene.events("DeleteRule", #"{"Name":"r"}"#).message == "Rule can't be deleted since it has targets.")
        let many = (2...6).map { #"{"Id":"\#($0)","Arn":"\#(queue)"}"# }.joined(separator: ",")
        let limit = scene.events("PutTargets", #"{"Rule":"r","Targets":[\#(many)]}"#)
        #expect(limit.code == "LimitExceededException")
        #expect(limit.message == "The requested resource exceeds the maximum number allowed.")
        scene.events("RemoveTargets", #"{"Rule":"r","Ids":["1","unknown"]}"#)
        #expect(scene.events("ListTargetsByRule", #"{"Rule":"r"}"#).text == #"{"Targets":[]}"#)
    }

    @Test func targetsAreRefusedInTheRecordedWords() {
        let scene = APIScene()
        scene.events("PutRule", #"{"Name":"r","EventPattern":"{\"source\":[\"x\"]}"}"#)
        let queue = "arn:aws:sqs:us-east-1:111122223333:q"
        let cases: [(String, String)] = [
            (
                #"{"Id":"1","Arn":"\#(queue)","Input":"{}","InputPath":"$.a"}"#,
                "Only one of Input, InputPath, or InputTransformer must be provided for target 1."
            ),
            (
                #"{"Id":"1","Arn":"\#(queue)","InputTransformer":{"InputPathsMap":{"a":"$.a"},"InputTemplate":"\"<b>\""}}"#,
                "InputTemplate for target 1 contains invalid placeholder b."
            ),
            (
                #"{"Id":"1","Arn":"nonsense"}"#,
                "Parameter nonsense is not valid. Reason: Provided Arn is not in correct format."
            ),
            (
                #"{"Id":"b d","Arn":"\#(queue)"}"#,
                "1 validation error detected: Value 'b d' at 'targets.1.member.id' failed to satisfy constraint: "
                    + "Member must satisfy regular expression pattern: [\\.\\-_A-Za-z0-9]+"
            ),
            (
                #"{"Id":"1","Arn":"\#(queue).fifo"}"#,
                "Parameter(s) SqsParameters must be specified for target: 1."
            ),
        ]
        for (target, message) in cases {
            #expect(scene.events("PutTargets", #"{"Rule":"r","Targets":[\#(target)]}"#).message == message)
        }
        #expect(
            scene.events("PutTargets", #"{"Rule":"z","Targets":[{"Id":"1","Arn":"\#(queue)"}]}"#).message
                == "Rule z does not exist on EventBus default."
        )
    }

    @Test func pagesFollowEachOther() {
        let scene = APIScene()
        for number in 0..<25 {
            scene.events("PutRule", #"{"Name":"r\#(100 + number)","EventPattern":"{\"a\":[1]}"}"#)
        }
        var names: [String] = []
        var token: String?
        repeat {
            let next = token.map { #","NextToken":"\#($0)""# } ?? ""
            let page = scene.events("ListRules", #"{"Limit":10\#(next)}"#).body
            names += (page["Rules"]?.array ?? []).compactMap { $0.object?["Name"]?.string }
            token = page["NextToken"]?.string
        } while token != nil
        #expect(names == (100..<125).map { "r\($0)" })
        #expect(scene.events("ListRules", #"{"NextToken":"zz"}"#).code == "ValidationException")
    }
}
