import AWSAPI
import EventModel
import Router
import SansIO
import Simulation
import Testing

/// spec: control §13.2
@Suite struct QueueCatalogTests {
    @Test func createsAndFindsQueues() throws {
        let bench = try QueueBench()
        let url = try bench.create("orders")
        #expect(url == "https://localhost:8443/111122223333/orders")
        #expect(try bench.call("GetQueueUrl", ["QueueName": "orders"])["QueueUrl"]?.string == url)
        #expect(bench.driver.statistics.queues == 1)
    }

    @Test func showsTheDefaultsOfANewQueue() throws {
        let bench = try QueueBench()
        let attributes = try bench.attributes(bench.create("q"))
        let expected: JSONObject = [
            "ApproximateNumberOfMessages": "0", "ApproximateNumberOfMessagesDelayed": "0",
            "ApproximateNumberOfMessagesNotVisible": "0", "CreatedTimestamp": "1700000000",
            "LastModifiedTimestamp": "1700000000", "DelaySeconds": "0", "MaximumMessageSize": "1048576",
            "MessageRetentionPeriod": "345600", "QueueArn": "arn:aws:sqs:eu-west-1:111122223333:q",
            "ReceiveMessageWaitTimeSeconds": "0", "SqsManagedSseEnabled": "true", "VisibilityTimeout": "30",
        ]
        #expect(attributes.members.count == expected.members.count)
        for member in expected.members { #expect(attributes[member.key] == member.value, "\(member.key)") }
    }

    @Test func creatingAgainNeedsEqualAttributes() throws {
        let bench = try QueueBench()
        let url = try bench.create("q", ["VisibilityTimeout": "60"])
        #expect(try bench.create("q", ["VisibilityTimeout": "60", "DelaySeconds": "0"]) == url)
        #expect(try bench.create("q") == url)
        let error = try bench.fail("CreateQueue", ["QueueName": "q", "Attributes": ["DelaySeconds": "5"]])
        #expect(error.kind == .queueNameExists)
        #expect(
            error.message
                == "A queue already exists with the same name and a different value for attribute DelaySeconds"
        )
    }

    @Test(arguments: ["a b", "a.b", "ä", String(repeating: "x", count: 81)])
    func refusesBadNames(name: String) throws {
        let error = try QueueBench().fail("CreateQueue", ["QueueName": .string(name)])
        #expect(
            error
                == AWSError(
                    .invalidParameterValue,
                    "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length"
                )
        )
    }

    @Test func refusesFIFO() throws {
        let bench = try QueueBench()
        let byName = try bench.fail("CreateQueue", ["QueueName": "q.fifo", "Attributes": ["FifoQueue": "true"]])
        let byAttribute = try bench.fail("CreateQueue", ["QueueName": "q", "Attributes": ["FifoQueue": "true"]])
        for error in [byName, byAttribute] {
            #expect(error.kind == .queueUnsupportedOperation)
            #expect(error.message.contains("FIFO"))
        }
        let url = try bench.create("q")
        let onStandard = try bench.fail(
            "SetQueueAttributes",
            ["QueueUrl": .string(url), "Attributes": ["FifoQueue": "true"]]
        )
        #expect(onStandard == AWSError(.invalidAttributeName, "Unknown Attribute FifoQueue."))
        let scope = try bench.fail(
            "SetQueueAttributes",
            ["QueueUrl": .string(url), "Attributes": ["DeduplicationScope": "queue"]]
        )
        #expect(
            scope.message == "You can specify the DeduplicationScope only when FifoQueue is set to true."
        )
    }

    @Test func deletedQueuesAreGone() throws {
        let bench = try QueueBench()
        let url = try bench.create("q")
        try bench.send("a", to: url)
        #expect(try bench.call("DeleteQueue", ["QueueUrl": .string(url)]) == [:])
        for (name, more) in [
            ("DeleteQueue", [:]), ("SendMessage", ["MessageBody": "x"]), ("ReceiveMessage", [:]), ("PurgeQueue", [:]),
            ("GetQueueAttributes", [:]), ("ListQueueTags", [:]),
        ] as [(String, JSONObject)] {
            var input: JSONObject = ["QueueUrl": .string(url)]
            input.members += more.members
            #expect(
                try bench.fail(name, input)
                    == AWSError(.queueDoesNotExist, "The specified queue does not exist.")
            )
        }
        #expect(try bench.fail("GetQueueUrl", ["QueueName": "q"]).kind == .queueDoesNotExist)
        // A new queue of that name has none of the old one's messages.
        try bench.create("q")
        #expect(try bench.receive(url).isEmpty)
    }

    @Test func acceptsAnyHostInTheURL() throws {
        let bench = try QueueBench()
        try bench.create("q")
        #expect(try bench.attributes("http://elsewhere/prefix/111122223333/q", ["QueueArn"])["QueueArn"] != nil)
        for url in ["q", "http://h/q", "http://h/12345/q", "http://h/111122223333/"] {
            #expect(
                try bench.fail("DeleteQueue", ["QueueUrl": .string(url)]).kind == .queueDoesNotExist
            )
        }
        let missing = try bench.fail("DeleteQueue", [:])
        #expect(missing == AWSError(.missingParameter, "The request must contain the parameter QueueUrl."))
    }

    @Test func listsInPages() throws {
        let bench = try QueueBench()
        #expect(try bench.call("ListQueues", [:])["QueueUrls"] == nil)
        for name in ["b2", "a1", "b1", "b3", "B0"] { try bench.create(name) }
        func names(_ output: JSONObject) -> [String] {
            (output["QueueUrls"]?.array ?? []).compactMap { $0.string?.split(separator: "/").last.map { String($0) } }
        }
        let all = try bench.call("ListQueues", [:])
        #expect(names(all) == ["B0", "a1", "b1", "b2", "b3"])
        #expect(all["NextToken"] == nil)
        let first = try bench.call("ListQueues", ["QueueNamePrefix": "b", "MaxResults": 2])
        #expect(names(first) == ["b1", "b2"])
        let token = try #require(first["NextToken"])
        let second = try bench.call("ListQueues", ["QueueNamePrefix": "b", "MaxResults": 2, "NextToken": token])
        #expect(names(second) == ["b3"])
        #expect(second["NextToken"] == nil)
        let tooMany = try bench.fail("ListQueues", ["MaxResults": 1001])
        #expect(
            tooMany.message
                == "Value 1001 for parameter MaxResults is invalid. Reason: Must be between 1 and 1000, if provided."
        )
        #expect(try bench.fail("ListQueues", ["NextToken": token]).kind == .invalidParameterValue)
        #expect(try bench.fail("ListQueues", ["NextToken": "*", "MaxResults": 1]).kind == .invalidParameterValue)
    }

    @Test func tagsQueues() throws {
        let bench = try QueueBench()
        let url = try bench.create("q")
        let queue: JSONValue = .string(url)
        #expect(try bench.call("ListQueueTags", ["QueueUrl": queue])["Tags"] == nil)
        try bench.call("TagQueue", ["QueueUrl": queue, "Tags": ["b": "1", "a": "2"]])
        try bench.call("TagQueue", ["QueueUrl": queue, "Tags": ["b": "3"]])
        #expect(try bench.call("ListQueueTags", ["QueueUrl": queue])["Tags"] == ["a": "2", "b": "3"])
        try bench.call("UntagQueue", ["QueueUrl": queue, "TagKeys": ["a", "absent"]])
        #expect(try bench.call("ListQueueTags", ["QueueUrl": queue])["Tags"] == ["b": "3"])
        let many = JSONObject((0..<51).map { JSONObject.Member(key: "k\($0)", value: "v") })
        #expect(
            try bench.fail("TagQueue", ["QueueUrl": queue, "Tags": .object(many)]).kind == .invalidParameterValue
        )
        #expect(
            try bench.fail("TagQueue", ["QueueUrl": queue, "Tags": ["aws:x": "1"]]).kind == .invalidParameterValue
        )
        try bench.call("CreateQueue", ["QueueName": "tagged", "tags": ["k": "v"]])
        #expect(
            try bench.call("ListQueueTags", ["QueueUrl": .string(bench.url("tagged"))])["Tags"] == ["k": "v"]
        )
    }

    @Test func survivesARestart() throws {
        let bench = try QueueBench()
        let policy = "{ \"Version\" : \"2012-10-17\" }"
        let url = try bench.create("q", ["Policy": .string(policy), "VisibilityTimeout": "7"])
        try bench.call("TagQueue", ["QueueUrl": .string(url), "Tags": ["k": "é"]])
        try bench.send("kept", to: url)
        try bench.create("gone")
        try bench.call("DeleteQueue", ["QueueUrl": .string(bench.url("gone"))])
        bench.store.crash()
        let next = try QueueBench(after: bench)
        #expect(next.driver.queue(next.key("q")) == bench.driver.queue(bench.key("q")))
        #expect(try next.attributes(url, ["Policy"])["Policy"]?.string == policy)
        #expect(try next.receive(url).first?["Body"] == "kept")
        #expect(try next.fail("GetQueueUrl", ["QueueName": "gone"]).kind == .queueDoesNotExist)
    }

    @Test func finishesAnInterruptedRemoval() throws {
        let bench = try QueueBench()
        let url = try bench.create("q")
        try bench.send("x", to: url)
        let number = try #require(bench.driver.queue(bench.key("q"))).number
        // As a crash between the catalog's write and the purge leaves it.
        bench.store.configure([
            ConfigurationChange(key: "queue/eu-west-1/111122223333/q", value: nil),
            ConfigurationChange(key: "queue-removal/\(number)", value: []),
        ]) { _ in }
        bench.turns.run()
        let next = try QueueBench(after: bench)
        var counts: QueueCounts?
        next.store.counts(queue: number, now: next.clock.now) { counts = try? $0.get() }
        var notes: [ConfigurationEntry]?
        next.store.configuration(prefix: "queue-removal/") { notes = try? $0.get() }
        next.turns.run()
        #expect(counts == QueueCounts(visible: 0, inFlight: 0, delayed: 0))
        #expect(notes == [])
    }

    @Test func reportsDamagedEntries() throws {
        let bench = try QueueBench()
        bench.store.configure([ConfigurationChange(key: "queue/r/111122223333/q", value: Array("{".utf8))]) { _ in }
        bench.turns.run()
        var faults: [String]?
        QueueDriver(store: bench.store, clock: bench.clock, seed: 1).load { faults = try? $0.get() }
        bench.turns.run()
        #expect(faults == ["queue catalog entry queue/r/111122223333/q cannot be read"])
    }

    @Test func boundsQueuesOfAnAccount() throws {
        var quotas = Quotas()
        quotas.queuesPerAccount = 1
        let bench = try QueueBench(quotas: quotas)
        try bench.create("a")
        #expect(try bench.fail("CreateQueue", ["QueueName": "b"]).kind == .queueOverLimit)
        try bench.call("CreateQueue", ["QueueName": "b"], as: bench.other)
    }

    @Test func concurrentCreatesMakeOneQueue() throws {
        let bench = try QueueBench()
        let first = try bench.start("CreateQueue", ["QueueName": "q"], drain: false)
        let second = try bench.start(
            "CreateQueue",
            ["QueueName": "q", "Attributes": ["DelaySeconds": "9"]],
            drain: false
        )
        bench.turns.run()
        #expect(try #require(first.results.first).get() != nil)
        guard case .failure(let error)? = second.results.first else {
            Issue.record("the second create succeeded")
            return
        }
        #expect(error.kind == .queueNameExists)
    }

    @Test func storeFaultsReachTheClient() throws {
        let bench = try QueueBench()
        let url = try bench.create("q")
        bench.store.faults.isFull = true
        #expect(try bench.fail("CreateQueue", ["QueueName": "p"]).kind == .queueThrottled)
        #expect(
            try bench.fail("SendMessage", ["QueueUrl": .string(url), "MessageBody": "x"]).kind == .queueThrottled
        )
        bench.store.faults.isFull = false
        bench.store.faults.isFailing = true
        #expect(
            try bench.fail("SendMessage", ["QueueUrl": .string(url), "MessageBody": "x"]).kind == .internalFailure
        )
        bench.store.faults.isFailing = false
        try bench.create("p")
    }
}
