import Simulation

/// Runs an edge's week without a link and reports whether everything came through.
///
///     SimulationBenchmark --edge-week [--json] [--seed N] [--events N] [--days D] [--drain-rate R]
struct EdgeWeekBenchmark {
    static let usage = "SimulationBenchmark --edge-week [--json] [--seed N] [--events N] [--days D] [--drain-rate R]"
    private var options = EdgeWeekOptions()
    private var isJSON = false

    /// Reads the arguments after `--edge-week`; nil when they cannot be.
    init?(_ arguments: ArraySlice<String>) {
        var rest = arguments
        while let word = rest.popFirst() {
            if word == "--json" {
                isJSON = true
                continue
            }
            guard let value = rest.popFirst(), let number = Double(value), number > 0, number <= 1e9 else { return nil }
            switch word {
            case "--seed": options.seed = UInt64(number)
            case "--events" where number >= 1000: options.events = Int(number)
            case "--days" where number >= 0.1 && number <= 365:
                options.offline = .milliseconds(Int64(number * 86_400_000))
            case "--drain-rate": options.drainRate = number
            default: return nil
            }
        }
    }

    /// True when nothing was wrong.
    func run() -> Bool {
        tell("seed \(options.seed), \(options.events) events, \(options.drainRate)/s\n")
        let report = EdgeWeek(options) { tell("\($0)\n") }.run()
        if isJSON {
            print(
                "{\"seed\": \(options.seed), \"events\": \(options.events), \"acknowledged\": \(report.acknowledged), "
                    + "\"arrived\": \(report.arrived), \"missing\": \(report.missing), \"repeated\": \(report.repeated), "
                    + "\"backlog\": \(report.backlog), \"drain_rate\": \(options.drainRate), "
                    + "\"measured_rate\": \(report.rate), \"fresh\": \(report.fresh), "
                    + "\"fresh_ms\": [\(report.freshLatency.median), \(report.freshLatency.high), "
                    + "\(report.freshLatency.longest)], \"faults\": \(report.faults), \"unseed\": \(report.unseed), "
                    + "\"violations\": \(report.violations.count)}"
            )
        }
        let lines = report.lines.joined(separator: "\n")
        if isJSON { tell(lines + "\n") } else { print(lines) }
        return report.violations.isEmpty
    }
}
