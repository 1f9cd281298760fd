/// Finds the earliest end of a piece of a pattern, made of bytes and `?`, in a text.
///
/// It runs the piece's automaton with one bit a position (the shift-and method of Baeza-Yates and Gonnet), so a text that
/// nearly matches everywhere costs no more than any other.
struct SegmentSearch: Sendable {
    private let length: Int
    private let words: Int
    /// The row of `masks` for each byte.
    private let rows: [UInt16]
    /// For each row `words` words: bit p is set when a byte of that row may stand at position p.
    private let masks: [UInt64]
    /// Bit p is set when position p is `?`, which also takes the rest of its character.
    private let characters: [UInt64]

    /// - Parameter tokens: not empty, without `anyRun`.
    init(_ tokens: [GlobToken]) {
        precondition(!tokens.isEmpty)
        length = tokens.count
        words = (tokens.count + 63) / 64
        var characters = [UInt64](repeating: 0, count: words)
        for (position, token) in tokens.enumerated() where token == .anyCharacter {
            characters[position / 64] |= 1 << UInt64(position % 64)
        }
        // Row 0 serves continuation bytes that the piece does not name, row 1 all other bytes that it does not name.
        var masks = [UInt64](repeating: 0, count: words) + characters
        var rows = (0...255).map { (byte: UInt16) -> UInt16 in Bytes.isContinuation(UInt8(byte)) ? 0 : 1 }
        for (position, token) in tokens.enumerated() {
            guard case .byte(let byte) = token else { continue }
            if rows[Int(byte)] < 2 {
                let base = Int(rows[Int(byte)]) * words
                rows[Int(byte)] = UInt16(masks.count / words)
                masks.append(contentsOf: Array(masks[base..<base + words]))
            }
            masks[Int(rows[Int(byte)]) * words + position / 64] |= 1 << UInt64(position % 64)
        }
        self.characters = characters
        self.masks = masks
        self.rows = rows
    }

    /// The offset behind the match that ends first, searching from `start`.
    func end(in text: Span<UInt8>, from start: Int) -> Int? {
        words == 1 ? shortEnd(in: text, from: start) : longEnd(in: text, from: start)
    }

    private func shortEnd(in text: Span<UInt8>, from start: Int) -> Int? {
        let accept: UInt64 = 1 << UInt64(length - 1)
        var state: UInt64 = 0
        for index in start..<text.count {
            let byte = text[index]
            var next = (state << 1 | 1) & masks[Int(rows[Int(byte)])]
            if Bytes.isContinuation(byte) { next |= state & characters[0] }
            if next & accept != 0 { return index + 1 }
            state = next
        }
        return nil
    }

    private func longEnd(in text: Span<UInt8>, from start: Int) -> Int? {
        let accept: UInt64 = 1 << UInt64((length - 1) % 64)
        var state = [UInt64](repeating: 0, count: words)
        for index in start..<text.count {
            let byte = text[index]
            let row = Int(rows[Int(byte)]) * words
            let keeps = Bytes.isContinuation(byte)
            var carry: UInt64 = 1
            for word in 0..<words {
                let old = state[word]
                var next = (old << 1 | carry) & masks[row + word]
                if keeps { next |= old & characters[word] }
                carry = old >> 63
                state[word] = next
            }
            if state[words - 1] & accept != 0 { return index + 1 }
        }
        return nil
    }
}
