import Foundation

/// A `busbar dev` process of a test, in a directory of its own, on ports that the system chooses.
final class NodeFixture: @unchecked Sendable {
    /// Where the node keeps its data and where scripts may put theirs.
    let directory: URL
    let data: URL
    private let certificates: URL?
    private let ownsDirectory: Bool
    private(set) var process: ChildProcess
    /// `http://127.0.0.1:PORT`
    private(set) var endpoint: String
    /// `https://localhost:PORT`, when the node has certificates.
    private(set) var secureEndpoint: String?

    /// Starts a node and waits until it serves: with certificates over HTTPS too, and without a directory in a temporary one
    /// that goes with the fixture.
    init(withCertificates: Bool = false, directory given: URL? = nil) throws {
        directory =
            given
            ?? FileManager.default.temporaryDirectory.appendingPathComponent("busbar-node-\(UUID().uuidString)")
        ownsDirectory = given == nil
        data = directory.appendingPathComponent("data")
        try FileManager.default.createDirectory(at: data, withIntermediateDirectories: true)
        if withCertificates {
            let place = directory.appendingPathComponent("certs")
            let make = Tools.root.appendingPathComponent("certs/make-dev-certs")
            let result = try ChildProcess(make, [place.path]).wait(within: 60)
            guard result.status == 0 else { throw ChildProcess.TimedOut(description: result.transcript) }
            certificates = place
        } else {
            certificates = nil
        }
        process = try Self.launch(data, certificates, in: directory)
        (endpoint, secureEndpoint) = try Self.awaitEndpoints(process)
    }

    private static func launch(_ data: URL, _ certificates: URL?, in directory: URL) throws -> ChildProcess {
        var arguments = ["dev", "--data", data.path, "--port", "0"]
        if let certificates { arguments += ["--certs", certificates.path] }
        return try ChildProcess(try Tools.busbar(), arguments, directory: directory)
    }

    /// The node prints its instructions once it serves.
    private static func awaitEndpoints(_ process: ChildProcess) throws -> (String, String?) {
        try process.waitFor("instructions", within: 60) { output in
            guard output.contains("list-event-buses") else { return nil }
            let words = output.split { $0 == " " || $0 == "\n" }
            guard let plain = words.first(where: { $0.hasPrefix("http://127.0.0.1:") }) else { return nil }
            let secure = words.first { $0.hasPrefix("https://localhost:") }
            return (String(plain), secure.map(String.init))
        }
    }

    /// Ends the process at once, as a crash would.
    func crash() throws {
        process.signal(SIGKILL)
        try process.wait(within: 10)
    }

    /// Asks the process to stop, and returns what it left.
    func terminate() throws -> ChildProcess.Result {
        process.signal(SIGTERM)
        return try process.wait(within: 20)
    }

    /// Starts the node again on the same data.
    func restart() throws {
        process = try Self.launch(data, certificates, in: directory)
        (endpoint, secureEndpoint) = try Self.awaitEndpoints(process)
    }

    /// Ends the process and removes what it wrote.
    func discard() {
        process.signal(SIGKILL)
        _ = try? process.wait(within: 10)
        if ownsDirectory { try? FileManager.default.removeItem(at: directory) }
    }

    /// What the AWS tools and the scripts need to find the node.
    var environment: [String: String] {
        var values = [
            "AWS_CONFIG_FILE": data.appendingPathComponent("aws/config").path,
            "AWS_SHARED_CREDENTIALS_FILE": data.appendingPathComponent("aws/credentials").path,
            "AWS_PAGER": "cat", "AWS_EC2_METADATA_DISABLED": "true", "PYTHONDONTWRITEBYTECODE": "1",
            "BUSBAR_ENDPOINT": endpoint, "BUSBAR_WORK": directory.path,
        ]
        for name in ["AWS_PROFILE", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"] {
            values[name] = ""
        }
        if let secureEndpoint, let certificates {
            values["BUSBAR_SECURE_ENDPOINT"] = secureEndpoint
            values["BUSBAR_CA"] = certificates.appendingPathComponent("ca.pem").path
        }
        return values
    }

    /// Runs a script of the `Scripts` folder against the node.
    func run(_ script: String, _ arguments: [String] = [], within seconds: TimeInterval = 120) throws
        -> ChildProcess.Result
    {
        let child = try start(script, arguments)
        try child.closeInput()
        return try child.wait(within: seconds)
    }

    /// Starts a script of the `Scripts` folder, which may read lines that the test sends.
    func start(_ script: String, _ arguments: [String] = []) throws -> ChildProcess {
        let file = Tools.scripts.appendingPathComponent(script)
        return try ChildProcess(try Tools.python(), ["-u", file.path] + arguments, environment: environment)
    }
}

/// Runs `body` with a fresh node, on a thread of its own, and discards the node afterwards.
func withNode<Value: Sendable>(
    certificates: Bool = false,
    _ body: @escaping @Sendable (NodeFixture) throws -> Value
) async throws -> Value {
    try await onThread {
        let node = try NodeFixture(withCertificates: certificates)
        defer { node.discard() }
        return try body(node)
    }
}
