import Testing

@testable import EventPattern

@Suite struct WildcardComplexityTests {
    /// spec: patterns §2.15, the table.
    static let rows: [(String, Int)] = [
        (#"{"wildcard":"abc"}"#, 1),
        (#"{"wildcard":"*"}"#, 2), (#"{"wildcard":"a*"}"#, 2), (#"{"wildcard":"*a"}"#, 2),
        (#"{"wildcard":"*ab"}"#, 2), (#"{"wildcard":"*abc"}"#, 2),
        (#"{"wildcard":"*aa"}"#, 3), (#"{"wildcard":"*a*"}"#, 3), (#"{"wildcard":"a*b*c"}"#, 3),
        (#"{"wildcard":"*abab"}"#, 3),
        (#"{"wildcard":"*aaa"}"#, 4), (#"{"wildcard":"a*a*a"}"#, 4),
        (#"{"wildcard":"*ab*ab*"}"#, 5), (#"{"wildcard":"*/a/*/b"}"#, 5),
        (#"{"wildcard":"*:*:*:*:*:x"}"#, 10),
        (#"{"wildcard":"*aaaaaaaaa"}"#, 10), (#"{"wildcard":"*aaaaaaaaaa"}"#, 11),
        (#"{"wildcard":"*a"},{"wildcard":"*b"}"#, 4),
        (#"{"wildcard":"p*"},{"wildcard":"q*"}"#, 2),
        (#"{"wildcard":"p*"},{"wildcard":"p*q"}"#, 4),
        (#"{"wildcard":"*x*y"},{"wildcard":"*x*z"}"#, 6),
        (#"{"anything-but":{"wildcard":["*x*y","*x*z"]}}"#, 5),
        (#"{"anything-but":{"wildcard":["*a","*b","*c"]}}"#, 2),
        (#"{"wildcard":"*a"},{"wildcard":"*b"},{"wildcard":"*c"},{"wildcard":"*d"},{"wildcard":"*e"}"#, 10),
        (
            #"{"wildcard":"*a"},{"wildcard":"*b"},{"wildcard":"*c"},{"wildcard":"*d"},{"wildcard":"*e"},"#
                + #"{"wildcard":"*f"}"#, 12
        ),
    ]

    static let unlimited: Pattern.Limits = {
        var limits = Pattern.Limits()
        limits.wildcardComplexity = .max
        return limits
    }()

    static let refusal =
        "Event pattern is not valid. Reason: Rule is too complex - try using fewer wildcard characters or fewer "
        + "repeating character sequences after a wildcard character"

    @Test(arguments: rows) func complexity(_ operands: String, _ expected: Int) throws {
        let text = "{\"a\":[\(operands)]}"
        #expect(WildcardComplexity.complexity(of: try Pattern.parse(text, limits: Self.unlimited)) == expected)
        if expected > 10 {
            let error = try #require(throws: PatternError.self) { try Pattern.parse(text) }
            #expect(error.message == Self.refusal)
            #expect(error.location == nil)
        } else {
            _ = try Pattern.parse(text)
        }
    }

    @Test func recordedRefusalOfTheService() {
        #expect(throws: PatternError.self) { try Pattern.parse(#"{"a":[{"wildcard":"*:*:*:*:*:event-bus/*"}]}"#) }
    }

    @Test func fieldsDoNotAddUp() throws {
        let text = #"{"a":[{"wildcard":"*aaaaaa"}],"b":[{"wildcard":"*bbbbbb"}]}"#
        #expect(WildcardComplexity.complexity(of: try Pattern.parse(text)) == 7)
    }

    @Test func branchesOfOneDepthDo() throws {
        let text = #"{"$or":[{"a":[{"wildcard":"*aaaaaa"}]},{"a":[{"wildcard":"*aaaaaab"}]}]}"#
        #expect(throws: PatternError.self) { try Pattern.parse(text) }
        let same = #"{"$or":[{"a":[{"wildcard":"*aaaaaa"}],"b":[1]},{"a":[{"wildcard":"*aaaaaa"}],"b":[2]}]}"#
        #expect(WildcardComplexity.complexity(of: try Pattern.parse(same)) == 7)
    }

    @Test func fieldsBehindAnAbsenceAreNotLookedAt() throws {
        let hidden = #"{"a":[{"exists":false}],"b":[{"wildcard":"*bbbbbbbbbbbbbb"}]}"#
        _ = try Pattern.parse(hidden)
        let reachable = #"{"a":[{"exists":false},"x"],"b":[{"wildcard":"*bbbbbbbbbbbbbb"}]}"#
        #expect(throws: PatternError.self) { try Pattern.parse(reachable) }
    }

    @Test func repeatedOperandsCountOnce() throws {
        let text = #"{"a":[{"wildcard":"*aaaaaa"},{"wildcard":"*aaaaaa"}]}"#
        #expect(WildcardComplexity.complexity(of: try Pattern.parse(text)) == 7)
    }

    /// Operands made to have many sets of states are refused, not explored.
    @Test(.timeLimit(.minutes(1))) func explosionIsRefused() {
        let operands = (0..<60).map { index in
            #"{"wildcard":"*\#(String(repeating: "ab", count: 3))\#(index)*"}"#
        }
        let text = "{\"a\":[\(operands.joined(separator: ","))]}"
        #expect(throws: PatternError.self) { try Pattern.parse(text) }
    }

    /// Each operand has a state of its own behind the opening quote, so the eleventh is one too many.
    @Test func operandsOfOneField() throws {
        func pattern(_ count: Int) -> String {
            let operands = (0..<count).map { #"{"wildcard":"\#($0)/*"}"# }
            return "{\"a\":[\(operands.joined(separator: ","))]}"
        }
        _ = try Pattern.parse(pattern(10))
        #expect(throws: PatternError.self) { try Pattern.parse(pattern(11)) }
    }
}
