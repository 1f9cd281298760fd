import SansIO
import Testing

@testable import EmbeddedStore

/// The bytes of retry queues are counted with the rows that they count, so they are right after any end.
@Suite("BacklogSizeTests")
struct BacklogSizeTests {
    private static func delivery(_ event: UInt64, bytes: Int, due: Int64 = 10) -> ParkedDelivery {
        var delivery = ParkedDelivery.sample(event, 7, due: due, acceptedAt: Int64(event))
        delivery.event = sampleBytes(Int(event), bytes)
        return delivery
    }

    private func size(_ test: StoreUnderTest) throws -> BacklogSize {
        try test.backlogs().first { $0.target == 7 }?.size ?? .zero
    }

    @Test(arguments: StoreKind.allCases)
    func bytesFollowEveryChangeAndARestart(kind: StoreKind) throws {
        let test = try StoreUnderTest(kind)
        try test.park([Self.delivery(1, bytes: 10), Self.delivery(2, bytes: 2_000), Self.delivery(3, bytes: 0)])
        #expect(try size(test) == BacklogSize(count: 3, bytes: 2_010))
        // Another event in the place of one counts in its stead, also within the same batch.
        try test.park([Self.delivery(1, bytes: 500), Self.delivery(1, bytes: 70)])
        #expect(try size(test) == BacklogSize(count: 3, bytes: 2_070))
        let later = Reschedule(
            parked: Self.delivery(2, bytes: 0).pointer,
            due: .at(90),
            attempts: 2,
            acceptedAt: .at(2),
            state: Array(repeating: 9, count: 200)
        )
        try test.reschedule([later])
        try test.reopen()
        #expect(try size(test) == BacklogSize(count: 3, bytes: 2_070))
        test.store.finish([Self.delivery(2, bytes: 0, due: 90).pointer, Self.delivery(9, bytes: 0).pointer])
        #expect(try size(test) == BacklogSize(count: 2, bytes: 70))
        #expect(try test.expire(7, before: 2) == BacklogSize(count: 1, bytes: 70))
        #expect(try size(test) == BacklogSize(count: 1, bytes: 0))
        try test.reopen()
        #expect(try size(test) == BacklogSize(count: 1, bytes: 0))
        #expect(try test.drop(7) == 1)
        #expect(try size(test) == .zero)
    }

    @Test func aLongQueueExpiresWithAllItsBytes() throws {
        let test = try StoreUnderTest()
        try test.park((1...600).map { Self.delivery($0, bytes: Int($0)) })
        #expect(try test.expire(7, before: 501) == BacklogSize(count: 500, bytes: 500 * 501 / 2))
        let rest = BacklogSize(count: 100, bytes: 600 * 601 / 2 - 500 * 501 / 2)
        #expect(try size(test) == rest)
        let crashed = try test.crash()
        #expect(try size(crashed) == rest)
    }

    /// Earlier releases counted deliveries only, and no row told the size of its event.
    @Test func aDirectoryOfAnEarlierReleaseIsCountedAtItsStart() throws {
        let test = try StoreUnderTest()
        let deliveries = (1...5).map { Self.delivery($0, bytes: 100 * Int($0)) }
        try test.park(deliveries)
        test.close()
        do {
            let directory = try DataDirectory(test.directory.path, files: .system)
            let floor = try RocksFloor(path: directory.floor, files: .system, isExpected: true)
            let database = try floor.open(directory.rocks, EmbeddedStoreConfiguration(directory: directory.path))
            let batch = database.makeBatch()
            for delivery in deliveries {
                let row = ParkedRow(
                    due: delivery.due,
                    attempts: delivery.attempts,
                    acceptedAt: delivery.acceptedAt,
                    state: delivery.state
                )
                batch.put(.parked, RowKey(7, delivery.ref.event), row.encoded)
            }
            CountRows.write(Backlogs.kind, 7, 5, to: batch)
            try database.write(batch)
            try database.synchronise()
        }
        let again = try StoreUnderTest(directory: test.directory)
        #expect(try size(again) == BacklogSize(count: 5, bytes: 1_500))
        #expect(try again.due(7, now: 10).map(\.attempts) == deliveries.map(\.attempts))
        try again.park([Self.delivery(5, bytes: 50)])
        again.store.finish([deliveries[1].pointer])
        #expect(try size(again) == BacklogSize(count: 4, bytes: 1_500 - 500 + 50 - 200))
        try again.reopen()
        #expect(try again.expire(7, before: 4) == BacklogSize(count: 2, bytes: 400))
        #expect(try size(again) == BacklogSize(count: 2, bytes: 450))
    }
}
