import Cluster
import Membership
import SansIO
import Simulation

/// How many rounds of gossip an update needs to reach nearly everybody, and what a cluster says while nothing happens.
struct SpreadFigures {
    static func rounds(nodes: Int, updates: Int, loss: Double, target: Int?, seed: UInt64) -> Figure {
        let cluster = BenchmarkCluster(nodes: nodes, seed: seed)
        cluster.settle()
        var generator = cluster.world.generator(for: "updates")
        cluster.world.network.conditions.loss = loss
        let period = cluster.configuration.gossipPeriod.inSeconds
        var informed: [Int: Int] = [:]
        var author: Machine?
        var start = cluster.world.elapsed
        cluster.onEvent = { [unowned cluster] machine, event in
            guard case .changed(let member) = event, cluster.machine(member) === author, machine !== author else {
                return
            }
            informed[Int(((cluster.world.elapsed - start).inSeconds / period).rounded(.up)), default: 0] += 1
        }
        for number in 0..<updates {
            cluster.world.run(for: .milliseconds(3000 + Int.random(in: 0..<1000, using: &generator)))
            author = cluster.pick(1, &generator).first
            start = cluster.world.elapsed
            author?.membership?.driver.describe { $0.pressure = UInt8(truncatingIfNeeded: number + 1) }
            cluster.world.run(for: .seconds(4))
        }
        let total = updates * (nodes - 1)
        var sum = 0
        var needed: Int?
        for round in 0..<100 where needed == nil {
            sum += informed[round, default: 0]
            if Double(sum) >= 0.999 * Double(total) { needed = round }
        }
        let share = decimal(Double(informed.values.reduce(0, +)) / Double(total) * 100)
        return Figure(
            measure: "rounds until an update has reached 99.9 %, \(Int(loss * 100)) % loss, \(updates) updates",
            nodes: nodes,
            seeds: "\(seed)",
            value: needed.map { "\($0) rounds" } ?? "not within 4 s (\(share) %)",
            target: target.map { "<= \($0) rounds" } ?? "-",
            isReached: target.map { (needed ?? .max) <= $0 }
        )
    }

    static func idle(nodes: Int, duration: Duration, seed: UInt64) -> Figure {
        let cluster = BenchmarkCluster(nodes: nodes, seed: seed)
        cluster.settle()
        let before = cluster.world.network.statistics
        cluster.world.run(for: duration)
        let after = cluster.world.network.statistics
        let share = Double(nodes) * duration.inSeconds
        let bytes = Double(after.sentBytes - before.sentBytes) / share
        let datagrams = Double(after.sent - before.sent) / share
        return Figure(
            measure:
                "idle UDP sent a node (\(decimal(datagrams, digits: 1)) datagrams/s; 28 bytes of headers each not counted)",
            nodes: nodes,
            seeds: "\(seed)",
            value: "\(decimal(bytes, digits: 0)) B/s",
            target: "<= 1000 B/s",
            isReached: nodes >= 100 ? bytes <= 1000 : nil
        )
    }
}
