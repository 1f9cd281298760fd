import EventModel

/// A template cut into literal text and placeholders (spec: patterns §4.4).
struct TemplateText: Sendable {
    /// What decides how variables are written (spec: patterns §4.5).
    enum Kind: Sendable {
        /// `{…}`
        case object
        /// One quoted string, an array or another value.
        case value
        /// Several quoted strings, one a line.
        case lines
    }

    struct Placeholder: Sendable {
        /// Offset of the `<`.
        var start: Int
        /// Offset behind the `>`.
        var end: Int
        var name: String
        /// Whether it stands inside a quoted string.
        var isQuoted: Bool
        /// Whether it is a whole value of its own, so that any JSON text in its place keeps the template well-formed.
        var isWholeValue = false
    }

    let bytes: [UInt8]
    let kind: Kind
    private(set) var placeholders: [Placeholder]

    /// Cuts a template and checks that it is JSON once its placeholders are scalars.
    init(_ text: String) throws(TargetInputError) {
        bytes = Array(text.utf8)
        placeholders = Self.placeholders(in: bytes)
        // A placeholder inside quotes is string content already; outside, a zero and blanks of the same length stand for
        // it, so that offsets stay.
        var probe = bytes
        for placeholder in placeholders where !placeholder.isQuoted {
            probe[placeholder.start] = UInt8(ascii: "0")
            for offset in (placeholder.start + 1)..<placeholder.end { probe[offset] = UInt8(ascii: " ") }
        }
        let first = probe.first { $0 != 0x20 && $0 != 0x09 && $0 != 0x0A && $0 != 0x0D }
        if first == UInt8(ascii: "\""), QuotedLines.holdsSeveral(probe) {
            kind = .lines
        } else {
            kind = first == UInt8(ascii: "{") ? .object : .value
            try checkValue(probe)
        }
    }

    static func placeholders(in bytes: [UInt8]) -> [Placeholder] {
        var found: [Placeholder] = []
        var isQuoted = false
        var position = 0
        while position < bytes.count {
            switch bytes[position] {
            case UInt8(ascii: "\""): isQuoted.toggle()
            case UInt8(ascii: "\\") where isQuoted: position += 1
            case UInt8(ascii: "<"):
                var end = position + 1
                while end < bytes.count, isNameByte(bytes[end]) { end += 1 }
                guard end > position + 1, end < bytes.count, bytes[end] == UInt8(ascii: ">") else { break }
                let name = String(decoding: bytes[(position + 1)..<end], as: UTF8.self)
                found.append(Placeholder(start: position, end: end + 1, name: name, isQuoted: isQuoted))
                position = end
            default: break
            }
            position += 1
        }
        return found
    }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: ".") || VariableName.isNameByte(byte)
    }

    /// Reads the template as one JSON value, marks the placeholders that are whole values and refuses those in keys.
    private mutating func checkValue(_ probe: [UInt8]) throws(TargetInputError) {
        var reader = JSONReader(probe)
        var place = 0
        var failure: JSONError?
        scan: do throws(JSONError) {
            while true {
                let token = try reader.next()
                if token.kind == .end { break scan }
                while place < placeholders.count, placeholders[place].end <= token.start { place += 1 }
                guard place < placeholders.count, placeholders[place].start < token.end else { continue }
                if token.kind == .key { throw JSONError(.unexpectedCharacter, at: placeholders[place].start) }
                if token.kind == .number, token.start == placeholders[place].start, token.end == token.start + 1 {
                    placeholders[place].isWholeValue = true
                }
            }
        } catch {
            failure = error
        }
        guard let failure else { return }
        if let placeholder = placeholders.first(where: { $0.start == failure.offset }),
            placeholder.isQuoted || isFollowedByColon(placeholder, probe)
        {
            throw TargetInputError(.placeholderInKey)
        }
        let position = TextPosition(of: failure.offset, in: bytes)
        throw TargetInputError(
            .templateSyntax(reason: failure.reason.rawValue, line: position.line, column: position.column)
        )
    }

    private func isFollowedByColon(_ placeholder: Placeholder, _ probe: [UInt8]) -> Bool {
        let next = EventScanner.skipWhiteSpace(probe, placeholder.end)
        return next < probe.count && probe[next] == UInt8(ascii: ":")
    }

    /// Whether the placeholder is the unquoted value of an object's field.
    func isFieldValue(_ placeholder: Placeholder) -> Bool {
        guard placeholder.isWholeValue else { return false }
        let before = bytes[..<placeholder.start].last { $0 != 0x20 && $0 != 0x09 && $0 != 0x0A && $0 != 0x0D }
        return before == UInt8(ascii: ":")
    }
}

/// Several JSON strings, one a line (spec: patterns §4.5).
enum QuotedLines {
    /// Whether the text is at least one JSON string, each further one on a line of its own.
    static func isValid(_ bytes: [UInt8]) -> Bool {
        count(bytes) > 0
    }

    /// Whether the text is two or more JSON strings, each on a line of its own.
    static func holdsSeveral(_ bytes: [UInt8]) -> Bool {
        count(bytes) > 1
    }

    private static func count(_ bytes: [UInt8]) -> Int {
        var count = 0
        var end = 0
        while true {
            let start = EventScanner.skipWhiteSpace(bytes, end)
            if start == bytes.count { return count }
            let startsLine = count == 0 || bytes[end..<start].contains { $0 == 0x0A || $0 == 0x0D }
            guard startsLine, let text = EventScanner.string(bytes, start) else { return 0 }
            var reader = JSONReader(Array(bytes[text.start..<text.end]))
            guard (try? reader.next()) != nil else { return 0 }
            end = text.end
            count += 1
        }
    }
}

/// The keys of `InputPathsMap` (spec: patterns §4.1).
enum VariableName {
    static let maximumLength = 256

    static func isValid(_ name: String) -> Bool {
        let bytes = name.utf8
        return !bytes.isEmpty && bytes.count <= maximumLength && bytes.allSatisfy(isNameByte)
    }

    static func isNameByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"):
            return true
        default:
            return false
        }
    }
}
