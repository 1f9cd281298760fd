import Cluster
import Membership
import SansIO
import Simulation
import Testing

/// Goal: membership keeps its promises under faults, and the checker would notice if it did not. Method: the state machine
/// in simulated worlds; each run names its seed.
@Suite struct MembershipRunTests {
    private func run(
        _ options: SimulationOptions,
        adjust: @escaping (MembershipNode) -> Void = { _ in }
    ) -> SimulationReport {
        SimulationRun(options) { world in
            Scenario.membership(in: world, faults: options.faults, leaves: options.leaves, adjust: adjust)
        }.run()
    }

    @Test(arguments: KeptSeeds.membership) func keptRunIsClean(kept: KeptSeeds.Kept) {
        let report = run(kept.options)
        #expect(report.violations == [], "\(kept)")
        #expect(report.settlings > 1)
    }

    @Test func runOfOneSeedDoneTwiceEndsWithTheSameNumber() {
        let options = SimulationOptions(seed: 77, nodes: 7, duration: .seconds(1200))
        let first = run(options)
        #expect(first == run(options))
    }

    @Test(arguments: [21, 29] as [UInt64]) func harmlessFaultsKillNobody(seed: UInt64) {
        let faults = FaultKind.allCases.filter { MembershipChecker.harmless.contains($0) }
        let options = SimulationOptions(seed: seed, nodes: 8, duration: .seconds(1800), faults: faults)
        #expect(run(options).violations == [], "\(options.summary)")
    }

    /// Which seed a node finds first is chance; the groups around each must still become one.
    @Test(arguments: 1...12 as ClosedRange<UInt64>) func nodesThatBeginTogetherFindEachOther(seed: UInt64) {
        let options = SimulationOptions(seed: seed, nodes: 8, duration: .seconds(1), faults: [])
        #expect(run(options).violations == [], "\(options.summary)")
    }

    /// Found by seed 162: the deadline of a suspicion depends on the number of nodes, and must not move past its timer.
    @Test func suspicionIsDecidedThoughTheClusterGrows() {
        let world = World(seed: 41)
        let workload = MembershipWorkload()
        workload.prepare(world, nodes: 6)
        world.run(for: .seconds(20))
        let late = (0..<40).map { _ in workload.add(to: world) }
        let victim = world.machines[5]
        victim.crash()
        for (number, machine) in late.enumerated() {
            world.after(.milliseconds(500 + 100 * number)) { machine.start() }
        }
        world.run(for: .seconds(60))
        for machine in world.machines.prefix(5) {
            let state = victim.nodeIdentity.flatMap { machine.membership?.driver.member($0) }?.state
            #expect(state == .dead, "\(machine.name) after \(world.elapsed), seed \(world.seed)")
        }
    }

    @Test func deafNodeIsCaught() {
        var options = SimulationOptions(seed: 31, nodes: 6, duration: .seconds(600), faults: [])
        options.storm = .seconds(60)
        let report = run(options) { node in
            if node.machine.index == 4 { node.isDeaf = { _, _ in true } }
        }
        #expect(!report.violations.isEmpty)
    }

    @Test func wordForAnUplinkThatIsGoneIsCaught() {
        let report = runWithLeaves(seed: 36) { change in if case .down = change { true } else { false } }
        #expect(report.violations.contains { $0.text.contains("which is down") }, "\(report.violations)")
    }

    /// One of the two nodes that a leaf names does not vouch for it: it is attached by way of the other all the same.
    @Test func sponsorThatSaysNothingOfItsLeafIsCaught() {
        let report = runWithLeaves(seed: 37) { change in if case .presented = change { true } else { false } }
        #expect(report.violations.contains { $0.text.contains("for the sponsors of") }, "\(report.violations)")
    }

    /// No faults but the crash of a leaf in some calms; one of the nodes that leaves dial does not hear some news of uplinks.
    private func runWithLeaves(seed: UInt64, deafTo: @escaping (UplinkRegistry.Change) -> Bool) -> SimulationReport {
        var options = SimulationOptions(seed: seed, nodes: 5, duration: .seconds(1200), faults: [])
        options.storm = .seconds(60)
        options.leaves = 4
        return run(options) { node in
            if node.machine.index == 1 { node.isDeafToUplinks = deafTo }
        }
    }

    /// Plain SWIM believes whoever says that another is dead.
    @Test func beliefInLiesIsCaught() {
        let options = SimulationOptions(seed: 33, nodes: 6, duration: .seconds(1200), faults: [.lie])
        let report = SimulationRun(options) { world in
            Scenario.membership(in: world, faults: options.faults, configuration: .lan.withoutLifeguard)
        }.run()
        #expect(!report.violations.isEmpty)
        #expect(run(options).violations == [], "\(options.summary)")
    }

    /// One node goes on with the key that it had at first.
    @Test func nodeThatMissesANewKeyIsCaught() {
        let options = SimulationOptions(seed: 34, nodes: 6, duration: .seconds(1200), faults: [.keys])
        let report = run(options) { node in
            // The key's number comes after the message and before nonce and tag.
            if node.machine.index == 4 { node.isDeaf = { bytes, _ in bytes[bytes.count - 29] > 1 } }
        }
        #expect(!report.violations.isEmpty)
    }

    @Test(arguments: [[.leap], [.rush], [.roots], [.keys, .lie, .renew]] as [[FaultKind]])
    func runOfOneKindIsClean(faults: [FaultKind]) {
        var options = SimulationOptions(seed: 35, nodes: 6, duration: .seconds(1200), faults: faults)
        options.leaves = 1
        let report = run(options)
        #expect(report.violations == [], "\(options.summary)")
        #expect(report.faults.values.allSatisfy { $0 > 0 })
    }

    /// The state machine asks for proofs; the bug is in what checks them.
    @Test func beliefInForgedMessagesIsCaught() {
        let options = SimulationOptions(seed: 32, nodes: 6, duration: .seconds(3600), faults: [.forge])
        let report = run(options) { $0.crypto.believesEverything = true }
        #expect(!report.violations.isEmpty)
    }
}
