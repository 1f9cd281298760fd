import Foundation
import Testing

@testable import busbar

/// The configurations of deploy/examples are what the documentation points to: each must be good.
@Suite struct ExampleConfigurationTests {
    @Test(arguments: ["edge", "central", "partner"])
    func exampleIsGood(name: String) throws {
        let files = TestNodeFiles.shared
        let file = TestNodeFiles.root.appendingPathComponent("deploy/examples/\(name).yaml")
        let text = try String(contentsOf: file, encoding: .utf8)
            .replacing("/etc/busbar/", with: files.path("cluster") + "/")
            .replacing("/var/lib/busbar/", with: files.path("cluster") + "/")
        let configuration = try ConfigurationFile.parse(text, file: name, environment: [:])
        let cluster = try #require(configuration.cluster)
        #expect(configuration.cell == name)
        #expect(configuration.warnings == [])
        #expect(cluster.peers.retention == .seconds(14 * 86_400))
        #expect(cluster.role == (name == "edge" ? .edge : .core))
        #expect((cluster.gossip == nil) == (name == "edge"))
    }
}
