import Synchronization

/// Working memory for callers that have no place to keep their own: one piece, for whoever comes first.
///
/// Nobody waits: a thread that finds it in use works with memory of its own for that one event.
public final class SharedMatchScratch: Sendable {
    private let scratch = Mutex(MatchScratch())

    /// Creates working memory.
    public init() {}

    /// The numbers of the rules that an event matches, ascending.
    ///
    /// - Parameters:
    ///   - bytes: hold the event's JSON text, which ``JSONReader`` accepts, from an offset to their end.
    ///   - start: the offset.
    ///   - matcher: the rules.
    /// - Returns: the rules' numbers; nil if the text is not a JSON object, as far as was noticed.
    public func matching(_ bytes: [UInt8], from start: Int = 0, _ matcher: RuleMatcher) -> [UInt32]? {
        if let rules = scratch.withLockIfAvailable({ Self.matching(bytes, start, matcher, &$0) }) { return rules }
        var own = MatchScratch()
        return Self.matching(bytes, start, matcher, &own)
    }

    private static func matching(
        _ bytes: [UInt8],
        _ start: Int,
        _ matcher: RuleMatcher,
        _ scratch: inout MatchScratch
    ) -> [UInt32]? {
        let isReadable = bytes.withUnsafeBufferPointer { text in
            matcher.match(UnsafeBufferPointer(rebasing: text[start...]), scratch: &scratch)
        }
        return isReadable ? Array(scratch.matches) : nil
    }
}
