import AWSAPI
import EventModel
import Router
import Testing

/// spec: control §13.3, §13.6
@Suite struct QueueBatchTests {
    private func ids(_ output: JSONObject, _ list: String) -> [String] {
        (output[list]?.array ?? []).compactMap { $0.object?["Id"]?.string }
    }

    @Test func sendsWhatIsValid() throws {
        let bench = try QueueBench()
        let url = try bench.create("q", ["MaximumMessageSize": "1024"])
        let output = try bench.call(
            "SendMessageBatch",
            [
                "QueueUrl": .string(url),
                "Entries": [
                    ["Id": "a", "MessageBody": "1"],
                    ["Id": "big", "MessageBody": .string(String(repeating: "x", count: 1025))],
                    ["Id": "bad", "MessageBody": "\u{1}"], ["Id": "b", "MessageBody": "2"], ["Id": "none"],
                ],
            ]
        )
        #expect(ids(output, "Successful") == ["a", "b"])
        #expect(ids(output, "Failed") == ["big", "bad", "none"])
        #expect(
            output["Failed"]?.array?.first == [
                "Id": "big", "SenderFault": true, "Code": "InvalidParameterValue",
                "Message":
                    "One or more parameters cannot be validated. Reason: Message must be shorter than 1024 bytes.",
            ]
        )
        #expect(output["Failed"]?.array?[1].object?["Code"] == "InvalidMessageContents")
        #expect(output["Failed"]?.array?[2].object?["Code"] == "MissingParameter")
        let first = output["Successful"]?.array?.first?.object
        #expect(first?["MD5OfMessageBody"] == "c4ca4238a0b923820dcc509a6f75849b")
        #expect(first?["MessageId"]?.string?.utf8.count == 36)
        #expect(try bench.receive(url, ["MaxNumberOfMessages": 10]).map { $0["Body"] } == ["1", "2"])
        #expect(bench.driver.statistics.sent == 2)
    }

    @Test func bothListsArePresent() throws {
        let bench = try QueueBench()
        let url = try bench.create("q")
        let good = try bench.call(
            "SendMessageBatch",
            ["QueueUrl": .string(url), "Entries": [["Id": "a", "MessageBody": "1"]]]
        )
        #expect(good["Failed"] == [])
        let bad = try bench.call("SendMessageBatch", ["QueueUrl": .string(url), "Entries": [["Id": "a"]]])
        #expect(bad["Successful"] == [])
    }

    @Test(arguments: [
        ("SendMessageBatch", "SendMessageBatchRequestEntry"), ("DeleteMessageBatch", "DeleteMessageBatchRequestEntry"),
        ("ChangeMessageVisibilityBatch", "ChangeMessageVisibilityBatchRequestEntry"),
    ])
    func checksTheWholeBatch(operation: String, shape: String) throws {
        let bench = try QueueBench()
        let url: JSONValue = .string(try bench.create("q"))
        func fail(_ entries: JSONValue?) throws -> AWSError {
            var input: JSONObject = ["QueueUrl": url]
            input["Entries"] = entries
            return try bench.fail(operation, input)
        }
        let empty = AWSError(.emptyBatch, "There should be at least one \(shape) in the request.")
        #expect(try fail([]) == empty)
        #expect(try fail(nil) == empty)
        let many: JSONValue = .array((0..<20).map { ["Id": .string("\($0)")] })
        #expect(
            try fail(many)
                == AWSError(.tooManyEntriesInBatch, "Maximum number of entries per request are 10. You have sent 20.")
        )
        #expect(
            try fail([["Id": "a"], ["Id": "b"], ["Id": "a"]])
                == AWSError(.batchEntryIDsNotDistinct, "Id a repeated.")
        )
        let badID = AWSError(
            .invalidBatchEntryID,
            "A batch entry id can only contain alphanumeric characters, hyphens and underscores. "
                + "It can be at most 80 letters long."
        )
        #expect(try fail([["Id": "a b"]]) == badID)
        #expect(try fail([["Id": .string(String(repeating: "a", count: 81))]]) == badID)
        #expect(try fail([["MessageBody": "x"]]).kind == .missingParameter)
    }

    @Test func boundsTheBytesOfABatch() throws {
        let bench = try QueueBench()
        let url = try bench.create("q")
        let half = JSONValue.string(String(repeating: "x", count: 524_289))
        let error = try bench.fail(
            "SendMessageBatch",
            [
                "QueueUrl": .string(url),
                "Entries": [["Id": "a", "MessageBody": half], ["Id": "b", "MessageBody": half]],
            ]
        )
        #expect(
            error
                == AWSError(
                    .batchRequestTooLong,
                    "Batch requests cannot be longer than 1048576 bytes. You have sent 1048578 bytes."
                )
        )
        #expect(try bench.receive(url).isEmpty)
    }

    @Test func deletesAndChangesWhatIsValid() throws {
        let bench = try QueueBench()
        let url = try bench.create("q")
        for body in ["1", "2", "3"] { try bench.send(body, to: url) }
        let handles = try bench.receive(url, ["MaxNumberOfMessages": 10]).compactMap { $0["ReceiptHandle"] }
        #expect(handles.count == 3)
        let deleted = try bench.call(
            "DeleteMessageBatch",
            [
                "QueueUrl": .string(url),
                "Entries": [
                    ["Id": "a", "ReceiptHandle": handles[0]], ["Id": "again", "ReceiptHandle": handles[0]],
                    ["Id": "bad", "ReceiptHandle": "x"],
                ],
            ]
        )
        #expect(ids(deleted, "Successful") == ["a", "again"])
        #expect(deleted["Failed"]?.array?.first?.object?["Code"] == "ReceiptHandleIsInvalid")
        #expect(bench.driver.statistics.deleted == 1)
        let changed = try bench.call(
            "ChangeMessageVisibilityBatch",
            [
                "QueueUrl": .string(url),
                "Entries": [
                    ["Id": "gone", "ReceiptHandle": handles[0], "VisibilityTimeout": 0],
                    ["Id": "b", "ReceiptHandle": handles[1], "VisibilityTimeout": 0],
                    ["Id": "range", "ReceiptHandle": handles[2], "VisibilityTimeout": 43_201],
                    ["Id": "c", "ReceiptHandle": handles[2], "VisibilityTimeout": 5],
                ],
            ]
        )
        #expect(ids(changed, "Successful") == ["b", "c"])
        #expect(ids(changed, "Failed") == ["gone", "range"])
        #expect(
            changed["Failed"]?.array?.first?.object?["Code"] == "AWS.SimpleQueueService.MessageNotInflight"
        )
        #expect(try bench.receive(url, ["MaxNumberOfMessages": 10]).map { $0["Body"] } == ["2"])
        bench.advance(.seconds(5))
        #expect(try bench.receive(url, ["MaxNumberOfMessages": 10]).map { $0["Body"] } == ["3"])
    }
}
