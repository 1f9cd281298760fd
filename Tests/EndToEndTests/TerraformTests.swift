import Foundation
import Testing

/// Terraform with the unmodified AWS provider (spec: control §6.2). It waits most of the time, so it may run beside others.
@Suite struct TerraformTests {
    @Test(
        .enabled(
            if: Tools.onPath("terraform") != nil && Tools.terraformMirror != nil,
            "terraform, or a local mirror of its AWS provider, is not on this machine"
        )
    )
    func appliesPlansAndDestroys() async throws {
        try await withNode { node in try TerraformStory(node).run() }
    }
}

private struct TerraformStory {
    let node: NodeFixture
    let workspace: URL
    let environment: [String: String]

    init(_ node: NodeFixture) throws {
        self.node = node
        workspace = node.directory.appendingPathComponent("terraform")
        try FileManager.default.copyItem(at: Tools.scripts.appendingPathComponent("terraform"), to: workspace)
        let mirror = try #require(Tools.terraformMirror)
        let settings = """
            provider_installation {
              filesystem_mirror {
                path    = "\(mirror.path)"
                include = ["registry.terraform.io/hashicorp/aws"]
              }
            }

            """
        let file = workspace.appendingPathComponent("cli.tfrc")
        try settings.write(to: file, atomically: true, encoding: .utf8)
        environment = node.environment.merging([
            "TF_CLI_CONFIG_FILE": file.path, "TF_IN_AUTOMATION": "1", "CHECKPOINT_DISABLE": "1", "NO_COLOR": "1",
            "TF_VAR_endpoint": node.endpoint, "TF_DATA_DIR": workspace.appendingPathComponent("state").path,
        ]) { $1 }
    }

    private func terraform(_ arguments: String...) throws -> ChildProcess.Result {
        let program = URL(fileURLWithPath: try #require(Tools.onPath("terraform")))
        let child = try ChildProcess(program, arguments, environment: environment, directory: workspace)
        try child.closeInput()
        return try child.wait(within: 300)
    }

    func run() throws {
        expectSuccess(try terraform("init", "-input=false"))
        expectSuccess(try terraform("apply", "-input=false", "-auto-approve"))
        // Status 0 means that nothing is to be changed; 2 that something is.
        expectSuccess(try terraform("plan", "-input=false", "-detailed-exitcode"))
        try sendThrough()
        expectSuccess(try terraform("apply", "-input=false", "-auto-approve", "-var", "description=second"))
        expectSuccess(try terraform("plan", "-input=false", "-detailed-exitcode", "-var", "description=second"))
        expectSuccess(try terraform("destroy", "-input=false", "-auto-approve"))
        let b = CommandLineClient(node: node, profile: "b")
        #expect(try b("events", "list-event-buses").list("EventBuses").compactMap { $0.text("Name") } == ["default"])
        #expect(try b("sqs", "list-queues")["QueueUrls"] == nil)
    }

    /// What Terraform made works.
    private func sendThrough() throws {
        let a = CommandLineClient(node: node, profile: "a")
        let entry = [
            "Source": "shop", "DetailType": "order", "Detail": #"{"price": 11}"#,
            "EventBusName": "arn:aws:events:us-east-1:444455556666:event-bus/tf-orders",
        ]
        #expect(try a("events", "put-events", "--entries", jsonText([entry])).number("FailedEntryCount") == 0)
        let received = try CommandLineClient(node: node, profile: "b")(
            "sqs",
            "receive-message",
            "--queue-url",
            "\(node.endpoint)/444455556666/tf-orders",
            "--wait-time-seconds",
            "10"
        )
        #expect(received.list("Messages").first?.text("Body") == #"{"price": 11}"#)
    }
}
