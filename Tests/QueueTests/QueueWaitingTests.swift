import AWSAPI
import EventModel
import Router
import SansIO
import Testing

/// Long polling (spec: control §13.3).
@Suite struct QueueWaitingTests {
    private func wait(
        _ bench: QueueBench,
        _ url: String,
        seconds: Int = 20,
        _ more: JSONObject = [:],
        drain: Bool = true
    ) throws -> Pending {
        var input: JSONObject = ["QueueUrl": .string(url), "WaitTimeSeconds": .integer(seconds)]
        input.members += more.members
        return try bench.start("ReceiveMessage", input, drain: drain)
    }

    @Test func answersAtOnceWhenThereIsAMessage() throws {
        let bench = try QueueBench()
        let url = try bench.create("q")
        try bench.send("x", to: url)
        #expect(try wait(bench, url).bodies == ["x"])
        #expect(bench.driver.statistics.waiters == 0)
    }

    @Test func wakesOnASend() throws {
        let bench = try QueueBench()
        let url = try bench.create("q")
        let pending = try wait(bench, url)
        #expect(pending.results.isEmpty)
        #expect(bench.driver.statistics.waiters == 1)
        bench.advance(.seconds(7))
        try bench.send("x", to: url)
        #expect(pending.bodies == ["x"])
        #expect(bench.driver.statistics.waiters == 0)
        bench.advance(.seconds(20))
        #expect(pending.results.count == 1)
    }

    @Test func endsEmptyAtTheDeadline() throws {
        let bench = try QueueBench()
        let url = try bench.create("q", ["ReceiveMessageWaitTimeSeconds": "5"])
        let own = try wait(bench, url, seconds: 2)
        let standard = try bench.start("ReceiveMessage", ["QueueUrl": .string(url)])
        bench.advance(.milliseconds(1_999))
        #expect(own.results.isEmpty)
        bench.advance(.milliseconds(1))
        #expect(try own.results.first?.get() == [:] as JSONObject)
        #expect(standard.results.isEmpty)
        bench.advance(.seconds(3))
        #expect(standard.bodies == [])
    }

    @Test func wakesWhenAMessageBecomesVisible() throws {
        let bench = try QueueBench()
        let url = try bench.create("q")
        try bench.send("delayed", to: url, ["DelaySeconds": 5])
        let pending = try wait(bench, url)
        bench.advance(.milliseconds(4_999))
        #expect(pending.results.isEmpty)
        bench.advance(.milliseconds(1))
        #expect(pending.bodies == ["delayed"])
        // The same message again, once its timeout has passed.
        let second = try wait(bench, url, seconds: 20, ["VisibilityTimeout": 1])
        #expect(second.results.isEmpty)
        bench.advance(.seconds(20))
        #expect(second.bodies == [])
        let third = try wait(bench, url)
        bench.advance(.seconds(10))
        #expect(third.bodies == ["delayed"])
    }

    @Test func wakesWhenVisibilityChanges() throws {
        let bench = try QueueBench()
        let url = try bench.create("q")
        try bench.send("x", to: url)
        let handle = try #require(try bench.receive(url).first?["ReceiptHandle"])
        let pending = try wait(bench, url)
        try bench.call(
            "ChangeMessageVisibility",
            ["QueueUrl": .string(url), "ReceiptHandle": handle, "VisibilityTimeout": 3]
        )
        #expect(pending.results.isEmpty)
        bench.advance(.seconds(3))
        #expect(pending.bodies == ["x"])
    }

    @Test func servesTheLongestWaitingFirst() throws {
        let bench = try QueueBench()
        let url = try bench.create("q")
        let waiters = try (0..<3).map { _ in try wait(bench, url) }
        try bench.send("1", to: url)
        #expect(waiters.map { $0.bodies } == [["1"], nil, nil])
        let entries: JSONValue = [["Id": "a", "MessageBody": "2"], ["Id": "b", "MessageBody": "3"]]
        try bench.call("SendMessageBatch", ["QueueUrl": .string(url), "Entries": entries])
        #expect(waiters.map { $0.bodies } == [["1"], ["2"], ["3"]])
    }

    @Test func aSendDuringTheLookIsNotMissed() throws {
        let bench = try QueueBench()
        let url = try bench.create("q")
        // The store looks and finds nothing; the message arrives before that outcome does.
        let pending = try wait(bench, url, drain: false)
        let send = try bench.start("SendMessage", ["QueueUrl": .string(url), "MessageBody": "x"], drain: false)
        bench.turns.run()
        #expect(send.results.count == 1)
        #expect(pending.bodies == ["x"])
    }

    @Test func aClientThatLeavesTakesNothing() throws {
        let bench = try QueueBench()
        let url = try bench.create("q")
        let gone = try wait(bench, url)
        let stays = try wait(bench, url)
        let leave = try #require(bench.cancels.first)
        leave()
        #expect(bench.driver.statistics.waiters == 1)
        try bench.send("x", to: url)
        #expect(gone.results.isEmpty)
        #expect(stays.bodies == ["x"])
    }

    @Test func messagesForALeavingClientComeBack() throws {
        let bench = try QueueBench()
        let url = try bench.create("q")
        try bench.send("x", to: url)
        let gone = try wait(bench, url, drain: false)
        let leave = try #require(bench.cancels.first)
        leave()
        bench.turns.run()
        #expect(gone.results.isEmpty)
        #expect(try bench.receive(url).map { $0["Body"] } == ["x"])
        #expect(bench.driver.statistics.received == 1)
    }

    @Test func boundsThoseWhoWait() throws {
        var limits = QueueLimits()
        limits.waitersPerQueue = 2
        limits.waiters = 3
        let bench = try QueueBench(limits: limits)
        let url = try bench.create("q")
        let other = try bench.create("other")
        let held = try (0..<2).map { _ in try wait(bench, url) }
        #expect(
            try bench.fail("ReceiveMessage", ["QueueUrl": .string(url), "WaitTimeSeconds": 1]).kind == .queueThrottled
        )
        let third = try wait(bench, other)
        #expect(
            try bench.fail("ReceiveMessage", ["QueueUrl": .string(other), "WaitTimeSeconds": 1]).kind
                == .queueThrottled
        )
        bench.advance(.seconds(20))
        #expect((held + [third]).allSatisfy { $0.bodies == [] })
        #expect(bench.driver.statistics.waiters == 0)
    }

    @Test func deletingTheQueueEndsTheWait() throws {
        let bench = try QueueBench()
        let url = try bench.create("q")
        let pending = try wait(bench, url)
        try bench.call("DeleteQueue", ["QueueUrl": .string(url)])
        guard case .failure(let error)? = pending.results.first else {
            Issue.record("the receive did not fail")
            return
        }
        #expect(error.kind == .queueDoesNotExist)
    }

    @Test func shuttingDownAnswersAndStopsTimers() throws {
        let bench = try QueueBench()
        let url = try bench.create("q")
        try bench.send("x", to: url, ["DelaySeconds": 100])
        let pending = try wait(bench, url)
        bench.driver.shutDown()
        #expect(pending.bodies == [])
        #expect(bench.clock.timerCount == 0)
        #expect(try wait(bench, url).bodies == [])
    }

    /// Random sends, receives, cancels and pauses: in the end every message was received once, and nobody waits in vain.
    @Test func losesNoWakeUp() throws {
        let seed = UInt64.random(in: .min ... .max)
        var generator = SeededGenerator(seed: seed)
        for round in 0..<30 {
            let bench = try QueueBench()
            let url = try bench.create("q", ["VisibilityTimeout": "43200"])
            var sent = 0
            var pending: [Pending] = []
            for _ in 0..<80 {
                switch Int.random(in: 0..<6, using: &generator) {
                case 0, 1:
                    sent += 1
                    let delay = Int.random(in: 0...2, using: &generator)
                    _ = try bench.start(
                        "SendMessage",
                        ["QueueUrl": .string(url), "MessageBody": .string("\(sent)"), "DelaySeconds": .integer(delay)],
                        drain: false
                    )
                case 2, 3:
                    let limit = JSONValue.integer(Int.random(in: 1...3, using: &generator))
                    pending.append(try wait(bench, url, seconds: 20, ["MaxNumberOfMessages": limit], drain: false))
                case 4: bench.turns.runOnce()
                default: bench.advance(.milliseconds(Int.random(in: 0...700, using: &generator)))
                }
            }
            bench.advance(.seconds(3))
            let received = pending.flatMap { $0.bodies ?? [] }
            let waiting = pending.count { $0.results.isEmpty }
            #expect(Set(received).count == received.count, "seed \(seed) round \(round)")
            #expect(waiting == 0 || received.count == sent, "seed \(seed) round \(round)")
            #expect(waiting == bench.driver.statistics.waiters, "seed \(seed) round \(round)")
            let rest = try bench.attributes(url)["ApproximateNumberOfMessages"]?.string.flatMap { Int($0) }
            #expect(rest == sent - received.count, "seed \(seed) round \(round)")
        }
    }
}
