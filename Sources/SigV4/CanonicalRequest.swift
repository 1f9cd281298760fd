import SansIO

/// Writes the canonical request of control §2.2 into one buffer.
enum CanonicalRequest {
    /// - Parameters:
    ///   - request: the request as it came.
    ///   - names: which headers are signed.
    ///   - payloadHash: the last line, as text.
    ///   - out: receives the bytes.
    static func append(
        _ request: HTTPRequest,
        names: SignedHeaderNames,
        payloadHash: (inout [UInt8]) -> Void,
        to out: inout [UInt8]
    ) {
        out.append(contentsOf: request.method.utf8)
        out.append(ASCII.newline)
        appendPathAndQuery(request.target, to: &out)
        out.append(ASCII.newline)
        // Comparing lengths first leaves most headers alone, which saves more time than any index would.
        var lengths: [Int] = []
        lengths.reserveCapacity(request.headers.count)
        for index in request.headers.indices {
            lengths.append(request.headers[index].name.utf8.count)
        }
        var position = 0
        while let range = names.next(from: &position) {
            out.append(contentsOf: names.bytes[range])
            out.append(ASCII.colon)
            appendValues(request.headers, lengths, of: names.bytes[range], to: &out)
            out.append(ASCII.newline)
        }
        out.append(ASCII.newline)
        out.append(contentsOf: names.bytes)
        out.append(ASCII.newline)
        payloadHash(&out)
    }

    private static func appendPathAndQuery(_ target: String, to out: inout [UInt8]) {
        // Most requests are `POST /`.
        if target == "/" {
            out.append(ASCII.slash)
            out.append(ASCII.newline)
            return
        }
        let target = Array(target.utf8)
        let question = target.firstIndex(of: ASCII.question)
        appendPath(target[..<(question ?? target.endIndex)], to: &out)
        out.append(ASCII.newline)
        if let question {
            CanonicalQuery(query: target[(question + 1)...]).append(to: &out)
        }
    }

    /// Removes dot segments and repeated slashes from the path as sent, then escapes it once more.
    static func appendPath(_ path: ArraySlice<UInt8>, to out: inout [UInt8]) {
        let base = out.count
        for segment in path.split(separator: ASCII.slash) {
            if segment.elementsEqual([ASCII.dot]) { continue }
            if segment.elementsEqual([ASCII.dot, ASCII.dot]) {
                // A slash inside a segment is escaped, so the last slash is where the last segment began.
                let last = out[base...].lastIndex(of: ASCII.slash) ?? base
                out.removeSubrange(last...)
                continue
            }
            out.append(ASCII.slash)
            for byte in segment {
                if isUnreserved(byte) {
                    out.append(byte)
                } else {
                    appendEscaped(byte, to: &out)
                }
            }
        }
        if out.count == base || path.last == ASCII.slash {
            out.append(ASCII.slash)
        }
    }

    /// Appends the values of every header of this name, in order, joined by commas.
    private static func appendValues(
        _ headers: [HTTPField],
        _ lengths: [Int],
        of name: ArraySlice<UInt8>,
        to out: inout [UInt8]
    ) {
        let length = name.count
        var isFirst = true
        for index in lengths.indices where lengths[index] == length {
            guard headers[index].name.hasBytes(name) else { continue }
            if !isFirst { out.append(ASCII.comma) }
            isFirst = false
            appendTrimmed(headers[index].value, to: &out)
        }
    }

    /// Trims white space at the ends and turns each run inside into one space. Line breaks count as white space, so no
    /// value can look like another line of the canonical request.
    static func appendTrimmed(_ value: String, to out: inout [UInt8]) {
        if isTrimmed(value.utf8.span) {
            out.append(contentsOf: value.utf8)
            return
        }
        let base = out.count
        var pending = false
        for byte in value.utf8 {
            if isWhiteSpace(byte) {
                pending = true
                continue
            }
            if pending, out.count > base { out.append(ASCII.space) }
            pending = false
            out.append(byte)
        }
    }

    private static func isWhiteSpace(_ byte: UInt8) -> Bool {
        byte == ASCII.space || (byte >= 0x09 && byte <= 0x0D)
    }

    private static func isTrimmed(_ bytes: Span<UInt8>) -> Bool {
        var wasSpace = true
        for index in bytes.indices {
            let byte = bytes[index]
            guard byte <= ASCII.space else {
                wasSpace = false
                continue
            }
            // Other control bytes take the slow path too.
            if wasSpace || byte != ASCII.space { return false }
            wasSpace = true
        }
        return !wasSpace || bytes.isEmpty
    }
}
