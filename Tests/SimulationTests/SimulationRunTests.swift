import SansIO
import Simulation
import Testing

/// Goal: a run follows from its seed, sees the faults it is told to, and catches a bug that was planted. Method: a small
/// protocol of its own, so that a failure here is one of the world and not of membership.
@Suite struct SimulationRunTests {
    private func options(_ seed: UInt64, minutes: Int = 40) -> SimulationOptions {
        SimulationOptions(seed: seed, nodes: 6, duration: .seconds(60 * minutes))
    }

    @Test(arguments: [1, 2, 3] as [UInt64]) func runOfOneSeedDoneTwiceEndsWithTheSameNumber(seed: UInt64) {
        let first = HeartbeatScenario.run(options(seed))
        let second = HeartbeatScenario.run(options(seed))
        #expect(first == second)
        #expect(first.violations == [])
        #expect(first.settlings > 2)
        #expect(first.events > 50_000)
    }

    @Test func runsOfDifferentSeedsEndWithDifferentNumbers() {
        #expect(HeartbeatScenario.run(options(1)).unseed != HeartbeatScenario.run(options(2)).unseed)
    }

    @Test func plantedBugIsCaught() {
        let report = HeartbeatScenario.run(options(4), plantsBug: true)
        #expect(report.violations.contains { $0.checker == "heartbeats" })
    }

    @Test func everyKindOfFaultHappensInALongRun() {
        let report = HeartbeatScenario.run(options(5, minutes: 240))
        #expect(FaultKind.allCases.filter { report.faults[$0, default: 0] == 0 } == [])
        let network = report.network
        #expect(network.lost > 0 && network.duplicated > 0 && network.reordered > 0 && network.blocked > 0)
    }

    /// Nodes hold their machine as their clock, and closures hold the world: a run that ends must let go of all.
    @Test func runThatHasEndedLetsGoOfItsWorld() {
        weak var world: World?
        weak var node: MembershipNode?
        let options = SimulationOptions(seed: 5, nodes: 4, duration: .seconds(300), faults: [.crash, .loss, .forge])
        let report = SimulationRun(options) { made in
            world = made
            return Scenario.membership(in: made, faults: options.faults) { node = $0 }
        }.run()
        #expect(report.settlings > 1)
        #expect(world == nil)
        #expect(node == nil)
    }

    @Test(arguments: KeptSeeds.forwarding) func keptRunOfForwardingIsClean(kept: KeptSeeds.Kept) {
        let report = SimulationRun(kept.options) { Scenario.forwarding(in: $0, cells: kept.nodes) }.run()
        #expect(report.violations == [], "\(kept)")
    }

    @Test func runWithoutFaultsLosesNothing() {
        var calm = options(6)
        calm.faults = []
        let report = HeartbeatScenario.run(calm)
        #expect(report.network.lost == 0 && report.network.blocked == 0)
        #expect(report.faults == [:])
    }
}
