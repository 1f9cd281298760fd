import AccessPolicy
import ArgumentParser
import EventModel
import Foundation
import Router
import SansIO

/// `busbar policy`
struct PolicyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "policy",
        abstract: "Check policies, explain decisions, and walk a hypothetical event through them.",
        subcommands: [Check.self, Explain.self, Simulate.self]
    )

    /// The node that is asked when a command names none: `BUSBAR_ADMIN`, or a development node.
    static var defaultAddress: String {
        ProcessInfo.processInfo.environment["BUSBAR_ADMIN"] ?? "http://127.0.0.1:8080"
    }

    /// What a policy is attached to.
    enum Kind: String, ExpressibleByArgument, CaseIterable {
        case resource
        case identity
        case trust

        var attachment: PolicyDocument.Attachment {
            switch self {
            case .resource: .resource
            case .identity: .identity
            case .trust: .trust
            }
        }
    }

    static func read(_ file: String) throws -> String {
        guard let text = try? String(contentsOfFile: file, encoding: .utf8) else {
            throw ValidationError("\(file) cannot be read, or is not UTF-8.")
        }
        return text
    }

    static func parse(_ file: String, _ kind: Kind) throws -> PolicyDocument {
        let text = try read(file)
        do throws(PolicyError) {
            return try PolicyDocument(parsing: text, attachment: kind.attachment)
        } catch {
            throw ValidationError("\(file): \(error)")
        }
    }

    /// `busbar policy check FILE`
    struct Check: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "check",
            abstract: "Check a policy; exits with 1 when it is valid but doubtful, with 64 when it is not valid."
        )

        @Argument(help: "The file that holds the policy.")
        var file: String

        @Option(help: "What the policy is for: resource (a bus or a queue), identity or trust.")
        var kind = Kind.resource

        func run() async throws {
            let document = try PolicyCommand.parse(file, kind)
            let count = document.statements.count
            print("\(file) is valid: \(count) statement\(count == 1 ? "" : "s").")
            for advice in document.advice { print("warning: \(advice)") }
            if !document.advice.isEmpty { throw ExitCode(1) }
        }
    }

    /// `busbar policy simulate --event FILE --from ACCOUNT --bus ARN`
    struct Simulate: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "simulate",
            abstract: "Walk a hypothetical event through policies, rules and targets of a running node.",
            discussion: "Prints the tree of what would happen, across accounts; nothing is delivered."
        )

        @Option(help: "The file that holds the event: a JSON object with source, detail-type and detail.")
        var event: String

        @Option(help: "Who puts the event: an account's twelve digits, or the ARN of a user.")
        var from: String

        @Option(help: "The ARN of the bus.")
        var bus: String

        @Option(help: "The node's admin address; BUSBAR_ADMIN sets another default.")
        var admin = PolicyCommand.defaultAddress

        @Flag(help: "Print the tree as JSON.")
        var json = false

        func run() async throws {
            guard let event = try? JSONValue(parsing: try PolicyCommand.read(event)) else {
                throw ValidationError("\(event) is not JSON.")
            }
            let answer = try AdminClient(admin).post(
                "/policy/simulate",
                ["event": event, "from": .string(from), "bus": .string(bus)]
            )
            if json {
                print((answer["walk"] ?? .null).text)
            } else {
                for line in answer["lines"]?.array ?? [] { print(line.string ?? "") }
            }
        }
    }
}
