import Testing

/// One refused pattern with its reason and location (spec: patterns §3.3).
struct ErrorRow: Sendable, CustomTestStringConvertible {
    /// The location lines behind the reason; all rows are of one line.
    enum Suffix: Sendable {
        case none
        case column(Int)
        case twice(Int)
    }

    var number: Int
    var pattern: String
    var reason: String
    var suffix: Suffix

    init(_ number: Int, _ pattern: String, _ reason: String, _ suffix: Suffix) {
        self.number = number
        self.pattern = pattern
        self.reason = reason
        self.suffix = suffix
    }

    var testDescription: String { "E\(number)" }

    /// The complete text that the row stands for.
    var message: String {
        // The table shortens the start marker, which is the root's opening brace.
        let reason = reason.replacing("[Source: …]", with: source(column: 1))
        switch suffix {
        case .none: return "Event pattern is not valid. Reason: \(reason)"
        case .column(let column):
            return "Event pattern is not valid. Reason: \(reason)\n at \(source(column: column))"
        case .twice(let column):
            let line = "\n at \(source(column: column))"
            return "Event pattern is not valid. Reason: \(reason)\(line)\(line)"
        }
    }

    private func source(column: Int) -> String {
        "[Source: (String)\"\(pattern)\"; line: 1, column: \(column)]"
    }

    static let all = operators + operandLists + structure
}
