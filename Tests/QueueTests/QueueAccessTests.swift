import AWSAPI
import EventModel
import Router
import Testing

/// Who may do what to a queue (spec: control §8.8, §8.9, §13.6).
@Suite struct QueueAccessTests {
    @Test func othersNeedThePolicy() throws {
        let bench = try QueueBench()
        let url = try bench.create("q")
        let send: JSONObject = ["QueueUrl": .string(url), "MessageBody": "x"]
        let denied = try bench.fail("SendMessage", send, as: bench.other)
        #expect(denied.kind == .queueAccessDenied)
        #expect(denied.message == "arn:aws:iam::444455556666:root is not authorized to perform: sqs:SendMessage")
        try bench.call(
            "SetQueueAttributes",
            ["QueueUrl": .string(url), "Attributes": ["Policy": "allow 444455556666 sqs:SendMessage"]]
        )
        try bench.call("SendMessage", send, as: bench.other)
        try bench.call(
            "SendMessageBatch",
            ["QueueUrl": .string(url), "Entries": [["Id": "a", "MessageBody": "y"]]],
            as: bench.other
        )
        #expect(
            try bench.fail("ReceiveMessage", ["QueueUrl": .string(url)], as: bench.other).kind == .queueAccessDenied
        )
        #expect(
            try bench.receive(url, ["AttributeNames": ["SenderId"]]).first?["Attributes"] == [
                "SenderId": "444455556666"
            ]
        )
    }

    @Test func aDenialBindsTheOwner() throws {
        let bench = try QueueBench()
        let url = try bench.create("q", ["Policy": "deny sqs:PurgeQueue"])
        #expect(try bench.fail("PurgeQueue", ["QueueUrl": .string(url)]).kind == .queueAccessDenied)
        try bench.send("x", to: url)
    }

    @Test(arguments: ["DeleteQueue", "SetQueueAttributes", "TagQueue", "UntagQueue", "ListQueueTags"])
    func someOperationsAreTheOwnersAlone(operation: String) throws {
        let bench = try QueueBench()
        let url = try bench.create("q", ["Policy": .string("allow 444455556666 sqs:\(operation)")])
        let input: JSONObject = ["QueueUrl": .string(url), "Attributes": [:], "Tags": [:], "TagKeys": []]
        #expect(try bench.fail(operation, input, as: bench.other).kind == .queueAccessDenied)
        try bench.call(operation, input)
    }

    @Test func asksWithTheQueueAndTheCircumstances() throws {
        let bench = try QueueBench()
        let url = try bench.create("q")
        bench.access.requests = []
        try bench.send("x", to: url)
        let request = try #require(bench.access.requests.first)
        #expect(bench.access.requests.count == 1)
        #expect(request.action == "sqs:SendMessage")
        #expect(request.resource == "arn:aws:sqs:eu-west-1:111122223333:q")
        #expect(request.resourceAccount == bench.account)
        #expect(request.subject == .principal(arn: "arn:aws:iam::111122223333:root", account: bench.account))
        #expect(request.context.map { $0.key } == ["aws:SecureTransport", "aws:RequestedRegion"])
    }

    @Test func findsQueuesOfOthersWhenAllowed() throws {
        let bench = try QueueBench()
        try bench.create("q", ["Policy": "allow 444455556666 sqs:GetQueueUrl"])
        let input: JSONObject = ["QueueName": "q", "QueueOwnerAWSAccountId": "111122223333"]
        #expect(
            try bench.call("GetQueueUrl", input, as: bench.other)["QueueUrl"]?.string == bench.url("q")
        )
        #expect(try bench.fail("GetQueueUrl", ["QueueName": "q"], as: bench.other).kind == .queueDoesNotExist)
        #expect(
            try bench.fail("GetQueueUrl", ["QueueName": "q", "QueueOwnerAWSAccountId": "1"]).kind
                == .invalidParameterValue
        )
        #expect(bench.service.operation(named: "AddPermission") == nil)
    }
}
