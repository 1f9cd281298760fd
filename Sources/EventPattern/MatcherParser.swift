/// Reads the value lists of a pattern: literals and match expressions (spec: patterns §2.1).
enum MatcherParser {
    /// Reads a value list whose opening bracket is the current token.
    static func alternatives(_ tokens: inout PatternTokenizer) throws(PatternError) -> [ValueMatcher] {
        var matchers: [ValueMatcher] = []
        while true {
            let token = try tokens.next()
            switch token {
            case .arrayEnd:
                guard !matchers.isEmpty else { throw tokens.error("Empty arrays are not allowed") }
                return matchers
            case .objectStart:
                matchers.append(try expression(&tokens))
            case .string:
                let text = try tokens.text()
                matchers.append(IPAddress(text).map { .address($0, text) } ?? .string(text))
            case .number: matchers.append(.number(NumberValue(lexeme: try tokens.text())))
            case .true: matchers.append(.bool(true))
            case .false: matchers.append(.bool(false))
            case .null: matchers.append(.null)
            default: throw tokens.error("Match value must be String, number, true, false, or null")
            }
        }
    }

    private static func expression(_ tokens: inout PatternTokenizer) throws(PatternError) -> ValueMatcher {
        guard try tokens.next() == .name else { throw tokens.error("Match expression name not found") }
        let name = String(decoding: tokens.name, as: UTF8.self)
        let matcher: ValueMatcher
        switch name {
        case "exactly":
            matcher = .string(try operand(&tokens, "exact"))
        case "prefix":
            matcher = try affix(&tokens, "prefix", "Prefix", exact: { .prefix($0) }, folded: { .prefixIgnoreCase($0) })
        case "suffix":
            matcher = try affix(&tokens, "suffix", "Suffix", exact: { .suffix($0) }, folded: { .suffixIgnoreCase($0) })
        case "equals-ignore-case":
            matcher = .equalsIgnoreCase(CaseInsensitiveText(try operand(&tokens, name)))
        case "wildcard":
            matcher = .wildcard(try wildcard(&tokens, try operand(&tokens, name)))
        case "cidr":
            matcher = .cidr(try AddressBlock(try operand(&tokens, "prefix")))
        case "exists":
            switch try tokens.next() {
            case .true: matcher = .exists(true)
            case .false: matcher = .exists(false)
            default: throw tokens.error("exists match pattern must be either true or false.")
            }
        case "numeric":
            matcher = .numeric(try NumericParser.range(&tokens))
        case "anything-but":
            matcher = .anythingBut(try ExclusionParser.exclusion(&tokens))
        default:
            throw tokens.error("Unrecognized match type \(name)")
        }
        try endOfExpression(&tokens)
        return matcher
    }

    /// Reads a string operand.
    static func operand(_ tokens: inout PatternTokenizer, _ what: String) throws(PatternError) -> [UInt8] {
        guard try tokens.next() == .string else { throw tokens.error("\(what) match pattern must be a string") }
        return try tokens.text()
    }

    /// Reads the closing brace of an expression of one member.
    static func endOfExpression(_ tokens: inout PatternTokenizer) throws(PatternError) {
        guard try tokens.next() == .objectEnd else { throw tokens.error("Only one key allowed in match expression") }
    }

    /// Parses a wildcard whose text has just been read.
    static func wildcard(_ tokens: inout PatternTokenizer, _ text: [UInt8]) throws(PatternError) -> Wildcard {
        switch Wildcard.parse(text) {
        case .success(let wildcard): return wildcard
        case .failure(let malformed): throw tokens.error(malformed.reason)
        }
    }

    /// Reads the operand of `prefix` or `suffix`: a string, or a string under `equals-ignore-case`.
    private static func affix(
        _ tokens: inout PatternTokenizer,
        _ name: String,
        _ capitalized: String,
        exact: ([UInt8]) -> ValueMatcher,
        folded: (CaseInsensitiveText) -> ValueMatcher
    ) throws(PatternError) -> ValueMatcher {
        switch try tokens.next() {
        case .string:
            return exact(try tokens.text())
        case .objectStart:
            guard try tokens.next() == .name else { throw tokens.error("\(capitalized) expression name not found") }
            guard tokens.name.elementsEqual("equals-ignore-case".utf8) else {
                let shown = String(decoding: tokens.name, as: UTF8.self)
                throw tokens.error("Unsupported \(name) pattern: \(shown)")
            }
            let text = try operand(&tokens, "equals-ignore-case")
            try endOfExpression(&tokens)
            return folded(CaseInsensitiveText(text))
        default:
            throw tokens.error("\(name) match pattern must be a string")
        }
    }
}
