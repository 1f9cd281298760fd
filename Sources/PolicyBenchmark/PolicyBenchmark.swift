import AccessPolicy
import EventModel
import Glibc
import SansIO

/// `PolicyBenchmark [--json] [--decisions n]`: cross-account decisions by five statements with three conditions, by the
/// compiled evaluator and by the plain one that the tests compare it with, in turns within one run.
@main
struct PolicyBenchmark {
    private var json = false
    private var decisions = 1_000_000

    static func main() {
        var benchmark = PolicyBenchmark()
        guard benchmark.parse(Array(CommandLine.arguments.dropFirst())) else {
            print("usage: PolicyBenchmark [--json] [--decisions n]")
            exit(2)
        }
        do {
            try benchmark.run()
        } catch {
            print("failed: \(error)")
            exit(1)
        }
    }

    private mutating func parse(_ arguments: [String]) -> Bool {
        var rest = arguments[...]
        while let option = rest.popFirst() {
            if option == "--json" {
                json = true
            } else if option == "--decisions", let value = rest.popFirst().flatMap({ Int($0) }), value >= 1_000 {
                decisions = value
            } else {
                return false
            }
        }
        return true
    }

    private func run() throws {
        let scene = try Scene()
        guard scene.isSound else {
            print("failed: the evaluators disagree")
            exit(1)
        }
        var best = (compiled: Double.infinity, prepared: Double.infinity, plain: Double.infinity)
        for _ in 0..<5 {
            best.compiled = min(best.compiled, Self.nanoseconds(decisions) { scene.decide() })
            best.prepared = min(best.prepared, Self.nanoseconds(decisions / 10) { scene.prepareAndDecide() })
            best.plain = min(best.plain, Self.nanoseconds(decisions / 500) { scene.decidePlainly() })
        }
        report(
            best,
            Self.allocations { scene.decide() },
            isSound: Self.allocations { scene.prepareAndDecide() } ?? 0 > 0
        )
    }

    private static func nanoseconds(_ count: Int, _ body: () -> Bool) -> Double {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        let start = Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
        var allowed = 0
        for _ in 0..<count where body() { allowed += 1 }
        clock_gettime(CLOCK_MONOTONIC, &time)
        let end = Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
        precondition(allowed == count, "every decision allows")
        return Double(end - start) / Double(count)
    }

    private static func allocations(_ body: () -> Bool) -> Int? {
        AllocationCounter.start()
        for _ in 0..<10_000 { _ = body() }
        return AllocationCounter.stop()
    }

    /// Prints the figures. The count of allocations is sound when the counter sees those that there must be.
    private func report(
        _ best: (compiled: Double, prepared: Double, plain: Double),
        _ allocations: Int?,
        isSound: Bool
    ) {
        func round(_ value: Double) -> Double { (value * 10).rounded() / 10 }
        let counted = isSound ? allocations.map { "\(Double($0) / 10_000)" } : nil
        if json {
            print(
                #"{"benchmark":"policy","statements":5,"conditions":3,"decisionNs":\#(round(best.compiled)),"#
                    + #""withContextNs":\#(round(best.prepared)),"plainNs":\#(round(best.plain)),"#
                    + #""allocationsPerDecision":\#(counted ?? "null")}"#
            )
            return
        }
        print("cross-account decision, 5 statements, 3 conditions; best of 5 rounds")
        print("  compiled                       \(round(best.compiled)) ns, \(counted ?? "uncounted") allocations")
        print("  compiled, with its context     \(round(best.prepared)) ns")
        print(
            "  plain evaluator (the floor)    \(round(best.plain)) ns, \(Int(best.plain / best.compiled)) times as long"
        )
    }
}
