/// A message body in each direction, handed over and sent in parts, over one HTTP/2 stream.
///
/// Belongs to the event loop (shard) that it came from. Callbacks are set before the function returns that handed the
/// stream over; what comes later finds them, and all of them are let go when the stream has closed.
public protocol HTTPBodyStream: AnyObject {
    /// Hears of each part of the other side's body, however it was cut on its way.
    var onPart: (([UInt8]) -> Void)? { get set }

    /// Runs once when the other side's body is complete.
    var onEnd: (() -> Void)? { get set }

    /// Runs once when the stream is over, for whatever reason; nothing follows.
    var onClose: ((HTTPStreamEnd) -> Void)? { get set }

    /// Runs whenever ``unsentBytes`` has come down to zero.
    var onDrained: (() -> Void)? { get set }

    /// Runs once when the connection is about to close and waits for this stream to end.
    var onLeaving: (() -> Void)? { get set }

    /// Bytes that were given to ``send(_:)`` and wait for the other side to take more. Once the stream is over: what of them
    /// surely never left, as far as that is known, else 0.
    var unsentBytes: Int { get }

    /// True to let the other side wait, once it has used up its window.
    var isPaused: Bool { get set }

    /// Sends a part of this side's body; ignored once it has ended.
    func send(_ part: [UInt8])

    /// Ends this side's body.
    func end()

    /// Ends the stream at once, with an HTTP/2 error code (RFC 9113 §7).
    func reset(code: UInt32)
}

/// How a stream ended.
public enum HTTPStreamEnd: Hashable, Sendable {
    /// The other side's body had come whole, and nothing went wrong.
    case complete
    /// One side ended it early, with an HTTP/2 error code.
    case reset(code: UInt32)
    /// The connection is gone.
    case connectionLost
    /// The other side took too long.
    case timedOut
}

/// The server's end of a request that is taken in parts.
public protocol HTTPServerStream: HTTPBodyStream {
    /// Answers with a whole response. Only the first answer counts.
    func respond(_ response: HTTPResponse)

    /// Begins a response whose body goes on with ``HTTPBodyStream/send(_:)`` until ``HTTPBodyStream/end()``.
    func begin(_ response: HTTPResponse)
}

/// The client's end of a request whose bodies go in parts.
public protocol HTTPClientStream: HTTPBodyStream {
    /// The names in the server's verified certificate.
    var identity: CertificateIdentity { get }

    /// Hears of the response's status and fields, before its first part.
    var onResponse: ((HTTPResponse) -> Void)? { get set }
}

/// A handler that takes some requests' bodies as they come. Requests over HTTP/1.1 come whole all the same.
public protocol HTTPStreamHandler: HTTPRequestHandler {
    /// Whether to hand such a request over at its header. Must only look at its arguments.
    func takesInParts(method: String, target: String) -> Bool

    /// Takes a request whose body follows, and sees to it that it is answered.
    func handle(_ head: HTTPRequest, _ stream: any HTTPServerStream)
}
