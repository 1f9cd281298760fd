import Foundation
import Testing

extension NodeTests {
    /// The process itself: memory, signals, a second one on the same data.
    @Suite struct ProcessTests {
        /// Resident kilobytes of a process.
        private static func residentKilobytes(_ pid: Int32) throws -> Int {
            let status = try String(contentsOfFile: "/proc/\(pid)/status", encoding: .utf8)
            let line = try #require(status.split(separator: "\n").first { $0.hasPrefix("VmRSS:") })
            return try #require(
                line.split(whereSeparator: { $0 == " " || $0 == "\t" }).dropFirst().first.flatMap { Int($0) }
            )
        }

        /// A release build must stay below 80 MB; these tests mostly run a debug build.
        @Test func idleNodeIsSmall() async throws {
            try await withNode(certificates: true) { node in
                let kilobytes = try Self.residentKilobytes(node.process.identifier)
                print("idle memory: \(kilobytes / 1024) MB")
                #expect(kilobytes < 150 * 1024)
            }
        }

        /// Also when the signal comes as soon as the node has announced itself.
        @Test(arguments: [SIGTERM, SIGINT])
        func stopsGracefully(signal: Int32) async throws {
            try await withNode { node in
                node.process.signal(signal)
                let result = try node.process.wait(within: 15)
                #expect(result.status == 0 && result.errors.contains("stopped"), "\(result.transcript)")
            }
        }

        @Test func twoNodesDoNotShareAStore() async throws {
            try await withNode { node in
                let second = try ChildProcess(
                    try Tools.busbar(),
                    ["dev", "--data", node.data.path, "--port", "0"],
                    directory: node.directory
                )
                let result = try second.wait(within: 30)
                #expect(result.status != 0, "\(result.transcript)")
                #expect(node.process.isRunning)
            }
        }

        @Test func patternCommandTellsWhetherAnEventMatches() async throws {
            try await withNode { node in
                let pattern = node.directory.appendingPathComponent("pattern")
                let event = node.directory.appendingPathComponent("event")
                try #"{"source": ["shop"]}"#.write(to: pattern, atomically: true, encoding: .utf8)
                for (source, status, word) in [("shop", Int32(0), "match\n"), ("other", 1, "no match\n")] {
                    try #"{"source": "\#(source)"}"#.write(to: event, atomically: true, encoding: .utf8)
                    let arguments = ["pattern", "test", "--pattern", pattern.path, "--event", event.path]
                    let result = try ChildProcess(try Tools.busbar(), arguments).wait(within: 30)
                    #expect(result.status == status && result.output == word, "\(result.transcript)")
                }
            }
        }
    }
}
