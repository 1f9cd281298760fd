import EventModel
import Router
import SansIO
import Simulation
import Testing

/// Event deliveries into queues (spec: control §10.3, patterns §1.10).
@Suite struct QueueDeliveryTests {
    private func delivery(_ event: UInt64, _ payload: String, acceptedAt: Timestamp) -> QueueDelivery {
        QueueDelivery(
            ref: DeliveryRef(event: event, target: 9),
            payload: Array(payload.utf8)[...],
            attributes: [("ERROR_CODE", "NO_PERMISSIONS"), ("RULE_ARN", "arn:aws:events:r:a:rule/x")],
            traceHeader: "Root=1",
            acceptedAt: acceptedAt
        )
    }

    private func deliver(
        _ bench: QueueBench,
        _ batch: [QueueDelivery],
        to queue: ARN,
        mayRepeat: Bool = false
    ) -> Result<Void, QueueDeliveryFault>? {
        var outcome: Result<Void, QueueDeliveryFault>?
        bench.driver.deliver(
            batch,
            to: queue,
            settling: batch.map { $0.ref },
            finishing: [],
            mayRepeat: mayRepeat
        ) { outcome = $0 }
        bench.turns.run()
        return outcome
    }

    private func isFault(_ outcome: Result<Void, QueueDeliveryFault>?, _ fault: QueueDeliveryFault) -> Bool {
        guard case .failure(fault)? = outcome else { return false }
        return true
    }

    @Test func deliversWithAttributesAndSettles() throws {
        let bench = try QueueBench()
        let url = try bench.create("q")
        var sequences: [UInt64] = []
        let record = IntakeRecord(acceptedAt: bench.clock.now, event: [1], targets: [9])
        bench.store.append([record], settling: []) { sequences = (try? $0.get()) ?? [] }
        bench.turns.run()
        let event = try #require(sequences.first)
        bench.advance(.seconds(1))
        let waiting = try bench.start("ReceiveMessage", ["QueueUrl": .string(url), "WaitTimeSeconds": 20])
        let accepted = bench.clock.now + .milliseconds(-250)
        let outcome = deliver(bench, [delivery(event, "{}", acceptedAt: accepted)], to: bench.key("q").arn)
        #expect(throws: Never.self) { try outcome?.get() }
        #expect(waiting.bodies == ["{}"])
        #expect(bench.store.statistics.unresolvedDeliveries == 0)
        let figures = bench.driver.statistics
        #expect((figures.sent, figures.delivered, figures.deliveryMilliseconds) == (1, 1, 250))
        bench.advance(.seconds(30))
        let message = try #require(
            try bench.receive(url, ["AttributeNames": ["All"], "MessageAttributeNames": ["All"]]).first
        )
        #expect(
            message["MessageAttributes"] == [
                "ERROR_CODE": ["DataType": "String", "StringValue": "NO_PERMISSIONS"],
                "RULE_ARN": ["DataType": "String", "StringValue": "arn:aws:events:r:a:rule/x"],
            ]
        )
        let attributes = message["Attributes"]?.object
        #expect(attributes?["AWSTraceHeader"] == "Root=1")
        #expect(attributes?["SenderId"] == "events.amazonaws.com")
        #expect(attributes?["DeadLetterQueueSourceArn"] == nil)
    }

    @Test func aRepeatAfterARestartAddsNothing() throws {
        let bench = try QueueBench()
        let url = try bench.create("q")
        let now = bench.clock.now
        let arn = bench.key("q").arn
        #expect(throws: Never.self) { try deliver(bench, [delivery(1, "a", acceptedAt: now)], to: arn)?.get() }
        bench.store.synchronise()
        bench.store.crash()
        let next = try QueueBench(after: bench)
        let batch = [delivery(1, "a", acceptedAt: now), delivery(2, "b", acceptedAt: now)]
        #expect(throws: Never.self) { try deliver(next, batch, to: arn, mayRepeat: true)?.get() }
        #expect(try next.receive(url, ["MaxNumberOfMessages": 10]).map { $0["Body"] } == ["a", "b"])
    }

    @Test func saysWhyNot() throws {
        let bench = try QueueBench()
        let url = try bench.create("q", ["MaximumMessageSize": "1024"])
        let now = bench.clock.now
        #expect(isFault(deliver(bench, [delivery(1, "a", acceptedAt: now)], to: bench.key("p").arn), .noSuchQueue))
        let bus = ARN(service: "events", region: bench.region, account: "111122223333", resource: "q")
        #expect(isFault(deliver(bench, [delivery(1, "a", acceptedAt: now)], to: bus), .noSuchQueue))
        let long = delivery(2, String(repeating: "x", count: 1000), acceptedAt: now)
        let mixed = deliver(bench, [delivery(1, "a", acceptedAt: now), long], to: bench.key("q").arn)
        #expect(isFault(mixed, .tooLarge(refs: [long.ref], limit: 1024)))
        #expect(try bench.receive(url).isEmpty)
        bench.store.faults.isFailing = true
        let failed = deliver(bench, [delivery(1, "a", acceptedAt: now)], to: bench.key("q").arn)
        #expect(isFault(failed, .store(StoreError(.failed, ""))))
        #expect(bench.driver.statistics.sent == 0)
    }
}
