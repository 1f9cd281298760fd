import SansIO
import Testing

@testable import PeerProtocol

@Suite struct DuplicateWindowTests {
    private let start = Timestamp(milliseconds: 1_000_000)
    private let sender = DuplicateWindow.Sender(cell: "example.com/west", origin: 1)

    private func id(_ number: UInt64) -> DeliveryID { DeliveryID(event: number, target: 1) }

    @Test func anIdIsKnownForOneSpanAtLeastAndTwoAtMost() {
        let window = DuplicateWindow(now: start)
        window.insert(id(1), from: sender, on: "a", now: start)
        #expect(window.contains(id(1), from: sender, on: "a"))
        #expect(!window.needsRotation(now: start + .seconds(599)))
        #expect(window.needsRotation(now: start + .seconds(600)))
        window.rotate(now: start + .seconds(600))
        #expect(window.contains(id(1), from: sender, on: "a"))
        window.rotate(now: start + .seconds(1200))
        #expect(!window.contains(id(1), from: sender, on: "a"))
        #expect(window.count == 0)
        #expect(window.earlyRotations == 0)
    }

    @Test func busesSendersAndStoresAreKeptApart() {
        let window = DuplicateWindow(now: start)
        window.insert(id(1), from: sender, on: "a", now: start)
        #expect(!window.contains(id(1), from: sender, on: "b"))
        #expect(!window.contains(id(1), from: .init(cell: "example.com/east", origin: 1), on: "a"))
        #expect(!window.contains(id(1), from: .init(cell: "example.com/west", origin: 2), on: "a"))
        #expect(!window.contains(DeliveryID(event: 1, target: 2), from: sender, on: "a"))
    }

    @Test func aBusyBusForgetsEarlyAndLeavesOthersAlone() {
        var settings = DuplicateWindow.Settings()
        settings.bytes = 64 << 10
        let window = DuplicateWindow(settings, now: start)
        window.insert(id(1), from: sender, on: "quiet", now: start)
        for number in 1...1_000 { window.insert(id(UInt64(number) << 20), from: sender, on: "busy", now: start) }
        #expect(window.bytes <= 64 << 10)
        #expect(window.contains(id(1_000 << 20), from: sender, on: "busy"))
        #expect(window.contains(id(800 << 20), from: sender, on: "busy"), "what came last is known")
        #expect(!window.contains(id(1 << 20), from: sender, on: "busy"))
        #expect(window.contains(id(1), from: sender, on: "quiet"))
        #expect(window.earlyRotations > 0)
    }

    /// An authority makes as many cells as it likes, so its cells share what is its.
    @Test func manyCellsOfOneAuthorityPushNothingOutOfAnothers() {
        var settings = DuplicateWindow.Settings()
        settings.bytes = 256 << 10
        let window = DuplicateWindow(settings, now: start)
        for number in 1...300 { window.insert(id(UInt64(number) << 20), from: sender, on: "a", now: start) }
        for cell in 1...500 {
            let hostile = DuplicateWindow.Sender(cell: "rogue.example.com/c\(cell)", origin: UInt64(cell))
            for number in 1...20 { window.insert(id(UInt64(number) << 20), from: hostile, on: "a", now: start) }
        }
        #expect(window.bytes <= 256 << 10)
        #expect((1...300).allSatisfy { window.contains(id($0 << 20), from: sender, on: "a") })
    }

    /// Each of its shares is smaller than the other cell's only one.
    @Test func aCellThatSendsToManyBusesPushesNothingOutOfAnothersOfItsAuthority() {
        var settings = DuplicateWindow.Settings()
        settings.bytes = 1 << 20
        let window = DuplicateWindow(settings, now: start)
        for number in 1...400 { window.insert(id(UInt64(number) << 20), from: sender, on: "a", now: start) }
        let greedy = DuplicateWindow.Sender(cell: "example.com/east", origin: 1)
        for number in 1...400 {
            for bus in 1...20 { window.insert(id(UInt64(number) << 20), from: greedy, on: "bus\(bus)", now: start) }
        }
        #expect(window.earlyRotations > 0 && window.bytes <= 1 << 20)
        #expect((1...400).allSatisfy { window.contains(id($0 << 20), from: sender, on: "a") })
        let left = (1...20).map { bus in
            (1...400).count { window.contains(id($0 << 20), from: greedy, on: "bus\(bus)") }
        }
        #expect(left.allSatisfy { $0 > 100 }, "its own buses lose about the same: \(left)")
    }

    /// A sender may make up cells of its own authority, each with an id or two: what is forgotten then are thousands of shares.
    @Test(arguments: [1, 2, 8]) func makingRoomLooksAtEachShareOnce(megabytes: Int) {
        var settings = DuplicateWindow.Settings()
        settings.bytes = megabytes << 20
        let window = DuplicateWindow(settings, now: start)
        for number in 1...20 { window.insert(id(UInt64(number) << 20), from: sender, on: "a", now: start) }
        let cells = megabytes * 2_000
        for cell in 1...cells {
            let hostile = DuplicateWindow.Sender(cell: "rogue.example.com/c\(cell)", origin: 1)
            window.insert(id(1), from: hostile, on: "a", now: start)
        }
        #expect(window.bytes <= settings.bytes)
        #expect(window.earlyRotations >= 10)
        // A sixteenth is freed each time: so many shares are looked at for each that comes, whatever the memory.
        #expect(window.evictionLooks < 20 * cells, "\(window.evictionLooks) looks for \(cells) shares")
        #expect(window.contains(id(1), from: .init(cell: "rogue.example.com/c\(cells)", origin: 1), on: "a"))
        let first = DuplicateWindow.Sender(cell: "rogue.example.com/c1", origin: 1)
        #expect(!window.contains(id(1), from: first, on: "a"), "the first go first")
        #expect((1...20).allSatisfy { window.contains(id($0 << 20), from: sender, on: "a") })
    }

    @Test func aWindowThatForgotCountsWhatItHolds() {
        var settings = DuplicateWindow.Settings()
        settings.bytes = 128 << 10
        let window = DuplicateWindow(settings, now: start)
        var generator = SeededGenerator(seed: 7)
        var told: Set<[UInt64]> = []
        for _ in 0..<20_000 {
            let key = [.random(in: 0..<9, using: &generator), .random(in: 0..<4, using: &generator)] as [UInt64]
            let number = UInt64.random(in: 0..<5_000, using: &generator)
            window.insert(id(number << 12), from: place(key), on: "bus\(key[1])", now: start)
            told.insert(key + [number])
        }
        func known() -> Int { told.count { window.contains(id($0[2] << 12), from: place($0), on: "bus\($0[1])") } }
        #expect(window.earlyRotations > 10)
        #expect(window.count == known())
        window.rotate(now: start + .seconds(600))
        #expect(window.count == known() && window.bytes > 0)
        window.rotate(now: start + .seconds(1_200))
        #expect(window.count == 0 && window.bytes == 0)
    }

    private func place(_ key: [UInt64]) -> DuplicateWindow.Sender {
        DuplicateWindow.Sender(cell: "\(key[0] % 2).example.com/\(key[0])", origin: 1)
    }

    @Test func aBusyBusNeedsLittleForEventsThatAreNeighbours() {
        let window = DuplicateWindow(now: start)
        for number in 1...1_000_000 as ClosedRange<UInt64> {
            window.insert(id(number), from: sender, on: "a", now: start)
        }
        #expect(window.count == 1_000_000)
        #expect(window.bytes < 250_000, "\(window.bytes) bytes: a quarter of a byte for each, at most")
        for number in stride(from: 1, through: 1_000_000, by: 997) as StrideThrough<UInt64> {
            #expect(window.contains(id(number), from: sender, on: "a"))
        }
        #expect(
            !window.contains(id(0), from: sender, on: "a") && !window.contains(id(1_000_001), from: sender, on: "a")
        )
    }

    /// Against a plain set, with numbers that are neighbours, that are far apart, and that are extreme.
    @Test(arguments: [1, 2, 3] as [UInt64]) func aWindowKnowsExactlyWhatASetKnows(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        let window = DuplicateWindow(now: start)
        var known: Set<DeliveryID> = []
        for _ in 0..<20_000 {
            let event: UInt64 =
                switch UInt64.random(in: 0..<8, using: &generator) {
                case 0: .random(in: 0 ... .max, using: &generator)
                case 1: .max - .random(in: 0..<4_096, using: &generator)
                case 2: .random(in: 0..<10_000_000, using: &generator)
                default: .random(in: 0..<12_000, using: &generator)
                }
            let one = DeliveryID(event: event, target: .random(in: 0..<3, using: &generator))
            #expect(window.contains(one, from: sender, on: "a") == known.contains(one), "seed \(seed)")
            if Bool.random(using: &generator) {
                window.insert(one, from: sender, on: "a", now: start)
                known.insert(one)
            }
        }
        #expect(window.count == known.count, "seed \(seed)")
        window.rotate(now: start + .seconds(600))
        #expect(known.allSatisfy { window.contains($0, from: sender, on: "a") }, "seed \(seed)")
        window.rotate(now: start + .seconds(1_200))
        #expect(window.count == 0 && window.bytes == 0, "seed \(seed)")
    }

    @Test func aClockSetBackDoesNotKeepIdsForEver() {
        let window = DuplicateWindow(now: start + .seconds(86_400))
        window.insert(id(1), from: sender, on: "a", now: start)
        #expect(window.needsRotation(now: start + .seconds(600)))
    }

    private func ids(_ record: WindowRecord) -> Set<DeliveryID> {
        var found: Set<DeliveryID> = []
        record.visit { id, _, _ in found.insert(id) }
        return found
    }

    @Test func aRecordOfIdsIsReadAsItWasWritten() throws {
        var record = WindowRecord()
        for number in [1, 2, 63, 64, .max] as [UInt64] { record.add(id(number), from: sender, on: "a") }
        var other = WindowRecord()
        other.add(id(3), from: sender, on: "a")
        other.add(id(3), from: sender, on: "b")
        record.add(other)
        #expect(record.sections.count == 2, "a bus, sender and target are named once")
        #expect(ids(record) == Set([1, 2, 3, 63, 64, .max].map(id)))
        let read = try WindowRecord(decoding: record.encoded)
        #expect(read == record)
        for length in 1..<record.encoded.count {
            guard let cut = try? WindowRecord(decoding: Array(record.encoded[..<length])) else { continue }
            #expect(cut.wordCount < record.wordCount)
        }
    }

    @Test func aLargeRecordIsTakenApartByCells() {
        let east = DuplicateWindow.Sender(cell: "example.com/east", origin: 1)
        let south = DuplicateWindow.Sender(cell: "example.com/south", origin: 1)
        var record = WindowRecord()
        // Every id comes twice, in different records of the journal.
        for round in 0..<2 {
            for number in 0..<100 as Range<UInt64> {
                record.add(id(number << 6 + UInt64(round)), from: sender, on: "a")
                if number < 3 { record.add(id(number << 6), from: east, on: "a") }
            }
            record.add(id(9), from: south, on: "b")
        }
        // The bytes of a piece with 40 words of one section.
        let pieces = record.pieces(of: 1 + 41 + 40 * 16)
        #expect(pieces.map(\.wordCount) == [40, 40, 20, 4])
        #expect(pieces.map(\.cell) == [sender.cell, sender.cell, sender.cell, nil])
        #expect(pieces.reduce(into: Set()) { $0.formUnion(ids($1)) } == ids(record))
    }

    /// The target of an id is the sender's to choose, and each new one takes a section of its own.
    @Test func aPieceIsBoundedByItsBytesWhateverTheIdsAre() {
        let bus = "arn:aws:events:us-east-1:111122223333:event-bus/" + String(repeating: "b", count: 256)
        var record = WindowRecord()
        for number in 0..<3_000 as Range<UInt64> {
            record.add(DeliveryID(event: number << 6, target: number), from: sender, on: bus)
        }
        let pieces = record.pieces(of: 64 << 10)
        #expect(pieces.allSatisfy { $0.byteCount == $0.encoded.count && $0.byteCount <= 64 << 10 })
        #expect(pieces.count == 17, "1.1 MB: none is much smaller than it may be")
        #expect(pieces.reduce(into: Set()) { $0.formUnion(ids($1)) } == ids(record))
        #expect(record.pieces(of: 1).count == 3_000, "a word is not taken apart")
    }

    /// Something that is made of equal blocks.
    private final class Blocks: WindowOwner {
        let number: UInt64
        private let block: Int
        var bytes: Int

        init(number: UInt64, block: Int, count: Int) {
            self.number = number
            self.block = block
            bytes = block * count
        }

        func forget(bytes wanted: Int, _ eviction: inout WindowEviction) {
            bytes -= min(bytes, (wanted + block - 1) / block * block)
        }
    }

    /// Held against the plain way: all in order, and the height tried from above.
    @Test func thoseWithMostAreCutInOrder() {
        var generator = SeededGenerator(seed: 7)
        for round in 0..<300 {
            func below(_ limit: Int) -> Int { Int.random(in: 0..<limit, using: &generator) }
            let made = (0..<1 + below(30)).map { (number: UInt64($0), block: 1 + below(4), count: below(12)) }
            let wanted = 1 + below(150)
            func owners() -> [Blocks] { made.map { Blocks(number: $0.number, block: $0.block, count: $0.count) } }
            let plain = owners()
            var height = made.count == 1 ? 0 : 48
            while height > 0, plain.reduce(0, { $0 + max(0, $1.bytes - height) }) < wanted { height -= 1 }
            var rest = wanted
            var eviction = WindowEviction()
            for owner in plain.sorted(by: { ($1.bytes, $0.number) < ($0.bytes, $1.number) }) {
                guard rest > 0, owner.bytes > height else { break }
                let before = owner.bytes
                owner.forget(bytes: min(rest, before - height), &eviction)
                rest -= before - owner.bytes
            }
            let real = owners()
            let (freed, cut) = eviction.free(wanted, of: real.shuffled(using: &generator))
            #expect(real.map(\.bytes) == plain.map(\.bytes), "round \(round)")
            #expect(freed == wanted - rest, "round \(round)")
            #expect(cut.count == zip(made, real).count { $0.block * $0.count > $1.bytes }, "round \(round)")
        }
    }
}
