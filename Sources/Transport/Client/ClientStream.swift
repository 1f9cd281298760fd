import SansIO

/// One request of a client, from its start or its place in a queue to its end. Subclasses say what becomes of it.
///
/// Ends exactly once, by ``receive(_:)`` or ``fail(_:)``; what comes after that is dropped.
class ClientStream {
    private(set) final var request: ClientRequest
    /// How long the request's body is.
    final let bodyBytes: Int
    /// Monotonic nanoseconds at which it is given up; `.max` for never.
    final var deadline: UInt64
    /// The connection that carries or carried it. No cycle outlives the stream: a connection drops it when it ends.
    final var connection: ClientConnection?
    /// The stream's id on that connection.
    final var id: Int32 = 0
    /// Where the connection keeps it; -1 when it does not.
    final var index = -1
    final var isDone = false

    init(request: ClientRequest, deadline: UInt64) {
        self.request = request
        bodyBytes = request.body.count
        self.deadline = deadline
    }

    /// True when the bodies of request and response go in parts.
    var isInParts: Bool { false }

    /// True when nobody asks for the answer's header fields.
    var ignoresFields: Bool { false }

    /// Lets go of the request's body, which its session has by now: it is freed as soon as it is in frames.
    final func forgetBody() { request.body = [] }

    /// A connection has taken the request.
    func started() {}

    /// The whole answer is there.
    func receive(_ response: HTTPResponse) {}

    /// The head of an answer in parts is there.
    func receiveHead(_ response: HTTPResponse) {}

    /// A part of an answer is there.
    func receivePart(_ bytes: [UInt8]) {}

    /// The last part of an answer was there.
    func receiveEnd() {}

    /// What there was of a body in parts is sent.
    func drained() {}

    /// The connection waits for this stream to end.
    func leave() {}

    /// The stream ended, as `error` says if it was not expected to.
    func closed(code: UInt32, _ error: PeerLinkError) { fail(error) }

    /// There will be no answer.
    func fail(_ error: PeerLinkError) {}
}
