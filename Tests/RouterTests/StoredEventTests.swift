import Router
import SansIO
import Testing

@Suite struct StoredEventTests {
    @Test func whatIsWrittenIsReadBack() throws {
        let event = StoredEvent(
            hops: ["arn:aws:events:us-east-1:111122223333:event-bus/one", ""],
            traceHeader: "Root=1-5759e988-bd862e3fe1be46a994272793",
            envelope: Array(#"{"a":1}"#.utf8)
        )
        #expect(StoredEvent(decoding: event.encoded) == event)
        let plain = StoredEvent(envelope: [])
        #expect(StoredEvent(decoding: plain.encoded) == plain)
    }

    @Test func damagedBytesAreRefusedNotTrusted() {
        let seed = UInt64.random(in: 0...(.max))
        print("seed \(seed)")
        var generator = SeededGenerator(seed: seed)
        let good = StoredEvent(hops: ["one", "two"], traceHeader: "t", envelope: Array("{}".utf8)).encoded
        for cut in 0..<(good.count - 2) { #expect(StoredEvent(decoding: Array(good.prefix(cut))) == nil) }
        for _ in 0..<2_000 {
            var bytes = good
            bytes[Int.random(in: 0..<bytes.count, using: &generator)] = UInt8.random(in: 0...255, using: &generator)
            if let event = StoredEvent(decoding: bytes) { #expect(event.encoded.count <= bytes.count + 8) }
        }
    }
}
