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
        #expect(scene.driver.backlog(of: 7) == BacklogSize(count: 1, bytes: 2))
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
        #expect(scene.driver.backlog(of: 7).count == 1 && scene.driver.hasRoom(7))
        scene.accept("e2")
        scene.shard.run()
        #expect(scene.driver.backlog(of: 7).count == 2 && !scene.driver.hasRoom(7))
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

    @Test func wantOfRoomHereIsNotTheTargetsFault() throws {
        let scene = DeliveryScene()
        scene.dispatcher.policy = try #require(RetryPolicy(maximumRetryAttempts: 3))
        scene.dispatcher.crowdedTargets = [7]
        for number in 0..<1_000 { scene.accept("e\(number)") }
        scene.shard.advance(by: .seconds(120))
        #expect(scene.dispatcher.letters.isEmpty, "it costs no attempts")
        #expect(scene.dispatcher.failedAttempts == 0)
        #expect(scene.store.statistics.parkedDeliveries == 1_000)
        let held = scene.dispatcher.heldBack
        #expect(held > 1_000 && held < 1_000 + 480 * 130, "the backlog rests between batches: \(held)")
        scene.dispatcher.crowdedTargets = []
        scene.shard.advance(by: .seconds(5))
        #expect(scene.dispatcher.delivered == 1_000, "no breaker is open that would have to be probed")
        #expect(scene.unresolved == 0)
    }

    @Test func aDeliveryThatFindsNoRoomEndsWithItsAgeOnly() throws {
        let scene = DeliveryScene()
        scene.dispatcher.policy = try #require(RetryPolicy(maximumRetryAttempts: 0, maximumEventAgeInSeconds: 60))
        scene.dispatcher.crowdedTargets = [7]
        scene.accept("e1")
        scene.shard.advance(by: .seconds(30))
        #expect(scene.dispatcher.letters.isEmpty)
        scene.shard.advance(by: .seconds(60))
        let letter = try #require(scene.dispatcher.letters.first)
        #expect(letter.exhausted == .age)
        #expect(scene.dispatcher.letters.count == 1)
        #expect(scene.unresolved == 0)
    }

    @Test func aProbeThatFindsNoRoomIsMadeAgain() {
        let scene = DeliveryScene()
        scene.dispatcher.failingTargets = [7]
        for number in 0..<100 { scene.accept("e\(number)") }
        scene.shard.advance(by: .seconds(60))
        scene.dispatcher.failingTargets = []
        scene.dispatcher.crowdedTargets = [7]
        scene.shard.advance(by: .seconds(3_600))
        let tried = scene.dispatcher.attempted.count
        scene.shard.advance(by: .seconds(10))
        #expect(scene.dispatcher.attempted.count - tried <= 50 * 4, "and not in a circle")
        scene.dispatcher.crowdedTargets = []
        scene.shard.advance(by: .seconds(60))
        #expect(scene.dispatcher.delivered == 100)
    }

    @Test func queuesThatNothingComesForAreForgotten() {
        let scene = DeliveryScene()
        scene.dispatcher.failingTargets = [3]
        for target in UInt64(1)...500 { scene.accept("e", target: target) }
        scene.shard.run()
        #expect(scene.driver.knownTargets == 500)
        for _ in 0..<6 {
            scene.accept("e", target: 9)
            scene.shard.advance(by: .seconds(30))
        }
        #expect(scene.driver.knownTargets == 2, "one that is used and one with a backlog")
        scene.dispatcher.failingTargets = []
        scene.shard.advance(by: .seconds(3_600))
        #expect(scene.driver.knownTargets == 0)
        scene.accept("again", target: 3)
        scene.shard.run()
        #expect(scene.dispatcher.deliveredTo == scene.dispatcher.deliveredTo.merging([3: 2, 9: 7]) { $1 })
        #expect(scene.unresolved == 0)
    }

    @Test func whatFailedOftenGoesAtOnceWhenTheTargetIsKnownToBeBack() {
        var settings = DeliverySettings()
        settings.breaker = CircuitBreaker.Settings(consecutiveFailures: 1_000_000, minimumAttempts: 1_000_000)
        let scene = DeliveryScene(settings: settings)
        scene.dispatcher.failingTargets = [7]
        for number in 0..<20 { scene.accept("e\(number)") }
        scene.shard.advance(by: .seconds(7_200))
        scene.dispatcher.failingTargets = []
        scene.driver.retryNow([7])
        scene.shard.advance(by: .seconds(20))
        #expect(scene.dispatcher.delivered == 20, "though the waits before them had grown to minutes")
        #expect(scene.unresolved == 0)
    }

    /// As over a connection that was half open: the answer is a time-out, and comes after the news.
    @Test(arguments: [false, true]) func anAttemptFromBeforeTheTargetWasBackDoesNotDelayTheOthers(hasBreaker: Bool) {
        var settings = DeliverySettings()
        if !hasBreaker {
            settings.breaker = CircuitBreaker.Settings(consecutiveFailures: 1_000_000, minimumAttempts: 1_000_000)
        }
        let scene = DeliveryScene(settings: settings)
        scene.dispatcher.failingTargets = [7]
        for number in 0..<20 { scene.accept("e\(number)") }
        scene.shard.advance(by: .seconds(7_200))
        scene.dispatcher.isHolding = true
        let before = scene.dispatcher.attempted.count
        for _ in 0..<700 where scene.dispatcher.attempted.count == before { scene.shard.advance(by: .seconds(1)) }
        #expect(scene.dispatcher.attempted.count > before, "an attempt is under way")
        scene.driver.retryNow([7])
        scene.shard.advance(by: .seconds(5))
        scene.dispatcher.release()
        scene.dispatcher.failingTargets = []
        scene.shard.advance(by: .seconds(60))
        #expect(scene.dispatcher.delivered == 20, "though the waits before them had grown to minutes")
        #expect(scene.unresolved == 0)
    }

    @Test func aTargetThatIsSaidToBeBackAndIsNotIsNotHammered() {
        let scene = DeliveryScene()
        scene.dispatcher.failingTargets = [7]
        for number in 0..<2_000 { scene.accept("e\(number)") }
        scene.shard.advance(by: .seconds(3_600))
        let before = scene.dispatcher.attempted.count
        scene.driver.retryNow([7])
        scene.shard.advance(by: .seconds(10))
        #expect(scene.dispatcher.attempted.count - before <= 200)
    }
}
