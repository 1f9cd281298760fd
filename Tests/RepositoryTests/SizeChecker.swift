/// Bounds the length of files and functions.
enum SizeChecker {
    static let maximumFileLines = 600
    static let maximumFunctionLines = 70

    static func check(_ file: SourceFile) -> [Violation] {
        guard !file.isTable else { return [] }
        var found: [Violation] = []
        if file.lines > maximumFileLines {
            found.append(Violation(path: file.path, line: nil, text: "\(file.lines) lines"))
        }
        for function in functions(file.swift) where function.lines > maximumFunctionLines {
            let text = "\(function.keyword) of \(function.lines) lines"
            found.append(Violation(path: file.path, line: function.line, text: text))
        }
        return found
    }

    struct Function: Equatable {
        var keyword: String
        var line: Int
        /// From the line of the keyword to that of the closing brace.
        var lines: Int
    }

    static func functions(_ text: SwiftText) -> [Function] {
        let code = text.joined
        var found: [Function] = []
        for keyword in ["func", "init", "deinit", "subscript", "var"] {
            for start in code.offsets(ofWord: keyword) where isDeclaration(code, start) {
                guard let open = bodyStart(code, start + keyword.utf8.count, isVariable: keyword == "var"),
                    let close = closingBrace(code, open)
                else { continue }
                let line = code.line(of: start)
                found.append(Function(keyword: keyword, line: line, lines: code.line(of: close) - line + 1))
            }
        }
        return found.sorted { $0.line < $1.line }
    }

    /// `self.init(…)`, `.init` and the like are uses.
    private static func isDeclaration(_ code: [UInt8], _ start: Int) -> Bool {
        start == 0 || (code[start - 1] != UInt8(ascii: ".") && code[start - 1] != UInt8(ascii: "`"))
    }

    /// The brace that opens the body; nil for a requirement of a protocol and for a stored property.
    private static func bodyStart(_ code: [UInt8], _ start: Int, isVariable: Bool) -> Int? {
        var depth = 0
        var position = start
        while position < code.count {
            switch code[position] {
            case UInt8(ascii: "("), UInt8(ascii: "["): depth += 1
            case UInt8(ascii: ")"), UInt8(ascii: "]"):
                depth -= 1
                if depth < 0 { return nil }
            case UInt8(ascii: "{"):
                if depth == 0 { return position }
                guard let close = closingBrace(code, position) else { return nil }
                position = close
            case UInt8(ascii: "}"): return nil
            case UInt8(ascii: "=") where depth == 0 && isVariable: return nil
            case UInt8(ascii: "\n") where depth == 0:
                if !continues(code, position, isVariable: isVariable) { return nil }
            default: break
            }
            position += 1
        }
        return nil
    }

    /// Whether a declaration goes on behind this line break at depth zero.
    private static func continues(_ code: [UInt8], _ lineBreak: Int, isVariable: Bool) -> Bool {
        guard let next = code[lineBreak...].firstIndex(where: { !$0.isBlank }) else { return false }
        if code[next] == UInt8(ascii: "{") { return true }
        if isVariable { return false }
        if let last = code[..<lineBreak].last(where: { !$0.isBlank }), last == UInt8(ascii: ",") { return true }
        let words = ["->", "where", "throws", "rethrows", "async", "(", "<", ",", "&", ">"]
        return words.contains { word in
            let end = next + word.utf8.count
            return code[next..<min(end, code.count)].elementsEqual(word.utf8)
        }
    }

    private static func closingBrace(_ code: [UInt8], _ open: Int) -> Int? {
        var depth = 0
        for position in open..<code.count {
            if code[position] == UInt8(ascii: "{") { depth += 1 }
            if code[position] == UInt8(ascii: "}") { depth -= 1 }
            if depth == 0 { return position }
        }
        return nil
    }
}
