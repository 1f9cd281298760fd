import Foundation
import Testing

extension NodeTests {
    /// Users and keys of an identity file, replaced while the node serves.
    @Suite struct KeyRotationTests {
        @Test func aKeyIsReplacedWithoutAPause() async throws {
            try await onThread {
                let rotation = try KeyRotation()
                defer { rotation.discard() }
                try rotation.run()
            }
        }
    }
}

private struct KeyRotation {
    let directory: URL
    let user = "arn:aws:iam::111122223333:user/alice"

    init() throws {
        directory = FileManager.default.temporaryDirectory.appendingPathComponent("busbar-keys-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    }

    func discard() {
        try? FileManager.default.removeItem(at: directory)
    }

    private func busbar(_ arguments: String...) throws -> String {
        let process = try ChildProcess(try Tools.busbar(), arguments, directory: directory)
        let result = try process.wait(within: 30)
        expectSuccess(result)
        return result.output
    }

    private func makeKey() throws -> (id: String, secret: String) {
        let output = try busbar(
            "key",
            "create",
            "--principal",
            user,
            "--identities",
            "identities.json",
            "--sealing-key-file",
            "sealing.key"
        )
        let values = output.split(separator: "\n").compactMap { $0.split(separator: " ").last.map(String.init) }
        return (try #require(values.first), try #require(values.last))
    }

    private func call(_ endpoint: String, _ key: (id: String, secret: String), _ arguments: String...) throws -> String
    {
        let environment = [
            "AWS_ACCESS_KEY_ID": key.id, "AWS_SECRET_ACCESS_KEY": key.secret, "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_PAGER": "cat", "AWS_PROFILE": "", "AWS_CONFIG_FILE": "/dev/null", "AWS_SESSION_TOKEN": "",
            "AWS_SHARED_CREDENTIALS_FILE": "/dev/null", "AWS_EC2_METADATA_DISABLED": "true",
        ]
        let aws = try ChildProcess(
            try Tools.aws(),
            ["--endpoint-url", endpoint, "events"] + arguments,
            environment: environment
        )
        try aws.closeInput()
        return try aws.wait(within: 60).transcript
    }

    func run() throws {
        let policy =
            #"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"events:List*","Resource":"*"}}"#
        try policy.write(to: directory.appendingPathComponent("list.json"), atomically: true, encoding: .utf8)
        _ = try busbar("account", "put", "111122223333", "--identities", "identities.json")
        _ = try busbar("principal", "put", user, "--identities", "identities.json", "--policy", "list.json")
        let first = try makeKey()
        let configuration = """
            data: \(directory.path)/data
            listeners: [{port: 0}]
            admin: {port: 0}
            identities: {file: identities.json, sealingKeyFile: sealing.key}
            """
        let file = directory.appendingPathComponent("node.yaml")
        try configuration.write(to: file, atomically: true, encoding: .utf8)
        let node = try ChildProcess(try Tools.busbar(), ["serve", "--config", "node.yaml"], directory: directory)
        defer { node.signal(SIGKILL) }
        let endpoint = try node.awaitErrors("listener", within: 60) { output -> String? in
            let line = output.split(separator: "\n").first { $0.contains("serving the API") }
            let address = line?.split(separator: " ").first { $0.hasPrefix("address=") }
            guard output.contains("serving health") else { return nil }
            return address.map { "http://" + $0.dropFirst("address=".count) }
        }
        #expect(try call(endpoint, first, "list-event-buses").contains("event-bus/default"))
        let refusal = try call(endpoint, first, "create-event-bus", "--name", "x")
        #expect(refusal.contains("because no identity-based policy allows the events:CreateEventBus action"))
        let second = try makeKey()
        try reload(node, times: 1)
        for key in [first, second] {
            #expect(try call(endpoint, key, "list-event-buses").contains("event-bus/default"))
        }
        _ = try busbar("key", "deactivate", first.id, "--identities", "identities.json")
        try reload(node, times: 2)
        #expect(try call(endpoint, first, "list-event-buses").contains("UnrecognizedClientException"))
        #expect(try call(endpoint, second, "list-event-buses").contains("event-bus/default"))
        #expect(try busbar("key", "list", "--identities", "identities.json").contains("\(first.id) inactive"))
        try Data("nonsense".utf8).write(to: directory.appendingPathComponent("identities.json"))
        node.signal(SIGHUP)
        _ = try node.awaitErrors("complaint", within: 30) { $0.contains("the present one stays") ? true : nil }
        #expect(try call(endpoint, second, "list-event-buses").contains("event-bus/default"))
        node.signal(SIGTERM)
        expectSuccess(try node.wait(within: 20))
    }

    private func reload(_ node: ChildProcess, times: Int) throws {
        node.signal(SIGHUP)
        _ = try node.awaitErrors("reload \(times)", within: 30) { output -> Bool? in
            output.components(separatedBy: "are read again").count > times ? true : nil
        }
    }
}
