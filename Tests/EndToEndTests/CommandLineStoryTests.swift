import Foundation
import Testing

extension NodeTests {
    /// The unmodified AWS command line tool, from the first bus to the last deletion.
    @Suite struct CommandLineStoryTests {
        @Test func eventCrossesAccounts() async throws {
            try await withNode { node in try Story(node).run() }
        }
    }
}

/// Account b makes a bus, a rule and a queue; account a puts events to it.
private struct Story {
    static let bus = "arn:aws:events:us-east-1:444455556666:event-bus/orders"
    static let rule = "arn:aws:events:us-east-1:444455556666:rule/orders/shop"
    static let queue = "arn:aws:sqs:us-east-1:444455556666:orders"

    let node: NodeFixture
    let a: CommandLineClient
    let b: CommandLineClient
    let queueURL: String

    init(_ node: NodeFixture) {
        self.node = node
        a = CommandLineClient(node: node, profile: "a")
        b = CommandLineClient(node: node, profile: "b")
        queueURL = "\(node.endpoint)/444455556666/orders"
    }

    func run() throws {
        try whoAmI()
        try makeBus()
        try refuseBeforePermission()
        try makeRouteToQueue()
        try putAndReceive()
        try describeEverything()
        try refuseBadRequests()
        try deleteEverything()
    }

    private func whoAmI() throws {
        let identity = try a("sts", "get-caller-identity")
        #expect(identity.text("Account") == "111122223333")
        #expect(identity.text("Arn") == "arn:aws:iam::111122223333:root")
    }

    private func makeBus() throws {
        #expect(try b("events", "create-event-bus", "--name", "orders").text("EventBusArn") == Self.bus)
        let again = try b.failure("events", "create-event-bus", "--name", "orders")
        #expect(
            again.contains("(ResourceAlreadyExistsException)") && again.contains("Event bus orders already exists.")
        )
    }

    private var entries: String {
        get throws {
            let detail = #"{"number": 7, "note": "f\u00fcr \u65e5\u672c", "price": 1.10}"#
            return try jsonText([
                [
                    "Source": "shop", "DetailType": "order", "Detail": detail, "EventBusName": Self.bus,
                    "Resources": ["order-7"], "Time": "2026-01-15T12:34:56Z",
                ]
            ])
        }
    }

    private func refuseBeforePermission() throws {
        // A refusal of the bus' policy is not a reason to be silent about it.
        let result = try a.run(["events", "put-events", "--entries", entries])
        #expect(result.transcript.contains("AccessDeniedException"), "\(result.transcript)")
        #expect(
            result.transcript.contains(
                "is not authorized to perform: events:PutEvents on resource: \(Self.bus) because no resource-based "
                    + "policy allows the events:PutEvents action"
            ),
            "\(result.transcript)"
        )
    }

    private func makeRouteToQueue() throws {
        try b(
            "events",
            "put-permission",
            "--event-bus-name",
            "orders",
            "--statement-id",
            "account-a",
            "--action",
            "events:PutEvents",
            "--principal",
            "111122223333"
        )
        #expect(try b("sqs", "create-queue", "--queue-name", "orders").text("QueueUrl") == queueURL)
        let policy: [String: Any] = [
            "Version": "2012-10-17",
            "Statement": [
                [
                    "Effect": "Allow", "Principal": ["Service": "events.amazonaws.com"], "Action": "sqs:SendMessage",
                    "Resource": Self.queue, "Condition": ["ArnEquals": ["aws:SourceArn": Self.rule]],
                ]
            ],
        ]
        let attributes = try jsonText(["Policy": try jsonText(policy)])
        try b("sqs", "set-queue-attributes", "--queue-url", queueURL, "--attributes", attributes)
        let made = try b(
            "events",
            "put-rule",
            "--event-bus-name",
            "orders",
            "--name",
            "shop",
            "--event-pattern",
            #"{"source": ["shop"], "detail": {"number": [{"numeric": ["<", 100]}]}}"#
        )
        #expect(made.text("RuleArn") == Self.rule)
        let put = try b(
            "events",
            "put-targets",
            "--event-bus-name",
            "orders",
            "--rule",
            "shop",
            "--targets",
            "Id=queue,Arn=\(Self.queue)"
        )
        #expect(put.number("FailedEntryCount") == 0)
    }

    private func putAndReceive() throws {
        let put = try a("events", "put-events", "--entries", entries)
        #expect(put.number("FailedEntryCount") == 0)
        let id = try #require(put.list("Entries").first?.text("EventId"))

        let received = try b("sqs", "receive-message", "--queue-url", queueURL, "--wait-time-seconds", "10")
        let message = try #require(received.list("Messages").first)
        // Spec: patterns §1.1, §1.3: compact, keys in this order, the detail's own order and numbers kept.
        let expected =
            #"{"version":"0","id":"\#(id)","detail-type":"order","source":"shop","account":"111122223333","#
            + #""time":"2026-01-15T12:34:56Z","region":"us-east-1","resources":["order-7"],"#
            + #""detail":{"number":7,"note":"f\u00fcr \u65e5\u672c","price":1.10}}"#
        #expect(message.text("Body") == expected)
        let handle = try #require(message.text("ReceiptHandle"))
        try b("sqs", "delete-message", "--queue-url", queueURL, "--receipt-handle", handle)
    }

    private func describeEverything() throws {
        let bus = try b("events", "describe-event-bus", "--name", "orders")
        let policy = try #require(bus.text("Policy"))
        #expect(
            policy == #"{"Version":"2012-10-17","Statement":[{"Sid":"account-a","Effect":"Allow","#
                + #""Principal":{"AWS":"arn:aws:iam::111122223333:root"},"Action":"events:PutEvents","#
                + #""Resource":"\#(Self.bus)"}]}"#
        )
        let buses = try b("events", "list-event-buses").list("EventBuses").compactMap { $0.text("Name") }
        #expect(buses == ["default", "orders"])
        #expect(try a("events", "list-event-buses").list("EventBuses").compactMap { $0.text("Name") } == ["default"])
        let rule = try b("events", "describe-rule", "--event-bus-name", "orders", "--name", "shop")
        #expect(rule.text("State") == "ENABLED" && rule.text("CreatedBy") == "444455556666")
        let targets = try b("events", "list-targets-by-rule", "--event-bus-name", "orders", "--rule", "shop")
        #expect(targets.list("Targets").map { $0.text("Arn") } == [Self.queue])
        let names = try b(
            "events",
            "list-rule-names-by-target",
            "--event-bus-name",
            "orders",
            "--target-arn",
            Self.queue
        )
        #expect(names.texts("RuleNames") == ["shop"])
        #expect(try b("sqs", "list-queues")["QueueUrls"] as? [String] == [queueURL])
    }

    private func refuseBadRequests() throws {
        var impostor = a
        impostor.overrides = ["AWS_SHARED_CREDENTIALS_FILE": try impostorCredentials()]
        let signature = try impostor.failure("events", "list-event-buses")
        #expect(signature.contains("(InvalidSignatureException)"), "\(signature)")
        #expect(signature.contains("The request signature we calculated does not match the signature you provided."))
        let unknown = try b.failure("events", "describe-event-bus", "--name", "nowhere")
        #expect(unknown.contains("(ResourceNotFoundException)"), "\(unknown)")
        #expect(unknown.contains("Event bus nowhere does not exist."), "\(unknown)")
        let queue = try b.failure("sqs", "receive-message", "--queue-url", "\(node.endpoint)/444455556666/nowhere")
        #expect(queue.contains("AWS.SimpleQueueService.NonExistentQueue"), "\(queue)")
        let foreign = try a.failure("sqs", "receive-message", "--queue-url", queueURL)
        #expect(foreign.contains("AccessDenied"), "\(foreign)")
        let pattern = try b.failure("events", "put-rule", "--name", "bad", "--event-pattern", #"{"source": "shop"}"#)
        #expect(pattern.contains("(InvalidEventPatternException)"), "\(pattern)")
        #expect(pattern.contains("Event pattern is not valid. Reason: "), "\(pattern)")
        let missing = try b.failure("events", "list-archives")
        #expect(missing.contains("ListArchives"), "\(missing)")
    }

    /// The node's credentials with another secret for profile a.
    private func impostorCredentials() throws -> String {
        let file = node.data.appendingPathComponent("aws/credentials")
        let lines = try String(contentsOf: file, encoding: .utf8).split(separator: "\n").map { line in
            line.hasPrefix("aws_secret_access_key")
                ? "aws_secret_access_key = \(String(repeating: "x", count: 40))" : line
        }
        let copy = node.directory.appendingPathComponent("impostor")
        try lines.joined(separator: "\n").write(to: copy, atomically: true, encoding: .utf8)
        return copy.path
    }

    private func deleteEverything() throws {
        let early = try b.failure("events", "delete-event-bus", "--name", "orders")
        #expect(early.contains("EventBus can't be deleted since it has rules."), "\(early)")
        let loaded = try b.failure("events", "delete-rule", "--event-bus-name", "orders", "--name", "shop")
        #expect(loaded.contains("Rule can't be deleted since it has targets."), "\(loaded)")
        let removed = try b(
            "events",
            "remove-targets",
            "--event-bus-name",
            "orders",
            "--rule",
            "shop",
            "--ids",
            "queue"
        )
        #expect(removed.number("FailedEntryCount") == 0)
        try b("events", "delete-rule", "--event-bus-name", "orders", "--name", "shop")
        try b("events", "remove-permission", "--event-bus-name", "orders", "--statement-id", "account-a")
        #expect(try b("events", "describe-event-bus", "--name", "orders").text("Policy") == nil)
        try b("events", "delete-event-bus", "--name", "orders")
        try b("sqs", "delete-queue", "--queue-url", queueURL)
        #expect(try b("events", "list-event-buses").list("EventBuses").compactMap { $0.text("Name") } == ["default"])
        #expect(try b("sqs", "list-queues")["QueueUrls"] == nil)
    }
}
