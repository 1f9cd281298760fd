import Foundation
import Testing

extension NodeTests {
    /// The story of docs/policies.md: its commands run as they stand, and must print what the page says.
    @Suite struct PolicyStoryTests {
        @Test func theDocumentedCommandsPrintWhatTheySay() async throws {
            try await withNode { node in try PolicyStory(node).run() }
        }

        @Test func badQuestionsAreAnsweredInWords() async throws {
            try await withNode { node in try PolicyStory(node).askBadly() }
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

    private func say(_ script: String) throws -> String {
        let path = workspace.appendingPathComponent("bin").path + ":/usr/local/bin:/usr/bin:/bin"
        let environment = node.environment.merging(["BUSBAR_ADMIN": node.endpoint, "PATH": path]) { $1 }
        let shell = try ChildProcess(
            URL(fileURLWithPath: "/bin/sh"),
            ["-c", script],
            environment: environment,
            directory: workspace
        )
        try shell.closeInput()
        return try shell.wait(within: 60).transcript
    }

    func askBadly() throws {
        let bus = "arn:aws:events:us-east-1:444455556666:event-bus/default"
        let explain = "busbar policy explain --action events:PutEvents --resource"
        let cases = [
            ("\(explain) \(bus) --principal nobody", "neither an account's twelve digits, nor an ARN"),
            ("\(explain) \(bus) --principal 111122223333 --context x", "--context takes KEY=VALUE"),
            ("\(explain) \(bus) --principal 1 --admin http://127.0.0.1:1", "nothing listens there"),
            ("\(explain) \(bus) --principal 1 --admin nonsense", "is no admin address"),
            ("\(explain) \(bus) --principal 444455556666; echo status $?", "status 0"),
            ("\(explain) \(bus) --principal 111122223333; echo status $?", "status 1"),
            ("echo '{}' > e.json; busbar policy simulate --event e.json --from 1 --bus x", "from must be an account's"),
            ("busbar policy simulate --event e.json --from 111122223333 --bus x", "bus must be the ARN"),
            ("busbar policy simulate --event e.json --from 111122223333 --bus \(bus)", "the event needs source"),
            ("busbar policy check e.json", "missing element Statement (line 1, column 1)"),
            ("busbar policy check none.json", "none.json cannot be read"),
        ]
        for (script, expected) in cases {
            let said = try say(script)
            #expect(said.contains(expected), "\(script)\nprinted:\n\(said)")
        }
        let allow = #"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"events:*","Resource":"*"}}"#
        let offline = try say(
            "echo '\(allow)' > own.json; \(explain) \(bus) --principal arn:aws:iam::444455556666:user/x "
                + "--identity-policy own.json --admin http://127.0.0.1:1"
        )
        #expect(offline == "allowed by statement 1 of the identity-based policy 1\n")
        let doubtful = allow.replacingOccurrences(of: "events:*", with: "events:PutEvents")
            .replacingOccurrences(of: #""*"}}"#, with: #""arn:aws:sqs:r:1:q"}}"#)
        let check = try say(
            "echo '\(doubtful)' > odd.json; busbar policy check --kind identity odd.json; echo status $?"
        )
        #expect(check.contains("warning: statement 1: none of the actions is used with any of the resources"))
        #expect(check.contains("status 1"))
    }

    func run() throws {
        let steps = try steps()
        #expect(steps.count == 5)
        for step in steps {
            let said = try say(step.script)
            for line in step.expected { #expect(said.contains(line), "\(step.script)\nprinted:\n\(said)") }
        }
    }
}
