import Testing

@testable import Simulation

/// DESIGN §2 over days without a link; the benchmark runs the same with five million events.
@Suite struct EdgeWeekTests {
    @Test(arguments: [UInt64](1...2)) func everythingArrivesOnceAndAtTheConfiguredRate(seed: UInt64) {
        var options = EdgeWeekOptions()
        options.seed = seed
        options.events = 20_000
        options.drainRate = 100
        let report = EdgeWeek(options).run()
        #expect(report.violations.isEmpty, "seed \(seed): \(report.lines)")
        #expect(report.acknowledged >= 20_000 && report.faults >= 12)
    }
}
