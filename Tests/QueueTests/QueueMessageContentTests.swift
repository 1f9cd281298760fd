import SansIO
import Testing

@testable import AWSAPI
@testable import Router

@Suite struct QueueMessageContentTests {
    private let full = QueueMessageContent(
        id: MessageID(high: 0x0123_4567_89AB_4DEF, low: 0x8123_4567_89AB_CDEF),
        home: "arn:aws:sqs:eu-west-1:111122223333:q",
        sender: "AIDA",
        traceHeader: "Root=1-5759e988-bd862e3fe1be46a994272793",
        groupID: "g",
        attributes: [
            MessageAttribute(name: "a", dataType: "String", value: .text(String(repeating: "x", count: 300))),
            MessageAttribute(name: "b", dataType: "Binary.png", value: .binary([0, 255])),
        ],
        body: Array("body".utf8)
    )

    @Test func readsBackWhatItWrote() {
        #expect(QueueMessageContent(encoded: full.encoded) == full)
        let plain = QueueMessageContent(id: full.id, home: "", sender: "", body: [])
        #expect(QueueMessageContent(encoded: plain.encoded) == plain)
    }

    @Test func refusesEveryCutAndOtherVersions() {
        let bytes = full.encoded
        for count in 0..<(bytes.count - full.body.count) {
            #expect(QueueMessageContent(encoded: Array(bytes[..<count])) == nil, "cut at \(count)")
        }
        var other = bytes
        other[0] = 2
        #expect(QueueMessageContent(encoded: other) == nil)
    }

    @Test func survivesRandomDamage() {
        let seed = UInt64.random(in: .min ... .max)
        var generator = SeededGenerator(seed: seed)
        for _ in 0..<2_000 {
            var bytes = full.encoded
            for _ in 0..<3 {
                bytes[Int.random(in: bytes.indices, using: &generator)] = UInt8.random(in: 0...255, using: &generator)
            }
            if let read = QueueMessageContent(encoded: bytes) {
                #expect(read.body.count <= bytes.count, "seed \(seed)")
            }
        }
    }

    @Test func idsAreUUIDs() {
        #expect(full.id.description == "01234567-89ab-4def-8123-456789abcdef")
        #expect(MessageID(full.id.description) == full.id)
        #expect(MessageID("01234567-89AB-4DEF-8123-456789ABCDEF") == full.id)
        #expect(MessageID("") == nil)
        #expect(MessageID("0123456789ab4def8123456789abcdef") == nil)
        #expect(MessageID("01234567-89ab-4def-8123-456789abcdefa") == nil)
        var generator = SeededGenerator(seed: 1)
        let drawn = MessageID(using: &generator).description
        #expect(Array(drawn.utf8)[14] == UInt8(ascii: "4"))
    }

    @Test func handlesTellGarbageApart() throws {
        let handle = QueueReceiptHandle(
            ReceivedQueueMessage(
                key: MessageKey(major: 1, minor: 2),
                queue: 3,
                sentAt: .zero,
                receiveCount: 4,
                firstReceivedAt: .zero,
                receivedAt: Timestamp(milliseconds: 5),
                deadLetterSource: nil,
                content: full
            )
        )
        #expect(QueueReceiptHandle(handle.text) == handle)
        #expect(QueueReceiptHandle("") == nil)
        #expect(QueueReceiptHandle("garbage") == nil)
        var text = Array(handle.text.utf8)
        text[20] = text[20] == UInt8(ascii: "A") ? UInt8(ascii: "B") : UInt8(ascii: "A")
        #expect(QueueReceiptHandle(String(decoding: text, as: UTF8.self)) == nil)
    }
}
