import AWSAPI
import EventModel
import Router
import SansIO
import Simulation
import Testing

/// spec: control §13.3, §13.5, §13.6
@Suite struct QueueMessageTests {
    @Test func sendsReceivesAndDeletes() throws {
        let bench = try QueueBench()
        let url = try bench.create("q")
        let sent = try bench.send("héllo", to: url)
        #expect(sent["MD5OfMessageBody"] == "be50e8478cf24ff3595bc7307fb91b50")
        #expect(sent["MD5OfMessageAttributes"] == nil)
        #expect(sent["MD5OfMessageSystemAttributes"] == nil)
        let message = try #require(try bench.receive(url).first)
        #expect(message["MessageId"] == sent["MessageId"])
        #expect(message["Body"] == "héllo")
        #expect(message["MD5OfBody"] == "be50e8478cf24ff3595bc7307fb91b50")
        #expect(message["Attributes"] == nil)
        #expect(message["MessageAttributes"] == nil)
        #expect(try bench.receive(url).isEmpty)
        let handle = try #require(message["ReceiptHandle"])
        #expect(try bench.call("DeleteMessage", ["QueueUrl": .string(url), "ReceiptHandle": handle]) == [:])
        // Deleting is idempotent.
        try bench.call("DeleteMessage", ["QueueUrl": .string(url), "ReceiptHandle": handle])
        bench.advance(.seconds(60))
        #expect(try bench.receive(url).isEmpty)
        let figures = bench.driver.statistics
        #expect((figures.sent, figures.received, figures.deleted) == (1, 1, 1))
    }

    @Test func nothingReceivedIsAnEmptyObject() throws {
        let bench = try QueueBench()
        let url = try bench.create("q")
        let pending = try bench.start("ReceiveMessage", ["QueueUrl": .string(url)])
        #expect(try pending.results.first?.get() == [:] as JSONObject)
    }

    @Test func showsSystemAttributesOnRequest() throws {
        let bench = try QueueBench()
        let url = try bench.create("q")
        let header = "Root=1-5759e988-bd862e3fe1be46a994272793"
        let sent = try bench.send(
            "x",
            to: url,
            [
                "MessageSystemAttributes": ["AWSTraceHeader": ["DataType": "String", "StringValue": .string(header)]],
                "MessageGroupId": "g",
            ]
        )
        #expect(sent["MD5OfMessageSystemAttributes"]?.string?.utf8.count == 32)
        bench.advance(.seconds(2))
        let all = try #require(try bench.receive(url, ["AttributeNames": ["All"], "VisibilityTimeout": 0]).first)
        #expect(
            all["Attributes"] == [
                "SenderId": "111122223333", "SentTimestamp": "1700000000000", "ApproximateReceiveCount": "1",
                "ApproximateFirstReceiveTimestamp": "1700000002000", "AWSTraceHeader": .string(header),
                "MessageGroupId": "g",
            ]
        )
        bench.advance(.seconds(1))
        let some = try #require(
            try bench.receive(
                url,
                ["MessageSystemAttributeNames": ["ApproximateReceiveCount", "ApproximateFirstReceiveTimestamp"]]
            ).first
        )
        #expect(
            some["Attributes"] == [
                "ApproximateReceiveCount": "2", "ApproximateFirstReceiveTimestamp": "1700000002000",
            ]
        )
        #expect(
            try bench.fail("ReceiveMessage", ["QueueUrl": .string(url), "AttributeNames": ["Nope"]]).kind
                == .invalidAttributeName
        )
    }

    private static let attributes: JSONValue = [
        "a.one": ["DataType": "String", "StringValue": "1"], "a.two": ["DataType": "Number.int", "StringValue": "42"],
        "b": ["DataType": "Binary", "BinaryValue": "AAH/"],
    ]

    @Test(
        arguments: [
            (["All"], ["a.one", "a.two", "b"]), ([".*"], ["a.one", "a.two", "b"]), (["a.*"], ["a.one", "a.two"]),
            (["b"], ["b"]), (["b", "a.two"], ["a.two", "b"]), (["a"], []), (["x.*"], []), ([], []),
        ] as [([String], [String])]
    )
    func filtersMessageAttributes(names: [String], expected: [String]) throws {
        let bench = try QueueBench()
        let url = try bench.create("q")
        let sent = try bench.send("x", to: url, ["MessageAttributes": Self.attributes])
        let wanted: JSONValue = .array(names.map { .string($0) })
        let message = try #require(try bench.receive(url, ["MessageAttributeNames": wanted]).first)
        let returned = message["MessageAttributes"]?.object
        #expect((returned?.members ?? []).map { $0.key } == expected)
        for name in expected { #expect(returned?[name] == Self.attributes.object?[name]) }
        // The digest covers what is returned.
        #expect((message["MD5OfMessageAttributes"] == nil) == expected.isEmpty)
        #expect((message["MD5OfMessageAttributes"] == sent["MD5OfMessageAttributes"]) == (expected.count == 3))
    }

    @Test(arguments: [
        ("AWS.x", "String", "v"), ("amazon.x", "String", "v"), (".x", "String", "v"), ("x.", "String", "v"),
        ("x y", "String", "v"), ("x", "", "v"), ("x", "Text", "v"), ("x", "Number", "one"),
    ])
    func refusesBrokenAttributes(name: String, type: String, value: String) throws {
        let bench = try QueueBench()
        let url = try bench.create("q")
        let attributes = JSONObject([
            .init(key: name, value: ["DataType": .string(type), "StringValue": .string(value)])
        ])
        let error = try bench.fail(
            "SendMessage",
            ["QueueUrl": .string(url), "MessageBody": "x", "MessageAttributes": .object(attributes)]
        )
        #expect(error.kind == .invalidParameterValue)
    }

    @Test func attributesNeedValuesAndAreAtMostTen() throws {
        let bench = try QueueBench()
        let url: JSONValue = .string(try bench.create("q"))
        let empty = try bench.fail(
            "SendMessage",
            [
                "QueueUrl": url, "MessageBody": "x",
                "MessageAttributes": ["X": ["DataType": "String", "StringValue": ""]],
            ]
        )
        #expect(empty.message == "Message (user) attribute 'X' must contain a non-empty value of type 'String'.")
        let many = JSONObject((0..<11).map { .init(key: "n\($0)", value: ["DataType": "Number", "StringValue": "1"]) })
        let tooMany = try bench.fail(
            "SendMessage",
            ["QueueUrl": url, "MessageBody": "x", "MessageAttributes": .object(many)]
        )
        #expect(tooMany.kind == .invalidParameterValue)
        let base64 = try bench.fail(
            "SendMessage",
            [
                "QueueUrl": url, "MessageBody": "x",
                "MessageAttributes": ["X": ["DataType": "Binary", "BinaryValue": "*"]],
            ]
        )
        #expect(base64.kind == .serialization)
        let system = try bench.fail(
            "SendMessage",
            [
                "QueueUrl": url, "MessageBody": "x",
                "MessageSystemAttributes": ["Other": ["DataType": "String", "StringValue": "1"]],
            ]
        )
        #expect(system.kind == .invalidParameterValue)
    }

    @Test func checksBodies() throws {
        let bench = try QueueBench()
        let url: JSONValue = .string(try bench.create("q", ["MaximumMessageSize": "1024"]))
        for input in [["QueueUrl": url], ["QueueUrl": url, "MessageBody": ""]] as [JSONObject] {
            #expect(
                try bench.fail("SendMessage", input)
                    == AWSError(.missingParameter, "The request must contain the parameter MessageBody.")
            )
        }
        for text in ["\u{1}", "\u{FFFE}", "a\u{0}b"] {
            let error = try bench.fail("SendMessage", ["QueueUrl": url, "MessageBody": .string(text)])
            #expect(error.kind == .invalidMessageContents)
            #expect(
                error.message.hasPrefix(
                    "Invalid characters found. Valid unicode characters are #x9, #xA, #xD, #x20 to #xD7FF"
                )
            )
        }
        try bench.call("SendMessage", ["QueueUrl": url, "MessageBody": "\t\n\r\u{FFFD}\u{10FFFF}"])
        let full = String(repeating: "x", count: 1024)
        try bench.call("SendMessage", ["QueueUrl": url, "MessageBody": .string(full)])
        #expect(
            try bench.fail("SendMessage", ["QueueUrl": url, "MessageBody": .string(full + "x")])
                == AWSError(
                    .invalidParameterValue,
                    "One or more parameters are invalid. Reason: Message must be shorter than 1024 bytes."
                )
        )
        // Names, types and values of attributes count.
        let attributed: JSONObject = [
            "QueueUrl": url, "MessageBody": .string(full),
            "MessageAttributes": ["n": ["DataType": "String", "StringValue": "v"]],
        ]
        #expect(try bench.fail("SendMessage", attributed).kind == .invalidParameterValue)
    }

    @Test(arguments: [
        ("SendMessage", "DelaySeconds", 901), ("SendMessage", "DelaySeconds", -1),
        ("ReceiveMessage", "VisibilityTimeout", 43_201), ("ReceiveMessage", "MaxNumberOfMessages", 0),
    ])
    func refusesNumbersOutOfRange(operation: String, member: String, value: Int) throws {
        let bench = try QueueBench()
        var input: JSONObject = ["QueueUrl": .string(try bench.create("q")), "MessageBody": "x"]
        input[member] = .integer(value)
        let error = try bench.fail(operation, input)
        #expect(error.kind == .invalidParameterValue)
        #expect(error.message.hasPrefix("Value \(value) for parameter \(member) is invalid. Reason: "))
    }

    @Test func namesTheBoundsOfAReceive() throws {
        let bench = try QueueBench()
        let url: JSONValue = .string(try bench.create("q"))
        #expect(
            try bench.fail("ReceiveMessage", ["QueueUrl": url, "MaxNumberOfMessages": 11]).message
                == "Value 11 for parameter MaxNumberOfMessages is invalid. Reason: Must be between 1 and 10, if provided."
        )
        #expect(
            try bench.fail("ReceiveMessage", ["QueueUrl": url, "WaitTimeSeconds": 21]).message
                == "Value 21 for parameter WaitTimeSeconds is invalid. Reason: Must be >= 0 and <= 20, if provided."
        )
    }

    @Test func delaysMessages() throws {
        let bench = try QueueBench()
        let url = try bench.create("q", ["DelaySeconds": "10"])
        try bench.send("queue's", to: url)
        try bench.send("own", to: url, ["DelaySeconds": 0])
        let attributes = try bench.attributes(url)
        #expect(attributes["ApproximateNumberOfMessages"] == "1")
        #expect(attributes["ApproximateNumberOfMessagesDelayed"] == "1")
        #expect(try bench.receive(url, ["MaxNumberOfMessages": 10]).map { $0["Body"] } == ["own"])
        #expect(try bench.attributes(url)["ApproximateNumberOfMessagesNotVisible"] == "1")
        bench.advance(.seconds(10))
        #expect(try bench.receive(url, ["MaxNumberOfMessages": 10]).map { $0["Body"] } == ["queue's"])
    }

    @Test func visibilityTimeoutsPassAndChange() throws {
        let bench = try QueueBench()
        let url = try bench.create("q", ["VisibilityTimeout": "30"])
        let queue: JSONValue = .string(url)
        try bench.send("x", to: url)
        let first = try #require(try bench.receive(url).first?["ReceiptHandle"])
        bench.advance(.milliseconds(29_999))
        #expect(try bench.receive(url).isEmpty)
        bench.advance(.milliseconds(1))
        let second = try #require(try bench.receive(url).first?["ReceiptHandle"])
        #expect(first != second)
        try bench.call(
            "ChangeMessageVisibility",
            ["QueueUrl": queue, "ReceiptHandle": second, "VisibilityTimeout": 100]
        )
        bench.advance(.seconds(99))
        #expect(try bench.receive(url).isEmpty)
        try bench.call(
            "ChangeMessageVisibility",
            ["QueueUrl": queue, "ReceiptHandle": second, "VisibilityTimeout": 0]
        )
        #expect(
            try bench.fail(
                "ChangeMessageVisibility",
                ["QueueUrl": queue, "ReceiptHandle": second, "VisibilityTimeout": 1]
            ).kind == .messageNotInflight
        )
        #expect(try bench.receive(url).count == 1)
        // An older handle still deletes on a standard queue.
        try bench.call("DeleteMessage", ["QueueUrl": queue, "ReceiptHandle": first])
        #expect(try bench.attributes(url)["ApproximateNumberOfMessagesNotVisible"] == "0")
    }

    @Test func checksVisibilityChanges() throws {
        let bench = try QueueBench()
        let url = try bench.create("q")
        let queue: JSONValue = .string(url)
        try bench.send("x", to: url)
        let handle = try #require(try bench.receive(url, ["VisibilityTimeout": 43_200]).first?["ReceiptHandle"])
        func change(_ timeout: JSONValue?) throws -> AWSError {
            var input: JSONObject = ["QueueUrl": queue, "ReceiptHandle": handle]
            input["VisibilityTimeout"] = timeout
            return try bench.fail("ChangeMessageVisibility", input)
        }
        #expect(try change(nil).kind == .missingParameter)
        #expect(try change(43_201).kind == .invalidParameterValue)
        bench.advance(.seconds(1))
        #expect(try change(43_200).message.hasPrefix("Value 43200 for parameter VisibilityTimeout is invalid."))
    }

    @Test func refusesForeignHandles() throws {
        let bench = try QueueBench()
        let url = try bench.create("q")
        let other = try bench.create("other")
        try bench.send("x", to: other)
        let foreign = try #require(try bench.receive(other).first?["ReceiptHandle"]?.string)
        for handle in ["garbage", foreign] {
            for operation in ["DeleteMessage", "ChangeMessageVisibility"] {
                let error = try bench.fail(
                    operation,
                    ["QueueUrl": .string(url), "ReceiptHandle": .string(handle), "VisibilityTimeout": 1]
                )
                #expect(
                    error
                        == AWSError(
                            .receiptHandleIsInvalid,
                            "The input receipt handle \"\(handle)\" is not a valid receipt handle."
                        )
                )
            }
        }
    }

    @Test func purgesAtMostOnceAMinute() throws {
        let bench = try QueueBench()
        let url = try bench.create("q")
        for body in ["a", "b"] { try bench.send(body, to: url) }
        _ = try bench.receive(url)
        #expect(try bench.call("PurgeQueue", ["QueueUrl": .string(url)]) == [:])
        bench.advance(.seconds(59))
        #expect(try bench.receive(url, ["MaxNumberOfMessages": 10]).isEmpty)
        #expect(
            try bench.fail("PurgeQueue", ["QueueUrl": .string(url)])
                == AWSError(
                    .purgeQueueInProgress,
                    "Only one PurgeQueue operation on q is allowed every 60 seconds."
                )
        )
        bench.advance(.seconds(1))
        try bench.call("PurgeQueue", ["QueueUrl": .string(url)])
    }

    @Test func boundsMessagesInFlight() throws {
        var limits = QueueLimits()
        limits.inFlightPerQueue = 3
        let bench = try QueueBench(limits: limits)
        let url = try bench.create("q")
        for index in 0..<5 { try bench.send("\(index)", to: url) }
        #expect(try bench.receive(url, ["MaxNumberOfMessages": 10]).count == 3)
        let error = try bench.fail("ReceiveMessage", ["QueueUrl": .string(url)])
        #expect(error.kind == .queueOverLimit)
        // Timeouts that passed make room again.
        bench.advance(.seconds(30))
        #expect(try bench.receive(url, ["MaxNumberOfMessages": 2]).count == 2)
    }

    @Test func countsWhatWasInFlightBeforeARestart() throws {
        var limits = QueueLimits()
        limits.inFlightPerQueue = 3
        let bench = try QueueBench(limits: limits)
        let url = try bench.create("q")
        for index in 0..<5 { try bench.send("\(index)", to: url) }
        #expect(try bench.receive(url, ["MaxNumberOfMessages": 2]).count == 2)
        let next = try QueueBench(after: bench, limits: limits)
        #expect(try next.receive(url, ["MaxNumberOfMessages": 10]).count == 1)
    }
}
