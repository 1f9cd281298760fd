import SansIO
import Testing

@testable import RetryControl

/// spec: patterns §5.2, §5.3.
@Suite struct RetryPolicyTests {
    private let accepted = Timestamp(milliseconds: 1_768_480_496_000)

    private func policy(_ attempts: Int = 185, age: Int = 86_400) throws -> RetryPolicy {
        try #require(RetryPolicy(maximumRetryAttempts: attempts, maximumEventAgeInSeconds: age))
    }

    @Test func ranges() {
        #expect(RetryPolicy().maximumRetryAttempts == 185)
        #expect(RetryPolicy().maximumEventAge == .seconds(86_400))
        for (attempts, age, isValid) in [
            (0, 60, true), (185, 86_400, true), (-1, 60, false), (186, 60, false), (0, 59, false), (0, 86_401, false),
        ] {
            let policy = RetryPolicy(maximumRetryAttempts: attempts, maximumEventAgeInSeconds: age)
            #expect((policy != nil) == isValid, "\(attempts) \(age)")
        }
    }

    @Test(arguments: [0, 1, 2, 185])
    func theFirstAttemptIsNotARetry(_ retries: Int) throws {
        let policy = try policy(retries)
        var generator = SeededGenerator(seed: 1)
        var attempts = 1
        while case .retry = policy.decide(
            after: .transient,
            attempts: attempts,
            acceptedAt: accepted,
            now: accepted,
            using: &generator
        ) {
            #expect(policy.refusal(attempts: attempts, acceptedAt: accepted, now: accepted) == nil)
            attempts += 1
        }
        #expect(attempts == retries + 1)
        #expect(policy.refusal(attempts: attempts, acceptedAt: accepted, now: accepted) == .attempts)
        #expect(policy.refusal(attempts: 0, acceptedAt: accepted, now: accepted) == nil)
    }

    @Test func theDeadlineItselfIsStillGood() throws {
        let policy = try policy(age: 60)
        let deadline = accepted + .seconds(60)
        #expect(policy.deadline(acceptedAt: accepted) == deadline)
        #expect(policy.refusal(attempts: 1, acceptedAt: accepted, now: deadline) == nil)
        #expect(policy.refusal(attempts: 1, acceptedAt: accepted, now: deadline + .milliseconds(1)) == .age)
        var generator = SeededGenerator(seed: 1)
        func decide(_ retryAfter: Timestamp) -> RetryDecision {
            policy.decide(
                after: .transient,
                attempts: 1,
                acceptedAt: accepted,
                now: accepted + .seconds(1),
                retryAfter: retryAfter,
                using: &generator
            )
        }
        #expect(decide(deadline) == .retry(at: deadline))
        #expect(decide(deadline + .milliseconds(1)) == .giveUp(.age))
    }

    @Test func attemptsNameTheReasonWhenBothAreUsedUp() throws {
        let policy = try policy(0, age: 60)
        let late = accepted + .seconds(3600)
        var generator = SeededGenerator(seed: 1)
        let decision = policy.decide(
            after: .transient,
            attempts: 1,
            acceptedAt: accepted,
            now: late,
            using: &generator
        )
        #expect(decision == .giveUp(.attempts))
        #expect(policy.refusal(attempts: 1, acceptedAt: accepted, now: late) == .attempts)
    }

    @Test func permanentFailuresAreFinal() {
        var generator = SeededGenerator(seed: 1)
        let decision = RetryPolicy().decide(
            after: .permanent,
            attempts: 1,
            acceptedAt: accepted,
            now: accepted,
            using: &generator
        )
        #expect(decision == .giveUp(.permanent))
    }

    @Test func laterOfBackoffAndRetryAfter() {
        let backoff = RetryBackoff(base: .seconds(100), cap: .seconds(100))
        for (seed, wait) in [(UInt64(1), Duration.seconds(1)), (1, .seconds(100)), (1, .seconds(-50))] {
            var first = SeededGenerator(seed: seed)
            var second = first
            let delay = backoff.delay(beforeRetry: 1, using: &first)
            let decision = RetryPolicy().decide(
                after: .transient,
                attempts: 1,
                acceptedAt: accepted,
                now: accepted,
                retryAfter: accepted + wait,
                backoff: backoff,
                using: &second
            )
            #expect(decision == .retry(at: accepted + max(delay, wait)))
        }
    }

    /// A target that is down for good: every policy ends, in order, within its limits.
    @Test func everyDeliveryEnds() throws {
        let seed: UInt64 = .random(in: 0 ... .max)
        print("everyDeliveryEnds seed \(seed)")
        var generator = SeededGenerator(seed: seed)
        for _ in 0..<300 {
            let policy = try policy(
                Int.random(in: 0...185, using: &generator),
                age: Int.random(in: 60...86_400, using: &generator)
            )
            var now = accepted
            var attempts = 1
            while true {
                let decision = policy.decide(
                    after: .transient,
                    attempts: attempts,
                    acceptedAt: accepted,
                    now: now,
                    using: &generator
                )
                guard case .retry(let next) = decision else {
                    #expect(decision != .giveUp(.permanent))
                    #expect((decision == .giveUp(.attempts)) == (attempts == policy.maximumRetryAttempts + 1))
                    break
                }
                #expect(next >= now && next <= policy.deadline(acceptedAt: accepted))
                #expect(next - now <= .seconds(600))
                now = next
                attempts += 1
            }
            #expect(attempts <= policy.maximumRetryAttempts + 1)
        }
    }
}
