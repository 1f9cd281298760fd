import EventModel
import PeerProtocol
import SansIO
import Simulation
import Testing

@testable import Router

/// An account that came to a cell ahead of its buses, policies and rules.
@Suite struct NewAccountTests {
    private let a = PeerScene.a
    private let b = PeerScene.b
    private let c = PeerScene.c
    private let pending = PeerVerdict.busPending(retryAfter: .seconds(5))

    /// Cell 1 hosted c alone, and now hosts b too.
    private func openScene() -> PeerScene {
        let scene = PeerScene()
        scene.addCell([a])
        scene.addCell([c])
        scene.host([b, c], on: 1)
        scene.run(.seconds(1))
        return scene
    }

    private func isDenied(_ verdicts: [PeerVerdict]) -> Bool {
        guard case .denied? = verdicts.first else { return false }
        return verdicts.count == 1
    }

    @Test func eventsComeAgainUntilTheBusHasAPolicyAndARule() throws {
        let scene = openScene()
        let entry = try #require(scene.entry(1))
        var named = try #require(scene.entry(2))
        named.bus = scene.bus(b, "orders").arn
        #expect(scene.offer([entry, named], to: 1, as: 0) == [pending, pending])
        #expect(scene.notices[1].contains { $0.kind == "busPending" })
        scene.collect(b, on: 1)
        #expect(scene.offer([entry], to: 1, as: 0) == [pending], "a rule without a policy would refuse for good")
        scene.allow(c, on: b, of: 1)
        #expect(isDenied(scene.offer([entry], to: 1, as: 0)), "now the policy decides")
        scene.allow(a, on: b, of: 1)
        #expect(scene.offer([entry, named], to: 1, as: 0) == [.accepted, pending])
        scene.run(.seconds(600))
        #expect(scene.offer([named], to: 1, as: 0) == [.unknownBus], "as for any account that is here")
        #expect(scene.numbers(b, on: 1) == ["1"])
    }

    /// The waits of a backoff grow to ten minutes; nobody should wait for that when the bus is there at last.
    @Test func aLongWaitForABusEndsWithinAMinuteOfTheBus() {
        let scene = PeerScene()
        scene.peers.newAccountTime = .seconds(86_400)
        scene.addCell([a])
        scene.addCell([b, c])
        scene.host([c], on: 1)
        scene.run(.seconds(1))
        scene.host([b, c], on: 1)
        scene.forward(a, on: 0, to: b)
        scene.put("1", by: a, on: 0)
        scene.run(.seconds(7_200))
        #expect(scene.notices[1].contains { $0.kind == "busPending" })
        scene.allow(a, on: b, of: 1)
        scene.collect(b, on: 1)
        scene.run(.seconds(70))
        #expect(scene.numbers(b, on: 1) == ["1"])
    }

    @Test func accountsThatAStoreBeginsWithAreNotNew() throws {
        let scene = openScene()
        var entry = try #require(scene.entry(1))
        entry.bus = scene.bus(c).arn
        #expect(isDenied(scene.offer([entry], to: 1, as: 0)))
        scene.crash(1)
        scene.restart(1)
        #expect(isDenied(scene.offer([entry], to: 1, as: 0)), "nor after a restart")
    }

    /// Forgetting since when the others are here would have their events wait for ten minutes where a policy refuses them.
    @Test func anAccountThatComesBeforeTheStoreWasReadMakesNoOtherNew() throws {
        let scene = openScene()
        var entry = try #require(scene.entry(1))
        entry.bus = scene.bus(c).arn
        scene.crash(1)
        scene.machines[1].pause()
        scene.machines[1].start()
        scene.host([a, b, c], on: 1)
        scene.machines[1].resume()
        scene.run(.seconds(1))
        #expect(isDenied(scene.offer([entry], to: 1, as: 0)))
    }

    @Test func aRestartMakesNoAccountNewAgain() throws {
        let scene = openScene()
        let entry = try #require(scene.entry(1))
        scene.run(.seconds(400))
        #expect(scene.offer([entry], to: 1, as: 0) == [pending])
        scene.run(.seconds(150))
        scene.crash(1)
        scene.restart(1)
        #expect(scene.offer([entry], to: 1, as: 0) == [pending])
        scene.run(.seconds(50))
        #expect(isDenied(scene.offer([entry], to: 1, as: 0)), "its ten minutes are over")
    }

    @Test func anAccountThatComesWithAStartIsNewToo() throws {
        let scene = PeerScene()
        scene.addCell([a])
        scene.addCell([c])
        scene.crash(1)
        scene.rewrite([b, c], on: 1)
        scene.restart(1)
        #expect(scene.offer([try #require(scene.entry(1))], to: 1, as: 0) == [pending])
    }

    /// Its cell's claim changes first; queue, rule and policy come a few minutes later.
    @Test func anAccountThatMovesAheadOfItsBusesLosesNothing() {
        let scene = PeerScene()
        scene.addCell([a])
        scene.addCell([b])
        let third = scene.addCell([c])
        scene.forward(a, on: 0, to: b)
        scene.host([], on: 1)
        scene.host([b, c], on: third)
        scene.claim([b], by: third)
        for number in 0..<20 {
            scene.put("\(number)", by: a, on: 0)
            scene.run(.seconds(10))
        }
        #expect(scene.drain(a, on: 0, queue: "dlq").isEmpty)
        #expect(scene.book(b, on: third).accepted == 0)
        scene.collect(b, on: third)
        scene.run(.seconds(60))
        scene.allow(a, on: b, of: third)
        scene.run(.seconds(3_600))
        #expect(Set(scene.numbers(b, on: third)).count == 20)
        #expect(scene.drain(a, on: 0, queue: "dlq").isEmpty)
    }
}
