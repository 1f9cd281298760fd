import Membership
import SansIO
import Simulation

/// How often nodes that run are declared dead.
struct FalseDeathFigures {
    static func underLoss(nodes: Int, loss: Double, hours: Double, seed: UInt64, arm: Arm) -> Figure {
        let cluster = BenchmarkCluster(nodes: nodes, seed: seed, configuration: arm.configuration)
        cluster.settle()
        cluster.world.network.conditions.loss = loss
        var deaths = 0
        var suspicions = 0
        cluster.onEvent = { _, event in
            if case .died = event { deaths += 1 }
            if case .suspected = event { suspicions += 1 }
        }
        cluster.world.run(for: .milliseconds(Int64(hours * 3_600_000)))
        return Figure(
            measure: "false deaths, \(Int(loss * 100)) % loss, \(decimal(hours, digits: 1)) simulated hours",
            nodes: nodes,
            seeds: "\(seed)",
            arm: arm,
            value: "\(deaths) (views that held somebody suspect: \(suspicions))",
            target: "0",
            isReached: arm == .busbar ? deaths == 0 : nil
        )
    }

    /// What a number of starved nodes do to the healthy ones: deaths of healthy nodes in the views of healthy nodes.
    struct Starvation {
        var nodes: Int
        var starved: Int
        var minutes: Int
        var seeds: [UInt64]

        func deaths(_ arm: Arm) -> Int {
            seeds.reduce(0) { $0 + deaths(seed: $1, arm) }
        }

        private func deaths(seed: UInt64, _ arm: Arm) -> Int {
            let cluster = BenchmarkCluster(nodes: nodes, seed: seed, configuration: arm.configuration)
            cluster.settle()
            var generator = cluster.world.generator(for: "starvation")
            let victims = cluster.pick(starved, &generator)
            let isStarved = Set(victims.map(\.index))
            var deaths = 0
            cluster.onEvent = { [unowned cluster] machine, event in
                guard case .died(let member) = event, let subject = cluster.machine(member),
                    !isStarved.contains(subject.index), !isStarved.contains(machine.index)
                else { return }
                deaths += 1
            }
            for victim in victims {
                starve(victim, cluster.world, SeededGenerator(seed: generator.next()))
            }
            cluster.world.run(for: .seconds(60 * minutes))
            return deaths
        }

        /// The processor for 10 to 200 ms, then none for 0.5 to 16 s (more often short than long), and so on.
        private func starve(_ machine: Machine, _ world: World, _ generator: SeededGenerator) {
            var generator = generator
            let doublings = Double.random(in: 0...5, using: &generator)
            var stands = 500.0
            for _ in 0..<Int(doublings) { stands *= 2 }
            stands *= 1 + (doublings - Double(Int(doublings)))
            let runs = Int.random(in: 10...200, using: &generator)
            machine.pause()
            machine.turnCost = .milliseconds(2)
            world.after(.milliseconds(Int64(stands))) {
                machine.resume()
                world.after(.milliseconds(runs)) { starve(machine, world, generator) }
            }
        }

        var figures: [Figure] {
            let control = deaths(.swim)
            let lifeguard = deaths(.lifeguard)
            let ours = deaths(.busbar)
            let measure = "false deaths at healthy nodes, \(starved) starved, \(minutes) min"
            let list = seeds.map { "\($0)" }.joined(separator: " ")
            let isReached = starved == 1 ? ours == 0 : ours * 50 <= control && control > 0
            let ratio = ours == 0 ? "" : " (\(control / ours) times fewer)"
            func other(_ arm: Arm, _ count: Int) -> Figure {
                Figure(measure: measure, nodes: nodes, seeds: list, arm: arm, value: "\(count)", target: "-")
            }
            return [
                Figure(
                    measure: measure,
                    nodes: nodes,
                    seeds: list,
                    value: "\(ours)\(ratio)",
                    target: starved == 1 ? "0" : "50 times fewer",
                    isReached: isReached
                ),
                other(.lifeguard, lifeguard),
                other(.swim, control),
            ]
        }
    }
}
