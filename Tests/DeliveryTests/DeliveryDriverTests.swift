import Delivery
import RetryControl
import SansIO
import Simulation
import Testing

/// Delivery against a scripted dispatcher over the store in memory (DESIGN §9, spec: patterns §5).
@Suite struct DeliveryDriverTests {
    @Test func aFreshDeliveryGoesOutOnceAndLeavesTheStore() {
        let scene = DeliveryScene()
        scene.accept("e1")
        scene.shard.run()
        #expect(scene.dispatcher.attempted == ["e1"])
        #expect(scene.unresolved == 0)
        #expect(scene.dispatcher.delivered == 1)
    }

    @Test func aFailedDeliveryIsParkedAndRetriedUntilItSucceeds() {
        let scene = DeliveryScene()
        scene.dispatcher.failures = 3
        scene.accept("e1")
        scene.shard.run()
        #expect(scene.dispatcher.attempted.count == 1)
        #expect(scene.store.statistics.parkedDeliveries == 1)
        scene.shard.advance(by: .seconds(60))
        #expect(scene.dispatcher.attempted.count == 4)
        #expect(scene.dispatcher.delivered == 1)
        #expect(scene.store.statistics.parkedDeliveries == 0)
        #expect(scene.unresolved == 0)
    }

    @Test func retriesEndWithTheAttemptsOfThePolicyAndADeadLetter() throws {
        let scene = DeliveryScene()
        scene.dispatcher.failures = .max
        scene.dispatcher.policy = try #require(RetryPolicy(maximumRetryAttempts: 2))
        scene.accept("e1")
        scene.shard.advance(by: .seconds(3_600))
        #expect(scene.dispatcher.attempted.count == 3)
        let letter = try #require(scene.dispatcher.letters.first)
        #expect(letter.exhausted == .attempts)
        #expect(letter.retries == 2)
        #expect(scene.dispatcher.letters.count == 1)
        #expect(scene.unresolved == 0)
    }

    @Test func retriesEndWithTheAgeOfThePolicy() throws {
        let scene = DeliveryScene()
        scene.dispatcher.failures = .max
        scene.dispatcher.policy = try #require(RetryPolicy(maximumEventAgeInSeconds: 60))
        scene.accept("e1")
        scene.shard.advance(by: .seconds(3_600))
        let letter = try #require(scene.dispatcher.letters.first)
        #expect(letter.exhausted == .age)
        #expect(scene.unresolved == 0)
    }

    @Test func aPermanentFailureIsNotRetried() throws {
        let scene = DeliveryScene()
        scene.dispatcher.failures = .max
        scene.dispatcher.isRetryable = false
        scene.accept("e1")
        scene.shard.advance(by: .seconds(600))
        #expect(scene.dispatcher.attempted.count == 1)
        let letter = try #require(scene.dispatcher.letters.first)
        #expect(letter.exhausted == nil)
        #expect(letter.retries == 0)
    }

    @Test func withoutADeadLetterQueueTheDeliveryIsDroppedWithItsReason() {
        let scene = DeliveryScene()
        scene.dispatcher.failures = .max
        scene.dispatcher.isRetryable = false
        scene.dispatcher.letterOutcome = .noQueue
        scene.accept("e1")
        scene.shard.run()
        #expect(scene.dispatcher.dropped == ["the target has no dead-letter queue"])
        #expect(scene.unresolved == 0)
    }

    @Test func aDeadLetterThatCannotBeWrittenIsTriedAgain() {
        let scene = DeliveryScene()
        scene.dispatcher.failures = .max
        scene.dispatcher.isRetryable = false
        scene.dispatcher.letterOutcome = .retryLater("the disk is full")
        scene.accept("e1")
        scene.shard.run()
        #expect(scene.dispatcher.dropped.isEmpty)
        #expect(scene.store.statistics.parkedDeliveries == 1)
        scene.dispatcher.letterOutcome = .settled
        scene.shard.advance(by: .seconds(120))
        #expect(scene.dispatcher.letters.count >= 2)
        #expect(scene.store.statistics.parkedDeliveries == 0)
    }

    @Test func aTargetThatIsDownCostsOthersNothing() {
        let scene = DeliveryScene()
        scene.dispatcher.failingTargets = [7]
        for number in 0..<500 {
            scene.accept("down\(number)", target: 7)
            scene.accept("up\(number)", target: 8)
        }
        scene.shard.run()
        #expect(scene.dispatcher.deliveredTo[8] == 500)
        #expect(scene.dispatcher.deliveredTo[7] == nil)
        #expect(scene.driver.activeDeliveries == 0)
        scene.dispatcher.failingTargets = []
        scene.shard.advance(by: .seconds(3_600))
        #expect(scene.dispatcher.deliveredTo[7] == 500)
        #expect(scene.unresolved == 0)
    }

    @Test func anOpenBreakerProbesInsteadOfHammering() {
        let scene = DeliveryScene()
        scene.dispatcher.failingTargets = [7]
        for number in 0..<2_000 { scene.accept("e\(number)", target: 7) }
        scene.shard.run()
        let before = scene.dispatcher.attempted.count
        scene.shard.advance(by: .seconds(60))
        let inAMinute = scene.dispatcher.attempted.count - before
        #expect(inAMinute < 1_000, "a target that is down got \(inAMinute) attempts in a minute")
    }

    @Test func waitingDeliveriesSurviveACrashAndAreMarkedAsRepeats() {
        let scene = DeliveryScene()
        scene.dispatcher.isSilent = true
        scene.accept("e1")
        scene.shard.run()
        #expect(scene.unresolved == 1)
        scene.restart()
        scene.shard.run()
        #expect(scene.dispatcher.attempted == ["e1"])
        #expect(scene.dispatcher.repeats == 1)
        #expect(scene.unresolved == 0)
    }

    @Test func parkedDeliveriesSurviveACrash() {
        let scene = DeliveryScene()
        scene.dispatcher.failingTargets = [7]
        for number in 0..<20 { scene.accept("e\(number)", target: 7) }
        scene.shard.run()
        scene.restart()
        scene.shard.advance(by: .seconds(7_200))
        #expect(scene.dispatcher.deliveredTo[7] == 20)
        #expect(scene.store.statistics.parkedDeliveries == 0)
    }

    @Test func aSlowTargetSpillsToDiskInsteadOfMemory() {
        var settings = DeliverySettings()
        settings.pendingPerTarget = 100
        settings.inFlightPerTarget = 10
        let scene = DeliveryScene(settings: settings)
        scene.dispatcher.isSilent = true
        for number in 0..<1_000 { scene.accept("e\(number)") }
        scene.shard.run()
        #expect(scene.driver.activeDeliveries <= 110)
        #expect(scene.store.statistics.parkedDeliveries >= 890)
    }

    @Test func whileTheStoreIsFullNothingIsLost() {
        let scene = DeliveryScene()
        scene.accept("e1")
        scene.dispatcher.failures = 1
        scene.store.faults.isFull = true
        scene.shard.advance(by: .seconds(5))
        scene.store.faults.isFull = false
        scene.shard.advance(by: .seconds(60))
        #expect(scene.dispatcher.delivered == 1)
        #expect(scene.unresolved == 0)
        #expect(scene.store.statistics.parkedDeliveries == 0)
    }

    /// A target that is thought to be drained may be forgotten, and its deliveries with it.
    @Test func whatTheStoreHasNotParkedYetStillWaits() {
        var settings = DeliverySettings()
        settings.storeRetryDelay = .seconds(120)
        let scene = DeliveryScene(settings: settings)
        scene.dispatcher.failures = 1
        scene.accept("e1")
        scene.shard.run()
        #expect(scene.store.statistics.parkedDeliveries == 1)
        scene.dispatcher.failures = 1
        scene.accept("e2")
        scene.store.faults.isFailing = true
        scene.shard.run()
        scene.store.faults.isFailing = false
        scene.shard.advance(by: .seconds(110))
        #expect(!scene.driver.isDrained(7))
        #expect(scene.dispatcher.delivered == 1, "the backlog ran empty meanwhile")
        #expect(scene.driver.backlog(of: 7) == 1)
        scene.shard.advance(by: .seconds(60))
        #expect(scene.dispatcher.delivered == 2)
        #expect(scene.driver.isDrained(7))
        #expect(scene.unresolved == 0)
    }

    @Test func whatIsUnderWayCountsAgainstTheLimitOnce() {
        let scene = DeliveryScene()
        var limits = BacklogLimits()
        limits.maximumDeliveries = 2
        scene.dispatcher.limits = limits
        scene.dispatcher.isSilent = true
        scene.accept("e1")
        scene.shard.run()
        #expect(scene.driver.backlog(of: 7) == 1 && scene.driver.hasRoom(7))
        scene.accept("e2")
        scene.shard.run()
        #expect(scene.driver.backlog(of: 7) == 2 && !scene.driver.hasRoom(7))
    }

    @Test func oldEventsOfADeadTargetExpireWithoutBeingAttempted() throws {
        let scene = DeliveryScene()
        scene.dispatcher.policy = try #require(RetryPolicy(maximumEventAgeInSeconds: 600))
        scene.dispatcher.failingTargets = [7]
        scene.dispatcher.letterOutcome = .noQueue
        scene.dispatcher.hasQueue = false
        for number in 0..<300 { scene.accept("e\(number)", target: 7) }
        scene.shard.advance(by: .seconds(7_200))
        #expect(scene.dispatcher.expired + UInt64(scene.dispatcher.dropped.count) == 300)
        #expect(scene.store.statistics.parkedDeliveries == 0)
        #expect(scene.unresolved == 0)
    }
}
