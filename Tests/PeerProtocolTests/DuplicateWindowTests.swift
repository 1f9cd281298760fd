import PeerProtocol
import SansIO
import Testing

@Suite struct DuplicateWindowTests {
    private let start = Timestamp(milliseconds: 1_000_000)
    private let sender = DuplicateWindow.Sender(cell: "example.com/west", origin: 1)

    private func id(_ number: UInt64) -> DeliveryID { DeliveryID(event: number, target: 1) }

    @Test func anIdIsKnownForOneSpanAtLeastAndTwoAtMost() {
        var window = DuplicateWindow(now: start)
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
        var window = DuplicateWindow(now: start)
        window.insert(id(1), from: sender, on: "a", now: start)
        #expect(!window.contains(id(1), from: sender, on: "b"))
        #expect(!window.contains(id(1), from: .init(cell: "example.com/east", origin: 1), on: "a"))
        #expect(!window.contains(id(1), from: .init(cell: "example.com/west", origin: 2), on: "a"))
        #expect(!window.contains(DeliveryID(event: 1, target: 2), from: sender, on: "a"))
    }

    @Test func aBusyBusForgetsEarlyAndLeavesOthersAlone() {
        var settings = DuplicateWindow.Settings()
        settings.idsPerBus = 100
        var window = DuplicateWindow(settings, now: start)
        window.insert(id(1), from: sender, on: "quiet", now: start)
        for number in 1...1_000 { window.insert(id(UInt64(number)), from: sender, on: "busy", now: start) }
        #expect(window.count <= 101)
        #expect(window.contains(id(1_000), from: sender, on: "busy"))
        #expect(window.contains(id(951), from: sender, on: "busy"), "the last half is always known")
        #expect(!window.contains(id(1), from: sender, on: "busy"))
        #expect(window.contains(id(1), from: sender, on: "quiet"))
        #expect(window.earlyRotations == 20)
    }

    @Test func theWholeIsBoundedOverAllBuses() {
        var settings = DuplicateWindow.Settings()
        settings.ids = 100
        var window = DuplicateWindow(settings, now: start)
        for number in 1...1_000 {
            if window.needsRotation(now: start) { window.rotate(now: start) }
            window.insert(id(UInt64(number)), from: sender, on: "bus \(number % 7)", now: start)
        }
        #expect(window.count <= 100)
        #expect(window.contains(id(1_000), from: sender, on: "bus \(1_000 % 7)"))
    }

    @Test func aClockSetBackDoesNotKeepIdsForEver() {
        var window = DuplicateWindow(now: start + .seconds(86_400))
        window.insert(id(1), from: sender, on: "a", now: start)
        #expect(window.needsRotation(now: start + .seconds(600)))
    }

    @Test func aRecordOfIdsIsReadAsItWasWritten() throws {
        var record = WindowRecord()
        record.add([id(1), id(2)], from: sender, on: "a")
        var other = WindowRecord()
        other.add([id(3)], from: sender, on: "a")
        other.add([id(3)], from: sender, on: "b")
        record.add(other)
        #expect(record.count == 4)
        #expect(record.sections.count == 2, "a bus and sender are named once")
        let read = try WindowRecord(decoding: record.encoded)
        #expect(read.sections == record.sections)
        for length in 1..<record.encoded.count {
            guard let cut = try? WindowRecord(decoding: Array(record.encoded[..<length])) else { continue }
            #expect(cut.count < record.count)
        }
    }
}
