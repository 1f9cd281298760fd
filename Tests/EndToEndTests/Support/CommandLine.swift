import Foundation

/// The `aws` command with a profile of a node.
struct CommandLineClient {
    /// The command failed.
    struct Failed: Error, CustomStringConvertible {
        let description: String
    }

    let node: NodeFixture
    let profile: String
    /// Variables that go before the node's.
    var overrides: [String: String] = [:]

    /// Runs `aws --profile P` with the arguments.
    func run(_ arguments: [String]) throws -> ChildProcess.Result {
        let environment = node.environment.merging(overrides) { $1 }
        var options = ["--profile", profile]
        // Version 1 of the tool ignores the profile's endpoint_url for this one service.
        if arguments.first == "sqs" { options += ["--endpoint-url", node.endpoint] }
        let aws = try ChildProcess(try Tools.aws(), options + arguments, environment: environment)
        try aws.closeInput()
        return try aws.wait(within: 60)
    }

    /// Runs a command that must succeed, and returns its output, parsed; an empty object when there is none.
    @discardableResult
    func callAsFunction(_ arguments: String...) throws -> [String: Any] {
        let result = try run(arguments)
        guard result.status == 0 else {
            throw Failed(description: "aws \(arguments.joined(separator: " ")): \(result.transcript)")
        }
        guard !result.output.isEmpty else { return [:] }
        guard let object = try JSONSerialization.jsonObject(with: Data(result.output.utf8)) as? [String: Any] else {
            throw Failed(description: "aws \(arguments.joined(separator: " ")) printed no object: \(result.output)")
        }
        return object
    }

    /// Runs a command that must fail, and returns what it said.
    func failure(_ arguments: String...) throws -> String {
        let result = try run(arguments)
        guard result.status != 0 else {
            throw Failed(description: "aws \(arguments.joined(separator: " ")) succeeded: \(result.transcript)")
        }
        return result.errors
    }
}

extension [String: Any] {
    func text(_ key: String) -> String? { self[key] as? String }
    func number(_ key: String) -> Int? { (self[key] as? NSNumber)?.intValue }
    func object(_ key: String) -> [String: Any] { self[key] as? [String: Any] ?? [:] }
    func list(_ key: String) -> [[String: Any]] { self[key] as? [[String: Any]] ?? [] }
    func texts(_ key: String) -> [String] { self[key] as? [String] ?? [] }
}

/// A value as JSON text.
func jsonText(_ value: Any) throws -> String {
    String(decoding: try JSONSerialization.data(withJSONObject: value, options: [.sortedKeys]), as: UTF8.self)
}
