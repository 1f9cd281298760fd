import EventPattern
import SansIO
import Testing

/// Many rules at once against the plain evaluator, while rules come and go.
@Suite struct RuleMatcherDifferentialTests {
    /// How many rounds a seed runs; a long run raises it by an environment variable.
    private static let rounds = Environment.number("BUSBAR_MATCHER_ROUNDS") ?? 400

    /// A matcher beside the patterns that it should hold.
    private struct Twin {
        var matcher = RuleMatcher()
        var patterns: [UInt32: Pattern] = [:]

        func check(_ event: String, _ scratch: inout MatchScratch, _ comment: String) throws -> Int {
            let bytes = Array(event.utf8)
            let rules = patterns.keys.sorted()
            let set = PatternSet(rules.compactMap { patterns[$0] })
            let expected = try set.matching(bytes).map { rules[$0] }
            let found = matcher.matching(bytes, scratch: &scratch)
            if found != expected {
                let differing = Set(found).symmetricDifference(expected).sorted()
                let texts = differing.map { "\($0): \(patterns[$0].map { "\($0)" } ?? "gone")" }
                Issue.record("\(comment): found \(found), expected \(expected) on \(event); \(texts)")
            }
            return expected.count
        }
    }

    @Test(arguments: [UInt64](1...8)) func agreesWithTheEvaluator(_ seed: UInt64) throws {
        var source = RuleSource(seed: seed &+ (Environment.number("BUSBAR_MATCHER_SEED").map { UInt64($0) } ?? 0))
        var scratch = MatchScratch()
        var twin = Twin()
        var snapshots: [Twin] = []
        var matches = 0
        for round in 0..<Self.rounds {
            for _ in 0..<source.below(4) {
                let rule = UInt32(source.below(40))
                if source.below(3) == 0 {
                    let removed = twin.matcher.remove(rule)
                    #expect(removed == (twin.patterns.removeValue(forKey: rule) != nil))
                } else if let pattern = try? Pattern.parse(source.pattern()) {
                    twin.matcher.add(rule, pattern)
                    twin.patterns[rule] = pattern
                }
            }
            #expect(twin.matcher.count == twin.patterns.count)
            for _ in 0..<6 {
                matches += try twin.check(source.object(0), &scratch, "seed \(seed) round \(round)")
            }
            if source.below(10) == 0 { snapshots.append(twin) }
            if snapshots.count > 4 { snapshots.remove(at: source.below(snapshots.count)) }
            for snapshot in snapshots {
                _ = try snapshot.check(source.object(0), &scratch, "seed \(seed) round \(round), snapshot")
            }
        }
        #expect(matches > Self.rounds, "seed \(seed): too few matches to mean anything")
        for rule in twin.patterns.keys.sorted() {
            let removed = twin.matcher.remove(rule)
            #expect(removed)
        }
        #expect(twin.matcher.count == 0)
        let found = twin.matcher.matching(Array(source.object(0).utf8), scratch: &scratch)
        #expect(found.isEmpty)
    }

    /// Numbers are read twice, by different means: near the limits of what is comparable they must agree.
    @Test(arguments: [UInt64](1...4)) func numbersAgree(_ seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        var matcher = RuleMatcher()
        matcher.add(1, try Pattern.parse(#"{"a":[{"numeric":["<=",0]}]}"#))
        matcher.add(2, try Pattern.parse(#"{"a":[{"numeric":[">",0]}]}"#))
        matcher.add(3, try Pattern.parse(#"{"a":[{"numeric":[">",37.7,"<",38.2]}]}"#))
        var scratch = MatchScratch()
        for round in 0..<(Self.rounds * 50) {
            var lexeme = Self.number(&generator)
            if round % 7 == 0 { lexeme = Self.neighbour(lexeme, &generator) }
            let event = Array("{\"a\":\(lexeme)}".utf8)
            var expected: [UInt32] = []
            if case .comparable(let value) = NumberValue(lexeme: Array(lexeme.utf8)) {
                expected = value > 0 ? value > 37.7 && value < 38.2 ? [2, 3] : [2] : [1]
                let equal = RuleMatcher().adding(9, try Pattern.parse("{\"a\":[\(value.description)]}"))
                let found = equal.matching(event, scratch: &scratch)
                #expect(found == [9], "seed \(seed): \(lexeme)")
            }
            let found = matcher.matching(event, scratch: &scratch)
            #expect(found == expected, "seed \(seed): \(lexeme)")
        }
    }

    private static func number(_ generator: inout SeededGenerator) -> String {
        switch Int.random(in: 0..<6, using: &generator) {
        case 0: return Double.random(in: -180...180, using: &generator).description
        case 1: return Double.random(in: 0...1, using: &generator).description
        case 2: return Double(bitPattern: UInt64.random(in: 0..<(0x7FF << 52), using: &generator)).description
        case 3: return Double.random(in: -1e16...1e16, using: &generator).description
        case 4:
            let digits = (0...Int.random(in: 0..<20, using: &generator)).map { _ in
                String(Int.random(in: 0...9, using: &generator))
            }
            return "\(Int.random(in: -99...99, using: &generator)).\(digits.joined())"
        default: return String(Int64.random(in: Int64.min...Int64.max, using: &generator))
        }
    }

    /// The same with another last digit, or with one more.
    private static func neighbour(_ lexeme: String, _ generator: inout SeededGenerator) -> String {
        guard let last = lexeme.last, last.isNumber, !lexeme.contains("e"), lexeme.contains(".") else { return lexeme }
        let digit = String(Int.random(in: 0...9, using: &generator))
        return Bool.random(using: &generator) ? lexeme + digit : lexeme.dropLast() + digit
    }
}
