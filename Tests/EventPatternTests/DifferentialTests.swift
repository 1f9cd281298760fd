import EventModel
import EventPattern
import SansIO
import Testing

/// Random patterns and events, decided by the evaluator and by the definition.
@Suite struct DifferentialTests {
    private struct Source {
        var generator: SeededGenerator

        mutating func below(_ bound: Int) -> Int { Int.random(in: 0..<bound, using: &generator) }

        mutating func pick(_ choices: [String]) -> String { choices[below(choices.count)] }

        mutating func key() -> String { pick(["a", "b", "c", "a.b", "b.c", "a-b", "é", "\u{10000}", "\u{E000}"]) }

        mutating func scalar() -> String { pick(["1", "2", "1.0", "\"x\"", "\"xy\"", "\"1\"", "null", "true"]) }

        mutating func value(_ depth: Int) -> String {
            switch below(depth > 3 ? 1 : 4) {
            case 0: return scalar()
            case 1: return object(depth + 1)
            default:
                let elements = (0..<below(4)).map { _ in value(depth + 1) }
                return "[\(elements.joined(separator: ","))]"
            }
        }

        mutating func object(_ depth: Int) -> String {
            let members = (0..<below(5)).map { _ in "\"\(key())\":\(value(depth))" }
            return "{\(members.joined(separator: ","))}"
        }

        mutating func alternative() -> String {
            switch below(8) {
            case 0: "{\"exists\":true}"
            case 1, 2: "{\"exists\":false}"
            case 3: "{\"anything-but\":\(pick(["\"x\"", "1", "[\"x\",\"xy\"]", "[1,2]"]))}"
            case 4: "{\"prefix\":\"x\"}"
            default: scalar()
            }
        }

        mutating func pattern(_ depth: Int) -> String {
            var members: [String] = []
            for _ in 0...below(3) {
                switch below(depth > 2 ? 2 : 6) {
                case 0, 1, 2:
                    let alternatives = (0...below(2)).map { _ in alternative() }
                    members.append("\"\(key())\":[\(alternatives.joined(separator: ","))]")
                case 3, 4:
                    members.append("\"\(key())\":\(pattern(depth + 1))")
                default:
                    let alternatives = (0..<(2 + below(2))).map { _ in pattern(depth + 1) }
                    members.append("\"$or\":[\(alternatives.joined(separator: ","))]")
                }
            }
            return "{\(members.joined(separator: ","))}"
        }
    }

    @Test(arguments: [UInt64](1...8)) func evaluatorAgreesWithTheDefinition(_ seed: UInt64) throws {
        var source = Source(generator: SeededGenerator(seed: seed))
        var matches = 0
        var decided = 0
        for round in 0..<2_500 {
            let patternText = source.pattern(0)
            let eventText = source.object(0)
            // A few expand to more branches than are allowed.
            guard let pattern = try? Pattern.parse(patternText) else { continue }
            decided += 1
            let event = Array(eventText.utf8)
            let expected = ReferenceMatcher.matches(
                pattern: try JSONValue(parsing: patternText),
                event: try JSONValue(parsing: event)
            )
            let comment: Comment = "seed \(seed) round \(round): \(patternText) on \(eventText)"
            #expect(try pattern.matches(event) == expected, comment)
            let explanation = try pattern.explain(event)
            #expect(explanation.matches == expected, comment)
            if pattern.branches.count <= PatternExplanation.maximumBranches {
                #expect(explanation.branches.contains { $0.matches } == expected, comment)
            }
            if expected { matches += 1 }
        }
        #expect(decided > 2_000, "seed \(seed): too many patterns were refused")
        #expect(matches > 100, "seed \(seed): too few of the cases match to mean anything")
    }

    /// Mutated patterns and events: anything may be refused, nothing may trap, and what JSON refuses is never an event.
    @Test(arguments: [UInt64](11...14)) func garbageNeverTraps(_ seed: UInt64) throws {
        var source = Source(generator: SeededGenerator(seed: seed))
        let patterns = MatchRow.all.map { Array($0.pattern.utf8) } + ErrorRow.all.map { Array($0.pattern.utf8) }
        let events = MatchRow.all.map { Array($0.event.utf8) }
        let alphabet = Array("{}[]\",:\\u*.0e-1anpr /\n\u{1}é🚀".utf8) + [0xFF, 0xED, 0xA0]
        func mutate(_ text: [UInt8]) -> [UInt8] {
            var text = text
            for _ in 0...source.below(3) where !text.isEmpty {
                let place = source.below(text.count)
                switch source.below(3) {
                case 0: text.remove(at: place)
                case 1: text.insert(alphabet[source.below(alphabet.count)], at: place)
                default: text[place] = alphabet[source.below(alphabet.count)]
                }
            }
            return text
        }
        var refused = 0
        for _ in 0..<6_000 {
            let event = mutate(events[source.below(events.count)])
            do {
                let pattern = try Pattern.parse(mutate(patterns[source.below(patterns.count)]))
                let matches = try? pattern.matches(event)
                #expect((matches == nil) == ((try? JSONValue(parsing: event))?.object == nil), "seed \(seed)")
                _ = EventValidation.check(event)
            } catch {
                #expect(error.message.hasPrefix("Event pattern is not valid. Reason: "), "seed \(seed)")
                refused += 1
            }
        }
        #expect(refused > 0)
    }
}
