import Glibc
import SansIO
import Testing

@testable import EmbeddedStore

/// Damage to RocksDB's files is an error at start, never fewer rows.
@Suite("DatabaseDamageTests")
struct DatabaseDamageTests {
    /// A store with rows that are on disk in RocksDB's log only.
    private func filled(files: FileOperations = .system) throws -> StoreUnderTest {
        let test = try StoreUnderTest(files: files)
        for number in 1...20 {
            try test.send(QueueSend(queue: 4, messages: [.sample(UInt64(number))], durable: true))
            try test.configure([ConfigurationChange(key: "rule/\(number)", value: sampleBytes(number, 200))])
        }
        return test
    }

    private func file(_ directory: TestDirectory, _ matches: (String) -> Bool) throws -> String {
        let rocks = directory.path + "/rocksdb"
        let names = TestDirectory.entries(rocks).map(\.name).filter(matches)
        return rocks + "/" + (try #require(names.last))
    }

    private func log(_ directory: TestDirectory) throws -> String {
        try file(directory) { $0.hasSuffix(".log") }
    }

    private func expectCorrupt(_ directory: TestDirectory, _ comment: Comment) {
        // Twice: a refused start must not make the next one succeed.
        for _ in 0..<2 {
            do {
                _ = try StoreUnderTest(directory: directory)
                Issue.record(comment)
            } catch let error as StoreError {
                #expect(error.code == .corrupt, comment)
                #expect(error.message.contains(directory.path), comment)
            } catch {
                Issue.record(error, comment)
            }
        }
    }

    @Test func aChangedByteAnywhereInTheLogIsAnError() throws {
        let test = try filled()
        let bytes = try TestFile.read(try log(test.directory))
        for part in 0..<12 {
            let damaged = try test.directory.copy()
            var changed = bytes
            let place = part < 8 ? part : bytes.count * (part - 7) / 5
            changed[place] ^= 0x40
            try TestFile.write(try log(damaged), changed)
            expectCorrupt(damaged, "byte \(place) of \(bytes.count)")
        }
    }

    @Test func aLogThatIsCutShortOrGoneIsAnError() throws {
        let test = try filled()
        let bytes = try TestFile.read(try log(test.directory))
        let cut = try test.directory.copy()
        try TestFile.write(try log(cut), Array(bytes.prefix(bytes.count / 2)))
        expectCorrupt(cut, "half a log")
        let gone = try test.directory.copy()
        unlink(try log(gone))
        expectCorrupt(gone, "no log")
    }

    @Test func aDamagedIndexIsAnError() throws {
        let test = try filled()
        for share in [0, 2, 3] {
            let damaged = try test.directory.copy()
            let path = try file(damaged) { $0.hasPrefix("MANIFEST") }
            let bytes = try TestFile.read(path)
            try TestFile.write(path, Array(bytes.prefix(bytes.count * share / 4)))
            expectCorrupt(damaged, "\(share) quarters of MANIFEST")
        }
        let headless = try test.directory.copy()
        unlink(headless.path + "/rocksdb/CURRENT")
        expectCorrupt(headless, "no CURRENT")
    }

    @Test func aTornLastRecordIsWhatACrashLeaves() throws {
        let test = try filled()
        let torn = try test.directory.copy()
        let path = try log(torn)
        let bytes = try TestFile.read(path)
        // A record whose header announces more than was written.
        try TestFile.write(path, bytes + [1, 2, 3, 4, 0x00, 0x10, 1] + sampleBytes(1, 100))
        let again = try StoreUnderTest(directory: torn)
        #expect(try again.counts(4, now: 10).visible == 20)
        #expect(try again.configuration("rule/").count == 20)
        try again.reopen()
        let crashed = try again.crash()
        #expect(try crashed.configuration("rule/").count == 20)
    }

    @Test func tooLittleRoomToStartIsAnError() throws {
        let injector = FaultInjector()
        let test = try filled(files: injector.files)
        test.close()
        injector.set { $0.freeBytes = 1 << 20 }
        do {
            _ = try StoreUnderTest(directory: test.directory, files: injector.files)
            Issue.record("a store opened on a full disk")
        } catch let error as StoreError {
            #expect(error.code == .full)
            #expect(error.message.contains("free bytes to start; \(1 << 20) are free"))
        }
        injector.set { $0.freeBytes = 1 << 40 }
        let again = try StoreUnderTest(directory: test.directory, files: injector.files)
        #expect(try again.counts(4, now: 10).visible == 20)
    }
}
