import SansIO
import Simulation
import Testing

@testable import EmbeddedStore

/// What ``StorePort`` promises of queues, on every store.
@Suite("QueueConformanceTests")
struct QueueConformanceTests {
    private func key(_ major: UInt64) -> MessageKey { MessageKey(major: major, minor: 0) }

    @Test(arguments: StoreKind.allCases)
    func receivedMessagesAreHiddenUntilTheirTime(kind: StoreKind) throws {
        let test = try StoreUnderTest(kind)
        let messages = [QueueMessage.sample(2, visibleAt: 5), .sample(1, visibleAt: 5), .sample(3, visibleAt: 50)]
        try test.send(QueueSend(queue: 4, messages: messages, durable: true))
        let first = try test.receive(4, now: 10, hiddenUntil: 40)
        #expect(first.messages.map(\.key.major) == [1, 2])
        #expect(first.messages.map(\.receiveCount) == [1, 1])
        #expect(first.messages.map(\.content) == [messages[1].content, messages[0].content])
        #expect(first.nextVisibleAt == .at(40))
        let none = try test.receive(4, now: 20, hiddenUntil: 60)
        #expect(none.messages.isEmpty)
        #expect(none.nextVisibleAt == .at(40))
        #expect(try test.counts(4, now: 20) == QueueCounts(visible: 0, inFlight: 2, delayed: 1))
        #expect(try test.counts(4, now: 40) == QueueCounts(visible: 2, inFlight: 0, delayed: 1))
        let again = try test.receive(4, now: 45, limit: 1, hiddenUntil: 100)
        #expect(again.messages.map(\.key.major) == [1])
        #expect(again.messages.map(\.receiveCount) == [2])
        #expect(again.messages.map(\.firstReceivedAt) == [.at(10)])
        #expect(again.nextVisibleAt == nil)
        try test.reopen()
        #expect(try test.counts(4, now: 50) == QueueCounts(visible: 2, inFlight: 1, delayed: 0))
        #expect(try test.receive(4, now: 50, hiddenUntil: 200).messages.map(\.key.major) == [2, 3])
        #expect(try test.receive(99, now: 50, hiddenUntil: 200) == QueueReceipt(messages: []))
    }

    @Test(arguments: StoreKind.allCases)
    func deletedMessagesAreGoneForGood(kind: StoreKind) throws {
        let test = try StoreUnderTest(kind)
        try test.send(QueueSend(queue: 4, messages: [.sample(1), .sample(2)], durable: true))
        #expect(try test.delete(4, [key(1), key(7), key(1)]) == [true, false, false])
        try test.reopen()
        #expect(try test.receive(4, now: 10, hiddenUntil: 20).messages.map(\.key.major) == [2])
        #expect(try test.delete(4, [key(2)]) == [true])
        #expect(try test.counts(4, now: 10) == QueueCounts(visible: 0, inFlight: 0, delayed: 0))
    }

    @Test(arguments: StoreKind.allCases)
    func repeatedMessagesAreLeftAlone(kind: StoreKind) throws {
        let test = try StoreUnderTest(kind)
        try test.send(QueueSend(queue: 4, messages: [.sample(1)], durable: true))
        _ = try test.receive(4, now: 10, hiddenUntil: 100)
        var repeated = QueueMessage.sample(1, visibleAt: 3)
        repeated.content = [9]
        try test.send(QueueSend(queue: 4, messages: [repeated], mayRepeat: true, durable: false))
        #expect(try test.counts(4, now: 10) == QueueCounts(visible: 0, inFlight: 1, delayed: 0))
        let later = try test.receive(4, now: 100, hiddenUntil: 200)
        #expect(later.messages.map(\.content) == [QueueMessage.sample(1).content])
        #expect(later.messages.map(\.receiveCount) == [2])
        try test.send(QueueSend(queue: 4, messages: [repeated], durable: false))
        let overwritten = try test.receive(4, now: 100, hiddenUntil: 300)
        #expect(overwritten.messages.map(\.content) == [[9]])
        #expect(overwritten.messages.map(\.receiveCount) == [1])
        #expect(try test.counts(4, now: 100) == QueueCounts(visible: 0, inFlight: 1, delayed: 0))
    }

    @Test(arguments: StoreKind.allCases)
    func aKeyBelowTheHighestIsKnownAgainAfterAReopening(kind: StoreKind) throws {
        let test = try StoreUnderTest(kind)
        try test.send(QueueSend(queue: 4, messages: [.sample(9), .sample(3)], durable: true))
        try test.send(QueueSend(queue: 5, messages: [.sample(70)], durable: true))
        try test.reopen()
        var changed = [QueueMessage.sample(3), .sample(9), .sample(5), .sample(12), .sample(11)]
        for index in changed.indices { changed[index].content = [UInt8(index)] }
        try test.send(QueueSend(queue: 4, messages: changed, durable: true))
        #expect(try test.counts(4, now: 10).visible == 5)
        let received = try test.receive(4, now: 10, hiddenUntil: 20)
        #expect(received.messages.map(\.key.major) == [3, 5, 9, 11, 12])
        #expect(received.messages.map(\.content) == [[0], [2], [1], [4], [3]])
        #expect(try test.delete(4, received.messages.map(\.key)) == [true, true, true, true, true])
        try test.send(QueueSend(queue: 4, messages: [.sample(12)], durable: true))
        #expect(try test.counts(4, now: 10) == QueueCounts(visible: 1, inFlight: 0, delayed: 0))
    }

    @Test(arguments: StoreKind.allCases)
    func sendingSettlesAndFinishes(kind: StoreKind) throws {
        let test = try StoreUnderTest(kind)
        let event = try test.append([.sample(1, targets: [7, 8])])[0]
        let parked = ParkedDelivery.sample(event, 8, due: 10)
        try test.park([parked])
        let ref = DeliveryRef(event: event, target: 7)
        let message = QueueMessage(key: MessageKey(ref), sentAt: .at(1), visibleAt: .at(1), content: [1])
        try test.send(
            QueueSend(queue: 4, messages: [message], settling: [ref], finishing: [parked.pointer], durable: false)
        )
        #expect(test.store.statistics.unresolvedDeliveries == 0)
        #expect(try test.backlogs().isEmpty)
        try test.reopen()
        #expect(try test.recover().records.isEmpty)
        #expect(try test.backlogs().isEmpty)
        #expect(try test.receive(4, now: 1, hiddenUntil: 2).messages.map(\.key) == [MessageKey(ref)])
    }

    @Test(arguments: StoreKind.allCases)
    func messagesReceivedTooOftenMove(kind: StoreKind) throws {
        let test = try StoreUnderTest(kind)
        try test.send(QueueSend(queue: 4, messages: [.sample(1), .sample(2, visibleAt: 2)], durable: true))
        let rule = QueueRedrive(maxReceiveCount: 2, deadLetterQueue: 5)
        _ = try test.receive(4, now: 1, hiddenUntil: 2, redrive: rule)
        _ = try test.receive(4, now: 2, limit: 1, hiddenUntil: 3, redrive: rule)
        let last = try test.receive(4, now: 3, hiddenUntil: 9, redrive: rule)
        #expect(last.redriven == 1)
        #expect(last.messages.map(\.key.major) == [2])
        let moved = try test.receive(5, now: 3, hiddenUntil: 9)
        #expect(moved.messages.map(\.key.major) == [1])
        #expect(moved.messages.map(\.receiveCount) == [3])
        #expect(moved.messages.map(\.firstReceivedAt) == [.at(3)])
        #expect(moved.messages.map(\.sentAt) == [.at(1)])
        let same = QueueRedrive(maxReceiveCount: 1, deadLetterQueue: 5)
        #expect(try test.receive(5, now: 9, hiddenUntil: 20, redrive: same).messages.count == 1)
    }

    @Test(arguments: StoreKind.allCases)
    func visibilityChangesOnlyInFlight(kind: StoreKind) throws {
        let test = try StoreUnderTest(kind)
        try test.send(QueueSend(queue: 4, messages: [.sample(1), .sample(2, visibleAt: 90)], durable: true))
        #expect(try test.changeVisibility(4, key(1), now: 5, visibleAt: 50) == false)
        #expect(try test.changeVisibility(4, key(2), now: 5, visibleAt: 50) == false)
        #expect(try test.changeVisibility(4, key(3), now: 5, visibleAt: 50) == false)
        _ = try test.receive(4, now: 5, hiddenUntil: 20)
        #expect(try test.changeVisibility(4, key(1), now: 6, visibleAt: 6) == true)
        #expect(try test.receive(4, now: 6, hiddenUntil: 30).messages.map(\.key.major) == [1])
        #expect(try test.changeVisibility(4, key(1), now: 29, visibleAt: 60) == true)
        #expect(try test.receive(4, now: 59, hiddenUntil: 70).messages.isEmpty)
        #expect(try test.changeVisibility(4, key(1), now: 60, visibleAt: 80) == false)
    }

    @Test(arguments: StoreKind.allCases)
    func purgedQueuesAreEmptyAndOthersStay(kind: StoreKind) throws {
        let test = try StoreUnderTest(kind)
        for queue: UInt64 in 3...5 {
            try test.send(QueueSend(queue: queue, messages: (1...5).map { .sample($0) }, durable: true))
        }
        try test.purge(4)
        try test.send(QueueSend(queue: 4, messages: [.sample(3)], mayRepeat: true, durable: true))
        try test.reopen()
        #expect(try test.receive(4, now: 9, hiddenUntil: 10).messages.map(\.key.major) == [3])
        #expect(try test.counts(3, now: 9).visible == 5)
        #expect(try test.counts(5, now: 9).visible == 5)
    }

    @Test(arguments: StoreKind.allCases)
    func oldMessagesExpire(kind: StoreKind) throws {
        let test = try StoreUnderTest(kind)
        let messages = (1...30).map { QueueMessage.sample($0, sentAt: Int64(31 - $0)) }
        try test.send(QueueSend(queue: 4, messages: messages, durable: true))
        #expect(try test.expireMessages(4, before: 1) == 0)
        #expect(try test.expireMessages(4, before: 11) == 10)
        #expect(try test.expireMessages(4, before: 11) == 0)
        #expect(try test.counts(4, now: 9).visible == 20)
        try test.send(QueueSend(queue: 4, messages: [.sample(40, sentAt: 2)], durable: true))
        #expect(try test.expireMessages(4, before: 12) == 2)
        #expect(try test.receive(4, now: 9, limit: 1, hiddenUntil: 10).messages.map(\.key.major) == [1])
    }

    @Test(arguments: StoreKind.allCases)
    func messagesThatComeInOrderAndOthersAreOneQueue(kind: StoreKind) throws {
        let test = try StoreUnderTest(kind)
        func send(_ messages: [QueueMessage], mayRepeat: Bool = false) throws {
            try test.send(QueueSend(queue: 4, messages: messages, mayRepeat: mayRepeat, durable: false))
        }
        try send([.sample(5, sentAt: 5, visibleAt: 5), .sample(7, sentAt: 6, visibleAt: 6)])
        // Behind its turn, delayed, and sent before the last.
        try send([
            .sample(6, sentAt: 7, visibleAt: 7), .sample(8, sentAt: 7, visibleAt: 9),
            .sample(9, sentAt: 4, visibleAt: 4),
        ])
        try send([.sample(12, sentAt: 8, visibleAt: 8), .sample(12, sentAt: 9, visibleAt: 9)], mayRepeat: true)
        #expect(try test.counts(4, now: 7) == QueueCounts(visible: 4, inFlight: 0, delayed: 2))
        #expect(try test.receive(4, now: 8, limit: 3, hiddenUntil: 20).messages.map(\.key.major) == [9, 5, 7])
        try test.reopen()
        #expect(try test.delete(4, [key(7), key(12)]) == [true, true])
        try send([.sample(12, sentAt: 9, visibleAt: 9), .sample(13, sentAt: 9, visibleAt: 9)])
        #expect(try test.receive(4, now: 20, hiddenUntil: 30).messages.map(\.key.major) == [6, 8, 12, 13, 5, 9])
        #expect(try test.expireMessages(4, before: 9) == 4)
        #expect(try test.receive(4, now: 30, hiddenUntil: 40).messages.map(\.receiveCount) == [2, 2])
        #expect(try test.expireMessages(4, before: 10) == 2)
        #expect(try test.counts(4, now: 100) == QueueCounts(visible: 0, inFlight: 0, delayed: 0))
    }
}
