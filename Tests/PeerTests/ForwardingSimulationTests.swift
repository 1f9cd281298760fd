import EventModel
import SansIO
import Testing

@testable import Delivery
@testable import Router
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
        return SimulationRun(options) { Scenario.forwarding(in: $0, cells: 4, interval: .seconds(5)) }.run()
    }

    @Test(arguments: [UInt64](1...3)) func stormsLoseNothingAndLetNothingCross(seed: UInt64) {
        let report = run(seed, hours: 0.25, faults: FaultKind.ofEveryWorkload)
        #expect(report.violations.isEmpty, "seed \(seed): \(report.violations)")
        #expect(report.settlings > 1)
    }

    @Test func oneSeedGivesOneWorld() {
        let first = run(9, hours: 0.1, faults: FaultKind.ofEveryWorkload)
        let second = run(9, hours: 0.1, faults: FaultKind.ofEveryWorkload)
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
            let stranger = PermissionStatement(sid: "planted", principal: CellPlan.account(0).description)
            for site in workload.sites(of: 2) {
                workload.node(site)?.router.putStatement(stranger, on: CellPlan.bus(2)) { _ in }
            }
        }
        #expect(found.contains { $0.text.contains("of cell 0 crossed to \(CellPlan.bus(2).arn)") }, "\(found)")
    }

    @Test func theCheckerSeesARefusalThatNoPolicyWants() {
        let found = violations { workload in
            for site in workload.sites(of: 0) {
                workload.node(site)?.router.removePolicy(of: CellPlan.bus(0)) { _ in }
            }
        }
        #expect(found.contains { $0.text.contains("of cell 3 by way of next was refused") }, "\(found)")
    }

    /// Lets the queues of the last cell's first rule count what is not there.
    private func miscount(_ size: BacklogSize, in workload: ForwardingWorkload) {
        for site in workload.sites(of: 3) {
            guard let router = workload.node(site)?.router else { continue }
            for (key, revision) in router.catalog.state.revisions where revision.ruleARN.hasSuffix("/next") {
                router.delivery.queue(key).parked = size
            }
        }
    }

    @Test func theCheckerSeesAQueueThatCountsTooMuch() {
        let found = violations { miscount(BacklogSize(count: 100, bytes: 10_000), in: $0) }
        #expect(found.contains { $0.text.hasPrefix("node c3n0 counts 10000 bytes ") }, "\(found)")
    }

    @Test func theCheckerSeesAQueueThatPushesOutTooEarly() {
        let found = violations { miscount(BacklogSize(count: 100, bytes: 0), in: $0) }
        #expect(found.contains { $0.text.hasPrefix("c3n0 pushed ") }, "\(found)")
    }

    @Test func theCheckerSeesWhatIsLost() {
        let found = violations { workload in
            let event = workload.record.put(on: 3, routes: [.next], at: workload.world.time)
            workload.record.acknowledge(event)
        }
        #expect(found.contains { $0.text.contains("of cell 3 was acknowledged and has not come out by way of next") })
    }

    @Test func theCheckerSeesWhatANodeGivesUp() {
        let found = violations { workload in
            for site in workload.sites(of: 3) {
                let key = ForwardingWorkload.Queue.received.key(3, in: workload.plan)
                workload.node(site)?.router.queues.remove(key) { _ in }
            }
        }
        #expect(found.contains { $0.text.contains("dropped") && $0.text.contains("NO_RESOURCE") }, "\(found)")
    }

    @Test func theCheckerSeesWhatANodeForgets() {
        let found = violations { workload in
            let event = workload.record.put(on: 0, routes: [.next], at: workload.world.time)
            for time in [0, 10_000_000, 200_000_000] as [Int64] {
                let now = ForwardingRecord.NodeTime(time: time)
                workload.record.takeIn(event, .next, at: 1, now, window: 150_000_000) { _ in false }
            }
        }
        #expect(found.map(\.text) == ["event 0 of cell 0 was taken in by way of next again after 10 s"], "\(found)")
    }

    /// Cells 0 and 1 host the wanderer by turns; each knows only what it has taken in itself.
    @Test func theCheckerLetsAnotherCellRepeatOnlyWhatMoved() {
        let found = violations { workload in
            for hasMoved in [true, false] {
                let event = workload.record.put(on: 3, routes: [.wanderer], at: 0)
                for site in 0...1 {
                    let now = ForwardingRecord.NodeTime(time: 0)
                    workload.record.takeIn(event, .wanderer, at: site, now, window: 1_000_000) { $0 == 0 && hasMoved }
                }
            }
        }
        let expected = "event 1 of cell 3 was taken in by way of wanderer by another cell after 0 s"
        #expect(found.map(\.text) == [expected], "\(found)")
    }
}
