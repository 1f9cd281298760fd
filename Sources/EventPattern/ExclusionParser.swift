/// Reads the operand of `anything-but` (spec: patterns §2.10, §3.3 E38-E48).
enum ExclusionParser {
    /// Reads the exclusion; the current token is the name `anything-but`.
    static func exclusion(_ tokens: inout PatternTokenizer) throws(PatternError) -> ValueMatcher.Exclusion {
        switch try tokens.next() {
        case .string: return .strings([try tokens.text()])
        case .number: return .numbers([try NumericParser.comparable(try tokens.text(), tokens)])
        case .arrayStart: return try literals(&tokens)
        case .objectStart: return try nested(&tokens)
        default:
            throw tokens.error("Value of anything-but must be an array or single string/number value.")
        }
    }

    private static func literals(_ tokens: inout PatternTokenizer) throws(PatternError) -> ValueMatcher.Exclusion {
        var strings: [[UInt8]] = []
        var numbers: [Double] = []
        try list(&tokens) { (tokens: inout PatternTokenizer, token) throws(PatternError) in
            switch token {
            case .string: strings.append(try tokens.text())
            case .number: numbers.append(try NumericParser.comparable(try tokens.text(), tokens))
            default: throw tokens.error("Inside anything but list, start|null|boolean is not supported.")
            }
        }
        guard strings.isEmpty != numbers.isEmpty else {
            throw tokens.error(
                "Inside anything but list, either all values are number or string, mixed type is not supported"
            )
        }
        return numbers.isEmpty ? .strings(strings) : .numbers(numbers)
    }

    /// Reads an operator with one or several string operands.
    private static func nested(_ tokens: inout PatternTokenizer) throws(PatternError) -> ValueMatcher.Exclusion {
        guard try tokens.next() == .name else { throw tokens.error("Anything-But expression name not found") }
        let name = String(decoding: tokens.name, as: UTF8.self)
        let isAffix = name == "prefix" || name == "suffix"
        guard isAffix || name == "equals-ignore-case" || name == "wildcard" else {
            throw tokens.error("Unsupported anything-but pattern: \(name)")
        }
        var strings: [[UInt8]] = []
        var wildcards: [Wildcard] = []
        func add(_ tokens: inout PatternTokenizer) throws(PatternError) {
            let text = try tokens.text()
            if isAffix, text.isEmpty { throw tokens.error("Null prefix/suffix not allowed") }
            if name == "wildcard" { wildcards.append(try MatcherParser.wildcard(&tokens, text)) }
            strings.append(text)
        }
        let unsupported = "Inside anything-but/\(name) list, number|start|null|boolean is not supported."
        switch try tokens.next() {
        case .string:
            try add(&tokens)
        case .arrayStart:
            try list(&tokens) { (tokens: inout PatternTokenizer, token) throws(PatternError) in
                guard token == .string else { throw tokens.error(unsupported) }
                try add(&tokens)
            }
            // The service fails on an empty list; a refusal is what its user needs.
            guard !strings.isEmpty else { throw tokens.error("Empty arrays are not allowed") }
        default:
            throw tokens.error(isAffix ? "prefix/suffix match pattern must be a string" : unsupported)
        }
        try MatcherParser.endOfExpression(&tokens)
        switch name {
        case "prefix": return .prefixes(strings)
        case "suffix": return .suffixes(strings)
        case "wildcard": return .wildcards(wildcards)
        default: return .equalsIgnoreCase(strings.map { CaseInsensitiveText($0) })
        }
    }

    /// Reads a list to its end. Errors from within carry their location twice (spec: patterns §3.2).
    private static func list(
        _ tokens: inout PatternTokenizer,
        _ element: (inout PatternTokenizer, PatternTokenizer.Token) throws(PatternError) -> Void
    ) throws(PatternError) {
        do throws(PatternError) {
            while true {
                let token = try tokens.next()
                if token == .arrayEnd { return }
                try element(&tokens, token)
            }
        } catch {
            throw PatternError(error, again: error.location ?? tokens.location, of: tokens.bytes)
        }
    }
}
