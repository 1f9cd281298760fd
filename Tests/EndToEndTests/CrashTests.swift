import Foundation
import Testing

extension NodeTests {
    /// What was acknowledged survives the death of the process (design §2).
    @Suite struct CrashTests {
        private static let crashes = 10
        /// Acknowledged events between two crashes.
        private static let step = 300

        @Test func acknowledgedEventsSurviveTenCrashes() async throws {
            let result = try await withNode { node in try Self.crashRepeatedly(node) }
            expectSuccess(result)
            let figures = result.output.split(separator: "\n").last { $0.hasPrefix("figures ") } ?? "no figures"
            print("ten crashes: \(figures)")
        }

        private static func crashRepeatedly(_ node: NodeFixture) throws -> ChildProcess.Result {
            let writers = try node.start("crash_writers.py")
            var acknowledged = 0
            for round in 1...crashes {
                let goal = acknowledged + step
                acknowledged = try writers.waitFor("\(goal) acknowledged events in round \(round)", within: 60) {
                    output in
                    lastCount(output).flatMap { $0 >= goal ? $0 : nil }
                }
                try node.crash()
                try writers.send("down")
                try node.restart()
                try writers.send("up \(node.endpoint)")
            }
            let goal = acknowledged + step
            _ = try writers.waitFor("\(goal) acknowledged events at the end", within: 60) { output in
                lastCount(output).flatMap { $0 >= goal ? $0 : nil }
            }
            try writers.send("stop")
            return try writers.wait(within: 120)
        }

        private static func lastCount(_ output: Substring) -> Int? {
            output.split(separator: "\n").last { $0.hasPrefix("acknowledged ") }
                .flatMap { $0.split(separator: " ").last }.flatMap { Int($0) }
        }
    }
}
