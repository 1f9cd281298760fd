import Membership
import SansIO
import Simulation

/// How fast a crash is noticed: the first suspicion of it, and the last view in which the node is dead.
struct CrashFigures {
    static func measure(nodes: Int, crashes: Int, seed: UInt64, arm: Arm) -> [Figure] {
        let cluster = BenchmarkCluster(nodes: nodes, seed: seed, configuration: arm.configuration)
        cluster.settle()
        var generator = cluster.world.generator(for: "crashes")
        var first = Sample()
        var last = Sample()
        var missed = 0
        for _ in 0..<crashes {
            cluster.world.run(for: .milliseconds(Int.random(in: 0..<2000, using: &generator)))
            guard let victim = cluster.pick(1, &generator).first else { continue }
            let times = crash(victim, cluster)
            if let time = times.first { first.values.append(time.inSeconds) }
            if let time = times.last { last.values.append(time.inSeconds) } else { missed += 1 }
            victim.start()
            if cluster.wait(for: { cluster.isConverged }, within: .seconds(120)) == nil { missed += 1 }
            cluster.world.run(for: .seconds(5))
        }
        return figures(nodes, crashes, seed, arm, first, last, missed)
    }

    private static func crash(_ victim: Machine, _ cluster: BenchmarkCluster) -> (first: Duration?, last: Duration?) {
        let start = cluster.world.elapsed
        var first: Duration?
        var observers: Set<Int> = []
        var last: Duration?
        cluster.onEvent = { machine, event in
            switch event {
            case .suspected(let member, _) where cluster.machine(member) === victim:
                first = first ?? cluster.world.elapsed - start
            case .died(let member) where cluster.machine(member) === victim:
                observers.insert(machine.index)
                last = cluster.world.elapsed - start
            default: break
            }
        }
        victim.crash()
        let all = cluster.machines.count - 1
        let done = cluster.wait(for: { observers.count == all }, within: .seconds(60))
        cluster.onEvent = { _, _ in }
        return (first, done == nil ? nil : last)
    }

    private static func figures(
        _ nodes: Int,
        _ crashes: Int,
        _ seed: UInt64,
        _ arm: Arm,
        _ first: Sample,
        _ last: Sample,
        _ missed: Int
    ) -> [Figure] {
        let target =
            switch nodes {
            case 100: "p50 <= 6 s, p99 <= 10 s"
            case 10: "p50 <= 4 s"
            default: "-"
            }
        let isFast = nodes == 100 ? last.quantile(0.5) <= 6 && last.quantile(0.99) <= 10 : last.quantile(0.5) <= 4
        let detection = Figure(
            measure: "first detection of a crash, \(crashes) crashes",
            nodes: nodes,
            seeds: "\(seed)",
            arm: arm,
            value: "mean \(decimal(first.mean)) s",
            target: "mean <= 1.6 s",
            isReached: arm == .busbar ? first.mean <= 1.6 : nil
        )
        let death = Figure(
            measure: "dead in every view, \(crashes) crashes",
            nodes: nodes,
            seeds: "\(seed)",
            arm: arm,
            value: "p50 \(decimal(last.quantile(0.5))) s, p99 \(decimal(last.quantile(0.99))) s"
                + (missed > 0 ? ", \(missed) not within a minute" : ""),
            target: target,
            isReached: arm == .busbar && target != "-" ? isFast && missed == 0 : nil
        )
        return [detection, death]
    }
}
