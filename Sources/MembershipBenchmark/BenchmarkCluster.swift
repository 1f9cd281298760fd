import Cluster
import EventModel
import Membership
import SansIO
import Simulation

/// Nodes in a world, and what a measurement asks of them.
final class BenchmarkCluster {
    let world: World
    let workload: MembershipWorkload
    let seed: UInt64
    let configuration: MembershipConfiguration
    /// Hears of every event of every node.
    var onEvent: (Machine, MembershipEvent) -> Void = { _, _ in }

    init(nodes: Int, seed: UInt64, configuration: MembershipConfiguration = .lan) {
        self.seed = seed
        self.configuration = configuration
        world = World(seed: seed)
        workload = MembershipWorkload(configuration: configuration)
        workload.prepare(world, nodes: nodes)
        workload.onEvent = { [unowned self] machine, event in onEvent(machine, event) }
    }

    deinit { world.end() }

    var machines: [Machine] { world.machines }

    var running: [Machine] { machines.filter { $0.membership != nil } }

    /// Whether every running node holds the same view, of as many members as run.
    var isConverged: Bool { views(running, count: running.count) }

    /// Whether these nodes have equal views of so many members.
    func views(_ machines: [Machine], count: Int) -> Bool {
        guard let first = machines.first?.membership?.driver.viewFingerprint else { return true }
        return machines.allSatisfy { machine in
            guard let view = machine.membership?.driver else { return false }
            return view.presentCount == count && view.viewFingerprint == first
        }
    }

    /// Lets time pass until something holds; nil when it does not within the limit.
    func wait(
        for condition: () -> Bool,
        within limit: Duration,
        step: Duration = .milliseconds(100)
    ) -> Duration? {
        let start = world.elapsed
        while world.elapsed - start < limit {
            if condition() { return world.elapsed - start }
            world.run(for: step)
        }
        return condition() ? world.elapsed - start : nil
    }

    /// Lets a fresh cluster find itself, and go on until its news are told: everybody knows everybody long before that.
    func settle() {
        _ = wait(for: { isConverged }, within: .seconds(300))
        world.run(for: .milliseconds(20_000 + machines.count * 100))
    }

    /// The machine that an event's member runs on; machines have their nodes' names.
    func machine(_ member: Member) -> Machine? {
        guard let index = Int(member.identity.node.dropFirst()), machines.indices.contains(index) else { return nil }
        return machines[index]
    }

    func pick(_ count: Int, _ generator: inout SeededGenerator) -> [Machine] {
        var candidates = machines
        var chosen: [Machine] = []
        for _ in 0..<min(count, candidates.count) {
            chosen.append(candidates.remove(at: Int.random(in: 0..<candidates.count, using: &generator)))
        }
        return chosen
    }
}

extension Duration {
    var inSeconds: Double { Double(components.seconds) + Double(components.attoseconds) / 1e18 }
}
