/// A pattern with wildcards, compiled so that matching never backtracks.
///
/// The pattern is cut at its stars. The first and the last piece are anchored and compared in place; each piece between two
/// stars is searched for from left to right, which is enough because taking the earliest match never spoils a later one.
/// Time is the length of the text times the number of 64-character blocks in a piece, whatever the text is.
struct GlobProgram: Sendable {
    private let head: [GlobToken]
    private let middle: [SegmentSearch]
    private let tail: [GlobToken]
    private let hasStar: Bool

    init(_ tokens: [GlobToken]) {
        let pieces = tokens.split(separator: .anyRun, omittingEmptySubsequences: false)
        head = Array(pieces[0])
        hasStar = pieces.count > 1
        tail = hasStar ? Array(pieces[pieces.count - 1]) : []
        middle = pieces.dropFirst().dropLast().filter { !$0.isEmpty }.map { SegmentSearch(Array($0)) }
    }

    func matches(_ text: Span<UInt8>) -> Bool {
        guard var position = headEnd(text) else { return false }
        guard hasStar else { return position == text.count }
        for segment in middle {
            guard let end = segment.end(in: text, from: position) else { return false }
            position = end
        }
        return tailFits(text, from: position)
    }

    private func headEnd(_ text: Span<UInt8>) -> Int? {
        var position = 0
        for token in head {
            guard position < text.count else { return nil }
            if case .byte(let byte) = token {
                guard text[position] == byte else { return nil }
                position += 1
            } else {
                position += 1
                while position < text.count, Bytes.isContinuation(text[position]) {
                    position += 1
                }
            }
        }
        return position
    }

    private func tailFits(_ text: Span<UInt8>, from limit: Int) -> Bool {
        var position = text.count
        for token in tail.reversed() {
            guard position > limit else { return false }
            position -= 1
            if case .byte(let byte) = token {
                guard text[position] == byte else { return false }
            } else {
                while position > limit, Bytes.isContinuation(text[position]) {
                    position -= 1
                }
                if Bytes.isContinuation(text[position]) { return false }
            }
        }
        return true
    }
}
