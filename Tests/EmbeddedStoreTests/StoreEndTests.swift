import Glibc
import SansIO
import Testing

@testable import EmbeddedStore

/// How a store ends: with its owner, in an orderly way, or not at all because it was refused.
@Suite("StoreEndTests")
struct StoreEndTests {
    /// A store with one event in its journal, and a beginning of something that the store has not heard the end of.
    private func expectEnd(_ comment: Comment, _ begin: (StoreUnderTest, UInt64) -> Void) throws {
        weak var dropped: EmbeddedStore?
        do {
            let test = try StoreUnderTest()
            let event = try test.append([.sample(1, targets: [1, 2])])[0]
            begin(test, event)
            dropped = test.embedded
        }
        #expect(dropped == nil, comment)
    }

    /// What is under way holds no store: its threads, its files and its lock would stay for the rest of the process.
    @Test func aStoreThatIsLetGoOfEndsWhateverIsUnderWay() throws {
        try expectEnd("an append") { test, _ in
            test.store.append([.sample(2, targets: [1])], settling: []) { _ in }
        }
        try expectEnd("parking") { test, event in test.store.park([.sample(event, 1, due: 5)]) { _ in } }
        try expectEnd("a send") { test, event in
            let settling = [DeliveryRef(event: event, target: 1)]
            let send = QueueSend(queue: 4, messages: [.sample(1)], settling: settling, durable: true)
            test.store.send(send) { _ in }
        }
        try expectEnd("a read") { test, _ in test.store.backlogTargets { _ in } }
        try expectEnd("recovery") { test, _ in test.store.recover(visit: { _ in }, completion: { _ in }) }
    }

    @Test func aStoreThatIsLetGoOfWhileDeliveriesMoveEnds() throws {
        weak var dropped: EmbeddedStore?
        do {
            let test = try StoreUnderTest()
            for opening in 1...11 {
                _ = try test.append([.sample(opening, targets: [1])])
                try test.reopen()
            }
            test.store.append([.sample(12, targets: [1])], settling: []) { _ in }
            // The turn that tells of the append has the oldest deliveries moved; the end of that is not awaited.
            test.shard.run { test.embedded?.isSpilling == true }
            dropped = test.embedded
        }
        #expect(dropped == nil)
    }

    /// What completes while the store closes may still tell of deliveries that are done.
    @Test func whatIsSaidToBeDoneWhileClosingIsDone() throws {
        let test = try StoreUnderTest()
        let events = try test.append([.sample(1, targets: [1]), .sample(2, targets: [2])])
        try test.park([.sample(events[1], 2, due: 5)])
        test.store.append([.sample(3, targets: [1])], settling: []) { [unowned test] result in
            let sequence = (try? result.get())?.first ?? 0
            test.store.resolve([DeliveryRef(event: events[0], target: 1), DeliveryRef(event: sequence, target: 1)])
            test.store.finish([ParkedRef(ref: DeliveryRef(event: events[1], target: 2), due: .at(5))])
        }
        try test.reopen()
        #expect(try test.recover().records.isEmpty)
        #expect(try test.backlogs().isEmpty)
    }

    @Test func aDirectoryNamedWithASlashAtItsEndIsKept() throws {
        let directory = TestDirectory()
        let kept = Monitor<[String]>([])
        var files = FileOperations.system
        files.synchroniseDirectory = { path in
            kept.withLock { $0.append(path) }
            return FileOperations.system.synchroniseDirectory(path)
        }
        for (given, path) in [("/new//", "/new"), ("/newer", "/newer")] {
            _ = try DataDirectory(directory.path + given, files: files)
            #expect(kept.withLock { $0.first } == directory.path)
            let again = try DataDirectory(directory.path + path, files: files)
            #expect(again.journal == "\(directory.path)\(path)/journal")
            kept.withLock { $0 = [] }
        }
    }

    /// Without the file that says which sequences were used, they would be given out again.
    @Test(arguments: ["sequence", "changes"], [-1, 0, 600, 1024])
    func aStoreWhoseSequencesAreGoneIsRefused(name: String, byteCount: Int) throws {
        let test = try StoreUnderTest()
        _ = try test.append([.sample(1, targets: [1])])
        let left = try test.directory.copy()
        if byteCount < 0 {
            unlink("\(left.path)/\(name)")
        } else {
            try TestFile.write("\(left.path)/\(name)", [UInt8](repeating: 0, count: byteCount))
        }
        // Twice: a refused start must not make the next one succeed.
        for _ in 0..<2 {
            do {
                _ = try StoreUnderTest(directory: left)
                Issue.record("a store opened without \(name)")
            } catch let error as StoreError {
                #expect(error.code == .corrupt)
                #expect(error.message.contains("\(left.path)/\(name) is missing or damaged"))
            }
        }
    }

    /// A first start that was cut short left rows and no journal, and nothing was accepted yet.
    @Test func aFirstStartThatWasCutShortIsRepeated() throws {
        let test = try StoreUnderTest()
        let left = try test.directory.copy()
        try TestFile.write(left.path + "/changes", [])
        let again = try StoreUnderTest(directory: left)
        #expect(try again.append([.sample(1, targets: [1])]).count == 1)
    }

    @Test func aSequenceFileThatCannotBeReadIsAnError() throws {
        let directory = TestDirectory()
        let path = directory.path + "/pipe"
        #expect(mkfifo(path, 0o600) == 0)
        do {
            _ = try SequenceFile(path: path, files: .system, isExpected: false)
            Issue.record("a pipe was read")
        } catch {
            #expect(error.message.contains("cannot read \(path)"))
        }
    }
}
