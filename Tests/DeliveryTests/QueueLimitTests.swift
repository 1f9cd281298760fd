import RetryControl
import SansIO
import Simulation
import Testing

@testable import Delivery

/// Queues that hold so many bytes and no more.
@Suite struct QueueLimitTests {
    private func scene(_ overflow: BacklogLimits.Overflow, deliveries: UInt64? = nil, bytes: UInt64?) -> DeliveryScene {
        let scene = DeliveryScene()
        var limits = BacklogLimits()
        limits.maximumDeliveries = deliveries
        limits.maximumBytes = bytes
        limits.overflow = overflow
        scene.dispatcher.limits = limits
        scene.dispatcher.failingTargets = [7]
        return scene
    }

    /// An event of so many bytes that ends with its name.
    private func event(_ name: String, bytes: Int) -> String {
        String(repeating: ".", count: bytes - name.utf8.count) + name
    }

    private func names(_ events: [[UInt8]]) -> [String] {
        events.map { String(String(decoding: $0, as: UTF8.self).drop { $0 == "." }) }
    }

    private func parked(_ scene: DeliveryScene) -> [String] {
        var found: [String] = []
        scene.store.oldest(target: 7, acceptedBefore: .distantFuture, limit: .max) { result in
            found = names(((try? result.get()) ?? []).map(\.event))
        }
        scene.shard.run()
        return found
    }

    @Test func aQueueThatRefusesIsFullByItsBytes() {
        let scene = scene(.refuseNew, bytes: 1_000)
        scene.accept(event("a", bytes: 300))
        scene.accept(event("b", bytes: 699))
        scene.shard.run()
        #expect(scene.driver.hasRoom(7), "999 of 1000 bytes")
        #expect(scene.driver.fullness(of: 7) == 999)
        scene.accept(event("c", bytes: 1))
        scene.shard.run()
        #expect(!scene.driver.hasRoom(7))
        #expect(scene.driver.backlog(of: 7) == BacklogSize(count: 3, bytes: 1_000))
        scene.dispatcher.failingTargets = []
        scene.shard.advance(by: .seconds(600))
        #expect(scene.driver.backlog(of: 7) == .zero)
        #expect(scene.driver.hasRoom(7) && scene.dispatcher.letters.isEmpty)
    }

    /// What came meanwhile is seen when the queue is read again; remembered for longer, it would have the queue read once more.
    @Test func aQueueThatFoundNothingToPushOutForgetsWhatCameMeanwhile() {
        let scene = scene(.dropOldest, deliveries: 1, bytes: nil)
        let queue = scene.driver.queue(7)
        queue.parked = BacklogSize(count: 3, bytes: 300)
        scene.driver.trim(queue)
        #expect(queue.isDraining)
        queue.arrived = .zero
        scene.shard.run()
        #expect(!queue.isDraining && queue.arrived == nil)
    }

    @Test func bytesUnderWayCountOnceAndArePastWithTheirDelivery() {
        let scene = scene(.refuseNew, bytes: 1_000)
        scene.dispatcher.isSilent = true
        scene.accept(event("a", bytes: 400))
        scene.shard.run()
        #expect(scene.driver.backlog(of: 7) == BacklogSize(count: 1, bytes: 400))
        scene.accept(event("b", bytes: 600))
        #expect(scene.driver.hasRoom(7), "not durable yet, so not here yet")
        scene.shard.run()
        #expect(!scene.driver.hasRoom(7))
    }

    @Test func theNewestThatDoNotFitAreGivenUp() {
        let scene = scene(.dropNewest, bytes: 1_000)
        for (name, bytes) in [("a", 600), ("b", 300), ("c", 200), ("d", 100), ("e", 50)] {
            scene.accept(event(name, bytes: bytes))
            scene.shard.run()
        }
        #expect(parked(scene) == ["a", "b", "d"], "c did not fit, d did, e not any more")
        #expect(names(scene.dispatcher.letters.map(\.attempt.event)) == ["c", "e"])
        let text = "The queue of the target holds 1000 bytes in deliveries, the most that it may."
        #expect(scene.dispatcher.letters.allSatisfy { $0.failure.message == text })
        #expect(scene.dispatcher.letters.allSatisfy { $0.failure.code == "RESOURCE_LIMIT_EXCEEDED" })
        #expect(scene.driver.backlog(of: 7) == BacklogSize(count: 3, bytes: 1_000))
        #expect(scene.unresolved == 0)
    }

    @Test func theOldestMakeRoomForLargerOnes() {
        let scene = scene(.dropOldest, bytes: 1_000)
        for number in 0..<10 {
            scene.accept(event("\(number)", bytes: 100))
            scene.shard.run()
        }
        #expect(parked(scene).count == 10 && scene.dispatcher.letters.isEmpty)
        scene.accept(event("large", bytes: 350))
        scene.shard.advance(by: .seconds(1))
        #expect(names(scene.dispatcher.letters.map(\.attempt.event)) == ["0", "1", "2", "3"])
        #expect(parked(scene) == ["4", "5", "6", "7", "8", "9", "large"])
        #expect(scene.driver.backlog(of: 7) == BacklogSize(count: 7, bytes: 950))
    }

    /// The mean says little of what is at the front: whoever reads too few reads again, whoever reads too many spares them.
    @Test func asManyGoAsAreTooManyHoweverLargeTheyAre() {
        let scene = scene(.dropOldest, bytes: 20_000)
        for number in 0..<100 { scene.accept(event("s\(number)", bytes: 10)) }
        scene.accept(event("l0", bytes: 10_000))
        scene.accept(event("l1", bytes: 9_000))
        scene.shard.advance(by: .seconds(1))
        #expect(scene.driver.backlog(of: 7) == BacklogSize(count: 102, bytes: 20_000))
        scene.accept(event("l2", bytes: 500))
        scene.shard.advance(by: .seconds(5))
        #expect(scene.dispatcher.letters.count == 50)
        #expect(scene.driver.backlog(of: 7) == BacklogSize(count: 53, bytes: 20_000))
        scene.accept(event("l3", bytes: 9_999))
        scene.shard.advance(by: .seconds(5))
        #expect(names(scene.dispatcher.letters.suffix(1).map(\.attempt.event)) == ["l0"])
        #expect(parked(scene) == ["l1", "l2", "l3"])
    }

    @Test func whatIsOnItsWayToTheDeadLettersHoldsUpNoAttempts() {
        let scene = scene(.dropOldest, deliveries: 10, bytes: nil)
        scene.dispatcher.failingTargets = []
        scene.dispatcher.isHoldingLetters = true
        for number in 0..<30 { scene.accept("\(number)") }
        scene.shard.run()
        #expect(scene.dispatcher.letters.count == 20)
        #expect(scene.dispatcher.attempted == (20..<30).map { "\($0)" }, "the target is well")
        scene.dispatcher.releaseLetters()
        scene.shard.run()
        #expect(scene.driver.backlog(of: 7) == .zero)
    }

    /// What is under way cannot make room any more.
    @Test func halfOfTheBytesAreKeptFromAttempts() {
        let scene = scene(.dropOldest, bytes: 1_000)
        scene.dispatcher.failingTargets = []
        scene.dispatcher.isHolding = true
        for number in 0..<10 { scene.accept(event("\(number)", bytes: 100)) }
        scene.shard.run()
        #expect(scene.dispatcher.attempted.count == 5)
        for number in 10..<15 { scene.accept(event("\(number)", bytes: 100)) }
        scene.shard.run()
        #expect(scene.dispatcher.attempted.count == 5)
        #expect(names(scene.dispatcher.letters.map(\.attempt.event)) == ["5", "6", "7", "8", "9"])
        scene.dispatcher.release()
        scene.shard.run()
        #expect(scene.dispatcher.delivered == 10 && scene.driver.backlog(of: 7) == .zero)
    }

    @Test func anEventThatIsLargerThanHalfIsAttemptedAlone() {
        let scene = scene(.dropOldest, bytes: 1_000)
        scene.dispatcher.failingTargets = []
        scene.dispatcher.isHolding = true
        for (name, bytes) in [("a", 700), ("b", 10), ("c", 20)] { scene.accept(event(name, bytes: bytes)) }
        scene.shard.run()
        #expect(scene.dispatcher.attempted.count == 1)
        scene.dispatcher.release()
        scene.shard.run()
        #expect(scene.dispatcher.delivered == 3 && scene.dispatcher.letters.isEmpty)
    }

    /// A queue with ten deliveries in the store, of which as many are attempted as may be.
    private func drainingScene(deliveries: UInt64?, bytes: UInt64?) -> DeliveryScene {
        let scene = scene(.dropOldest, deliveries: deliveries, bytes: bytes)
        for number in 0..<10 { scene.accept(event("\(number)", bytes: 100)) }
        scene.shard.run()
        #expect(parked(scene).count == 10 && scene.dispatcher.attempted.count == 10)
        scene.dispatcher.failingTargets = []
        scene.dispatcher.isHolding = true
        scene.driver.retryNow([7])
        scene.shard.advance(by: .milliseconds(1))
        return scene
    }

    @Test(arguments: [(10, nil), (nil, 1_000)] as [(UInt64?, UInt64?)])
    func aDrainTakesHalfOfAQueueWhoseOldestMakeRoom(deliveries: UInt64?, bytes: UInt64?) {
        let scene = drainingScene(deliveries: deliveries, bytes: bytes)
        #expect(scene.dispatcher.attempted.count == 15)
        for number in 10..<18 { scene.accept(event("\(number)", bytes: 100)) }
        scene.shard.run()
        #expect(names(scene.dispatcher.letters.map(\.attempt.event)) == ["10", "11", "12"], "five are under way")
        #expect(scene.dispatcher.attempted.count == 20, "the newest five do not wait for the backlog")
        #expect(scene.driver.backlog(of: 7).count == 15)
        scene.dispatcher.release()
        scene.shard.advance(by: .seconds(60))
        #expect(scene.dispatcher.letters.count == 3 && scene.driver.backlog(of: 7) == .zero)
    }

    /// The mean says little of what is at the front.
    @Test func aDrainTakesHalfOfTheBytesHoweverLargeTheFirstOnesAre() {
        let scene = scene(.dropOldest, bytes: 1_000)
        let queue = scene.driver.queue(7)
        func taken(_ sizes: Int...) -> Int {
            let deliveries = sizes.map { size in
                ParkedDelivery(
                    ref: DeliveryRef(event: 1, target: 7),
                    due: .zero,
                    attempts: 1,
                    acceptedAt: .zero,
                    event: [UInt8](repeating: 0, count: size),
                    state: []
                )
            }
            return scene.driver.withinHalf(deliveries, of: queue).count
        }
        #expect(taken(300, 200, 1, 100) == 2)
        #expect(taken(700, 1) == 1, "one at least")
        #expect(taken() == 0)
    }

    /// Nothing can be pushed out of the retry queue while a batch of it is attempted.
    @Test func aQueueDoesNotGrowWhileItsProbeHangs() {
        let scene = scene(.dropOldest, deliveries: 10, bytes: nil)
        for number in 0..<10 {
            scene.accept("\(number)")
            scene.shard.run()
        }
        let queue = scene.driver.queue(7)
        if case .closed = queue.breaker.state { Issue.record("the breaker is closed") }
        scene.dispatcher.failingTargets = []
        scene.dispatcher.isHolding = true
        scene.driver.retryNow([7])
        scene.shard.advance(by: .milliseconds(1))
        #expect(queue.draining.count == 4)
        for number in 10..<110 {
            scene.accept("\(number)")
            scene.shard.advance(by: .milliseconds(10))
            #expect(scene.driver.backlog(of: 7).count <= 20)
        }
        #expect(parked(scene).count == 10 && queue.waiting > 0)
        scene.dispatcher.release()
        scene.shard.advance(by: .seconds(60))
        #expect(scene.driver.backlog(of: 7) == .zero && scene.unresolved == 0)
        #expect(scene.dispatcher.delivered + scene.dispatcher.letters.count == 110)
        #expect(scene.dispatcher.attempted.contains("109"), "the newest stay")
    }

    /// At a configured rate a batch may be as large as all attempts that there may be.
    @Test func freshEventsHaveHalfOfTheAttemptsWhileABacklogDrains() {
        var settings = DeliverySettings()
        settings.inFlightPerTarget = 20
        let scene = DeliveryScene(settings: settings)
        var limits = BacklogLimits()
        limits.drainRate = 10_000
        scene.dispatcher.limits = limits
        scene.dispatcher.failingTargets = [7]
        for number in 0..<30 { scene.accept("\(number)") }
        scene.shard.run()
        scene.dispatcher.failingTargets = []
        scene.dispatcher.isHolding = true
        scene.driver.retryNow([7])
        scene.shard.advance(by: .milliseconds(1))
        let before = scene.dispatcher.attempted.count
        for number in 30..<40 { scene.accept("\(number)") }
        scene.shard.run()
        #expect(scene.dispatcher.attempted.dropFirst(before) == (30..<40).map { "\($0)" }[...])
    }

    /// The store is asked what is oldest; until it answers, what is under way may arrive.
    @Test func nothingIsPushedOutForRoomThatIsThereByThen() {
        let scene = scene(.dropOldest, deliveries: 10, bytes: nil)
        for number in 0..<6 { scene.accept("\(number)") }
        scene.shard.advance(by: .seconds(1))
        #expect(parked(scene).count == 6)
        let queue = scene.driver.queue(7)
        queue.freshInFlight += 7
        scene.driver.trim(queue)
        queue.freshInFlight -= 7
        scene.shard.run()
        #expect(scene.dispatcher.letters.isEmpty)
        #expect(parked(scene).count == 6 && !queue.isDraining)
    }

    @Test func whicheverLimitIsMetFirstCounts() {
        let scene = scene(.dropNewest, deliveries: 2, bytes: 1_000)
        for name in ["a", "b", "c"] { scene.accept(event(name, bytes: 10)) }
        scene.shard.run()
        #expect(parked(scene) == ["a", "b"])
        #expect(scene.dispatcher.letters.first?.failure.message.contains("holds 2 deliveries") == true)
        #expect(scene.driver.fullness(of: 7) == 1_000)
    }

    @Test(arguments: BacklogLimits.Overflow.allCases)
    func theBytesAreRightAfterARestart(overflow: BacklogLimits.Overflow) {
        let scene = scene(overflow, bytes: 1_000)
        for (name, bytes) in [("a", 600), ("b", 300)] { scene.accept(event(name, bytes: bytes)) }
        scene.shard.advance(by: .seconds(1))
        scene.restart()
        var limits = BacklogLimits()
        limits.maximumBytes = 1_000
        limits.overflow = overflow
        scene.dispatcher.limits = limits
        scene.dispatcher.failingTargets = [7]
        #expect(scene.driver.backlog(of: 7) == BacklogSize(count: 2, bytes: 900))
        scene.accept(event("c", bytes: 200))
        scene.shard.advance(by: .seconds(1))
        let letters = names(scene.dispatcher.letters.map(\.attempt.event))
        switch overflow {
        case .refuseNew: #expect(!scene.driver.hasRoom(7) && letters.isEmpty)
        case .dropOldest: #expect(letters == ["a"] && scene.driver.backlog(of: 7).bytes == 500)
        case .dropNewest: #expect(letters == ["c"] && scene.driver.backlog(of: 7).bytes == 900)
        }
    }
}
