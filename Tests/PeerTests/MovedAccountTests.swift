import EventModel
import Router
import SansIO
import Simulation
import Testing

/// Events that waited for another cell until their destination moved to their own.
@Suite struct MovedAccountTests {
    private let a = PeerScene.a
    private let b = PeerScene.b

    /// Cell 0 hosts a, whose event waits there: the cell that hosts b is down. A complete cell 0 has b's rule and policy.
    private func waitingScene(isComplete: Bool) -> PeerScene {
        let scene = PeerScene()
        scene.addCell(isComplete ? [a, b] : [a])
        scene.addCell([b])
        if isComplete {
            scene.collect(b, on: 0)
            scene.allow(a, on: b, of: 0)
            scene.host([a], on: 0)
        }
        scene.forward(a, on: 0, to: b)
        scene.crash(1)
        scene.put("1", by: a, on: 0)
        scene.run(.seconds(20))
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
}
