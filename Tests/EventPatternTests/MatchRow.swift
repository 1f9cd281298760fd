import Testing

/// One verified case: a pattern, an event and whether they match (spec: patterns §2.20).
struct MatchRow: Sendable, CustomTestStringConvertible {
    var number: Int
    var pattern: String
    var event: String
    var matches: Bool

    init(_ number: Int, _ pattern: String, _ event: String, _ matches: Bool) {
        self.number = number
        self.pattern = pattern
        self.event = event
        self.matches = matches
    }

    var testDescription: String { "row \(number)" }

    static let all = [
        exactValues, addressLiterals, affixes, anythingBut, numeric, cidr, exists, wildcard, keys, arrays, or,
    ].flatMap { $0 }
}
