/// Which streams a client has used up, so far as it is needed to tell its mistakes from frames that were on their way.
///
/// nghttp2 forgets a stream as soon as it is closed, and then ignores what comes for it. That is right where this side
/// closed the stream and the client cannot know yet. Where the client itself had ended the stream or passed its number
/// over, RFC 9113 §5.1 demands an error. Only the latest such streams are remembered; an older one is ignored.
final class StreamHistory {
    /// The highest stream that the client has opened.
    private(set) var last: Int32 = 0
    /// Closed streams that the client had ended, the oldest overwritten first; -1 where there is none.
    private var ended = [Int32](repeating: -1, count: 16)
    private var nextEnded = 0
    /// The highest streams that were passed over, each range from its lower to its upper end.
    private var skippedFrom = SIMD4<Int32>(repeating: 0)
    private var skippedTo = SIMD4<Int32>(repeating: -1)
    private var nextSkipped = 0

    /// Notes a new stream, which must be above ``last``.
    func opened(_ stream: Int32) {
        if stream > last + 2 {
            skippedFrom[nextSkipped] = last + 1
            skippedTo[nextSkipped] = stream - 1
            nextSkipped = (nextSkipped + 1) % 4
        }
        last = stream
    }

    /// Notes that a stream is closed which the client had ended, by END_STREAM or RST_STREAM.
    func closedAfterEnd(_ stream: Int32) {
        ended[nextEnded] = stream
        nextEnded = (nextEnded + 1) % 16
    }

    /// True for a closed stream that the client had ended.
    func wasEnded(_ stream: Int32) -> Bool {
        // Without a way out of the loop, so that it compiles to a few vector instructions.
        var hits = 0
        for number in ended { hits &+= number == stream ? 1 : 0 }
        return hits > 0
    }

    /// True for a stream that the client never opened and may no longer open (RFC 9113 §5.1.1).
    func wasSkipped(_ stream: Int32) -> Bool {
        stream <= last && any((skippedFrom .<= stream) .& (skippedTo .>= stream))
    }
}
