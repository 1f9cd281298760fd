import Glibc
import SansIO
import Simulation

/// Runs many worlds with mixed faults, each from a seed of its own, and reports what was wrong in them.
///
///     SimulationBenchmark [--json] [--first-seed N] [--hours H] [--hours-each H] [--nodes N] [--leaves N] [--faults LIST]
///         [--jobs N] [--workload membership|forwarding]
///
/// Nodes and kinds of fault of each world follow from its seed: 3 to 30 nodes, and all kinds or a random choice. Every second
/// world is one of 3 to 6 cells that forward events to each other; in the others nodes gossip, beside up to 5 leaves. `--workload` wants one kind only.
@main
struct SimulationBenchmark {
    private var isJSON = false
    private var firstSeed: UInt64 = 1
    private var hours = 50.0
    private var hoursEach = 2.0
    private var nodes: Int?
    private var leaves: Int?
    private var faults: [FaultKind]?
    private var jobs = 2
    private var only: Workload?

    private enum Workload: String, CaseIterable, Sendable {
        case membership
        case forwarding
    }

    /// A world to be, and one that was.
    private typealias Plan = (workload: Workload, options: SimulationOptions)
    private typealias Outcome = (workload: Workload, report: SimulationReport)

    static func main() async {
        let arguments = CommandLine.arguments.dropFirst()
        if arguments.first == "--edge-week" {
            guard let week = EdgeWeekBenchmark(arguments.dropFirst()) else {
                tell("usage: \(EdgeWeekBenchmark.usage)\n")
                exit(2)
            }
            exit(week.run() ? 0 : 1)
        }
        var benchmark = Self()
        guard benchmark.read(arguments) else {
            tell(
                "usage: SimulationBenchmark [--json] [--first-seed N] [--hours H] [--hours-each H] [--nodes N] "
                    + "[--leaves N] [--faults LIST] [--jobs N] [--workload membership|forwarding]\n       \(EdgeWeekBenchmark.usage)\n"
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
            case "--leaves":
                guard let number = Int(value), (0...1000).contains(number) else { return false }
                leaves = number
            case "--faults":
                guard case .success(let kinds) = FaultKind.list(value) else { return false }
                faults = kinds
            case "--workload":
                guard let workload = Workload(rawValue: value) else { return false }
                only = workload
            case "--jobs":
                guard let number = Int(value), (1...64).contains(number) else { return false }
                jobs = number
            default: return false
            }
        }
        return true
    }

    private func plan(seed: UInt64) -> Plan {
        let workload = only ?? Workload.allCases[Int(seed % 2)]
        var options = self.options(seed: seed)
        // Whole routers and stores take far more time than gossip.
        switch workload {
        case .membership: options.leaves = leaves ?? Int(seed / 2 % 6)
        case .forwarding:
            options.nodes = nodes.map { max(3, $0) } ?? (3 + options.nodes % 4)
            options.faults.removeAll { FaultKind.ofMembership.contains($0) }
        }
        return (workload, options)
    }

    private func options(seed: UInt64) -> SimulationOptions {
        var generator = SeededGenerator(seed: seed)
        let duration = Duration.milliseconds(Int64(hoursEach * 3_600_000))
        let count = Int.random(in: 3...30, using: &generator)
        var chosen = FaultKind.ofEveryWorkload.filter { _ in Bool.random(using: &generator) }
        let isMixed = Bool.random(using: &generator) || chosen.isEmpty
        chosen += FaultKind.allCases.filter { FaultKind.ofMembership.contains($0) && Bool.random(using: &generator) }
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
        tell("\(worlds) worlds, seeds \(firstSeed) to \(firstSeed + UInt64(worlds) - 1), \(hoursEach) h each\n")
        var waiting = seeds.map { plan(seed: $0) }[...]
        var progress = SimulationProgress(worlds: worlds)
        let outcomes = await withTaskGroup(of: Outcome.self) { group in
            var all: [Outcome] = []
            for plan in waiting.prefix(jobs) { group.addTask { Self.simulate(plan) } }
            waiting = waiting.dropFirst(jobs)
            while let outcome = await group.next() {
                all.append(outcome)
                show(outcome)
                progress.ended(outcome.report)
                if let plan = waiting.popFirst() { group.addTask { Self.simulate(plan) } }
            }
            return all
        }
        var summaries: [SimulationSummary] = []
        for workload in Workload.allCases {
            let reports = outcomes.filter { $0.workload == workload }.map { $0.report }
            if !reports.isEmpty { summaries.append(SimulationSummary(workload.rawValue, reports)) }
        }
        for summary in summaries { print(isJSON ? summary.json(firstSeed: firstSeed) : summary.text) }
        if !isJSON { print(SimulationSummary.table(of: summaries)) }
        return outcomes.allSatisfy { $0.report.violations.isEmpty }
    }

    private static func simulate(_ plan: Plan) -> Outcome {
        let options = plan.options
        let run = SimulationRun(options) { world in
            switch plan.workload {
            case .membership: Scenario.membership(in: world, faults: options.faults, leaves: options.leaves)
            case .forwarding: Scenario.forwarding(in: world, cells: options.nodes)
            }
        }
        return (plan.workload, run.run())
    }

    private func show(_ outcome: Outcome) {
        let report = outcome.report
        guard !report.violations.isEmpty else { return }
        tell("\(outcome.workload.rawValue): \(report.options.summary)\n")
        for violation in report.violations { tell("  \(violation)\n") }
    }
}

/// Writes to the standard error.
func tell(_ text: String) {
    let bytes = Array(text.utf8)
    _ = write(2, bytes, bytes.count)
}
