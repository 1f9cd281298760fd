import Cluster
import Membership
import SansIO
import Simulation

/// How soon views are right again after partitions, restarts and moves.
struct HealingFigures {
    /// Parts a cluster, and heals it.
    ///
    /// - Parameters:
    ///   - nodes: how many there are.
    ///   - few: how many are on the one side; nil for half of them.
    ///   - duration: for how long.
    ///   - target: seconds within which all views are to be equal again.
    ///   - seed: what everything follows from.
    /// - Returns: the time, and of whom the sides held the other ones dead before.
    static func partition(
        nodes: Int,
        few: Int? = nil,
        lasting duration: Duration,
        target: Int,
        seed: UInt64
    ) -> Figure {
        let cluster = BenchmarkCluster(nodes: nodes, seed: seed)
        cluster.settle()
        var generator = cluster.world.generator(for: "partition")
        let left = cluster.pick(few ?? nodes / 2, &generator)
        let right = cluster.machines.filter { machine in !left.contains { $0 === machine } }
        cluster.world.network.part(left, right)
        cluster.world.run(for: duration)
        let deaths = [deathShare(of: left, in: right), deathShare(of: right, in: left)]
        cluster.world.network.heal(left, right)
        let time = cluster.wait(for: { cluster.isConverged }, within: .seconds(600))
        let name =
            duration >= .seconds(3600)
            ? "\(Int(duration.inSeconds) / 3600) h"
            : duration >= .seconds(60) ? "\(Int(duration.inSeconds) / 60) min" : "\(Int(duration.inSeconds)) s"
        return Figure(
            measure: "views equal after \(left.count) and \(right.count) nodes were parted for \(name)",
            nodes: nodes,
            seeds: "\(seed)",
            value: (time.map { "\(decimal($0.inSeconds, digits: 1)) s" } ?? "not within 10 min")
                + " (the sides held \(percent(deaths[1])) and \(percent(deaths[0])) of each other dead)",
            target: "<= \(target) s",
            isReached: time.map { $0 <= .seconds(target) } ?? false
        )
    }

    /// How much of what some machines hold of others is that they are dead.
    private static func deathShare(of subjects: [Machine], in observers: [Machine]) -> Double {
        var dead = 0
        for observer in observers {
            for subject in subjects {
                guard let identity = subject.nodeIdentity else { continue }
                if observer.membership?.driver.member(identity)?.state == .dead { dead += 1 }
            }
        }
        return Double(dead) / Double(observers.count * subjects.count)
    }

    private static func percent(_ share: Double) -> String {
        "\(decimal(share * 100, digits: share == 0 || share == 1 ? 0 : 1)) %"
    }

    static func restarts(nodes: Int, seed: UInt64) -> Figure {
        let cluster = BenchmarkCluster(nodes: nodes, seed: seed)
        cluster.settle()
        var generator = cluster.world.generator(for: "restarts")
        for machine in cluster.pick(nodes * 3 / 10, &generator) {
            cluster.world.after(.milliseconds(Int.random(in: 0..<9000, using: &generator))) {
                machine.crash()
                cluster.world.after(.seconds(1)) { machine.start() }
            }
        }
        cluster.world.run(for: .seconds(10))
        let time = cluster.wait(for: { cluster.isConverged }, within: .seconds(300))
        cluster.world.run(for: .seconds(60))
        let isLasting = cluster.isConverged
        return Figure(
            measure: "30 % of the nodes restarted within 10 s, then views equal",
            nodes: nodes,
            seeds: "\(seed)",
            value: (time.map { "after \(decimal($0.inSeconds, digits: 1)) s" } ?? "not within 5 min")
                + (isLasting ? ", and for good" : ", but not for good"),
            target: "<= 10 s, for good",
            isReached: (time.map { $0 <= .seconds(10) } ?? false) && isLasting
        )
    }

    static func move(nodes: Int, moves: Int, seed: UInt64) -> Figure {
        let cluster = BenchmarkCluster(nodes: nodes, seed: seed)
        cluster.settle()
        var generator = cluster.world.generator(for: "moves")
        var sample = Sample()
        for number in 0..<moves {
            guard let machine = cluster.pick(1, &generator).first, let identity = machine.nodeIdentity else { continue }
            machine.crash()
            machine.move(to: NodeEndpoint(host: "172.16.\(number / 250).\(number % 250 + 1)", port: 7946))
            machine.start()
            let time = cluster.wait(
                for: {
                    cluster.running.allSatisfy { other in
                        guard let view = other.membership?.driver else { return false }
                        let member = view.member(identity)
                        return member?.description.gossip == machine.endpoint && member?.state == .alive
                    }
                },
                within: .seconds(120)
            )
            sample.values.append(time?.inSeconds ?? .infinity)
            cluster.world.run(for: .seconds(15))
        }
        return Figure(
            measure: "same identity at a new address accepted everywhere, \(moves) moves",
            nodes: nodes,
            seeds: "\(seed)",
            value:
                "p50 \(decimal(sample.quantile(0.5), digits: 1)) s, slowest \(decimal(sample.quantile(1), digits: 1)) s",
            target: "<= 3 s",
            isReached: sample.quantile(1) <= 3
        )
    }
}
