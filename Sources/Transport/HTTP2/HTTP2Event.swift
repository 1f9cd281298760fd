import SansIO

/// What came of received bytes.
public enum HTTP2Event {
    /// A whole request (server).
    case request(stream: Int32, HTTPRequest)
    /// A whole response (client). `context` is what the request was submitted with.
    case response(stream: Int32, HTTPResponse, context: AnyObject?)
    /// The header of a request whose body comes in parts (server); see ``HTTP2Session/takesInParts``.
    case requestHead(stream: Int32, HTTPRequest)
    /// The header of a response whose body comes in parts (client).
    case responseHead(stream: Int32, HTTPResponse, context: AnyObject?)
    /// A part of a body that comes in parts. `context` is what is attached to the stream; nil when nothing was yet.
    case bodyPart(stream: Int32, [UInt8], context: AnyObject?)
    /// The end of a body that comes in parts.
    case bodyEnd(stream: Int32, context: AnyObject?)
    /// All that there was of a body that is sent in parts is in frames now.
    case drained(stream: Int32, context: AnyObject?)
    /// A stream ended before its exchange was complete: reset by either side, or the connection is going away. A stream
    /// with a body in parts ends with this in any case. `context` is what was attached to it.
    case closed(stream: Int32, code: UInt32, context: AnyObject?)
    /// The other side accepts no further streams; those above `lastStream` were not processed.
    case goingAway(lastStream: Int32, code: UInt32)
}

/// Why a session cannot go on. It may still have a GOAWAY frame to send.
public enum HTTP2SessionError: Error, Hashable, Sendable {
    /// The other side broke the protocol; the number is the error code of RFC 9113 §7, or nghttp2's own if negative.
    case protocolViolation(code: Int32)
    /// A budget of ``HTTP2Settings`` was used up.
    case limitExceeded(HTTP2Limit)
}

/// The limits of a session that end the connection or a stream, for counters and logs.
public enum HTTP2Limit: String, Hashable, Sendable, CaseIterable {
    /// ``HTTP2Settings/resetsReceived``
    case resetsReceived
    /// ``HTTP2Settings/resetsSent``
    case resetsSent
    /// ``HTTP2Settings/pings``
    case pings
    /// ``HTTP2Settings/settingsFrames``
    case settingsFrames
    /// ``HTTP2Settings/emptyFrames``
    case emptyFrames
    /// ``HTTP2Settings/continuationFrames``
    case continuationFrames
    /// ``HTTP2Settings/windowUpdates``
    case windowUpdates
    /// ``HTTP2Settings/otherFrames``
    case otherFrames
    /// ``HTTP2Settings/lateDataFrames``
    case lateDataFrames
    /// ``HTTP2Settings/maximumHeaderListBytes`` or ``HTTP2Settings/maximumHeaderCount``; ends the stream.
    case headers
    /// ``HTTP2Settings/maximumBodyBytes``; ends the stream.
    case body
    /// ``HTTP2Settings/maximumBufferedBytes``; ends the stream.
    case bufferedBytes
    /// ``HTTPServerConfiguration/maximumClientBufferedBytes`` or
    /// ``HTTPServerConfiguration/maximumLoopBufferedBytes``; ends the stream.
    case sharedBytes
    /// ``HTTP2Settings/maximumUnsentBytes``; refuses the stream.
    case unsentBytes
}
