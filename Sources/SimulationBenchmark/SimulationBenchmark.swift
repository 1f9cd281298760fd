import Glibc
import SansIO
import Simulation

/// Runs many worlds with mixed faults, each from a seed of its own, and reports what was wrong in them.
///
///     SimulationBenchmark [--json] [--first-seed N] [--hours H] [--hours-each H] [--nodes N] [--faults LIST]
///         [--jobs N]
///
/// Nodes and kinds of fault of each world follow from its seed: 3 to 30 nodes, and all kinds or a random choice.
@main
struct SimulationBenchmark {
    private var isJSON = false
    private var firstSeed: UInt64 = 1
    private var hours = 50.0
    private var hoursEach = 2.0
    private var nodes: Int?
    private var faults: [FaultKind]?
    private var jobs = 2

    static func main() async {
        var benchmark = Self()
        guard benchmark.read(CommandLine.arguments.dropFirst()) else {
            tell(
                "usage: SimulationBenchmark [--json] [--first-seed N] [--hours H] [--hours-each H] [--faults LIST] "
                    + "[--jobs N]\n"
            )
            exit(2)
        }
        exit(await benchmark.run() ? 0 : 1)
    }

    private mutating func read(_ arguments: ArraySlice<String>) -> Bool {
        var rest = arguments
        while let word = rest.popFirst() {
            if word == "--json" {
                isJSON = true
                continue
            }
            guard let value = rest.popFirst() else { return false }
            switch word {
            case "--first-seed":
                guard let number = UInt64(value) else { return false }
                firstSeed = number
            case "--hours":
                guard let number = Double(value), number > 0 else { return false }
                hours = number
            case "--hours-each":
                guard let number = Double(value), number > 0 else { return false }
                hoursEach = number
            case "--nodes":
                guard let number = Int(value), (1...1000).contains(number) else { return false }
                nodes = number
            case "--faults":
                guard case .success(let kinds) = FaultKind.list(value) else { return false }
                faults = kinds
            case "--jobs":
                guard let number = Int(value), (1...64).contains(number) else { return false }
                jobs = number
            default: return false
            }
        }
        return true
    }

    private func options(seed: UInt64) -> SimulationOptions {
        var generator = SeededGenerator(seed: seed)
        let duration = Duration.milliseconds(Int64(hoursEach * 3_600_000))
        let count = Int.random(in: 3...30, using: &generator)
        let chosen = FaultKind.allCases.filter { _ in Bool.random(using: &generator) }
        let isMixed = Bool.random(using: &generator) || chosen.isEmpty
        return SimulationOptions(
            seed: seed,
            nodes: nodes ?? count,
            duration: duration,
            faults: faults ?? (isMixed ? FaultKind.allCases : chosen)
        )
    }

    /// True when nothing was wrong in any world.
    private func run() async -> Bool {
        let worlds = max(1, Int((hours / hoursEach).rounded(.up)))
        let seeds = (0..<worlds).map { firstSeed + UInt64($0) }
        var waiting = seeds.map { options(seed: $0) }[...]
        let reports = await withTaskGroup(of: SimulationReport.self) { group in
            var all: [SimulationReport] = []
            for options in waiting.prefix(jobs) { group.addTask { Self.simulate(options) } }
            waiting = waiting.dropFirst(jobs)
            while let report = await group.next() {
                all.append(report)
                show(report)
                if let options = waiting.popFirst() { group.addTask { Self.simulate(options) } }
            }
            return all
        }
        summarise(reports)
        return reports.allSatisfy(\.violations.isEmpty)
    }

    private static func simulate(_ options: SimulationOptions) -> SimulationReport {
        SimulationRun(options) { world in Scenario.membership(in: world, faults: options.faults) }.run()
    }

    private func show(_ report: SimulationReport) {
        guard !report.violations.isEmpty else { return }
        tell("\(report.options.summary)\n")
        for violation in report.violations { tell("  \(violation)\n") }
    }

    private func summarise(_ reports: [SimulationReport]) {
        let simulated = reports.reduce(0) { $0 + $1.elapsed.milliseconds } / 3_600_000
        let events = reports.reduce(0) { $0 + $1.events }
        let datagrams = reports.reduce(0) { $0 + $1.network.sent }
        let settlings = reports.reduce(0) { $0 + $1.settlings }
        let violations = reports.reduce(0) { $0 + $1.violations.count }
        let counts = FaultKind.allCases.map { kind in (kind, reports.reduce(0) { $0 + $1.faults[kind, default: 0] }) }
        let faults = counts.reduce(0) { $0 + $1.1 }
        let failing = reports.filter { !$0.violations.isEmpty }.map(\.options.seed).sorted()
        if isJSON {
            let kinds = counts.map { "\"\($0.0.rawValue)\": \($0.1)" }.joined(separator: ", ")
            print(
                "{\"worlds\": \(reports.count), \"first_seed\": \(firstSeed), \"hours\": \(simulated), "
                    + "\"events\": \(events), \"datagrams\": \(datagrams), \"settlings\": \(settlings), "
                    + "\"faults\": \(faults), \"violations\": \(violations), \"failing_seeds\": \(failing), "
                    + "\"kinds\": {\(kinds)}}"
            )
            return
        }
        let last = firstSeed + UInt64(max(1, reports.count)) - 1
        print("worlds       \(reports.count), seeds \(firstSeed) to \(last)")
        print("simulated    \(simulated) h")
        print("events       \(events), datagrams \(datagrams)")
        print("faults       \(faults): \(counts.map { "\($0.0.rawValue) \($0.1)" }.joined(separator: ", "))")
        print("settlings    \(settlings)")
        print("violations   \(violations)\(failing.isEmpty ? "" : ", seeds \(failing)")")
    }
}

/// Writes to the standard error.
private func tell(_ text: String) {
    let bytes = Array(text.utf8)
    _ = write(2, bytes, bytes.count)
}
