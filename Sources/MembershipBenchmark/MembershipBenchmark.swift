import Glibc
import SansIO
import Simulation

/// Measures membership in the simulator: every figure follows from its seed and is the same on any machine.
///
///     MembershipBenchmark [--json] [--seed N] [--hours H] [--only WORD]
///
/// `--hours` is the length of the run with 5 % loss; from 24 on, the long partition is measured with 100 nodes too. `--only`
/// runs the measurements whose name contains the word.
@main
struct MembershipBenchmark {
    private struct Measurement {
        var name: String
        var run: () -> [Figure]
    }

    private var isJSON = false
    private var seed: UInt64 = 1
    private var hours = 1.0
    private var only: String?

    static func main() {
        var benchmark = Self()
        guard benchmark.read(CommandLine.arguments.dropFirst()) else {
            tell("usage: MembershipBenchmark [--json] [--seed N] [--hours H] [--only WORD]\n")
            exit(2)
        }
        benchmark.run()
    }

    private mutating func read(_ arguments: ArraySlice<String>) -> Bool {
        var rest = arguments
        while let word = rest.popFirst() {
            switch word {
            case "--json": isJSON = true
            case "--seed":
                guard let value = rest.popFirst().flatMap({ UInt64($0) }) else { return false }
                seed = value
            case "--hours":
                guard let value = rest.popFirst().flatMap({ Double($0) }), value > 0 else { return false }
                hours = value
            case "--only":
                guard let value = rest.popFirst() else { return false }
                only = value
            default: return false
            }
        }
        return true
    }

    private func run() {
        if !isJSON { print(Figure.head) }
        let begin = processorSeconds()
        for measurement in measurements where only.map({ measurement.name.contains($0) }) ?? true {
            let start = processorSeconds()
            let figures = measurement.run()
            for figure in figures { print(isJSON ? figure.json : figure.row) }
            fflush(nil)
            tell("\(measurement.name): \(decimal(processorSeconds() - start, digits: 1)) s of CPU\n")
        }
        tell("all: \(decimal(processorSeconds() - begin, digits: 1)) s of CPU\n")
    }

    private func processorSeconds() -> Double {
        var usage = rusage()
        getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
        return Double(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec)
            + Double(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6
    }

    private var measurements: [Measurement] { crashes + spread + falseDeaths + healing }

    private var crashes: [Measurement] {
        [(3, 100), (10, 100), (100, 100), (500, 12)].flatMap { nodes, count in
            // Nothing is different about the largest cluster in the arm between the two others, and it takes long.
            Arm.allCases.filter { nodes < 500 || $0 != .lifeguard }.map { arm in
                Measurement(name: "crash \(nodes) \(arm.rawValue)") { [seed] in
                    let count = arm == .busbar ? count : max(10, count / 2)
                    return CrashFigures.measure(nodes: nodes, crashes: count, seed: seed, arm: arm)
                }
            }
        }
    }

    private var spread: [Measurement] {
        [
            Measurement(name: "spread") { [seed] in
                [
                    SpreadFigures.rounds(nodes: 100, updates: 20, loss: 0, target: nil, seed: seed),
                    SpreadFigures.rounds(nodes: 500, updates: 20, loss: 0, target: 8, seed: seed),
                    SpreadFigures.rounds(nodes: 500, updates: 10, loss: 0.25, target: 10, seed: seed),
                ]
            },
            Measurement(name: "idle") { [seed] in
                [3, 10, 100, 500].map { SpreadFigures.idle(nodes: $0, duration: .seconds(300), seed: seed) }
            },
        ]
    }

    private var falseDeaths: [Measurement] {
        let losses = [(10, Arm.busbar), (100, .busbar), (100, .lifeguard), (100, .swim)].map { nodes, arm in
            Measurement(name: "loss \(nodes) \(arm.rawValue)") { [seed, hours] in
                let length = arm == .busbar ? hours : min(hours, 0.5)
                return [FalseDeathFigures.underLoss(nodes: nodes, loss: 0.05, hours: length, seed: seed, arm: arm)]
            }
        }
        let starved = [1, 4, 16].map { count in
            Measurement(name: "starved \(count)") { [seed] in
                let seeds = (0..<2).map { seed + $0 }
                return FalseDeathFigures.Starvation(nodes: 100, starved: count, minutes: 5, seeds: seeds).figures
            }
        }
        return losses + starved
    }

    private var healing: [Measurement] {
        [
            Measurement(name: "partition") { [seed, hours] in
                [
                    HealingFigures.partition(nodes: 3, lasting: .seconds(30), target: 5, seed: seed),
                    HealingFigures.partition(nodes: 10, lasting: .seconds(30), target: 5, seed: seed),
                    HealingFigures.partition(nodes: 100, few: 10, lasting: .seconds(30), target: 5, seed: seed),
                    HealingFigures.partition(nodes: 100, lasting: .seconds(30), target: 5, seed: seed),
                    HealingFigures.partition(nodes: 100, lasting: .seconds(600), target: 30, seed: seed),
                    HealingFigures.partition(nodes: 10, lasting: .seconds(93_600), target: 60, seed: seed),
                ]
                    + (hours < 24
                        ? []
                        : [HealingFigures.partition(nodes: 100, lasting: .seconds(93_600), target: 60, seed: seed)])
            },
            Measurement(name: "restarts") { [seed] in
                (0..<3).map { HealingFigures.restarts(nodes: 100, seed: seed + $0) }
            },
            Measurement(name: "move") { [seed] in [HealingFigures.move(nodes: 100, moves: 10, seed: seed)] },
            Measurement(name: "stolen name") { [seed] in [TrustFigures.stolenName(nodes: 100, seed: seed)] },
            Measurement(name: "rotation") { [seed] in [TrustFigures.rotation(nodes: 100, seed: seed)] },
        ]
    }
}

/// Writes to the standard error.
private func tell(_ text: String) {
    let bytes = Array(text.utf8)
    _ = write(2, bytes, bytes.count)
}
