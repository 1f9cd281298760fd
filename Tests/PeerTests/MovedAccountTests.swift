import EventModel
import Router
import SansIO
import Simulation
import Testing

/// Events that waited for another cell until their destination moved to their own.
@Suite struct MovedAccountTests {
    private let a = PeerScene.a
    private let b = PeerScene.b

    /// Cell 0 hosts a, whose events wait there: the cell that hosts b is down. A complete cell 0 has b's rule and policy.
    private func waitingScene(
        isComplete: Bool,
        events numbers: [String] = ["1"],
        wait: Duration = .seconds(20),
        retention: Duration? = nil
    ) -> PeerScene {
        let scene = PeerScene()
        if let retention { scene.peers.retention = retention }
        scene.addCell(isComplete ? [a, b] : [a])
        scene.addCell([b])
        if isComplete {
            scene.collect(b, on: 0)
            scene.allow(a, on: b, of: 0)
            scene.host([a], on: 0)
        }
        scene.forward(a, on: 0, to: b)
        scene.crash(1)
        for number in numbers { scene.put(number, by: a, on: 0) }
        scene.run(wait)
        return scene
    }

    /// What an event set off is on the disk before the retry queue's row is gone from it; a crash in between repeats nothing.
    @Test func aCrashAfterARetryWithinTheCellRepeatsNothing() {
        let scene = waitingScene(isComplete: true)
        let store = scene.machines[0].store
        #expect(store.statistics.parkedDeliveries - scene.cell(0).router.windowRows == 1, "the event waits for b")
        var intakes = 0
        store.onDurable = { _, _ in
            intakes += 1
            scene.world.after(.zero) { store.faults.isStalled = true }
        }
        scene.host([a, b], on: 0)
        scene.run(.seconds(400))
        #expect(intakes == 1)
        #expect(scene.book(b, on: 0).accepted == 1)
        scene.crash(0)
        store.onDurable = nil
        store.faults.isStalled = false
        scene.restart(0)
        scene.run(.seconds(400))
        #expect(scene.book(b, on: 0).duplicates == 1, "the row came back and was known")
        #expect(scene.numbers(b, on: 0) == ["1"])
        #expect(store.statistics.parkedDeliveries == scene.cell(0).router.windowRows)
    }

    /// As for events of other cells: the account may come ahead of what it has.
    @Test func anEventOfTheCellWaitsForTheBusOfAnAccountThatHasJustCome() {
        let scene = waitingScene(isComplete: false)
        scene.host([a, b], on: 0)
        scene.run(.seconds(400))
        #expect(scene.notices[0].contains { $0.kind == "busPending" })
        #expect(scene.drain(a, on: 0, queue: "dlq").isEmpty)
        scene.collect(b, on: 0)
        scene.allow(a, on: b, of: 0)
        scene.run(.seconds(400))
        #expect(scene.numbers(b, on: 0) == ["1"])
    }

    /// Twenty events have waited for three days, with a week's retention.
    private func longWaitingScene(isComplete: Bool) -> PeerScene {
        let day = Duration.seconds(86_400)
        let numbers = (0..<20).map(String.init)
        return waitingScene(isComplete: isComplete, events: numbers, wait: day * 3, retention: day * 7)
    }

    /// What waited could not be attempted here before: the target's own policy of a day and 185 retries does not end it.
    @Test func eventsThatWaitedForDaysAreDeliveredWhenTheAccountComes() {
        let scene = longWaitingScene(isComplete: true)
        scene.host([a, b], on: 0)
        scene.run(.seconds(5))
        #expect(!scene.numbers(b, on: 0).isEmpty, "the wait ends at once")
        scene.run(.seconds(120))
        #expect(scene.book(b, on: 0).accepted == 20)
        #expect(scene.drain(a, on: 0, queue: "dlq").isEmpty)
    }

    @Test func eventsThatWaitedForDaysWaitOnForTheBusOfTheAccount() {
        let scene = longWaitingScene(isComplete: false)
        scene.rewrite([a, b], on: 0)
        scene.crash(0)
        scene.restart(0)
        scene.run(.seconds(200))
        scene.collect(b, on: 0)
        scene.run(.seconds(100))
        scene.allow(a, on: b, of: 0)
        scene.run(.seconds(900))
        #expect(Set(scene.numbers(b, on: 0)).count == 20)
        #expect(scene.drain(a, on: 0, queue: "dlq").isEmpty)
    }

    /// Its rules and buses stayed in the store, so that a restart alone makes it look as if it had been here all along.
    @Test func anAccountThatComesBackWithAStartKeepsWhatWaitedForIt() {
        let scene = longWaitingScene(isComplete: true)
        scene.rewrite([a, b], on: 0)
        scene.crash(0)
        scene.restart(0)
        scene.run(.seconds(900))
        #expect(Set(scene.numbers(b, on: 0)).count == 20)
        #expect(scene.drain(a, on: 0, queue: "dlq").isEmpty)
    }

    /// The retention is for what waited; what is put when the account is here has the target's policy alone.
    @Test func whatIsAcceptedAfterTheMoveHasTheTargetsOwnPolicy() {
        let scene = PeerScene()
        scene.peers.retention = .seconds(7 * 86_400)
        scene.peers.newAccountTime = .seconds(3 * 86_400)
        scene.addCell([a])
        scene.addCell([b])
        scene.forward(a, on: 0, to: b)
        scene.crash(1)
        scene.put("before", by: a, on: 0)
        scene.run(.seconds(3_600))
        scene.host([a, b], on: 0)
        scene.put("after", by: a, on: 0)
        scene.run(.seconds(2 * 86_400))
        #expect(scene.drain(a, on: 0, queue: "dlq").count == 1)
        scene.collect(b, on: 0)
        scene.allow(a, on: b, of: 0)
        scene.run(.seconds(900))
        #expect(scene.numbers(b, on: 0) == ["before"])
    }
}
