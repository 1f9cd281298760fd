import SansIO
import Simulation

/// Tells now and then how far many worlds are.
struct SimulationProgress {
    private let worlds: Int
    private var ended = 0
    private var milliseconds: Int64 = 0
    private var events: UInt64 = 0
    private var faults = 0
    private var violations = 0

    init(worlds: Int) {
        self.worlds = worlds
    }

    /// A world came to its end.
    mutating func ended(_ report: SimulationReport) {
        ended += 1
        milliseconds += report.elapsed.milliseconds
        events += report.events
        faults += report.faults.values.reduce(0, +)
        violations += report.violations.count
        guard ended % max(1, worlds / 50) == 0 || ended == worlds else { return }
        let hours = milliseconds / 3_600_000
        tell("\(ended) of \(worlds) worlds, \(hours) h, \(events) events, \(faults) faults, \(violations) violations\n")
    }
}

/// What came of the worlds of one workload.
struct SimulationSummary {
    private let workload: String
    private let seeds: [UInt64]
    private let hours: Double
    private let events: UInt64
    private let settlings: Int
    private let faults: [(kind: FaultKind, count: Int)]
    private let figures: [(name: String, count: Int)]
    private let violations: Int
    private let failing: [UInt64]
    private let datagrams: UInt64
    private let messages: UInt64

    init(_ workload: String, _ reports: [SimulationReport]) {
        self.workload = workload
        seeds = reports.map(\.options.seed)
        let milliseconds = reports.reduce(0) { $0 + $1.elapsed.milliseconds }
        hours = (Double(milliseconds) / 36_000).rounded() / 100
        events = reports.reduce(0) { $0 + $1.events }
        settlings = reports.reduce(0) { $0 + $1.settlings }
        faults = FaultKind.allCases.map { kind in (kind, reports.reduce(0) { $0 + $1.faults[kind, default: 0] }) }
        var sums: [String: Int] = [:]
        for report in reports { sums.merge(report.figures) { $0 + $1 } }
        figures = sums.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
        violations = reports.reduce(0) { $0 + $1.violations.count }
        failing = reports.filter { !$0.violations.isEmpty }.map(\.options.seed).sorted()
        datagrams = reports.reduce(0) { $0 + $1.network.sent }
        messages = reports.reduce(0) { $0 + $1.network.linkMessages }
    }

    private var faultCount: Int { faults.reduce(0) { $0 + $1.count } }

    private var seedRange: String { "\(seeds.min() ?? 0) to \(seeds.max() ?? 0)" }

    /// The figures, one a line.
    var text: String {
        let kinds = faults.map { "\($0.kind.rawValue) \($0.count)" }.joined(separator: ", ")
        var lines = [
            "workload     \(workload)",
            "worlds       \(seeds.count), seeds \(seedRange)",
            "simulated    \(hours) h",
            "events       \(events), datagrams \(datagrams), messages of links \(messages)",
            "faults       \(faultCount): \(kinds)",
            "settlings    \(settlings)",
        ]
        if !figures.isEmpty {
            lines.append("counted      \(figures.map { "\($0.name) \($0.count)" }.joined(separator: ", "))")
        }
        lines.append("violations   \(violations)\(failing.isEmpty ? "" : ", seeds \(failing)")")
        return lines.joined(separator: "\n")
    }

    /// The figures as one JSON object.
    func json(firstSeed: UInt64) -> String {
        let kinds = faults.map { "\"\($0.kind.rawValue)\": \($0.count)" }.joined(separator: ", ")
        let counted = figures.map { "\"\($0.name)\": \($0.count)" }.joined(separator: ", ")
        return "{\"workload\": \"\(workload)\", \"worlds\": \(seeds.count), \"first_seed\": \(firstSeed), "
            + "\"hours\": \(hours), \"events\": \(events), \"datagrams\": \(datagrams), "
            + "\"link_messages\": \(messages), \"settlings\": \(settlings), \"faults\": \(faultCount), "
            + "\"violations\": \(violations), \"failing_seeds\": \(failing), \"kinds\": {\(kinds)}, "
            + "\"counted\": {\(counted)}}"
    }

    /// A Markdown table of several workloads, with a line for each kind of fault.
    static func table(of summaries: [SimulationSummary]) -> String {
        func row(_ name: String, _ value: (SimulationSummary) -> String) -> String {
            "| \(name) | " + summaries.map(value).joined(separator: " | ") + " |"
        }
        var rows = [
            row("") { $0.workload },
            "|---|" + summaries.map { _ in "---:|" }.joined(),
            row("worlds") { "\($0.seeds.count)" },
            row("seeds") { $0.seedRange },
            row("simulated hours") { "\($0.hours)" },
            row("events") { "\($0.events)" },
            row("datagrams") { "\($0.datagrams)" },
            row("messages of links") { "\($0.messages)" },
            row("settlings") { "\($0.settlings)" },
        ]
        var names: Set<String> = []
        for summary in summaries { names.formUnion(summary.figures.map(\.name)) }
        for name in names.sorted() {
            rows.append(row(name) { $0.figures.first { $0.name == name }.map { "\($0.count)" } ?? "" })
        }
        rows.append(row("faults") { "\($0.faultCount)" })
        for (place, kind) in FaultKind.allCases.enumerated() {
            rows.append(row("– \(kind.rawValue)") { "\($0.faults[place].count)" })
        }
        rows.append(row("**violations**") { "**\($0.violations)**" })
        return "\n" + rows.joined(separator: "\n")
    }
}
