import Foundation
import Testing

extension NodeTests {
    /// Several nodes, each a process of its own.
    @Suite struct ClusterTests {
        /// Node names of the scripts with the accounts that their certificates cover.
        private static let forwarding = ["shop/shop-1=111122223333", "books/books-1=444455556666"]
        private static let chain = [
            "edge/edge-1=111122223333", "central/central-1=444455556666", "partner/partner-1=777788889999",
        ]
        private static let ten = (0..<10).map { "cell-\($0)/node-\($0)=10000000000\($0)" }

        @Test func eventsCrossCellsWhereThePolicyAllows() async throws {
            expectSuccess(try await Self.run("forwarding.py", Self.forwarding))
        }

        @Test func anEdgeSendsAndReceivesThroughWhatItDials() async throws {
            let result = try await Self.run("edge.py", Self.chain)
            expectSuccess(result)
            Self.report(result)
        }

        @Test func aSlowLinkHasBatchesCompressedAndEventsIntact() async throws {
            let result = try await Self.run("slow_link.py", Self.forwarding, within: 240)
            expectSuccess(result)
            Self.report(result)
        }

        @Test func acknowledgedEventsSurviveTheDeathOfAnyNode() async throws {
            let result = try await Self.run("crash_rounds.py", Self.chain, within: 300)
            expectSuccess(result)
            Self.report(result)
        }

        @Test func tenNodesNoticeADeathAndForgiveAPause() async throws {
            let result = try await Self.run("membership.py", Self.ten, within: 240)
            expectSuccess(result)
            Self.report(result)
        }

        private static func report(_ result: ChildProcess.Result) {
            for line in result.output.split(separator: "\n") where line.hasPrefix("figures ") { print(line) }
        }

        /// Runs a script that starts nodes itself, with certificates for them.
        private static func run(
            _ script: String,
            _ nodes: [String],
            within seconds: TimeInterval = 120
        ) async throws -> ChildProcess.Result {
            try await onThread {
                let place = FileManager.default.temporaryDirectory
                    .appendingPathComponent("busbar-cluster-\(UUID().uuidString)")
                defer { try? FileManager.default.removeItem(at: place) }
                let certificates = place.appendingPathComponent("certs")
                try FileManager.default.createDirectory(at: place, withIntermediateDirectories: true)
                let make = Tools.root.appendingPathComponent("certs/make-cluster-certs")
                let made = try ChildProcess(make, [certificates.path] + nodes).wait(within: 60)
                guard made.status == 0 else { throw ChildProcess.TimedOut(description: made.transcript) }
                let child = try ChildProcess(
                    try Tools.python(),
                    ["-u", Tools.scripts.appendingPathComponent(script).path],
                    environment: [
                        "BUSBAR_BINARY": try Tools.busbar().path, "BUSBAR_CERTS": certificates.path,
                        "BUSBAR_WORK": place.path, "AWS_EC2_METADATA_DISABLED": "true",
                        "PYTHONDONTWRITEBYTECODE": "1",
                    ]
                )
                try child.closeInput()
                return try child.wait(within: seconds)
            }
        }
    }
}
