import Foundation
import Testing

extension NodeTests {
    /// The story of docs/policies.md: its commands run as they stand, and must print what the page says.
    @Suite struct PolicyStoryTests {
        @Test func theDocumentedCommandsPrintWhatTheySay() async throws {
            try await withNode { node in try PolicyStory(node).run() }
        }
    }
}

private struct PolicyStory {
    /// Commands with the lines that their output must contain.
    struct Step {
        var script: String
        var expected: [String]
    }

    let node: NodeFixture
    let workspace: URL

    init(_ node: NodeFixture) throws {
        self.node = node
        workspace = node.directory.appendingPathComponent("story")
        let programs = workspace.appendingPathComponent("bin")
        try FileManager.default.createDirectory(at: programs, withIntermediateDirectories: true)
        for (name, program) in [("aws", try Tools.aws()), ("busbar", try Tools.busbar())] {
            try FileManager.default.createSymbolicLink(
                at: programs.appendingPathComponent(name),
                withDestinationURL: program
            )
        }
    }

    /// The page's `sh` blocks, each with the `text` block behind it.
    private func steps() throws -> [Step] {
        let page = try String(contentsOf: Tools.root.appendingPathComponent("docs/policies.md"), encoding: .utf8)
        var steps: [Step] = []
        var kind: String?
        for line in page.components(separatedBy: "\n") {
            if line.hasPrefix("```") {
                kind = kind == nil ? String(line.dropFirst(3)) : nil
                if kind == "sh" { steps.append(Step(script: "", expected: [])) }
            } else if kind == "sh" {
                steps[steps.count - 1].script += line + "\n"
            } else if kind == "text" {
                steps[steps.count - 1].expected.append(line)
            }
        }
        return steps
    }

    func run() throws {
        let steps = try steps()
        #expect(steps.count == 5)
        let path = workspace.appendingPathComponent("bin").path + ":/usr/local/bin:/usr/bin:/bin"
        let environment = node.environment.merging(["BUSBAR_ADMIN": node.endpoint, "PATH": path]) { $1 }
        for step in steps {
            let shell = try ChildProcess(
                URL(fileURLWithPath: "/bin/sh"),
                ["-c", step.script],
                environment: environment,
                directory: workspace
            )
            try shell.closeInput()
            let said = try shell.wait(within: 60).transcript
            for line in step.expected { #expect(said.contains(line), "\(step.script)\nprinted:\n\(said)") }
        }
    }
}
