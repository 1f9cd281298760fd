import SansIO
import Simulation
import Testing

@testable import Router

/// Answers wait while a queue of this cell has more to do than it can, and not for long (DESIGN §9).
@Suite struct HeldAnswersTests {
    private final class Behind {
        var targets: Set<UInt64> = []
    }

    private let shard = VirtualShard()
    private let behind = Behind()
    private let held: HeldAnswers

    init() {
        held = HeldAnswers(clock: shard) { [behind] in behind.targets.contains($0) }
    }

    @Test func anAnswerGoesWhenItsTargetHasCaughtUp() {
        behind.targets = [1, 2]
        var sent: [UInt64] = []
        for target: UInt64 in [1, 2, 1] { held.hold(for: target) { sent.append(target) } }
        shard.advance(by: .milliseconds(20))
        #expect(sent == [])
        behind.targets = [2]
        shard.advance(by: .milliseconds(2))
        #expect(sent == [1, 1])
        behind.targets = []
        shard.advance(by: .milliseconds(2))
        #expect(sent == [1, 1, 2])
    }

    @Test func anAnswerGoesAfterAWhileThoughItsTargetIsStillBehind() {
        behind.targets = [1]
        var sent = 0
        held.hold(for: 1) { sent += 1 }
        shard.advance(by: .milliseconds(90))
        #expect(sent == 0)
        shard.advance(by: .milliseconds(20))
        #expect(sent == 1)
    }
}
