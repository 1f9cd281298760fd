/// Reads the operand of `numeric` (spec: patterns §2.11, §3.3 E25-E37).
enum NumericParser {
    /// Reads the range; the current token is the name `numeric`.
    static func range(_ tokens: inout PatternTokenizer) throws(PatternError) -> NumericRange {
        guard try tokens.next() == .arrayStart else { throw tokens.error("Value of numeric must be an array.") }
        guard try tokens.next() == .string else {
            throw tokens.error("Invalid member in numeric match: \(try shown(&tokens))")
        }
        let name = try shown(&tokens)
        let token = try tokens.next()
        guard ["=", "<", "<=", ">", ">="].contains(name) else {
            throw tokens.error("Unrecognized numeric range operator: \(name)")
        }
        guard token == .number else {
            throw tokens.error("Value of \(name == "=" ? "equals" : name) must be numeric")
        }
        let operand = try tokens.text()
        let next = try tokens.next()
        if name == ">" || name == ">=" {
            if next == .arrayEnd {
                let lower = NumericRange.Bound(value: try comparable(operand, tokens), isInclusive: name == ">=")
                return NumericRange(lower: lower, upper: nil)
            }
            return try rangeWithTop(&tokens, next, bottom: operand, isInclusive: name == ">=")
        }
        guard next == .arrayEnd else { throw tokens.error("Too many elements in numeric expression") }
        let bound = NumericRange.Bound(value: try comparable(operand, tokens), isInclusive: name != "<")
        return NumericRange(lower: name == "=" ? bound : nil, upper: bound)
    }

    /// Reads the upper bound behind a lower one; `token` is the first token of it.
    private static func rangeWithTop(
        _ tokens: inout PatternTokenizer,
        _ token: PatternTokenizer.Token,
        bottom: [UInt8],
        isInclusive: Bool
    ) throws(PatternError) -> NumericRange {
        guard token == .string else { throw tokens.error("Bad value in numeric range: \(try shown(&tokens))") }
        let name = try shown(&tokens)
        guard name == "<" || name == "<=" else { throw tokens.error("Bad numeric range operator: \(name)") }
        guard try tokens.next() == .number else { throw tokens.error("Value of \(name) must be numeric") }
        let top = try tokens.text()
        guard try tokens.next() == .arrayEnd else {
            throw tokens.error("Too many terms in numeric range expression")
        }
        let lower = NumericRange.Bound(value: try comparable(bottom, tokens), isInclusive: isInclusive)
        let upper = NumericRange.Bound(value: try comparable(top, tokens), isInclusive: name == "<=")
        guard lower.value < upper.value else { throw tokens.error("Bottom must be less than top") }
        return NumericRange(lower: lower, upper: upper)
    }

    /// The value of a number that must be comparable (spec: patterns §2.6).
    static func comparable(_ lexeme: [UInt8], _ tokens: PatternTokenizer) throws(PatternError) -> Double {
        guard case .comparable(let value) = NumberValue(lexeme: lexeme) else {
            throw tokens.error("Cannot compare number : \(String(decoding: lexeme, as: UTF8.self))")
        }
        return value
    }

    private static func shown(_ tokens: inout PatternTokenizer) throws(PatternError) -> String {
        String(decoding: try tokens.text(), as: UTF8.self)
    }
}
