import SansIO
import Simulation
import Testing

@testable import EmbeddedStore

/// What ``StorePort`` promises of intake and retry queues, on every store.
@Suite("StoreConformanceTests")
struct StoreConformanceTests {
    @Test(arguments: StoreKind.allCases)
    func appendsAreRecoveredInOrderUntilResolved(kind: StoreKind) throws {
        let test = try StoreUnderTest(kind)
        #expect(try test.recover().records.isEmpty)
        let records = (0..<5).map { IntakeRecord.sample($0, targets: [1, 2, 3]) }
        let first = try test.append(Array(records[0..<3]))
        let second = try test.append(Array(records[3..<5]))
        let sequences = first + second
        #expect(sequences == sequences.sorted())
        #expect(Set(sequences).count == 5)
        #expect(!sequences.contains(0))
        test.store.resolve([DeliveryRef(event: sequences[0], target: 2)])
        test.store.resolve([1, 2, 3].map { DeliveryRef(event: sequences[1], target: $0) })
        #expect(test.store.statistics.unresolvedDeliveries == 11)
        try test.reopen()
        let recovered = try test.recover()
        #expect(recovered.reports.isEmpty)
        #expect(recovered.records.map(\.sequence) == [sequences[0], sequences[2], sequences[3], sequences[4]])
        #expect(recovered.records.map(\.targets) == [[1, 3], [1, 2, 3], [1, 2, 3], [1, 2, 3]])
        #expect(recovered.records.map(\.event) == [0, 2, 3, 4].map { records[$0].event })
        #expect(recovered.records.map(\.acceptedAt) == [0, 2, 3, 4].map { records[$0].acceptedAt })
    }

    @Test(arguments: StoreKind.allCases)
    func sequencesNeverRepeat(kind: StoreKind) throws {
        let test = try StoreUnderTest(kind)
        var seen: [UInt64] = []
        for _ in 0..<3 {
            seen.append(test.store.nextSequence())
            seen += try test.append([.sample(1, targets: [1]), .sample(2, targets: [1])])
            seen.append(test.store.nextSequence())
            try test.reopen()
        }
        #expect(seen == seen.sorted())
        #expect(Set(seen).count == seen.count)
    }

    @Test(arguments: StoreKind.allCases)
    func settlingReplacesDeliveriesAtomically(kind: StoreKind) throws {
        let test = try StoreUnderTest(kind)
        let old = try test.append([.sample(1, targets: [1, 2])])[0]
        let new = try test.append([.sample(2, targets: [9])], settling: [DeliveryRef(event: old, target: 1)])[0]
        #expect(try test.append([], settling: [DeliveryRef(event: new, target: 9)]).isEmpty)
        try test.reopen()
        let recovered = try test.recover().records
        #expect(recovered.map(\.sequence) == [old])
        #expect(recovered.map(\.targets) == [[2]])
    }

    @Test(arguments: StoreKind.allCases)
    func aDeliveryResolvedBeforeItsAppendCompletedStaysResolved(kind: StoreKind) throws {
        let test = try StoreUnderTest(kind)
        let marker = test.store.nextSequence()
        var sequences: [UInt64] = []
        test.store.append([.sample(1, targets: [5])], settling: []) { sequences += (try? $0.get()) ?? [] }
        test.store.resolve([DeliveryRef(event: marker + 1, target: 5)])
        test.shard.run { !sequences.isEmpty }
        #expect(sequences == [marker + 1])
        #expect(test.store.statistics.unresolvedDeliveries == 0)
    }

    @Test(arguments: StoreKind.allCases)
    func completionsComeLaterAndInOrder(kind: StoreKind) throws {
        let test = try StoreUnderTest(kind)
        var order: [Int] = []
        for number in 0..<50 {
            test.store.append([.sample(number, targets: [1])], settling: []) { _ in order.append(number) }
        }
        #expect(order.isEmpty)
        test.shard.run { order.count == 50 }
        #expect(order == Array(0..<50))
        var sends: [Int] = []
        for number in 0..<20 {
            let message = QueueMessage.sample(UInt64(number + 1))
            test.store.send(QueueSend(queue: 1, messages: [message], durable: number % 3 == 0)) { _ in
                sends.append(number)
            }
        }
        #expect(sends.isEmpty)
        test.shard.run { sends.count == 20 }
        #expect(sends == Array(0..<20))
    }

    @Test(arguments: StoreKind.allCases)
    func parkedDeliveriesLeaveIntake(kind: StoreKind) throws {
        let test = try StoreUnderTest(kind)
        let event = try test.append([.sample(1, targets: [7, 8])])[0]
        let parked = ParkedDelivery.sample(event, 7, due: 100)
        try test.park([parked])
        #expect(test.store.statistics.unresolvedDeliveries == 1)
        #expect(test.store.statistics.parkedDeliveries == 1)
        try test.reopen()
        #expect(try test.recover().records.map(\.targets) == [[8]])
        #expect(try test.due(7, now: 100) == [parked])
        #expect(try test.backlogs() == [.init(target: 7, size: [parked].size, nextDue: .at(100))])
    }

    @Test(arguments: StoreKind.allCases)
    func dueReadsTheEarliestFirstAndRemovesNothing(kind: StoreKind) throws {
        let test = try StoreUnderTest(kind)
        let rows: [(UInt64, Int64)] = [(5, 30), (1, 20), (4, 20), (2, 10), (3, 40)]
        let deliveries = rows.map { ParkedDelivery.sample($0.0, 7, due: $0.1) }
        try test.park(deliveries + [.sample(1, 6, due: 1), .sample(1, 8, due: 1)])
        #expect(try test.due(7, now: 9).isEmpty)
        #expect(try test.due(7, now: 30).map(\.ref.event) == [2, 1, 4, 5])
        #expect(try test.due(7, now: 30, limit: 2).map(\.ref.event) == [2, 1])
        #expect(try test.due(7, now: .max).map(\.ref.event) == [2, 1, 4, 5, 3])
        #expect(try test.due(7, now: 30, limit: 0).isEmpty)
        #expect(try test.due(99, now: 30).isEmpty)
        #expect(try test.nextDue(7) == .at(10))
        #expect(try test.nextDue(99) == nil)
        #expect(try test.backlogs().map(\.target) == [6, 7, 8])
        #expect(try test.backlogs().map(\.size.count) == [1, 5, 1])
    }

    @Test(arguments: StoreKind.allCases)
    func finishedDeliveriesAreGone(kind: StoreKind) throws {
        let test = try StoreUnderTest(kind)
        let deliveries = (1...4).map { ParkedDelivery.sample($0, 7, due: Int64($0)) }
        try test.park(deliveries)
        test.store.finish([deliveries[0].pointer, deliveries[2].pointer, deliveries[0].pointer])
        #expect(try test.due(7, now: 100).map(\.ref.event) == [2, 4])
        #expect(try test.nextDue(7) == .at(2))
        test.store.finish(deliveries.map(\.pointer))
        #expect(try test.nextDue(7) == nil)
        #expect(try test.backlogs().isEmpty)
        #expect(test.store.statistics.parkedDeliveries == 0)
        try test.park([.sample(9, 7, due: 1)])
        #expect(try test.due(7, now: 100).map(\.ref.event) == [9])
    }

    @Test(arguments: StoreKind.allCases)
    func rescheduledDeliveriesMove(kind: StoreKind) throws {
        let test = try StoreUnderTest(kind)
        let deliveries = (1...3).map { ParkedDelivery.sample($0, 7, due: Int64($0)) }
        try test.park(deliveries)
        let later = Reschedule(
            parked: deliveries[0].pointer,
            due: .at(50),
            attempts: 4,
            acceptedAt: deliveries[0].acceptedAt,
            state: [1, 2, 3]
        )
        let gone = Reschedule(
            parked: ParkedRef(ref: DeliveryRef(event: 77, target: 7), due: .at(1)),
            due: .at(2),
            attempts: 1,
            acceptedAt: .at(1),
            state: []
        )
        try test.reschedule([later, gone])
        #expect(try test.due(7, now: 49).map(\.ref.event) == [2, 3])
        var expected = deliveries[0]
        expected.due = .at(50)
        expected.attempts = 4
        expected.state = [1, 2, 3]
        #expect(try test.due(7, now: 50).last == expected)
        #expect(try test.backlogs().first?.size == deliveries.size)
        let earlier = Reschedule(
            parked: expected.pointer,
            due: .at(-5),
            attempts: 5,
            acceptedAt: .at(1),
            state: []
        )
        try test.reschedule([earlier])
        #expect(try test.nextDue(7) == .at(-5))
    }

    @Test(arguments: StoreKind.allCases)
    func oldestAndExpireGoByAcceptance(kind: StoreKind) throws {
        let test = try StoreUnderTest(kind)
        let deliveries = (1...600).map {
            ParkedDelivery.sample($0, 7, due: 10_000 - Int64($0), acceptedAt: Int64($0))
        }
        try test.park(deliveries)
        try test.park([.sample(1, 8, due: 5, acceptedAt: 1)])
        #expect(try test.oldest(7, before: 1).isEmpty)
        #expect(try test.oldest(7, before: 4).map(\.ref.event) == [1, 2, 3])
        #expect(try test.oldest(7, before: 400, limit: 2) == Array(deliveries[0..<2]))
        #expect(try test.oldest(7, after: 2, before: 400, limit: 2) == Array(deliveries[2..<4]))
        #expect(try test.oldest(7, after: 398, before: 400) == [deliveries[398]])
        #expect(try test.oldest(7, after: .max, before: 400).isEmpty)
        #expect(try test.oldest(7, before: 2) == [deliveries[0]], "a read further on has moved nothing")
        #expect(try test.expire(7, before: 501) == deliveries[..<500].size)
        #expect(try test.expire(7, before: 501) == .zero)
        #expect(try test.oldest(7, before: 503).map(\.ref.event) == [501, 502])
        #expect(try test.due(7, now: 20_000, limit: 1000).count == 100)
        #expect(try test.expire(7, before: 511) == deliveries[500..<510].size)
        #expect(try test.backlogs().map(\.size.count) == [90, 1])
        try test.park([.sample(3, 7, due: 1, acceptedAt: 3)])
        #expect(try test.oldest(7, before: 1000, limit: 1).map(\.ref.event) == [3])
    }

    @Test(arguments: StoreKind.allCases)
    func droppedTargetsAreGoneAndOthersStay(kind: StoreKind) throws {
        let test = try StoreUnderTest(kind)
        try test.park((1...20).map { .sample($0, 7, due: Int64($0)) } + [.sample(1, 6, due: 1), .sample(1, 8, due: 1)])
        #expect(try test.drop(7) == 20)
        #expect(try test.drop(7) == 0)
        #expect(try test.due(7, now: 100).isEmpty)
        #expect(try test.backlogs().map(\.target) == [6, 8])
        test.store.finish([ParkedRef(ref: DeliveryRef(event: 3, target: 7), due: .at(3))])
        try test.park([.sample(4, 7, due: 4)])
        try test.reopen()
        #expect(try test.due(7, now: 100).map(\.ref.event) == [4])
        #expect(try test.backlogs().map(\.size.count) == [1, 1, 1])
    }

    /// Rows that are only kept, never retried, are filed at the end of time.
    @Test(arguments: StoreKind.allCases)
    func deliveriesDueInTheDistantFutureStayUntilTheirTargetIsDropped(kind: StoreKind) throws {
        let test = try StoreUnderTest(kind)
        var deliveries = [3, 1, 2].map { ParkedDelivery.sample($0, 7, due: .max, acceptedAt: 1000) }
        try test.park(deliveries)
        deliveries.sort { $0.ref.event < $1.ref.event }
        for _ in 0..<2 {
            try test.reopen()
            #expect(try test.oldest(7, before: .max) == deliveries)
            #expect(try test.due(7, now: .max - 1).isEmpty)
            #expect(try test.nextDue(7) == .distantFuture)
            #expect(try test.backlogs() == [.init(target: 7, size: deliveries.size, nextDue: .distantFuture)])
        }
        // The walks so far have moved the hints of where the first rows are; an earlier row is found all the same.
        let sooner = ParkedDelivery.sample(4, 7, due: 5, acceptedAt: 1000)
        try test.park([sooner])
        #expect(try test.due(7, now: 5) == [sooner])
        test.store.finish([sooner.pointer])
        #expect(try test.drop(7) == 3)
        try test.reopen()
        #expect(try test.oldest(7, before: .max).isEmpty)
        #expect(try test.backlogs().isEmpty)
    }

    @Test(arguments: StoreKind.allCases)
    func configurationComparesAndSets(kind: StoreKind) throws {
        let test = try StoreUnderTest(kind)
        try test.configure([
            ConfigurationChange(key: "bus/b", value: [2], expectedRevision: 0),
            ConfigurationChange(key: "bus/a", value: [1], expectedRevision: 0),
            ConfigurationChange(key: "rule/a", value: [3]),
        ])
        #expect(try test.configuration("bus/").map(\.key) == ["bus/a", "bus/b"])
        #expect(try test.configuration("").count == 3)
        #expect(try test.configuration("bus/").map(\.revision) == [1, 1])
        let wrong = try errorCode {
            try test.configure([
                ConfigurationChange(key: "rule/a", value: nil),
                ConfigurationChange(key: "bus/a", value: [9], expectedRevision: 7),
            ])
        }
        #expect(wrong == .conflict)
        #expect(try test.configuration("").count == 3)
        try test.configure([
            ConfigurationChange(key: "bus/a", value: [9], expectedRevision: 1),
            ConfigurationChange(key: "rule/a", value: nil, expectedRevision: 1),
        ])
        try test.reopen()
        let expected = [
            ConfigurationEntry(key: "bus/a", value: [9], revision: 2),
            ConfigurationEntry(key: "bus/b", value: [2], revision: 1),
        ]
        #expect(try test.configuration("") == expected)
    }

    @Test(arguments: StoreKind.allCases)
    func operationsAfterCloseFail(kind: StoreKind) throws {
        let test = try StoreUnderTest(kind)
        var order: [String] = []
        test.store.append([.sample(1, targets: [1])], settling: []) { result in
            order.append((try? result.get()) != nil ? "appended" : "refused")
        }
        test.store.close { order.append("closed") }
        test.store.append([.sample(2, targets: [1])], settling: []) { result in
            if case .failure(let error) = result { order.append(error.code.rawValue) }
        }
        test.shard.run { order.count == 3 }
        #expect(order.first == "appended")
        #expect(order.dropFirst() == ["closed", "closed"])
        #expect(try errorCode { _ = try test.nextDue(1) } == .closed)
    }
}
