/// The limits of one HTTP/2 session. Every budget is a count for each ``budgetWindow`` and refills continuously, so a
/// connection that lives for months is judged by its present rate only.
public struct HTTP2Settings: Sendable, Hashable {
    /// Streams that the other side may have open at once.
    public var maximumConcurrentStreams: UInt32 = 256
    /// Receive window of each stream, in bytes.
    public var streamWindowBytes: Int32 = 1 << 20
    /// Receive window of the connection, in bytes.
    public var connectionWindowBytes: Int32 = 16 << 20
    /// Bytes of a message's header list, counted as RFC 9113 §6.5.2 does (name + value + 32 a field).
    public var maximumHeaderListBytes: Int = 32 << 10
    /// Fields of a message's header list, trailers included.
    public var maximumHeaderCount: Int = 128
    /// Body bytes of one message. A server delivers a longer request without its body and with a fault.
    public var maximumBodyBytes: Int = 4 << 20
    /// Body bytes held for all messages of the connection that are not answered yet. The stream that goes past it is
    /// refused.
    public var maximumBufferedBytes: Int = 32 << 20
    /// Body bytes of answers that the other side does not take. Beyond it further requests are refused until it does.
    public var maximumUnsentBytes: Int = 16 << 20
    /// The time over which the budgets below refill.
    public var budgetWindow: Duration = .seconds(10)
    /// Streams that the other side may reset (rapid reset).
    public var resetsReceived: UInt32 = 200
    /// Streams that this side has to reset for the other side's errors (made-you-reset).
    public var resetsSent: UInt32 = 200
    /// PING frames.
    public var pings: UInt32 = 100
    /// SETTINGS frames, acknowledgements not counted.
    public var settingsFrames: UInt32 = 20
    /// DATA frames that carry nothing and end nothing.
    public var emptyFrames: UInt32 = 100
    /// CONTINUATION frames. nghttp2 itself allows at most 8 in one header block.
    public var continuationFrames: UInt32 = 200
    /// WINDOW_UPDATE frames beyond those that what was sent explains: four for each message and one for each kilobyte.
    public var windowUpdates: UInt32 = 1000
    /// PRIORITY and GOAWAY frames, frames of unknown types, and trailers of streams that are gone.
    public var otherFrames: UInt32 = 1000
    /// DATA frames of streams that this side has reset: more than are on their way when resets cross them.
    public var lateDataFrames: UInt32 = 20_000
    /// The id of a client's first stream. Anything but 1 only brings the end of the ids nearer (RFC 9113 §5.1.1).
    var firstStream: Int32 = 1

    /// The defaults, which suit an API listener.
    public init() {}

    /// Every problem of these settings, in words; empty when they can be used.
    public func problems() -> [String] {
        var found: [String] = []
        if maximumConcurrentStreams == 0 { found.append("maximumConcurrentStreams must be at least 1") }
        if streamWindowBytes < 65_535 { found.append("streamWindowBytes must be at least 65535") }
        if connectionWindowBytes < 65_535 { found.append("connectionWindowBytes must be at least 65535") }
        if maximumHeaderListBytes < 1024 { found.append("maximumHeaderListBytes must be at least 1024") }
        if maximumHeaderCount < 8 { found.append("maximumHeaderCount must be at least 8") }
        if maximumBodyBytes < 0 { found.append("maximumBodyBytes must not be negative") }
        if maximumBufferedBytes < maximumBodyBytes {
            found.append("maximumBufferedBytes must be at least maximumBodyBytes")
        }
        if maximumUnsentBytes < 0 { found.append("maximumUnsentBytes must not be negative") }
        if budgetWindow <= .zero { found.append("budgetWindow must be positive") }
        let budgets = [
            ("resetsReceived", resetsReceived), ("resetsSent", resetsSent), ("pings", pings),
            ("settingsFrames", settingsFrames), ("emptyFrames", emptyFrames),
            ("continuationFrames", continuationFrames), ("windowUpdates", windowUpdates), ("otherFrames", otherFrames),
            ("lateDataFrames", lateDataFrames),
        ]
        for (name, value) in budgets where value == 0 { found.append("\(name) must be at least 1") }
        return found
    }
}
