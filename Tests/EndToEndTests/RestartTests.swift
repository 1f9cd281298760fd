import Foundation
import Testing

extension NodeTests {
    /// Stopping and starting again on the same data.
    @Suite struct RestartTests {
        @Test func everythingSurvivesAGracefulStop() async throws {
            try await withNode { node in
                expectSuccess(try node.run("restart.py", ["before"]))
                let stopped = try node.terminate()
                #expect(stopped.status == 0, "\(stopped.transcript)")
                #expect(stopped.errors.contains("stopped"), "\(stopped.transcript)")
                try node.restart()
                expectSuccess(try node.run("restart.py", ["after", "graceful"]))
            }
        }

        @Test func everythingSurvivesACrash() async throws {
            try await withNode { node in
                expectSuccess(try node.run("restart.py", ["before"]))
                try node.crash()
                try node.restart()
                expectSuccess(try node.run("restart.py", ["after"]))
            }
        }

        /// A receive that waits is answered, or at least let go, and does not hold the process up.
        @Test func stopsWhileAReceiveWaits() async throws {
            try await withNode { node in
                let script = try node.start("waiting_receive.py")
                _ = try script.waitFor("waiting receive", within: 30) { $0.contains("waiting") ? true : nil }
                let started = Date()
                #expect(try node.terminate().status == 0)
                #expect(Date().timeIntervalSince(started) < 10)
                expectSuccess(try script.wait(within: 30))
            }
        }
    }
}
