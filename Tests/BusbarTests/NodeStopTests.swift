import Foundation
import Testing

@testable import busbar

/// How long a node takes to stop, and how it ends when the store does not close.
@Suite("NodeStopTests")
struct NodeStopTests {
    /// systemd kills what takes longer, in the middle of what the store has left to write.
    @Test func theSystemdUnitWaitsForTheLongestStop() throws {
        let file = TestNodeFiles.root.appendingPathComponent("deploy/systemd/busbar@.service")
        let unit = try String(contentsOf: file, encoding: .utf8)
        let line = try #require(unit.split(separator: "\n").first { $0.hasPrefix("TimeoutStopSec=") })
        let seconds = try #require(Int(line.dropFirst("TimeoutStopSec=".count).dropLast()))
        #expect(line.hasSuffix("s"))
        #expect(.seconds(seconds) > RunningNode.longestStop(.seconds(10)))
        #expect(RunningNode.longestStop(.seconds(10)) == .seconds(31), "as docs/configuration.md says")
    }

    /// A thread that hangs holds whatever runs at `exit`, as RocksDB's do.
    @Test func aProcessWhoseThreadsHangEndsAllTheSame() async {
        await #expect(processExitsWith: .exitCode(1)) {
            atexit { while true { pause() } }
            RunningNode.endWithoutStore()
        }
    }
}
