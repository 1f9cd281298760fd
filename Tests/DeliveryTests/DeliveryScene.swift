import Delivery
import RetryControl
import SansIO
import Simulation

/// A delivery driver over the store in memory, with a dispatcher that does as it is told.
final class DeliveryScene {
    let shard = VirtualShard()
    let store: MemoryStore
    private(set) var dispatcher = ScriptedDispatcher()
    private(set) var driver: DeliveryDriver
    private let settings: DeliverySettings

    init(settings: DeliverySettings = DeliverySettings()) {
        self.settings = settings
        store = MemoryStore { [shard] in shard.post($0) }
        driver = DeliveryDriver(store: store, clock: shard, dispatcher: dispatcher, seed: 1, settings: settings)
        store.recover(visit: { _ in }, completion: { _ in })
        shard.run()
        driver.start { _ in }
        shard.run()
    }

    var unresolved: UInt64 { store.statistics.unresolvedDeliveries }

    /// Makes an event durable and hands it to the driver.
    func accept(_ event: String, target: UInt64 = 7) {
        let record = IntakeRecord(acceptedAt: shard.now, event: Array(event.utf8), targets: [target])
        store.append([record], settling: []) { [self] result in
            guard case .success(let sequences) = result else { return }
            driver.accept(
                sequence: sequences[0],
                acceptedAt: record.acceptedAt,
                event: record.event,
                targets: record.targets
            )
        }
    }

    /// Crashes, and starts again with a healthy dispatcher.
    func restart() {
        shard.crash()
        store.crash()
        dispatcher = ScriptedDispatcher()
        driver = DeliveryDriver(store: store, clock: shard, dispatcher: dispatcher, seed: 2, settings: settings)
        var records: [RecoveredRecord] = []
        store.recover(visit: { records += $0 }, completion: { _ in })
        shard.run()
        driver.start { _ in }
        shard.run()
        for record in records {
            driver.accept(
                sequence: record.sequence,
                acceptedAt: record.acceptedAt,
                event: record.event,
                targets: record.targets,
                mayRepeat: true
            )
        }
    }
}

/// A dispatcher that does as it is told and notes what it sees.
final class ScriptedDispatcher: DeliveryDispatcher {
    var policy = RetryPolicy()
    /// How many attempts fail from now on.
    var failures = 0
    var failingTargets: Set<UInt64> = []
    var isRetryable = true
    /// Targets for which there is no room on this side.
    var crowdedTargets: Set<UInt64> = []
    var isSilent = false
    /// Whether attempts are held until ``release()``.
    var isHolding = false
    /// Whether the answers for dead letters are held until ``releaseLetters()``.
    var isHoldingLetters = false
    private var held: [() -> Void] = []
    private var heldLetters: [() -> Void] = []
    var hasQueue = true
    var letterOutcome = DeadLetterOutcome.noQueue
    var limits: BacklogLimits?
    private(set) var attempted: [String] = []
    private(set) var letters: [DeadLetter] = []
    private(set) var dropped: [String] = []
    private(set) var delivered = 0
    private(set) var expired: UInt64 = 0
    private(set) var heldBack = 0
    private(set) var failedAttempts = 0
    private(set) var repeats = 0
    private(set) var deliveredTo: [UInt64: Int] = [:]

    func retryPolicy(of target: UInt64, acceptedAt: Timestamp) -> RetryPolicy? { policy }
    func backlogLimits(of target: UInt64) -> BacklogLimits? { limits }
    func hasDeadLetterQueue(_ target: UInt64) -> Bool { hasQueue }

    func dispatch(
        _ attempts: [DeliveryAttempt],
        target: UInt64,
        completion: @escaping ([DeliveryOutcome]) -> Void
    ) {
        attempted += attempts.map { String(decoding: $0.event, as: UTF8.self) }
        repeats += attempts.count { $0.mayRepeat }
        guard !isSilent else { return }
        guard !isHolding else { return held.append { [self] in answer(attempts, target, completion) } }
        answer(attempts, target, completion)
    }

    /// Answers the attempts that were held.
    func release() {
        isHolding = false
        let actions = held
        held = []
        for action in actions { action() }
    }

    /// Answers for the dead letters that were held.
    func releaseLetters() {
        isHoldingLetters = false
        let actions = heldLetters
        heldLetters = []
        for action in actions { action() }
    }

    private func answer(
        _ attempts: [DeliveryAttempt],
        _ target: UInt64,
        _ completion: ([DeliveryOutcome]) -> Void
    ) {
        let failure = DeliveryFailure(code: "TIMEOUT", message: "no answer", isRetryable: isRetryable)
        completion(
            attempts.map { _ in
                if crowdedTargets.contains(target) {
                    let text = "no room"
                    return .failed(DeliveryFailure(code: "THROTTLING", message: text, isRetryable: true, isOwn: true))
                }
                if failingTargets.contains(target) { return .failed(failure) }
                guard failures > 0 else { return .delivered }
                failures -= 1
                return .failed(failure)
            }
        )
    }

    func deadLetter(
        _ letters: [DeadLetter],
        target: UInt64,
        completion: @escaping ([DeadLetterOutcome]) -> Void
    ) {
        self.letters += letters
        // What is said to be settled has to leave the store; a real queue does that in its own write.
        let outcomes = letters.map { _ in letterOutcome == .settled ? DeadLetterOutcome.noQueue : letterOutcome }
        guard !isHoldingLetters else { return heldLetters.append { completion(outcomes) } }
        completion(outcomes)
    }

    func record(_ fact: DeliveryFact, target: UInt64) {
        switch fact {
        case .delivered(let count, _):
            delivered += count
            deliveredTo[target, default: 0] += count
        case .dropped(_, _, let reason): dropped.append(reason)
        case .expired(let count): expired += count
        case .heldBack(_, let count): heldBack += count
        case .attemptFailed: failedAttempts += 1
        default: break
        }
    }
}
