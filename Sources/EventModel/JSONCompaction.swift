/// Rewrites JSON without the white space between its tokens and nothing else changed (spec: patterns §1.3).
public enum JSONCompaction {
    /// Appends the compact form of `text`, which must be one JSON object.
    ///
    /// Lexemes of numbers and strings, duplicate keys and the order of members stay as they are.
    ///
    /// - Parameters:
    ///   - text: the JSON text.
    ///   - output: what the compact text is appended to; on error it is left as it was.
    /// - Throws: ``JSONError`` when `text` is not JSON; `unexpectedCharacter` when it is not an object.
    public static func appendObject(_ text: [UInt8], to output: inout [UInt8]) throws(JSONError) {
        if try appendIfCompact(text, to: &output) { return }
        let restore = output.count
        do {
            try copy(text, to: &output)
        } catch {
            output.removeLast(output.count - restore)
            throw error
        }
    }

    /// Appends a text that has no white space between its tokens, as machines write it, in one piece.
    private static func appendIfCompact(_ text: [UInt8], to output: inout [UInt8]) throws(JSONError) -> Bool {
        var reader = JSONReader(text, maximumDepth: Quotas.maximumDetailDepth)
        let first = try reader.next()
        guard first.kind == .objectStart else { throw JSONError(.unexpectedCharacter, at: first.start) }
        while try reader.next().kind != .end {}
        guard !reader.hasWhiteSpace else { return false }
        output.append(contentsOf: text)
        return true
    }

    private static func copy(_ text: [UInt8], to output: inout [UInt8]) throws(JSONError) {
        var reader = JSONReader(text, maximumDepth: Quotas.maximumDetailDepth)
        output.reserveCapacity(output.count + text.count)
        let first = try reader.next()
        guard first.kind == .objectStart else { throw JSONError(.unexpectedCharacter, at: first.start) }
        output.append(UInt8(ascii: "{"))
        var needsComma = false
        while true {
            let token = try reader.next()
            switch token.kind {
            case .end: return
            case .objectEnd, .arrayEnd:
                output.append(text[token.start])
                needsComma = true
                continue
            default: break
            }
            if needsComma { output.append(UInt8(ascii: ",")) }
            needsComma = true
            switch token.kind {
            case .key:
                output.append(contentsOf: text[(token.start - 1)...token.end])
                output.append(UInt8(ascii: ":"))
                needsComma = false
            case .string:
                output.append(contentsOf: text[(token.start - 1)...token.end])
            case .objectStart, .arrayStart:
                output.append(text[token.start])
                needsComma = false
            default:
                output.append(contentsOf: text[token.range])
            }
        }
    }
}
