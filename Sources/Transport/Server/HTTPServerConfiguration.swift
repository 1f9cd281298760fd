/// The limits and deadlines of an ``HTTPServer``.
public struct HTTPServerConfiguration: Sendable, Hashable {
    /// Connections that the kernel may hold before they are accepted.
    public var backlog: Int32 = 1024
    /// Open connections of the server. One more takes the place of one that is idle, of those found the one that has been
    /// so for longest; when none is, it is closed as soon as it is accepted.
    public var maximumConnections: Int = 10_000
    /// Bytes of a request's header list; more is answered with 431.
    public var maximumHeaderBytes: Int = 32 << 10
    /// Fields of a request's header list; more is answered with 431.
    public var maximumHeaderCount: Int = 128
    /// Bytes of a request's body; a longer request is handed over without it and with a fault.
    public var maximumBodyBytes: Int = 4 << 20
    /// Bytes of bodies held on one event loop for all connections of one client: an account by its certificate, or else an
    /// address. The request that goes past it is refused, with REFUSED_STREAM or 503.
    public var maximumClientBufferedBytes: Int = 64 << 20
    /// The same for all connections of one event loop.
    public var maximumLoopBufferedBytes: Int = 256 << 20
    /// Bytes of a chunked HTTP/1.1 body that carry nothing: chunk sizes, extensions and trailers. Each byte of content
    /// allows seven more.
    public var maximumChunkOverheadBytes: Int = 128 << 10
    /// Requests of one HTTP/2 connection that handlers may hold; at this number the connection is not read.
    public var maximumRequestsInFlight: Int = 512
    /// Requests of one HTTP/1.1 connection that may wait behind the one being handled; further ones are dropped and the
    /// connection closes after the last that is answered.
    public var maximumPipelinedRequests: Int = 64
    /// The other limits of HTTP/2 connections; its header and body limits are replaced by those above.
    public var http2 = HTTP2Settings()
    /// Whether a plain-text listener takes HTTP/2 from clients that know it in advance (RFC 9113 §3.3).
    public var acceptsPlainTextHTTP2 = true
    /// From acceptance to the end of the TLS handshake.
    public var handshakeTimeout: Duration = .seconds(10)
    /// Messages of TLS's handshake protocol that a client may send after the handshake, key updates above all, in each
    /// `budgetWindow` of ``http2``; also over HTTP/1.1.
    public var handshakeMessages: UInt32 = 20
    /// From the first byte of a request's header to its last; on a plain-text listener also from acceptance to the
    /// first byte.
    public var headerTimeout: Duration = .seconds(10)
    /// From the end of a request's header to the end of its body.
    public var bodyTimeout: Duration = .seconds(30)
    /// How long a connection may be open without a request.
    public var idleTimeout: Duration = .seconds(75)
    /// The time in which a client must take ``minimumWriteBytes`` of what is ready for it, and something of each HTTP/2
    /// stream's answer.
    public var writeTimeout: Duration = .seconds(30)
    /// What a client must take in each ``writeTimeout`` while output waits for its socket, or an answer for its HTTP/2
    /// windows; otherwise the connection closes.
    public var minimumWriteBytes: Int = 1024
    /// How long a handler may take for a request over HTTP/1.x whose client has ended its side of the connection. After
    /// that its reply is cancelled and the connection closes. Such a client may have gone, which looks the same, or may
    /// still read: one that sends a request and half-closes at once gets every answer that is ready within this time.
    public var halfCloseGrace: Duration = .seconds(1)
    /// How often the certificate of a connected client is looked at again: it may have expired, been revoked, or lost its
    /// authority in a reload.
    public var trustCheckInterval: Duration = .seconds(15)
    /// How long a client whose certificate is not valid any more may take to leave. What is under way can finish within
    /// this time; then the connection is closed.
    public var distrustGrace: Duration = .seconds(15)
    /// How long a closing connection waits for the client to close its side, so that the last answer is not lost.
    public var lingerTimeout: Duration = .seconds(2)
    /// Bytes that are read and dropped while closing.
    public var lingerBytes: Int = 1 << 20
    /// Bytes of output waiting for the socket at which writing and reading stop; they go on at a quarter of it.
    public var outputHighWaterBytes: Int = 256 << 10

    /// The defaults, which suit a public listener.
    public init() {}

    /// Every problem, in words; empty when the configuration can be used.
    public func validate() -> [String] {
        var found: [String] = []
        let positive = [
            ("backlog", Int(backlog)), ("maximumConnections", maximumConnections),
            ("maximumRequestsInFlight", maximumRequestsInFlight),
            ("maximumPipelinedRequests", maximumPipelinedRequests), ("handshakeMessages", Int(handshakeMessages)),
        ]
        for (name, value) in positive where value < 1 { found.append("\(name) must be at least 1") }
        if maximumHeaderBytes < 1024 { found.append("maximumHeaderBytes must be at least 1024") }
        if maximumHeaderCount < 8 { found.append("maximumHeaderCount must be at least 8") }
        if maximumBodyBytes < 0 { found.append("maximumBodyBytes must not be negative") }
        if maximumChunkOverheadBytes < 1024 { found.append("maximumChunkOverheadBytes must be at least 1024") }
        if maximumClientBufferedBytes < maximumBodyBytes {
            found.append("maximumClientBufferedBytes must be at least maximumBodyBytes")
        }
        if maximumLoopBufferedBytes < maximumClientBufferedBytes {
            found.append("maximumLoopBufferedBytes must be at least maximumClientBufferedBytes")
        }
        if minimumWriteBytes < 1 { found.append("minimumWriteBytes must be at least 1") }
        if lingerBytes < 0 { found.append("lingerBytes must not be negative") }
        if outputHighWaterBytes < 16 << 10 { found.append("outputHighWaterBytes must be at least 16384") }
        for (name, value) in timeouts where value < .milliseconds(1) || value > .seconds(86_400) {
            found.append("\(name) must be between 1 ms and 24 h")
        }
        for problem in http2.problems() { found.append("http2: " + problem) }
        if http2.maximumBufferedBytes < maximumBodyBytes {
            found.append("http2: maximumBufferedBytes must be at least maximumBodyBytes")
        }
        return found
    }

    private var timeouts: [(String, Duration)] {
        [
            ("handshakeTimeout", handshakeTimeout), ("headerTimeout", headerTimeout), ("bodyTimeout", bodyTimeout),
            ("idleTimeout", idleTimeout), ("writeTimeout", writeTimeout), ("lingerTimeout", lingerTimeout),
            ("halfCloseGrace", halfCloseGrace), ("trustCheckInterval", trustCheckInterval),
            ("distrustGrace", distrustGrace),
        ]
    }

    /// The HTTP/2 limits with the common ones put in.
    var effectiveHTTP2: HTTP2Settings {
        var settings = http2
        settings.maximumHeaderListBytes = maximumHeaderBytes
        settings.maximumHeaderCount = maximumHeaderCount
        settings.maximumBodyBytes = maximumBodyBytes
        return settings
    }

    /// How often deadlines are looked at: often enough to be late by at most a quarter of the shortest.
    var sweepInterval: Duration {
        let shortest = timeouts.map(\.1).min() ?? .seconds(1)
        return min(.seconds(1), max(.milliseconds(5), shortest / 4))
    }
}
