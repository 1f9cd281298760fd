import ArgumentParser
import EventPattern
import Foundation

/// `busbar pattern`
struct PatternCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pattern",
        abstract: "Work with event patterns.",
        subcommands: [Test.self]
    )

    /// `busbar pattern test --pattern FILE --event FILE [--explain]`
    struct Test: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "test",
            abstract: "Tell whether a pattern matches an event; exits with 1 when it does not."
        )

        @Option(help: "The file that holds the pattern.")
        var pattern: String

        @Option(help: "The file that holds the event as JSON.")
        var event: String

        @Flag(help: "Tell for every field of the pattern whether the event satisfies it.")
        var explain = false

        func run() async throws {
            let text = try Data(contentsOf: URL(fileURLWithPath: pattern))
            let bytes = try Data(contentsOf: URL(fileURLWithPath: event))
            let parsed: Pattern
            do throws(PatternError) {
                parsed = try Pattern.parse([UInt8](text))
            } catch {
                throw ValidationError(error.message)
            }
            let matches: Bool
            do {
                matches = try parsed.matches([UInt8](bytes))
            } catch {
                throw ValidationError("The event is not a JSON object: \(error).")
            }
            print(matches ? "match" : "no match")
            if explain, let verdicts = try? parsed.verdicts([UInt8](bytes)) {
                for verdict in verdicts { print(verdict) }
            }
            if !matches { throw ExitCode(1) }
        }
    }
}
