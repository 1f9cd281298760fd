import Delivery
import EventModel
import PeerProtocol
import SansIO
import Simulation
import Testing

@testable import Router

/// The rate at which an account may send from other cells.
@Suite struct QuotaTests {
    private let a = PeerScene.a
    private let b = PeerScene.b
    private let c = PeerScene.c

    @Test func anAccountBeyondItsRateIsToldWhenToComeAgainAndOthersAreNot() throws {
        let scene = PeerScene()
        scene.peers.accountRate = 10
        scene.addCell([a])
        scene.addCell([b])
        scene.addCell([c])
        scene.collect(b, on: 1)
        scene.allowEveryone(on: b, of: 1)
        let entries = try (1...15).map { try #require(scene.entry(UInt64($0))) }
        let verdicts = scene.offer(entries, to: 1, as: 0)
        #expect(verdicts.prefix(10).allSatisfy { $0 == .accepted }, "\(verdicts)")
        #expect(verdicts.dropFirst(10).allSatisfy { $0 == .throttled(retryAfter: .milliseconds(100)) }, "\(verdicts)")
        let other = try #require(scene.entry(1, from: c))
        #expect(scene.offer([other], to: 1, as: 2) == [.accepted])
        let figures = scene.cell(1).router.statistics.peers
        #expect(figures.beyondRate == 5 && figures.verdicts["throttled"] == 5)
        #expect(scene.cell(1).receiver.slowedAccounts.map(\.account) == [a])
        #expect(scene.notices[1].contains { $0.kind == "beyondRate" })
        #expect(
            scene.offer(Array(entries.dropFirst(10)), to: 1, as: 0) == [PeerVerdict](repeating: .accepted, count: 5)
        )
        #expect(Set(scene.numbers(b, on: 1)).count == 15)
    }

    /// A sender obeys: everything arrives, at the rate and no faster.
    @Test func aQueueOfEventsArrivesAtTheRate() {
        let scene = PeerScene()
        scene.peers.accountRate = 20
        scene.addCell([a])
        scene.addCell([b])
        scene.forward(a, on: 0, to: b)
        scene.collect(b, on: 1)
        scene.allow(a, on: b, of: 1)
        for number in 0..<200 { scene.put("\(number)", by: a, on: 0) }
        scene.run(.seconds(4))
        #expect(scene.book(b, on: 1).accepted <= 20 + 4 * 20)
        scene.run(.seconds(600))
        #expect(Set(scene.numbers(b, on: 1)).count == 200)
        #expect(scene.drain(a, on: 0, queue: "dlq").isEmpty)
    }

    /// Refused events cost nothing of the rate, also when the last thing that could refuse them does.
    @Test func eventsForAFullQueueUseUpNoRate() throws {
        let scene = PeerScene()
        scene.peers.accountRate = 2
        scene.peers.queues.maximumDeliveries = 1
        scene.addCell([a])
        scene.addCell([b])
        scene.addCell([c])
        scene.forward(b, on: 1, to: c)
        scene.allow(a, on: b, of: 1)
        scene.crash(2)
        let entries = try (1...10).map { try #require(scene.entry(UInt64($0))) }
        #expect(scene.offer([entries[0]], to: 1, as: 0) == [.accepted])
        scene.run(.seconds(5))
        let verdicts = scene.offer(Array(entries.dropFirst()), to: 1, as: 0)
        #expect(verdicts == [PeerVerdict](repeating: .throttled(retryAfter: .seconds(5)), count: 9))
        #expect(scene.cell(1).router.statistics.peers.beyondRate == 0)
    }

    /// A certificate may cover any account.
    @Test func manyAccountsMakeNoMoreBucketsThanThereMayBe() throws {
        var quotas = AccountQuotas(rate: 1, maximum: 3)
        let start = Timestamp(milliseconds: 1_000_000)
        let accounts = try (1...9).map { try #require(AccountID("00000000000\($0)")) }
        let first = accounts.map { quotas.delay(of: $0, now: start) }
        #expect(first.filter { $0 == nil }.count == 4, "three of their own, one for all others")
        #expect(quotas.delay(of: accounts[0], now: start + .milliseconds(250)) == .milliseconds(750))
        let later = accounts.dropFirst(3).map { quotas.delay(of: $0, now: start + .seconds(5)) }
        #expect(later.filter { $0 == nil }.count == 4, "full buckets make room")
    }
}
