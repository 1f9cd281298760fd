import ArgumentParser
import SansIO
import Simulation

/// `busbar simulate --seed N --nodes N --hours H [--faults LIST] [--twice]`
struct SimulateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "simulate",
        abstract: "Run many nodes in a simulated world with faults, all of which follow from one seed.",
        discussion: """
            The nodes' own code runs on simulated machines, clocks, disks and a simulated network. Storms of faults take \
            turns with calms, after each of which every node must have the right view again. The same options end with \
            the same unseed, whenever and wherever they are run. Exits with 1 when something was wrong.
            """
    )

    @Option(help: "What everything follows from; by default a new one.")
    var seed: UInt64 = .random(in: 1...UInt64(UInt32.max))

    /// What the nodes do.
    enum WorkloadName: String, ExpressibleByArgument, CaseIterable {
        /// They gossip about who is there and who hosts what.
        case membership
        /// They are cells of one node each that forward events to each other.
        case forwarding
    }

    @Option(help: "What the nodes do: membership, or forwarding (cells that send events to each other; at least 3).")
    var workload = WorkloadName.membership

    @Option(help: "How many nodes take part, 1 to 1000.")
    var nodes = 10

    @Option(help: "How many more only dial out, 0 to 1000; gossip tells of them by way of the first three nodes.")
    var leaves = 0

    @Option(help: "How much time passes in the world.")
    var hours = 1.0

    @Option(
        help: "What goes wrong: all, none, or some of \(FaultKind.allCases.map(\.rawValue).joined(separator: ","))."
    )
    var faults = "all"

    @Flag(help: "Run it twice and compare the unseeds.")
    var twice = false

    func validate() throws {
        guard (1...1000).contains(nodes) else { throw ValidationError("--nodes must be 1 to 1000.") }
        guard workload == .membership || nodes >= 3 else {
            throw ValidationError("--workload forwarding takes at least 3 nodes.")
        }
        guard (0...1000).contains(leaves) else { throw ValidationError("--leaves must be 0 to 1000.") }
        guard workload == .membership || leaves == 0 else {
            let text = "--workload forwarding takes no --leaves: its last cell always dials out only."
            throw ValidationError(text)
        }
        guard hours > 0, hours <= 100_000 else { throw ValidationError("--hours must be above 0, at most 100000.") }
        switch FaultKind.list(faults) {
        case .failure(let error): throw ValidationError("\(error).")
        case .success(let kinds):
            guard workload == .forwarding, faults != "all",
                let kind = kinds.first(where: FaultKind.ofMembership.contains)
            else { return }
            throw ValidationError("--workload forwarding takes no \(kind.rawValue): it may rightly lose events.")
        }
    }

    func run() async throws {
        guard case .success(let all) = FaultKind.list(faults) else { return }
        let kinds = workload == .membership ? all : all.filter { !FaultKind.ofMembership.contains($0) }
        let duration = Duration.milliseconds(Int64(hours * 3_600_000))
        var options = SimulationOptions(seed: seed, nodes: nodes, duration: duration, faults: kinds)
        options.leaves = leaves
        print("workload \(workload.rawValue), \(options.summary)")
        let report = simulate(options)
        print("faults: \(report.faultLine)")
        for violation in report.violations { print("violation \(violation)") }
        print("unseed \(hexadecimal(report.unseed))")
        if twice {
            let again = simulate(options)
            guard again.unseed == report.unseed else {
                print("the second run ends with \(hexadecimal(again.unseed)): something does not follow from the seed")
                throw ExitCode(1)
            }
            print("the second run ends with the same number")
        }
        if !report.violations.isEmpty { throw ExitCode(1) }
    }

    /// Shows progress at most once in ten minutes of the world.
    private func simulate(_ options: SimulationOptions) -> SimulationReport {
        var shown: Duration = .zero
        let show: (SimulationReport) -> Void = { report in
            guard report.elapsed - shown >= .seconds(600) else { return }
            shown = report.elapsed
            print(report.progressLine)
        }
        let report = SimulationRun(options, progress: show) { world in
            switch workload {
            case .membership: Scenario.membership(in: world, faults: options.faults, leaves: options.leaves)
            case .forwarding: Scenario.forwarding(in: world, cells: options.nodes)
            }
        }.run()
        if report.elapsed > shown { print(report.progressLine) }
        return report
    }

    private func hexadecimal(_ number: UInt64) -> String {
        let digits = String(number, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}
