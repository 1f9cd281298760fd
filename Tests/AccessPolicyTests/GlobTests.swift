import SansIO
import Testing

@testable import AccessPolicy

@Suite struct GlobTests {
    private func tokens(_ pattern: String) -> [GlobToken] {
        TextTemplate(pattern.utf8, wildcards: true, variables: false).tokens ?? []
    }

    private func matches(_ pattern: String, _ text: String) -> Bool {
        GlobProgram(tokens(pattern)).matches(text.utf8.span)
    }

    @Test(arguments: [
        ("", "", true), ("", "a", false), ("*", "", true), ("?", "", false), ("?", "é", true), ("?", "😀", true),
        ("??", "é", false), ("*?", "é", true), ("*?*?*", "é", false), ("*?*?*", "éa", true), ("a*", "a", true),
        ("*a", "ba", true), ("*a*b*", "xaxbx", true), ("*a*b*", "xbxax", false), ("a*a", "a", false),
        ("*ab?d*", "xxabéd", true), ("*ab*ab", "abab", true), ("*ab*ab", "ab", false), ("a**b", "ab", true),
    ])
    func matches(_ pattern: String, _ text: String, _ expected: Bool) {
        #expect(matches(pattern, text) == expected)
    }

    @Test func agreesWithTryingEverything() {
        let seed = PolicyPropertyTests.seed("agreesWithTryingEverything")
        var random = RandomPolicies(seed: seed)
        for _ in 0..<5_000 {
            let letters = ["a", "b", "é", "😀"]
            let pattern = (0..<Int.random(in: 0...8, using: &random.generator))
                .map { _ in random.pick(letters + ["*", "?", "a", "*"]) }.joined()
            let text = (0..<Int.random(in: 0...10, using: &random.generator)).map { _ in random.pick(letters) }.joined()
            let expected = PlainGlob.matches(PlainGlob.tokens(pattern), text)
            #expect(matches(pattern, text) == expected, "seed \(seed): \(pattern) and \(text)")
        }
    }

    /// Pieces of more than 64 characters use several words of state.
    @Test func longPiecesAgreeWithTryingEverything() {
        let seed = PolicyPropertyTests.seed("longPiecesAgreeWithTryingEverything")
        var random = RandomPolicies(seed: seed)
        for _ in 0..<200 {
            var piece = (0..<Int.random(in: 60...140, using: &random.generator)).map { _ in random.pick(["a", "b"]) }
            let noise = (0..<70).map { _ in random.pick(["a", "b", "é"]) }.joined()
            let text = noise + piece.joined() + random.pick(["", "a", "é"])
            for _ in 0..<Int.random(in: 0...3, using: &random.generator) {
                piece[Int.random(in: 0..<piece.count, using: &random.generator)] = random.pick(["?", "a"])
            }
            let pattern = "*" + piece.joined() + random.pick(["*", "*a", "*?"])
            let expected = PlainGlob.matches(PlainGlob.tokens(pattern), text)
            #expect(matches(pattern, text) == expected, "seed \(seed): \(pattern) and \(text)")
        }
    }

    /// A matcher that backtracks would not end here within the life of the machine.
    @Test func hostilePatternsEnd() {
        let text = String(repeating: "a", count: 50_000)
        #expect(!matches(String(repeating: "*a", count: 2_000) + "*b", text))
        #expect(!matches("*" + String(repeating: "a?", count: 500) + "b*", text))
        #expect(matches("*" + String(repeating: "a?", count: 500) + "*", text))
    }

    @Test(arguments: [
        ("a*", "*b", true), ("a", "b", false), ("a?c", "abc", true), ("*", "", true), ("a*c", "ab*d", false),
        ("arn:*:rule/*", "arn:aws:events:*:*:rule/x", true), ("x*y*z", "*q*", true), ("", "", true), ("?", "", false),
    ])
    func intersects(_ left: String, _ right: String, _ expected: Bool) {
        #expect(GlobToken.intersect(tokens(left), tokens(right)) == expected)
        #expect(GlobToken.intersect(tokens(right), tokens(left)) == expected)
    }
}
