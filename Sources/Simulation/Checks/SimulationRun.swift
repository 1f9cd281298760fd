import SansIO

/// What a run is to be.
public struct SimulationOptions: Equatable, Sendable {
    /// What everything follows from.
    public var seed: UInt64
    /// How many nodes take part.
    public var nodes: Int
    /// How many more only dial out, where nodes gossip.
    public var leaves = 0
    /// How much time is to pass in the world.
    public var duration: Duration
    /// What may go wrong.
    public var faults: [FaultKind]
    /// How long nothing goes wrong before the checkers of settled worlds look.
    public var settling: Duration = .seconds(90)
    /// The longest time for which faults go on between two settlings; the shortest is a tenth.
    public var storm: Duration = .seconds(1200)

    /// Creates options.
    public init(seed: UInt64, nodes: Int, duration: Duration, faults: [FaultKind] = FaultKind.allCases) {
        self.seed = seed
        self.nodes = nodes
        self.duration = duration
        self.faults = faults
    }
}

/// What came of a run.
public struct SimulationReport: Equatable, Sendable {
    /// What the run was to be.
    public var options: SimulationOptions
    /// How much time passed; less than asked for when too much was wrong.
    public var elapsed: Duration = .zero
    /// Things that happened in the world.
    public var events: UInt64 = 0
    /// What became of datagrams.
    public var network = NetworkStatistics()
    /// How often each kind of fault has begun.
    public var faults: [FaultKind: Int] = [:]
    /// How often the world has settled.
    public var settlings = 0
    /// What the checkers have counted, by name.
    public var figures: [String: Int] = [:]
    /// What must not have happened, in the order in which it was found.
    public var violations: [Violation] = []
    /// The number that every run with these options ends with.
    public var unseed: UInt64 = 0
}

/// One world from its beginning to its end: storms of faults, and after each a calm in which everything must come right.
public final class SimulationRun {
    /// A run ends early when so many violations were found.
    public static let maximumViolations = 10

    private let options: SimulationOptions
    private let world: World
    private let scenario: Scenario
    private let injector: FaultInjector
    private var generator: SeededGenerator
    private var report: SimulationReport
    private let progress: (SimulationReport) -> Void

    /// Prepares a world.
    ///
    /// - Parameters:
    ///   - options: what the run is to be.
    ///   - progress: hears after each settling how far the run is.
    ///   - scenario: makes the workload and its checkers.
    public init(
        _ options: SimulationOptions,
        progress: @escaping (SimulationReport) -> Void = { _ in },
        scenario: (World) -> Scenario
    ) {
        self.options = options
        self.progress = progress
        world = World(seed: options.seed)
        self.scenario = scenario(world)
        self.scenario.workload.prepare(world, nodes: options.nodes)
        injector = FaultInjector(world: world, kinds: options.faults)
        injector.workload = self.scenario.workload
        generator = world.generator(for: "run")
        report = SimulationReport(options: options)
    }

    /// Lets the world run to its end.
    public func run() -> SimulationReport {
        defer { world.end() }
        settle()
        while world.elapsed < options.duration, !isBroken {
            let storm = options.storm.milliseconds
            let length = storm / 10 + Int64(generator.below(Int(storm * 9 / 10)))
            scenario.workload.begin()
            injector.begin()
            watch(for: min(.milliseconds(length), options.duration - world.elapsed))
            injector.healAll()
            scenario.workload.rest()
            settle()
        }
        return finished()
    }

    private var isBroken: Bool { report.violations.count >= Self.maximumViolations }

    private func watch(for duration: Duration) {
        let end = world.elapsed + duration
        while world.elapsed < end, !isBroken {
            world.run(for: min(.seconds(1), end - world.elapsed))
            for checker in scenario.checkers { found(checker.violations(at: world), by: checker) }
        }
    }

    private func settle() {
        watch(for: options.settling)
        guard !isBroken else { return }
        for checker in scenario.checkers { found(checker.violationsOnceSettled(at: world), by: checker) }
        report.settlings += 1
        progress(summed())
    }

    private func found(_ texts: [String], by checker: any Checker) {
        report.violations += texts.prefix(Self.maximumViolations).map {
            Violation(time: world.elapsed, checker: checker.name, text: $0)
        }
    }

    private func summed() -> SimulationReport {
        var report = report
        report.elapsed = world.elapsed
        report.events = world.eventCount
        report.network = world.network.statistics
        for (kind, count) in zip(injector.kinds, injector.counts) { report.faults[kind] = count }
        for checker in scenario.checkers { report.figures.merge(checker.figures) { $0 + $1 } }
        report.unseed = world.unseed
        return report
    }

    private func finished() -> SimulationReport {
        for checker in scenario.checkers { world.note(checker.fingerprint) }
        world.note(UInt64(report.violations.count))
        world.note(generator.next())
        return summed()
    }
}
