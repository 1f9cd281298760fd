import EventModel
import PeerProtocol
import Router
import SansIO
import Simulation
import Testing

/// DESIGN §2: a receiving bus drops repeats that it has seen within its window, through crashes of either side.
@Suite struct DuplicateTests {
    private let a = PeerScene.a
    private let b = PeerScene.b

    private func openScene(_ change: (inout PeerSettings) -> Void = { _ in }) -> PeerScene {
        let scene = PeerScene()
        change(&scene.peers)
        scene.addCell([a])
        scene.addCell([b])
        scene.collect(b, on: 1)
        scene.allow(a, on: b, of: 1)
        return scene
    }

    @Test func aRepeatIsKnownAndCounted() throws {
        let scene = openScene()
        let entry = try #require(scene.entry(1))
        #expect(scene.offer([entry, entry], to: 1, as: 0) == [.accepted, .duplicate], "also within a frame")
        #expect(scene.offer([entry], to: 1, as: 0) == [.duplicate])
        #expect(scene.numbers(b, on: 1) == ["1"])
        #expect(scene.book(b, on: 1).accepted == 1)
        #expect(scene.book(b, on: 1).duplicates == 2)
        #expect(scene.offer([entry], to: 1, as: 0, origin: 2) == [.accepted], "another store's ids are others")
    }

    @Test func aRepeatOfWhatIsOnItsWayToTheDiskWaitsForItsFate() throws {
        let scene = openScene()
        let frame = ForwardFrame.encode([try #require(scene.entry(1))], origin: 1)
        let identity = scene.machines[0].certificate.identity
        scene.machines[1].store.faults.isStalled = true
        var answers: [[PeerVerdict]] = []
        for _ in 0..<2 { scene.cell(1).receiver.handle(frame, from: identity) { answers.append($0.verdicts) } }
        scene.run(.seconds(1))
        #expect(answers.isEmpty, "nothing is accepted before it is durable")
        scene.machines[1].store.faults.isStalled = false
        scene.run(.seconds(1))
        #expect(answers == [[.accepted], [.duplicate]])
    }

    /// While the disk is slow, a sender could ask for the same delivery without end.
    @Test func repeatsThatWaitForTheDiskTakeTheSendersRoom() throws {
        let scene = openScene { $0.appendingBytesPerCell = 20 << 10 }
        let entry = try #require(scene.entry(1))
        let frame = ForwardFrame.encode([ForwardEntry](repeating: entry, count: 100), origin: 1)
        let identity = scene.machines[0].certificate.identity
        scene.machines[1].store.faults.isStalled = true
        var answers: [[PeerVerdict]] = []
        for _ in 0..<3 { scene.cell(1).receiver.handle(frame, from: identity) { answers.append($0.verdicts) } }
        #expect(answers.count == 2, "the first waits for the disk; the others hear at once")
        #expect(answers.joined().allSatisfy { $0 == .throttled(retryAfter: .milliseconds(250)) })
        scene.machines[1].store.faults.isStalled = false
        scene.run(.seconds(1))
        let first = try #require(answers.last)
        #expect(first.first == .accepted && first.contains(.duplicate))
        #expect(first.last == .throttled(retryAfter: .milliseconds(250)))
        #expect(scene.offer([entry], to: 1, as: 0) == [.duplicate], "the room is free again")
        #expect(scene.numbers(b, on: 1) == ["1"])
    }

    /// What is stored of an event is more than its envelope: the buses that it passed.
    @Test func aCellsShareOfTheDiskCountsAllThatIsStored() throws {
        let scene = openScene { $0.appendingBytesPerCell = 20 << 10 }
        let path = (0..<8).map { scene.bus(PeerScene.c, "b\($0)" + String(repeating: "x", count: 250)).arn }
        let entries = try (1...20 as ClosedRange<UInt64>).map { number in
            var entry = try #require(scene.entry(number))
            entry.hops = path + entry.hops
            return entry
        }
        let verdicts = scene.offer(entries, to: 1, as: 0)
        let accepted = verdicts.count { $0 == .accepted }
        #expect(accepted == 8, "2.6 KB each")
        #expect(verdicts.suffix(12).allSatisfy { $0 == .throttled(retryAfter: .milliseconds(250)) })
        #expect(scene.offer(Array(entries.suffix(8)), to: 1, as: 0).allSatisfy { $0 == .accepted })
    }

    /// Before and after the ids have left the journal, and whatever the disk had not synchronised.
    @Test(arguments: [10, 1_500, 5_000, 140_000, 290_000]) func aReceiversCrashForgetsNothing(
        milliseconds: Int
    ) throws {
        let scene = openScene { $0.window.span = .seconds(300) }
        let entries = try (1...40).map { try #require(scene.entry(UInt64($0))) }
        for start in stride(from: 0, to: 40, by: 10) {
            let verdicts = scene.offer(Array(entries[start..<(start + 10)]), to: 1, as: 0)
            #expect(verdicts == [PeerVerdict](repeating: .accepted, count: 10))
        }
        scene.run(.milliseconds(milliseconds))
        for _ in 0..<2 {
            scene.crash(1)
            scene.restart(1)
            #expect(scene.offer(entries, to: 1, as: 0) == [PeerVerdict](repeating: .duplicate, count: 40))
        }
        #expect(Set(scene.numbers(b, on: 1)).count == 40)
    }

    @Test func whatIsOlderThanTheWindowIsForgottenInMemoryAndOnDisk() throws {
        let scene = openScene { $0.window.span = .seconds(60) }
        for round in 0..<20 {
            let entry = try #require(scene.entry(UInt64(round + 1)))
            #expect(scene.offer([entry], to: 1, as: 0) == [.accepted])
            scene.run(.seconds(61))
        }
        let store = scene.machines[1].store.statistics
        #expect(store.unresolvedDeliveries == 0)
        #expect(store.parkedDeliveries <= 2, "rows past their time are pruned: \(store.parkedDeliveries) rows")
        #expect(store.parkedDeliveries == scene.cell(1).router.windowRows)
        #expect(scene.offer([try #require(scene.entry(1))], to: 1, as: 0) == [.accepted])
    }

    /// Ids that are no neighbours make many rows; these have a limit, also when the process starts anew.
    @Test func theDiskKeepsNoMoreRowsThanItIsToldAndTheYoungest() throws {
        let scene = openScene { $0.window.rows = 5 }
        func entry(_ number: UInt64) throws -> ForwardEntry {
            var entry = try #require(scene.entry(number))
            entry.id.event = number << 20
            return entry
        }
        for batch in 0..<40 {
            let entries = try (1...50).map { try entry(UInt64(batch * 50 + $0)) }
            _ = scene.offer(entries, to: 1, as: 0)
            scene.run(.seconds(3))
        }
        let router = scene.cell(1).router
        #expect(scene.machines[1].store.statistics.parkedDeliveries == 5)
        #expect(router.windowRows == 5)
        #expect(scene.offer([try entry(1)], to: 1, as: 0) == [.duplicate], "the memory has room for all")
        #expect(router.statistics.peers.windowRowsShortened == 35)
        scene.crash(1)
        scene.restart(1)
        #expect(scene.offer([try entry(2_000), try entry(1_751)], to: 1, as: 0) == [.duplicate, .duplicate])
        #expect(scene.offer([try entry(1_700)], to: 1, as: 0) == [.accepted], "what the disk could not keep")
    }

    /// The target of an id is what a sender writes, and each takes room of its own in a row.
    @Test func rowsOfIdsAreSmallAndAppendedSomeAtATime() throws {
        let scene = openScene()
        let store = scene.machines[1].store
        var largest = (record: 0, append: 0)
        store.onDurable = { records, _ in
            let sizes = records.map(\.event.count)
            largest = (max(largest.record, sizes.max() ?? 0), max(largest.append, sizes.reduce(0, +)))
        }
        let frames = try (0..<28).map { frame in
            try (0..<250).map { number in
                var entry = try #require(scene.entry(UInt64(frame * 250 + number + 1)))
                entry.id.target = entry.id.event
                return entry
            }
        }
        let identity = scene.machines[0].certificate.identity
        for frame in frames {
            scene.cell(1).receiver.handle(ForwardFrame.encode(frame, origin: 1), from: identity) { _ in }
        }
        scene.run(.seconds(10))
        #expect(store.statistics.parkedDeliveries >= 10, "700 KB of ids")
        #expect(store.statistics.parkedDeliveries == scene.cell(1).router.windowRows)
        #expect(largest.record <= 64 << 10)
        #expect(largest.append <= 600 << 10, "an append of any size would not fit a journal segment")
        scene.crash(1)
        scene.restart(1)
        for frame in [frames[0], frames[27]] {
            #expect(scene.offer(frame, to: 1, as: 0) == [PeerVerdict](repeating: .duplicate, count: 250))
        }
    }

    /// More rows than are read at a time.
    @Test func aStartReadsManyRowsInPieces() throws {
        let scene = openScene { $0.window.span = .seconds(3_000) }
        let entries = try (1...300).map { try #require(scene.entry(UInt64($0))) }
        for entry in entries {
            _ = scene.offer([entry], to: 1, as: 0)
            scene.run(.seconds(3))
        }
        #expect(scene.machines[1].store.statistics.parkedDeliveries >= 299)
        scene.crash(1)
        scene.restart(1)
        let verdicts = stride(from: 0, to: 300, by: 100).flatMap {
            scene.offer(Array(entries[$0..<($0 + 100)]), to: 1, as: 0)
        }
        #expect(verdicts == [PeerVerdict](repeating: .duplicate, count: 300))
    }

    /// Ids are the sender's choice, so another cell may try to fill the window with them.
    @Test func aSenderPushesNothingOutThatAnotherSent() throws {
        let scene = openScene {
            $0.window.bytes = 64 << 10
            $0.window.rows = 8
        }
        scene.addCell([PeerScene.c])
        scene.allowEveryone(on: b, of: 1)
        let quiet = try (1...20).map { try #require(scene.entry(UInt64($0))) }
        #expect(scene.offer(quiet, to: 1, as: 0) == [PeerVerdict](repeating: .accepted, count: 20))
        scene.run(.seconds(3))
        for round in 0..<40 {
            let entries = try (1...50).map { number in
                var entry = try #require(scene.entry(UInt64(number), from: PeerScene.c))
                entry.id = DeliveryID(event: UInt64(round * 50 + number) << 20, target: UInt64(number))
                return entry
            }
            #expect(scene.offer(entries, to: 1, as: 2) == [PeerVerdict](repeating: .accepted, count: 50))
            scene.run(.seconds(3))
        }
        let figures = scene.cell(1).router.statistics.peers
        #expect(figures.windowShortened > 0 && figures.windowBytes <= 64 << 10)
        #expect(scene.offer(quiet, to: 1, as: 0) == [PeerVerdict](repeating: .duplicate, count: 20))
        scene.crash(1)
        scene.restart(1)
        #expect(scene.offer(quiet, to: 1, as: 0) == [PeerVerdict](repeating: .duplicate, count: 20))
    }

    /// The id and the origin are what a sender writes; the cell is what its certificate proves.
    @Test func anotherCellsIdsAreNotTakenForRepeats() throws {
        let scene = openScene()
        scene.addCell([PeerScene.c])
        scene.allowEveryone(on: b, of: 1)
        let entry = try #require(scene.entry(7))
        var forged = try #require(scene.entry(8, from: PeerScene.c))
        forged.id = entry.id
        #expect(scene.offer([forged], to: 1, as: 2) == [.accepted], "before the victim's event comes")
        #expect(scene.offer([entry], to: 1, as: 0) == [.accepted])
        scene.crash(1)
        scene.restart(1)
        #expect(scene.offer([entry], to: 1, as: 0) == [.duplicate])
        #expect(Set(scene.numbers(b, on: 1)) == ["7", "8"])
    }

    @Test func aRefusedEventIsNotRemembered() throws {
        let scene = openScene()
        let entry = try #require(scene.entry(1))
        scene.machines[1].store.faults.isFull = true
        guard case .throttled? = scene.offer([entry], to: 1, as: 0).first else {
            return #expect(Bool(false), "a full disk throttles")
        }
        scene.machines[1].store.faults = MemoryStoreFaults()
        scene.machines[1].store.faults.isFailing = true
        guard case .failed? = scene.offer([entry], to: 1, as: 0).first else {
            return #expect(Bool(false), "a failing disk fails")
        }
        scene.machines[1].store.faults = MemoryStoreFaults()
        #expect(scene.offer([entry], to: 1, as: 0) == [.accepted])
    }

    @Test func theSendersCrashRepeatsNothingThatArrived() {
        let scene = PeerScene()
        scene.addCell([a])
        scene.addCell([b])
        scene.forward(a, on: 0, to: b)
        scene.collect(b, on: 1)
        scene.allow(a, on: b, of: 1)
        for number in 0..<100 { scene.put("\(number)", by: a, on: 0) }
        scene.run(.milliseconds(30))
        scene.crash(0)
        scene.restart(0)
        scene.run(.seconds(30))
        let numbers = scene.numbers(b, on: 1)
        #expect(Set(numbers).count == numbers.count, "each event once")
        #expect(scene.book(b, on: 1).duplicates > 0, "the sender could not know")
        #expect(scene.book(a, on: 0).waiting == 0)
    }
}
