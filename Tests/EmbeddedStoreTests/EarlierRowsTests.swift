import CRocksDB
import Glibc
import SansIO
import Testing

@testable import EmbeddedStore

/// Directories of the releases that gave every message of a queue four rows, and knew no line.
@Suite("EarlierRowsTests")
struct EarlierRowsTests {
    /// A message as those releases wrote it.
    private struct Earlier {
        var major: UInt64
        var sentAt: Int64
        var visibleAt: Int64
        var receiveCount: UInt32 = 0
        var firstReceivedAt: Int64?

        var content: [UInt8] { sampleBytes(Int(major), 25) }

        var row: [UInt8] {
            Self.bytes(visibleAt) + Self.bytes(receiveCount) + [firstReceivedAt == nil ? 0 : 1]
                + Self.bytes(firstReceivedAt ?? 0) + Self.bytes(sentAt)
        }

        static func bytes(_ number: some FixedWidthInteger) -> [UInt8] {
            withUnsafeBytes(of: number.littleEndian) { Array($0) }
        }
    }

    private static let messages = [
        Earlier(major: 3, sentAt: 1, visibleAt: 1),
        Earlier(major: 5, sentAt: 2, visibleAt: 40, receiveCount: 1, firstReceivedAt: 8),
        Earlier(major: 6, sentAt: 2, visibleAt: 90),
        Earlier(major: 9, sentAt: 4, visibleAt: 4),
    ]

    /// A directory with the messages in queue 4, without the families that earlier releases did not have.
    private func directory(without missing: Set<String> = RowFamily.added) throws -> TestDirectory {
        let test = try StoreUnderTest()
        try test.configure([ConfigurationChange(key: "rule/1", value: [1])])
        test.close()
        let path = test.directory.path + "/rocksdb"
        do {
            let database = try RocksDatabase.open(
                path: path,
                memtableBytes: 1 << 20,
                cacheBytes: 1 << 20,
                mayCreate: false
            )
            let batch = database.makeBatch()
            for message in Self.messages {
                let visible = Timestamp.at(message.visibleAt).ordered
                let flag: [UInt8] = [message.firstReceivedAt == nil ? 0 : 1]
                batch.put(.visible, RowKey(4, visible, message.major, 0), flag)
                batch.put(.age, RowKey(4, Timestamp.at(message.sentAt).ordered, message.major, 0), [])
                batch.put(.message, RowKey(4, message.major, 0), message.row)
                batch.put(.content, RowKey(4, message.major, 0), message.content)
            }
            batch.put(.count, RowKey(2, 4), Earlier.bytes(UInt64(Self.messages.count)))
            try database.write(batch)
            try database.synchronise()
        }
        try drop(missing, path)
        return test.directory
    }

    private func drop(_ missing: Set<String>, _ path: String) throws {
        let options = rocksdb_options_create()
        defer { rocksdb_options_destroy(options) }
        let names = RowFamily.allCases.map { strdup($0.name) }
        defer { for name in names { free(name) } }
        var pointers = names.map { name in name.map { UnsafePointer($0) } }
        var each = [OpaquePointer?](repeating: options, count: names.count)
        var handles = [OpaquePointer?](repeating: nil, count: names.count)
        var message: UnsafeMutablePointer<CChar>?
        let opened = rocksdb_open_column_families(
            options,
            path,
            Int32(names.count),
            &pointers,
            &each,
            &handles,
            &message
        )
        let database = try #require(opened)
        for (family, handle) in zip(RowFamily.allCases, handles) {
            if missing.contains(family.name) { rocksdb_drop_column_family(database, handle, &message) }
            rocksdb_column_family_handle_destroy(handle)
        }
        rocksdb_close(database)
        #expect(message == nil)
    }

    private func key(_ major: UInt64) -> MessageKey { MessageKey(major: major, minor: 0) }

    @Test func messagesOfAnEarlierReleaseAreReceivedAmongNewOnes() throws {
        let test = try StoreUnderTest(directory: try directory())
        #expect(try test.configuration("").count == 1)
        #expect(try test.counts(4, now: 10) == QueueCounts(visible: 2, inFlight: 1, delayed: 1))
        try test.send(QueueSend(queue: 4, messages: [.sample(10, sentAt: 3, visibleAt: 3)], durable: true))
        try test.send(QueueSend(queue: 4, messages: [.sample(12, sentAt: 50, visibleAt: 50)], durable: true))
        let first = try test.receive(4, now: 10, limit: 2, hiddenUntil: 60)
        #expect(first.messages.map(\.key.major) == [3, 10])
        #expect(first.messages.map(\.content) == [3, 10].map { sampleBytes($0, 25) })
        try test.reopen()
        let second = try test.receive(4, now: 50, hiddenUntil: 60)
        #expect(second.messages.map(\.key.major) == [9, 5, 12])
        #expect(second.messages.map(\.receiveCount) == [1, 2, 1])
        #expect(second.messages.map(\.firstReceivedAt) == [.at(50), .at(8), .at(50)])
        #expect(try test.counts(4, now: 50) == QueueCounts(visible: 0, inFlight: 5, delayed: 1))
        #expect(try test.delete(4, [3, 5, 10, 11, 12].map(key)) == [true, true, true, false, true])
        #expect(try test.receive(4, now: 100, hiddenUntil: 120).messages.map(\.key.major) == [9, 6])
        #expect(try test.delete(4, [9, 6].map(key)) == [true, true])
        try test.reopen()
        #expect(try test.counts(4, now: 200) == QueueCounts(visible: 0, inFlight: 0, delayed: 0))
    }

    @Test func messagesOfAnEarlierReleaseRepeatMoveAndAge() throws {
        let test = try StoreUnderTest(directory: try directory())
        let repeated = [3, 9, 11].map { QueueMessage.sample($0, sentAt: 20, visibleAt: 20) }
        try test.send(QueueSend(queue: 4, messages: repeated, mayRepeat: true, durable: true))
        #expect(try test.counts(4, now: 30) == QueueCounts(visible: 3, inFlight: 1, delayed: 1))
        let redrive = QueueRedrive(maxReceiveCount: 1, deadLetterQueue: 7)
        #expect(
            try test.receive(4, now: 40, limit: 1, hiddenUntil: 50, redrive: redrive).messages.map(\.key.major) == [3]
        )
        #expect(try test.receive(4, now: 41, hiddenUntil: 50, redrive: redrive).redriven == 1)
        #expect(try test.receive(7, now: 41, hiddenUntil: 50).messages.map(\.content) == [sampleBytes(5, 25)])
        #expect(try test.changeVisibility(4, key(3), now: 42, visibleAt: 45) == true)
        #expect(try test.expireMessages(4, before: 4) == 2)
        #expect(try test.expireMessages(4, before: 21) == 2)
        try test.reopen()
        #expect(try test.counts(4, now: 100) == QueueCounts(visible: 0, inFlight: 0, delayed: 0))
    }

    /// The highest message may be gone when the store opens again; what comes below it stands outside of the line.
    @Test func aMessageBelowOneThatWasReceivedAndDeletedIsSeenAfterARestart() throws {
        let test = try StoreUnderTest()
        let sent = [1, 2, 5].map { QueueMessage.sample($0, sentAt: 1, visibleAt: 1) }
        try test.send(QueueSend(queue: 4, messages: sent, durable: true))
        #expect(try test.receive(4, now: 2, hiddenUntil: 100).messages.map(\.key.major) == [1, 2, 5])
        #expect(try test.delete(4, [2, 5].map(key)) == [true, true])
        try test.reopen()
        let late = [3, 4, 6].map { QueueMessage.sample($0, sentAt: 3, visibleAt: 3) }
        try test.send(QueueSend(queue: 4, messages: late, durable: true))
        #expect(try test.counts(4, now: 4) == QueueCounts(visible: 3, inFlight: 1, delayed: 0))
        #expect(try test.receive(4, now: 4, hiddenUntil: 100).messages.map(\.key.major) == [3, 4, 6])
        #expect(try test.delete(4, [1, 3, 4, 6].map(key)) == [true, true, true, true])
        #expect(try test.counts(4, now: 200) == QueueCounts(visible: 0, inFlight: 0, delayed: 0))
    }

    @Test func anyOtherFamilyThatIsMissingIsAnError() throws {
        for missing in [["content"], ["line", "content"]] as [Set<String>] {
            let left = try directory(without: missing)
            #expect(try errorCode { _ = try StoreUnderTest(directory: left) } == .corrupt, "\(missing)")
        }
    }
}
