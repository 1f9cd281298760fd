import EventModel
import Router
import SansIO
import Testing

@testable import Simulation

/// DESIGN §12: the real drivers under storms of faults, held to §2 by a checker that shares no code with them.
@Suite struct ForwardingSimulationTests {
    private func run(_ seed: UInt64, hours: Double, faults: [FaultKind]) -> SimulationReport {
        var options = SimulationOptions(
            seed: seed,
            nodes: 4,
            duration: .milliseconds(Int64(hours * 3_600_000)),
            faults: faults
        )
        options.storm = .seconds(600)
        return SimulationRun(options) { Scenario.forwarding(in: $0, cells: 4, interval: .milliseconds(500)) }.run()
    }

    @Test(arguments: [UInt64](1...3)) func stormsLoseNothingAndLetNothingCross(seed: UInt64) {
        let report = run(seed, hours: 0.25, faults: FaultKind.allCases)
        #expect(report.violations.isEmpty, "seed \(seed): \(report.violations)")
        #expect(report.settlings > 1)
    }

    @Test func oneSeedGivesOneWorld() {
        let first = run(9, hours: 0.1, faults: FaultKind.allCases)
        let second = run(9, hours: 0.1, faults: FaultKind.allCases)
        #expect(first == second)
    }

    /// Runs a world in which something is wrong on purpose.
    private func violations(planted fault: @escaping (ForwardingWorkload) -> Void) -> [Violation] {
        let options = SimulationOptions(seed: 3, nodes: 4, duration: .seconds(150), faults: [])
        return SimulationRun(options) { world in
            let workload = ForwardingWorkload(world, cells: 4)
            world.after(.seconds(8)) { fault(workload) }
            return Scenario(workload: workload, checkers: [ForwardingChecker(workload)])
        }.run().violations
    }

    @Test func theCheckerSeesWhatCrossesWithoutAPolicy() {
        let found = violations { workload in
            let stranger = PermissionStatement(sid: "planted", principal: ForwardingWorkload.account(0).description)
            workload.node(2)?.router.putStatement(stranger, on: ForwardingWorkload.bus(2)) { _ in }
        }
        #expect(found.contains { $0.text.contains("of cell 0 came out in received") })
    }

    @Test func theCheckerSeesWhatIsLost() {
        let found = violations { workload in
            let key = QueueKey(region: "us-east-1", account: ForwardingWorkload.account(3), name: "letters")
            workload.node(3)?.router.queues.remove(key) { _ in }
        }
        #expect(found.contains { $0.text.contains("of cell 3 was acknowledged and is not in letters") })
    }
}
