import EventPattern
import Foundation

/// Measures matching: events a second by category and by the number of rules, on one core.
///
/// `MatcherBenchmark [--json] [--records N] [--runs N] [--only NAME]`
@main struct MatcherBenchmark {
    private var isJSON = false
    private var records = 213_068
    private var runs = 3
    private var only: String?

    static func main() throws {
        var benchmark = MatcherBenchmark()
        var arguments = CommandLine.arguments.dropFirst()
        while let argument = arguments.popFirst() {
            switch argument {
            case "--json": benchmark.isJSON = true
            case "--records": benchmark.records = arguments.popFirst().flatMap { Int($0) } ?? benchmark.records
            case "--runs": benchmark.runs = arguments.popFirst().flatMap { Int($0) } ?? benchmark.runs
            case "--only": benchmark.only = arguments.popFirst()
            default:
                print("unknown argument \(argument)")
                exit(2)
            }
        }
        exit(try benchmark.run() ? 0 : 1)
    }

    private func run() throws -> Bool {
        var results: [Measurement] = []
        func report(_ measurement: Measurement) {
            results.append(measurement)
            print(isJSON ? Self.object(measurement) : Self.line(measurement))
        }
        if !isJSON {
            print("                                        k events/s  ns/byte  scan   bytes/rule  add µs (longest)")
        }
        for hasPropertiesLast in [false, true] where only.map({ !$0.hasPrefix("id") && !$0.hasPrefix("wild ") }) ?? true
        {
            let lots = CityLots(count: records, hasPropertiesLast: hasPropertiesLast)
            let corpus = Corpus(text: lots.text, records: lots.records)
            for category in RuleCategory.all where only.map({ $0 == category.name }) ?? true {
                let matcher = try Self.matcher(category)
                // With fewer records than the counts are for, only the agreement of all runs is checked.
                let expected =
                    records == 213_068
                    ? category.rules.map(\.expected) : Timing.matchAll(matcher, corpus, rules: category.rules.count)
                let name = "\(category.name), properties \(hasPropertiesLast ? "last" : "first")"
                report(Timing.measure(name, matcher, corpus, expected: expected, runs: runs))
            }
            if !hasPropertiesLast, only == nil { report(try threads(corpus)) }
        }
        for (kind, sizes) in [("id", [1, 100, 1_000, 10_000, 100_000]), ("wild", [1, 100, 1_000])] {
            for size in sizes where only.map({ $0 == "\(kind) \(size)" || $0 == kind }) ?? true {
                report(try Scaling.measure(kind, rules: size, events: min(records, 200_000), runs: runs))
            }
        }
        return results.allSatisfy(\.isCorrect)
    }

    private static func matcher(_ category: RuleCategory) throws -> RuleMatcher {
        var matcher = RuleMatcher()
        for (index, rule) in category.rules.enumerated() { matcher.add(UInt32(index), try Pattern.parse(rule.pattern)) }
        return matcher
    }

    /// Two readers of one matcher; events a second as a multiple of one reader's.
    private func threads(_ corpus: Corpus) throws -> Measurement {
        guard let category = RuleCategory.all.first(where: { $0.name == "partial-combo" }) else { exit(2) }
        let matcher = try Self.matcher(category)
        let rules = category.rules.count
        let expected = Timing.matchAll(matcher, corpus, rules: rules)
        var ratios: [Double] = []
        for _ in 0..<max(3, runs) {
            let one = Timing.seconds { _ = Timing.matchAll(matcher, corpus, rules: rules) }
            let two = Timing.seconds {
                DispatchQueue.concurrentPerform(iterations: 2) { _ in
                    _ = Timing.matchAll(matcher, corpus, rules: rules)
                }
            }
            ratios.append(2 * one / two)
        }
        if !isJSON {
            print("two readers: \(ratios.map { String(format: "%.2f", $0) }.joined(separator: " ")) times one")
        }
        var measurement = Timing.measure("one of two readers", matcher, corpus, expected: expected, runs: 1)
        measurement.name = "two readers, times one (in thousands)"
        measurement.eventsPerSecond = Timing.median(ratios) * 1e6
        return measurement
    }

    private static func object(_ measurement: Measurement) -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys]
        return (try? encoder.encode(measurement)).map { String(decoding: $0, as: UTF8.self) } ?? "{}"
    }

    private static func line(_ measurement: Measurement) -> String {
        let name = measurement.name.padding(toLength: 40, withPad: " ", startingAt: 0)
        var line =
            name
            + String(
                format: "%8.0f  %6.3f  %6.3f",
                measurement.eventsPerSecond / 1e3,
                measurement.nanosecondsPerByte,
                measurement.scanNanosecondsPerByte
            )
        if let add = measurement.addMicroseconds, let longest = measurement.longestAddMicroseconds {
            let bytes = measurement.bytesPerRule.map { String(format: "%8.0f", $0) } ?? "       -"
            line += "  \(bytes)" + String(format: "  %6.2f (%.0f)", add, longest)
        }
        return measurement.isCorrect ? line : line + "  WRONG"
    }
}
