import SansIO
import Testing

@testable import Transport

@Suite struct MessageReaderTests {
    @Test func anySplitGivesTheSameMessages() throws {
        let seed = UInt64.random(in: 0...UInt64.max)
        print("seed \(seed)")
        var random = SeededGenerator(seed: seed)
        for _ in 0..<50 {
            let messages = (0..<10).map { _ in
                (0..<Int.random(in: 0...300, using: &random)).map { _ in UInt8.random(in: 0...255, using: &random) }
            }
            var wire = messages.flatMap(MessageReader.frame)[...]
            var reader = MessageReader(limit: 300)
            var read: [[UInt8]] = []
            while !wire.isEmpty {
                let piece = wire.prefix(Int.random(in: 1...200, using: &random))
                wire = wire.dropFirst(piece.count)
                reader.append(Array(piece))
                while let message = try reader.next() { read.append(message) }
            }
            #expect(read == messages, "seed \(seed)")
            #expect(!reader.isInsideMessage)
        }
    }

    @Test func aLengthBeyondTheLimitIsRefusedAtOnce() throws {
        var reader = MessageReader(limit: 10)
        reader.append([0, 0, 0, 11])
        #expect(throws: MessageReader.TooLong(length: 11)) { try reader.next() }
        var huge = MessageReader(limit: 10)
        huge.append([255, 255, 255, 255])
        #expect(throws: MessageReader.TooLong(length: 4_294_967_295)) { try huge.next() }
    }

    @Test func theLengthComesFirstHighestByteFirst() {
        #expect(MessageReader.frame([7, 8]) == [0, 0, 0, 2, 7, 8])
        #expect(MessageReader.frame([]) == [0, 0, 0, 0])
        let long = MessageReader.frame([UInt8](repeating: 0, count: 66_051))
        #expect(long.prefix(4) == [0, 1, 2, 3])
    }

    @Test func anUnfinishedMessageIsKnown() throws {
        var reader = MessageReader(limit: 10)
        reader.append([0, 0])
        #expect(try reader.next() == nil)
        #expect(reader.isInsideMessage)
        reader.append([0, 1, 9])
        #expect(try reader.next() == [9])
        #expect(!reader.isInsideMessage)
    }
}
