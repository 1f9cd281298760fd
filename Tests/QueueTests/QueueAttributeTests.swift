import AWSAPI
import EventModel
import Router
import Testing

/// spec: control §13.2
@Suite struct QueueAttributeTests {
    @Test func setsSomeAndKeepsTheRest() throws {
        let bench = try QueueBench()
        let url = try bench.create("q", ["DelaySeconds": "3"])
        bench.advance(.seconds(5))
        #expect(
            try bench.call(
                "SetQueueAttributes",
                ["QueueUrl": .string(url), "Attributes": ["VisibilityTimeout": "0"]]
            ) == [:]
        )
        let attributes = try bench.attributes(url)
        #expect(attributes["VisibilityTimeout"] == "0")
        #expect(attributes["DelaySeconds"] == "3")
        #expect(attributes["CreatedTimestamp"] == "1700000000")
        #expect(attributes["LastModifiedTimestamp"] == "1700000005")
    }

    @Test(arguments: [
        ("VisibilityTimeout", "43201"), ("VisibilityTimeout", "-1"), ("VisibilityTimeout", "x"),
        ("VisibilityTimeout", ""), ("DelaySeconds", "901"), ("MaximumMessageSize", "1023"),
        ("MaximumMessageSize", "1048577"), ("MessageRetentionPeriod", "59"), ("MessageRetentionPeriod", "1209601"),
        ("ReceiveMessageWaitTimeSeconds", "21"), ("SqsManagedSseEnabled", "maybe"),
    ])
    func refusesValuesOutOfRange(name: String, value: String) throws {
        let bench = try QueueBench()
        let error = try bench.fail(
            "CreateQueue",
            ["QueueName": "q", "Attributes": .object(JSONObject([.init(key: name, value: .string(value))]))]
        )
        #expect(error == AWSError(.invalidAttributeValue, "Invalid value for the parameter \(name)."))
    }

    @Test(arguments: [
        ("VisibilityTimeout", "43200"), ("DelaySeconds", "900"), ("MaximumMessageSize", "1024"),
        ("MessageRetentionPeriod", "60"), ("MessageRetentionPeriod", "1209600"),
        ("ReceiveMessageWaitTimeSeconds", "20"), ("SqsManagedSseEnabled", "false"),
        ("KmsDataKeyReusePeriodSeconds", "86400"),
    ])
    func takesTheEndsOfTheRanges(name: String, value: String) throws {
        let bench = try QueueBench()
        let url = try bench.create("q", JSONObject([.init(key: name, value: .string(value))]))
        #expect(try bench.attributes(url)[name] == .string(value))
    }

    @Test func namesMustBeKnown() throws {
        let bench = try QueueBench()
        let url = try bench.create("q")
        let reading = try bench.fail("GetQueueAttributes", ["QueueUrl": .string(url), "AttributeNames": ["Nope"]])
        #expect(reading == AWSError(.invalidAttributeName, "Unknown Attribute Nope."))
        let writing = try bench.fail(
            "SetQueueAttributes",
            ["QueueUrl": .string(url), "Attributes": ["QueueArn": "x"]]
        )
        #expect(writing == AWSError(.invalidAttributeName, "Unknown Attribute QueueArn."))
        #expect(try bench.attributes(url, []) == [:])
        #expect(try bench.attributes(url, ["DelaySeconds", "Policy"]) == ["DelaySeconds": "0"])
    }

    @Test func keepsPoliciesByteForByteAndRemovesThem() throws {
        let bench = try QueueBench()
        let url = try bench.create("q")
        let text = "{ \"Version\":\"2012-10-17\",\n\t\"Statement\" : [] }"
        try bench.call("SetQueueAttributes", ["QueueUrl": .string(url), "Attributes": ["Policy": .string(text)]])
        #expect(try bench.attributes(url)["Policy"]?.string == text)
        let owner = bench.driver.policy(of: bench.key("q").arn)
        #expect(owner?.owner == bench.account)
        #expect(owner?.policy == text)
        try bench.call("SetQueueAttributes", ["QueueUrl": .string(url), "Attributes": ["Policy": ""]])
        #expect(try bench.attributes(url)["Policy"] == nil)
        let broken = try bench.fail(
            "SetQueueAttributes",
            ["QueueUrl": .string(url), "Attributes": ["Policy": "broken"]]
        )
        #expect(
            broken
                == AWSError(.invalidAttributeValue, "Invalid value for the parameter Policy. Reason: It is broken.")
        )
        #expect(bench.driver.policy(of: bench.key("none").arn) == nil)
    }

    @Test(arguments: [
        "{}", "x", "{\"deadLetterTargetArn\":\"ARN\"}", "{\"deadLetterTargetArn\":\"ARN\",\"maxReceiveCount\":0}",
        "{\"deadLetterTargetArn\":\"ARN\",\"maxReceiveCount\":1001}",
        "{\"deadLetterTargetArn\":\"q\",\"maxReceiveCount\":1}",
    ])
    func refusesBrokenRedrivePolicies(text: String) throws {
        let bench = try QueueBench()
        let arn = bench.key("dead").description
        let url = try bench.create("q")
        try bench.create("dead")
        let error = try bench.fail(
            "SetQueueAttributes",
            [
                "QueueUrl": .string(url),
                "Attributes": ["RedrivePolicy": .string(text.split(separator: "ARN").joined(separator: arn))],
            ]
        )
        #expect(error.kind == .invalidAttributeValue)
        #expect(error.message.hasPrefix("Invalid value for the parameter RedrivePolicy."))
    }

    @Test func redrivePoliciesNeedTheirQueue() throws {
        let bench = try QueueBench()
        let url = try bench.create("q")
        func set(_ arn: String, _ count: String) -> JSONObject {
            let text = "{\"deadLetterTargetArn\":\"\(arn)\",\"maxReceiveCount\":\(count)}"
            return ["QueueUrl": .string(url), "Attributes": ["RedrivePolicy": .string(text)]]
        }
        let dead = bench.key("dead").description
        let absent = try bench.fail("SetQueueAttributes", set(dead, "3"))
        #expect(absent.kind == .invalidParameterValue)
        #expect(absent.message.hasSuffix("Reason: Dead letter target does not exist."))
        try bench.create("dead")
        try bench.call("SetQueueAttributes", set(dead, "3"))
        try bench.call("SetQueueAttributes", set(dead, "\"1000\""))
        #expect(
            try bench.fail("SetQueueAttributes", set(bench.key("q").description, "3")).kind
                == .invalidParameterValue
        )
        let sources = try bench.call("ListDeadLetterSourceQueues", ["QueueUrl": .string(bench.url("dead"))])
        #expect(sources == ["queueUrls": [.string(url)]] as JSONObject)
        let none = try bench.call("ListDeadLetterSourceQueues", ["QueueUrl": .string(url)])
        #expect(none == ["queueUrls": .array([])] as JSONObject)
    }

    @Test func redriveAllowPoliciesChooseTheirSources() throws {
        let bench = try QueueBench()
        let url = try bench.create("q")
        let dead = try bench.create("dead", ["RedriveAllowPolicy": "{\"redrivePermission\":\"denyAll\"}"])
        let text = "{\"deadLetterTargetArn\":\"\(bench.key("dead"))\",\"maxReceiveCount\":3}"
        let set: JSONObject = ["QueueUrl": .string(url), "Attributes": ["RedrivePolicy": .string(text)]]
        #expect(try bench.fail("SetQueueAttributes", set).kind == .invalidParameterValue)
        func allow(_ policy: String) throws {
            try bench.call(
                "SetQueueAttributes",
                ["QueueUrl": .string(dead), "Attributes": ["RedriveAllowPolicy": .string(policy)]]
            )
        }
        try allow("{\"redrivePermission\":\"byQueue\",\"sourceQueueArns\":[\"\(bench.key("p"))\"]}")
        #expect(try bench.fail("SetQueueAttributes", set).kind == .invalidParameterValue)
        try allow("{\"redrivePermission\":\"byQueue\",\"sourceQueueArns\":[\"\(bench.key("q"))\"]}")
        try bench.call("SetQueueAttributes", set)
        let broken = try bench.fail(
            "SetQueueAttributes",
            ["QueueUrl": .string(dead), "Attributes": ["RedriveAllowPolicy": "{\"redrivePermission\":\"some\"}"]]
        )
        #expect(broken.kind == .invalidAttributeValue)
    }

    @Test func encryptionIsOneOrTheOther() throws {
        let bench = try QueueBench()
        let both = try bench.fail(
            "CreateQueue",
            ["QueueName": "q", "Attributes": ["KmsMasterKeyId": "k", "SqsManagedSseEnabled": "true"]]
        )
        #expect(both.kind == .invalidAttributeValue)
        let url = try bench.create("q", ["KmsMasterKeyId": "k"])
        #expect(try bench.attributes(url)["SqsManagedSseEnabled"] == "false")
        try bench.call(
            "SetQueueAttributes",
            ["QueueUrl": .string(url), "Attributes": ["SqsManagedSseEnabled": "true"]]
        )
        #expect(try bench.attributes(url)["KmsMasterKeyId"] == nil)
    }

    @Test func wrongTypesAreSerializationErrors() throws {
        let bench = try QueueBench()
        let url: JSONValue = .string(try bench.create("q"))
        for (name, input) in [
            ("CreateQueue", ["QueueName": 1]), ("CreateQueue", ["QueueName": "a", "Attributes": ["DelaySeconds": 1]]),
            ("CreateQueue", ["QueueName": "a", "tags": .array([])]), ("DeleteQueue", ["QueueUrl": true]),
            ("GetQueueAttributes", ["QueueUrl": url, "AttributeNames": "All"]),
            ("GetQueueAttributes", ["QueueUrl": url, "AttributeNames": [1]]),
            ("SendMessage", ["QueueUrl": url, "MessageBody": 1]),
            ("SendMessage", ["QueueUrl": url, "MessageBody": "x", "DelaySeconds": "1"]),
            ("SendMessage", ["QueueUrl": url, "MessageBody": "x", "MessageAttributes": ["a": "b"]]),
            ("SendMessageBatch", ["QueueUrl": url, "Entries": [1]]),
            ("SendMessageBatch", ["QueueUrl": url, "Entries": [["Id": "a", "MessageBody": 1]]]),
            ("ReceiveMessage", ["QueueUrl": url, "MaxNumberOfMessages": "1"]),
            ("UntagQueue", ["QueueUrl": url, "TagKeys": "k"]),
        ] as [(String, JSONObject)] {
            #expect(try bench.fail(name, input).kind == .serialization, "\(name) \(input)")
        }
    }
}
