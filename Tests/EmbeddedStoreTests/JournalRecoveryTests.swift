import Glibc
import SansIO
import Testing

@testable import EmbeddedStore

/// What the journal makes of crashes and damage.
@Suite("JournalRecoveryTests")
struct JournalRecoveryTests {
    private func segments(_ directory: TestDirectory) -> [String] {
        TestDirectory.entries(directory.path + "/journal").map { "\(directory.path)/journal/\($0.name)" }
    }

    /// The file offsets of the frames of one segment file.
    private func frames(_ path: String) throws -> [(offset: Int, header: FrameHeader)] {
        let bytes = try TestFile.read(path)
        var found: [(Int, FrameHeader)] = []
        var offset = JournalFormat.pageBytes
        bytes.withUnsafeBytes { all in
            while let header = FrameHeader.decode(UnsafeRawBufferPointer(rebasing: all[offset...])) {
                found.append((offset, header))
                offset += header.frameBytes
            }
        }
        return found
    }

    @Test func nothingAcknowledgedIsLostInACrash() throws {
        let test = try StoreUnderTest()
        var acknowledged: [UInt64] = []
        for number in 0..<40 {
            acknowledged += try test.append((0..<5).map { .sample(number * 5 + $0, targets: [1, 2], byteCount: 700) })
        }
        let crashed = try test.crash()
        let recovered = try crashed.recover()
        #expect(recovered.reports.isEmpty)
        #expect(recovered.records.map(\.sequence) == acknowledged)
        #expect(recovered.records.map(\.event) == (0..<200).map { sampleBytes($0, 700) })
        #expect(crashed.store.nextSequence() > acknowledged[acknowledged.count - 1])
    }

    @Test func segmentsReleasedDuringRecoveryHideNothing() throws {
        let test = try StoreUnderTest()
        let done = try test.append([.sample(1, targets: [1])])
        test.store.resolve([DeliveryRef(event: done[0], target: 1)])
        try test.reopen()
        let kept = try test.append([.sample(2, targets: [1])])
        try test.reopen()
        #expect(try test.recover().records.map(\.sequence) == kept)
    }

    @Test func aTornTailIsCut() throws {
        let test = try StoreUnderTest()
        let kept = try test.append([.sample(1, targets: [1])])
        _ = try test.append([.sample(2, targets: [1], byteCount: 3000)])
        let torn = try test.directory.copy()
        let path = segments(torn)[0]
        let last = try #require(try frames(path).last)
        try TestFile.damage(path, at: last.offset + 1000, count: 2500)
        let again = try StoreUnderTest(directory: torn)
        let recovered = try again.recover()
        #expect(recovered.records.map(\.sequence) == kept)
        #expect(recovered.reports.isEmpty)
        let next = try again.append([.sample(3, targets: [1])])
        let third = try again.crash()
        #expect(try third.recover().records.map(\.sequence) == kept + next)
    }

    @Test func aDamagedRecordInsideIsReportedWithItsEvents() throws {
        let test = try StoreUnderTest()
        var sequences: [[UInt64]] = []
        for number in 0..<6 { sequences.append(try test.append([.sample(number, targets: [1], byteCount: 500)])) }
        for damageHeader in [false, true] {
            let damaged = try test.directory.copy()
            let path = segments(damaged)[0]
            let frame = try frames(path)[2]
            try TestFile.damage(path, at: frame.offset + (damageHeader ? 10 : 200), count: 20)
            let again = try StoreUnderTest(directory: damaged)
            let recovered = try again.recover()
            #expect(recovered.records.map(\.sequence) == [0, 1, 3, 4, 5].flatMap { sequences[$0] })
            #expect(recovered.reports.count == 1)
            let report = recovered.reports.first ?? ""
            if damageHeader {
                #expect(report.contains("between \(sequences[1][0]) and \(sequences[3][0])"))
            } else {
                #expect(report.contains("\(sequences[2][0])"))
            }
        }
    }

    @Test func aDamagedSegmentHeaderLosesNothing() throws {
        let test = try StoreUnderTest()
        var sequences: [UInt64] = []
        for number in 0..<12 { sequences += try test.append([.sample(number, targets: [1], byteCount: 60_000)]) }
        let damaged = try test.directory.copy()
        let paths = segments(damaged)
        #expect(paths.count >= 3)
        try TestFile.damage(paths[1], at: 0, count: 64)
        let again = try StoreUnderTest(directory: damaged)
        let recovered = try again.recover()
        #expect(recovered.records.map(\.sequence) == sequences)
        #expect(recovered.reports.count == 1)
    }

    @Test(arguments: [0, 100, 5000, 100_001])
    func aSegmentFileThatIsCutShortIsReported(byteCount: Int) throws {
        let test = try StoreUnderTest()
        for number in 0..<3 { _ = try test.append([.sample(number, targets: [1], byteCount: 60_000)]) }
        let damaged = try test.directory.copy()
        let path = segments(damaged)[0]
        try TestFile.write(path, Array(try TestFile.read(path).prefix(byteCount)))
        let recovered = try StoreUnderTest(directory: damaged).recover()
        #expect(recovered.reports.contains { $0.contains("\(path) is cut short to \(byteCount) bytes") })
    }

    @Test func segmentsAreRecycled() throws {
        let test = try StoreUnderTest()
        var last: UInt64 = 0
        for number in 0..<200 {
            let sequences = try test.append([.sample(number, targets: [1], byteCount: 30_000)])
            last = sequences[0]
            test.store.resolve([DeliveryRef(event: last, target: 1)])
        }
        // 6 MB went through; with segments of 256 KB and their recycling only some of them exist.
        #expect(test.store.statistics.journalBytesWritten > 6_000_000)
        #expect(test.store.statistics.journalBytes <= 8 << 18)
        #expect(test.store.statistics.unresolvedDeliveries == 0)
        let crashed = try test.crash()
        let left = try crashed.recover()
        #expect(left.reports.isEmpty)
        #expect(left.records.allSatisfy { $0.sequence <= last })
        try test.reopen()
        #expect(try test.recover().records.isEmpty)
    }

    @Test func aSlowConsumerNeverPinsTheJournal() throws {
        let test = try StoreUnderTest(change: { $0.journalLimitBytes = 8 << 18 })
        var slow: [UInt64] = []
        var accepted = 0
        for number in 0..<300 {
            do {
                let sequence = try test.append([.sample(number, targets: [1, 2], byteCount: 20_000)])[0]
                accepted += 1
                test.store.resolve([DeliveryRef(event: sequence, target: 1)])
                slow.append(sequence)
            } catch let error as StoreError {
                #expect(error.code == .full)
            }
        }
        #expect(accepted > 200)
        #expect((test.embedded?.spilledCount ?? 0) > 0)
        #expect(test.store.statistics.journalBytes <= 8 << 18)
        let crashed = try test.crash()
        let unresolved = try crashed.recover().records.filter { $0.targets.contains(2) }
        #expect(unresolved.map(\.sequence) == slow)
        #expect(unresolved.allSatisfy { $0.event.count == 20_000 })
        #expect(try crashed.due(2, now: .max, limit: 1000).isEmpty)
        // What spilled is resolved in the ordinary way.
        test.store.resolve(slow.map { DeliveryRef(event: $0, target: 2) })
        #expect(try test.backlogs().isEmpty)
        #expect(test.store.statistics.unresolvedDeliveries == 0)
    }

    /// The note that a delivery moved follows once its row is on disk; a crash before loses the note and not the row.
    @Test func aParkedDeliveryWhoseNoteWasLostStaysGoneOnceItIsFinished() throws {
        let test = try StoreUnderTest(change: { $0.lazySynchronisationMilliseconds = 3_600_000 })
        let event = try test.append([.sample(1, targets: [1, 2])])[0]
        try test.park([.sample(event, 1, due: 5)])
        let crashed = try test.crash()
        #expect(try crashed.recover().records.map(\.targets) == [[2]])
        let parked = try crashed.due(1, now: 5)
        #expect(parked.map(\.ref.event) == [event])
        crashed.store.finish(parked.map(\.pointer))
        try crashed.reopen()
        #expect(try crashed.recover().records.map(\.targets) == [[2]])
    }

    @Test func appendsLargerThanASegmentAreRefused() throws {
        let test = try StoreUnderTest()
        #expect(try errorCode { _ = try test.append([.sample(1, targets: [1], byteCount: 300_000)]) } == .failed)
        #expect(try test.append([.sample(1, targets: [1])]).count == 1)
    }

    @Test func theDirectoryIsLockedAndItsFormatChecked() throws {
        let test = try StoreUnderTest()
        do {
            _ = try StoreUnderTest(directory: test.directory)
            Issue.record("a second store opened the directory")
        } catch let error as StoreError {
            #expect(error.code == .failed)
            #expect(error.message.contains("process \(getpid())"))
        }
        test.close()
        try TestFile.write(test.directory.path + "/format", Array("busbar embedded store, format 99\n".utf8))
        #expect(try errorCode { _ = try StoreUnderTest(directory: test.directory) } == .corrupt)
    }

    @Test func checksumsAreThoseOfTheStandard() {
        let digits = Array("123456789".utf8)
        digits.withUnsafeBytes { bytes in
            #expect(Checksum.crc32c(bytes) == 0xE306_9283)
            #expect(Checksum.portable(bytes) == 0xE306_9283)
        }
        for count in [0, 1, 7, 8, 9, 100, 1201] {
            sampleBytes(count, count).withUnsafeBytes { bytes in
                #expect(Checksum.crc32c(bytes) == Checksum.portable(bytes))
            }
        }
    }
}
