/// The text of a Swift file, split into what compiles, what comments say and what strings hold.
struct SwiftText: Sendable {
    struct Comment: Equatable, Sendable {
        var line: Int
        var text: String
    }

    /// The text with comments and string contents blanked, line breaks kept; one element a line.
    let code: [[UInt8]]
    /// All code with its line breaks.
    let joined: [UInt8]
    let comments: [Comment]

    init(_ text: String) {
        var lexer = SwiftLexer(Array(text.utf8))
        lexer.run()
        joined = lexer.code
        code = lexer.code.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).map(Array.init)
        comments = lexer.comments
    }
}

/// Tells code from comments and strings: nested comments, raw and multi-line strings, interpolations.
///
/// Regular expression literals between bare slashes are not known to it.
private struct SwiftLexer {
    private let bytes: [UInt8]
    private var position = 0
    private var line = 1
    var code: [UInt8] = []
    var comments: [SwiftText.Comment] = []

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
        code.reserveCapacity(bytes.count)
    }

    mutating func run() {
        scanCode(untilParenthesis: false)
    }

    private func at(_ offset: Int) -> UInt8 {
        position + offset < bytes.count ? bytes[position + offset] : 0
    }

    private mutating func keep() {
        if bytes[position] == UInt8(ascii: "\n") { line += 1 }
        code.append(bytes[position])
        position += 1
    }

    private mutating func blank() {
        let byte = bytes[position]
        if byte == UInt8(ascii: "\n") { line += 1 }
        code.append(byte == UInt8(ascii: "\n") ? byte : UInt8(ascii: " "))
        position += 1
    }

    private mutating func scanCode(untilParenthesis: Bool) {
        var depth = 0
        while position < bytes.count {
            switch bytes[position] {
            case UInt8(ascii: "/") where at(1) == UInt8(ascii: "/"): lineComment()
            case UInt8(ascii: "/") where at(1) == UInt8(ascii: "*"): blockComment()
            case UInt8(ascii: "\""): string(hashes: 0)
            case UInt8(ascii: "#"):
                var hashes = 0
                while at(hashes) == UInt8(ascii: "#") { hashes += 1 }
                if at(hashes) == UInt8(ascii: "\"") {
                    for _ in 0..<hashes { blank() }
                    string(hashes: hashes)
                } else {
                    for _ in 0..<hashes { keep() }
                }
            case UInt8(ascii: "("):
                depth += 1
                keep()
            case UInt8(ascii: ")"):
                depth -= 1
                keep()
                if untilParenthesis, depth == 0 { return }
            default: keep()
            }
        }
    }

    private mutating func lineComment() {
        let start = position
        while position < bytes.count, bytes[position] != UInt8(ascii: "\n") { blank() }
        comments.append(.init(line: line, text: String(decoding: bytes[start..<position], as: UTF8.self)))
    }

    private mutating func blockComment() {
        let start = position
        let firstLine = line
        var depth = 0
        repeat {
            if at(0) == UInt8(ascii: "/"), at(1) == UInt8(ascii: "*") {
                depth += 1
                blank()
            } else if at(0) == UInt8(ascii: "*"), at(1) == UInt8(ascii: "/") {
                depth -= 1
                blank()
            }
            if position < bytes.count { blank() }
        } while depth > 0 && position < bytes.count
        comments.append(.init(line: firstLine, text: String(decoding: bytes[start..<position], as: UTF8.self)))
    }

    private func hasHashes(_ count: Int, after offset: Int) -> Bool {
        (0..<count).allSatisfy { at(offset + $0) == UInt8(ascii: "#") }
    }

    private mutating func string(hashes: Int) {
        let quote = UInt8(ascii: "\"")
        let isMultiline = at(1) == quote && at(2) == quote
        let quotes = isMultiline ? 3 : 1
        for _ in 0..<quotes { keep() }
        while position < bytes.count {
            let closes = (0..<quotes).allSatisfy { at($0) == quote } && hasHashes(hashes, after: quotes)
            if closes {
                for _ in 0..<quotes { keep() }
                for _ in 0..<hashes { blank() }
                return
            }
            if !isMultiline, bytes[position] == UInt8(ascii: "\n") { return }
            guard bytes[position] == UInt8(ascii: "\\"), hasHashes(hashes, after: 1) else {
                blank()
                continue
            }
            for _ in 0...hashes { blank() }
            if at(0) == UInt8(ascii: "(") {
                scanCode(untilParenthesis: true)
            } else if position < bytes.count {
                blank()
            }
        }
    }
}

extension [UInt8] {
    /// Offsets at which `word` stands; where its first or last byte is of an identifier, the identifier must end there.
    func offsets(ofWord word: String) -> [Int] {
        let needle = Array<UInt8>(word.utf8)
        guard let first = needle.first, let last = needle.last, count >= needle.count else { return [] }
        var found: [Int] = []
        // Plain loops: tests run unoptimised, and this is called for every word on every file.
        withUnsafeBufferPointer { bytes in
            var start = 0
            while start <= bytes.count - needle.count {
                if bytes[start] == first, bytes[start..<(start + needle.count)].elementsEqual(needle) {
                    let end = start + needle.count
                    let begins = !first.isIdentifier || start == 0 || !bytes[start - 1].isIdentifier
                    let ends = !last.isIdentifier || end == bytes.count || !bytes[end].isIdentifier
                    if begins && ends { found.append(start) }
                }
                start += 1
            }
        }
        return found
    }

    /// The line, counted from 1, of an offset.
    func line(of offset: Int) -> Int {
        1 + self[..<offset].count { $0 == UInt8(ascii: "\n") }
    }
}

extension UInt8 {
    var isIdentifier: Bool {
        switch self {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), 0x80...:
            return true
        default:
            return false
        }
    }

    var isBlank: Bool { self == 0x20 || self == 0x09 || self == 0x0A || self == 0x0D }
}
