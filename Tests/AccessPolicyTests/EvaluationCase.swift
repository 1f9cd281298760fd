/// The policy evaluation cases as a table: spec: control §9.
///
/// `statements` are the differences from the default statement, one a line; `context` is the spec's column as it stands.
struct EvaluationCase: Sendable, CustomStringConvertible {
    var number: Int
    var statements: [String]
    var caller: String
    var identity: String
    var context: String
    var expected: String

    var description: String { "case \(number)" }

    init(
        _ number: Int,
        _ statements: [String],
        _ caller: String,
        _ identity: String,
        _ context: String,
        _ expected: String
    ) {
        self.number = number
        self.statements = statements
        self.caller = caller
        self.identity = identity
        self.context = context
        self.expected = expected
    }
}

extension EvaluationCase {
    static let all = principals + structure + conditions + variablesAndSets
}
