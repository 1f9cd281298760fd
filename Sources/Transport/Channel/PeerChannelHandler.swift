import SansIO

/// Gives the requests for some paths to a ``PeerChannelAcceptor`` as channels, and all others to another handler.
///
/// Use: on each event loop, return one from the closure that ``HTTPServer`` makes handlers with.
public final class PeerChannelHandler: HTTPStreamHandler {
    private let paths: Set<String>
    private let acceptor: any PeerChannelAcceptor
    private let limits: PeerChannelLimits
    private let other: any HTTPRequestHandler
    private let later: (@escaping () -> Void) -> Void

    /// Creates a handler.
    ///
    /// - Parameters:
    ///   - paths: the paths of channels, compared whole, e.g. `/peer/v1/uplink`.
    ///   - acceptor: decides on channels and takes them.
    ///   - limits: of each channel.
    ///   - other: gets every other request.
    ///   - clock: runs what must not happen at once; the loop's own.
    public init(
        paths: Set<String>,
        acceptor: any PeerChannelAcceptor,
        limits: PeerChannelLimits = PeerChannelLimits(),
        otherwise other: any HTTPRequestHandler,
        clock: any ClockPort
    ) {
        self.paths = paths
        self.acceptor = acceptor
        self.limits = limits
        self.other = other
        later = { action in _ = clock.schedule(after: .zero, action) }
    }

    /// Whether this is a channel's path.
    public func takesInParts(method: String, target: String) -> Bool {
        method == "POST" && paths.contains(target)
    }

    /// Passes a whole request on.
    public func handle(_ request: HTTPRequest, _ reply: any HTTPReply) {
        if takesInParts(method: request.method, target: request.target) {
            reply.send(HTTPResponse(status: 505, body: Array("channels need HTTP/2\n".utf8)))
        } else {
            other.handle(request, reply)
        }
    }

    /// Takes or refuses a channel.
    public func handle(_ head: HTTPRequest, _ stream: any HTTPServerStream) {
        guard let identity = head.connection.clientIdentity else {
            stream.respond(HTTPResponse(status: 403, body: Array("channels need a client certificate\n".utf8)))
            return
        }
        if let refusal = acceptor.refusal(path: head.target, connection: head.connection) {
            stream.respond(refusal)
            return
        }
        let channel = StreamChannel(stream: stream, identity: identity, limits: limits, later: later)
        stream.begin(HTTPResponse(status: 200))
        acceptor.accepted(channel, path: head.target)
    }
}
