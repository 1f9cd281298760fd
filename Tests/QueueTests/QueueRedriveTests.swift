import AWSAPI
import EventModel
import Router
import SansIO
import Testing

/// Dead letters, retention and message move tasks (spec: control §13.2-§13.4).
@Suite struct QueueRedriveTests {
    private func makeQueues(_ count: Int = 1) throws -> (bench: QueueBench, url: String, dead: String) {
        let bench = try QueueBench()
        let dead = try bench.create("dead")
        let text = "{\"deadLetterTargetArn\":\"\(bench.key("dead"))\",\"maxReceiveCount\":\(count)}"
        let url = try bench.create("q", ["RedrivePolicy": .string(text), "VisibilityTimeout": "1"])
        return (bench, url, dead)
    }

    @Test func movesWhatWasReceivedTooOften() throws {
        let (bench, url, dead) = try makeQueues(2)
        let sent = try bench.send(
            "x",
            to: url,
            ["MessageAttributes": ["a": ["DataType": "String", "StringValue": "1"]]]
        )
        for _ in 0..<2 {
            #expect(try bench.receive(url).count == 1)
            bench.advance(.seconds(1))
        }
        let waiting = try bench.start("ReceiveMessage", ["QueueUrl": .string(dead), "WaitTimeSeconds": 20])
        #expect(waiting.results.isEmpty)
        #expect(try bench.receive(url).isEmpty)
        #expect(waiting.bodies == ["x"], "the redrive wakes those who wait on the dead-letter queue")
        #expect(bench.driver.statistics.redriven == 1)
        bench.advance(.seconds(30))
        let message = try #require(
            try bench.receive(dead, ["AttributeNames": ["All"], "MessageAttributeNames": ["All"]]).first
        )
        #expect(message["MessageId"] == sent["MessageId"])
        #expect(message["MD5OfMessageAttributes"] == sent["MD5OfMessageAttributes"])
        let attributes = message["Attributes"]?.object
        #expect(attributes?["DeadLetterQueueSourceArn"]?.string == bench.key("q").description)
        #expect(attributes?["SentTimestamp"] == "1700000000000")
        #expect(attributes?["ApproximateReceiveCount"] == "4")
    }

    @Test func aMissingDeadLetterQueueMovesNothing() throws {
        let (bench, url, dead) = try makeQueues()
        try bench.call("DeleteQueue", ["QueueUrl": .string(dead)])
        try bench.send("x", to: url)
        for _ in 0..<3 {
            #expect(try bench.receive(url).count == 1)
            bench.advance(.seconds(1))
        }
    }

    @Test func sweepsWhatIsPastItsRetention() throws {
        let bench = try QueueBench()
        let url = try bench.create("q", ["MessageRetentionPeriod": "90"])
        let other = try bench.create("other")
        try bench.send("old", to: url)
        try bench.send("kept", to: other)
        bench.advance(.seconds(89))
        try bench.send("young", to: url)
        bench.advance(.seconds(31))
        #expect(bench.driver.statistics.expired == 1)
        #expect(try bench.receive(url, ["MaxNumberOfMessages": 10]).map { $0["Body"] } == ["young"])
        #expect(try bench.receive(other).count == 1)
    }

    @Test func receivesNothingExpiredBetweenSweeps() throws {
        let bench = try QueueBench()
        let url = try bench.create("q", ["MessageRetentionPeriod": "90"])
        try bench.send("old", to: url)
        bench.advance(.seconds(50))
        try bench.send("young", to: url)
        bench.advance(.seconds(41))
        #expect(bench.driver.statistics.expired == 0)
        #expect(try bench.receive(url, ["MaxNumberOfMessages": 10]).map { $0["Body"] } == ["young"])
        #expect(bench.driver.statistics.expired == 1)
    }

    private func bury(_ bodies: [String], _ bench: QueueBench, _ url: String) throws {
        for body in bodies { try bench.send(body, to: url) }
        var received = 0
        while received < bodies.count { received += try bench.receive(url, ["MaxNumberOfMessages": 10]).count }
        bench.advance(.seconds(1))
        #expect(try bench.receive(url, ["MaxNumberOfMessages": 10]).isEmpty)
    }

    private func tasks(_ bench: QueueBench, limit: Int = 10) throws -> [JSONObject] {
        let output = try bench.call(
            "ListMessageMoveTasks",
            ["SourceArn": .string(bench.key("dead").description), "MaxResults": .integer(limit)]
        )
        return (output["Results"]?.array ?? []).compactMap { $0.object }
    }

    @Test func movesBackToTheSource() throws {
        let (bench, url, dead) = try makeQueues()
        try bury((0..<25).map { "\($0)" }, bench, url)
        let before = try #require(try bench.receive(dead, ["VisibilityTimeout": 0]).first?["MessageId"])
        bench.advance(.seconds(10))
        let source: JSONValue = .string(bench.key("dead").description)
        let started = try bench.call("StartMessageMoveTask", ["SourceArn": source])
        #expect(started["TaskHandle"]?.string != nil)
        bench.advance(.seconds(1))
        let task = try #require(try tasks(bench).first)
        #expect(task["Status"] == "COMPLETED")
        #expect(task["TaskHandle"] == nil)
        #expect(task["ApproximateNumberOfMessagesMoved"] == 25)
        #expect(task["ApproximateNumberOfMessagesToMove"] == 25)
        #expect(task["SourceArn"] == source)
        #expect(task["StartedTimestamp"] == .integer(bench.clock.now.milliseconds - 1000))
        #expect(task["DestinationArn"] == nil)
        #expect(bench.driver.statistics.moved == 25)
        var bodies: Set<String> = []
        for _ in 0..<3 {
            for message in try bench.receive(url, ["MaxNumberOfMessages": 10, "AttributeNames": ["All"]]) {
                bodies.insert(message["Body"]?.string ?? "")
                #expect(message["MessageId"] != before)
                let attributes = message["Attributes"]?.object
                #expect(attributes?["ApproximateReceiveCount"] == "1")
                #expect(attributes?["DeadLetterQueueSourceArn"] == nil)
                #expect(attributes?["SentTimestamp"]?.string ?? "" > "1700000010000")
            }
        }
        #expect(bodies.count == 25)
        #expect(try bench.receive(dead).isEmpty)
    }

    @Test func paysAttentionToTheRateAndStops() throws {
        let (bench, url, _) = try makeQueues()
        try bury((0..<20).map { "\($0)" }, bench, url)
        let source: JSONValue = .string(bench.key("dead").description)
        let started = try bench.call(
            "StartMessageMoveTask",
            ["SourceArn": source, "MaxNumberOfMessagesPerSecond": 2]
        )
        let handle = try #require(started["TaskHandle"])
        let again = try bench.fail("StartMessageMoveTask", ["SourceArn": source])
        #expect(
            again
                == AWSError(
                    .invalidParameterValue,
                    "There is already a task running. Only one active task is allowed for a source queue arn at a given time."
                )
        )
        bench.advance(.milliseconds(2_500))
        let running = try #require(try tasks(bench).first)
        #expect(running["Status"] == "RUNNING")
        #expect(running["TaskHandle"] == handle)
        #expect(running["MaxNumberOfMessagesPerSecond"] == 2)
        #expect(running["ApproximateNumberOfMessagesMoved"] == 6)
        let cancelled = try bench.call("CancelMessageMoveTask", ["TaskHandle": handle])
        #expect(cancelled == ["ApproximateNumberOfMessagesMoved": 6])
        bench.advance(.seconds(10))
        #expect(try tasks(bench).first?["Status"] == "CANCELLED")
        #expect(try bench.fail("CancelMessageMoveTask", ["TaskHandle": handle]).message == "Task does not exist.")
        try bench.call("StartMessageMoveTask", ["SourceArn": source])
        bench.advance(.seconds(1))
        #expect(try tasks(bench).map { $0["Status"] } == ["COMPLETED", "CANCELLED"])
        #expect(try tasks(bench, limit: 1).count == 1)
    }

    @Test func refusesTasksThatCannotRun() throws {
        let (bench, _, _) = try makeQueues()
        func start(_ source: String, _ destination: String? = nil) throws -> AWSError {
            var input: JSONObject = ["SourceArn": .string(source)]
            input["DestinationArn"] = destination.map { .string($0) }
            return try bench.fail("StartMessageMoveTask", input)
        }
        #expect(
            try start(bench.key("q").description)
                == AWSError(.invalidParameterValue, "Source queue must be configured as a Dead Letter Queue.")
        )
        for arn in [bench.key("none").description, "nonsense"] {
            #expect(
                try start(arn)
                    == AWSError(
                        .queueResourceNotFound,
                        "The resource that you specified for the SourceArn parameter doesn't exist."
                    )
            )
        }
        #expect(
            try start(bench.key("dead").description, bench.key("none").description).message
                == "The resource that you specified for the DestinationArn parameter doesn't exist."
        )
        #expect(
            try bench.fail("CancelMessageMoveTask", ["TaskHandle": "x"])
                == AWSError(.invalidParameterValue, "Value for parameter TaskHandle is invalid.")
        )
        #expect(
            try bench.fail(
                "CancelMessageMoveTask",
                ["TaskHandle": "MDEyMzQ1NjctODlhYi00ZGVmLTgxMjMtNDU2Nzg5YWJjZGVm"]
            ) == AWSError(.queueResourceNotFound, "Task does not exist.")
        )
        #expect(try bench.fail("ListMessageMoveTasks", [:]).kind == .missingParameter)
    }

    @Test func deadLettersOfEventsNeedADestination() throws {
        let (bench, url, dead) = try makeQueues()
        try bench.send("an event", to: dead)
        let source: JSONValue = .string(bench.key("dead").description)
        try bench.call("StartMessageMoveTask", ["SourceArn": source])
        bench.advance(.seconds(1))
        let failed = try #require(try tasks(bench).first)
        #expect(failed["Status"] == "FAILED")
        #expect(failed["FailureReason"] == "CouldNotDetermineMessageSource")
        try bench.call(
            "StartMessageMoveTask",
            ["SourceArn": source, "DestinationArn": .string(bench.key("q").description)]
        )
        bench.advance(.seconds(1))
        #expect(try tasks(bench).first?["Status"] == "COMPLETED")
        #expect(try bench.receive(url).map { $0["Body"] } == ["an event"])
    }

    @Test func aDeletedDestinationFailsTheTask() throws {
        let (bench, url, dead) = try makeQueues()
        let destination = try bench.create("destination")
        try bury(["1", "2"], bench, url)
        try bench.call(
            "StartMessageMoveTask",
            [
                "SourceArn": .string(bench.key("dead").description), "MaxNumberOfMessagesPerSecond": 1,
                "DestinationArn": .string(bench.key("destination").description),
            ]
        )
        try bench.call("DeleteQueue", ["QueueUrl": .string(destination)])
        bench.advance(.seconds(5))
        let task = try #require(try tasks(bench).first)
        #expect(task["Status"] == "FAILED")
        #expect(task["FailureReason"] == "AWS.SimpleQueueService.NonExistentQueue")
        #expect(try bench.receive(dead).count == 1)
    }
}
