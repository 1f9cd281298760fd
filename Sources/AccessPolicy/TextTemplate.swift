/// A policy's text with wildcards and policy variables (spec: control §8.6).
struct TextTemplate: Sendable {
    enum Part: Sendable {
        case token(GlobToken)
        case variable(ConditionKey, fallback: [UInt8]?)
    }

    private(set) var parts: [Part] = []
    private(set) var hasVariables = false

    /// Reads a text.
    ///
    /// - Parameters:
    ///   - text: the text as written.
    ///   - wildcards: whether `*` and `?` are wildcards; else they are literal.
    ///   - variables: whether `${…}` is replaced; else it is literal.
    init(_ text: some Collection<UInt8>, wildcards: Bool, variables: Bool) {
        let bytes = Array(text)
        // Looking for a closing brace only where there is one keeps texts full of `${` linear.
        let lastBrace = variables ? bytes.lastIndex(of: UInt8(ascii: "}")) ?? 0 : 0
        var position = 0
        while position < bytes.count {
            if position < lastBrace, let end = Self.variableEnd(bytes, position) {
                appendVariable(bytes[position + 2..<end])
                position = end + 1
                continue
            }
            append(bytes[position], wildcards: wildcards)
            position += 1
        }
    }

    /// Appends another template.
    mutating func append(_ other: TextTemplate) {
        for part in other.parts {
            // Two stars in a row are one.
            if case .token(.anyRun) = part, case .token(.anyRun)? = parts.last { continue }
            parts.append(part)
        }
        hasVariables = hasVariables || other.hasVariables
    }

    /// The tokens of a text without variables; nil with variables.
    var tokens: [GlobToken]? {
        guard !hasVariables else { return nil }
        return parts.compactMap { part in
            guard case .token(let token) = part else { return nil }
            return token
        }
    }

    /// The tokens for one request; nil when a variable without a fallback has not exactly one value.
    func tokens(for request: AuthorizationRequest) -> [GlobToken]? {
        var tokens: [GlobToken] = []
        for part in parts {
            switch part {
            case .token(let token): tokens.append(token)
            case .variable(let key, let fallback):
                let values = request.values(of: key)
                if values.count == 1 {
                    tokens.append(contentsOf: values[0].utf8.map { .byte($0) })
                } else if let fallback {
                    tokens.append(contentsOf: fallback.map { .byte($0) })
                } else {
                    return nil
                }
            }
        }
        return tokens
    }

    /// The keys of the variables.
    var variables: [ConditionKey] {
        parts.compactMap { part in
            guard case .variable(let key, _) = part else { return nil }
            return key
        }
    }

    /// The offset of the brace that closes the variable at `start`, if one begins there.
    static func variableEnd(_ bytes: [UInt8], _ start: Int) -> Int? {
        guard start + 2 < bytes.count, bytes[start] == UInt8(ascii: "$"), bytes[start + 1] == UInt8(ascii: "{") else {
            return nil
        }
        return bytes[(start + 2)...].firstIndex(of: UInt8(ascii: "}"))
    }

    private mutating func append(_ byte: UInt8, wildcards: Bool) {
        guard wildcards else {
            parts.append(.token(.byte(byte)))
            return
        }
        switch byte {
        case UInt8(ascii: "*"):
            if case .token(.anyRun)? = parts.last { return }
            parts.append(.token(.anyRun))
        case UInt8(ascii: "?"): parts.append(.token(.anyCharacter))
        default: parts.append(.token(.byte(byte)))
        }
    }

    /// `*`, `?` or `$` stand for themselves; else a key with an optional `, 'fallback'`.
    private mutating func appendVariable(_ body: ArraySlice<UInt8>) {
        if body.count == 1, let byte = body.first, "*?$".utf8.contains(byte) {
            parts.append(.token(.byte(byte)))
            return
        }
        hasVariables = true
        let comma = body.firstIndex(of: UInt8(ascii: ",")) ?? body.endIndex
        let name = String(decoding: Self.trimmed(body[..<comma]), as: UTF8.self)
        var fallback: [UInt8]?
        if comma < body.endIndex {
            let quoted = Self.trimmed(body[(comma + 1)...])
            let quote = UInt8(ascii: "'")
            if quoted.count >= 2, quoted.first == quote, quoted.last == quote {
                fallback = Array(quoted.dropFirst().dropLast())
            }
        }
        parts.append(.variable(ConditionKey(name), fallback: fallback))
    }

    private static func trimmed(_ bytes: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        let space = UInt8(ascii: " ")
        return bytes.drop { $0 == space }.reversed().drop { $0 == space }.reversed()[...]
    }
}
