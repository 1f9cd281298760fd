import SansIO

/// The limits and deadlines of ``PeerLinks``.
public struct PeerLinkSettings: Sendable, Hashable {
    /// Peers that can be talked to at the same time.
    public var maximumPeers: Int = 1024
    /// Connections to one peer. One does until it carries ``requestsPerConnection``, or until the peer's flow control
    /// window is used up.
    public var connectionsPerPeer: Int = 4
    /// Requests that one connection carries at once; fewer when the peer allows fewer.
    public var requestsPerConnection: Int = 128
    /// Requests that may wait for a connection to one peer.
    public var maximumWaitingRequests: Int = 1024
    /// Body bytes of all requests to one peer that are not answered yet.
    public var maximumPendingBytes: Int = 32 << 20
    /// How long connecting, the TLS handshake and the peer's first SETTINGS frame may take together.
    public var connectTimeout: Duration = .seconds(5)
    /// The first, and shortest, upper bound of the wait after a failed attempt to connect. The bound doubles with each
    /// failure, and the wait is drawn evenly from zero to it.
    public var reconnectBase: Duration = .milliseconds(100)
    /// The longest wait after a failed attempt.
    public var reconnectCap: Duration = .seconds(30)
    /// A peer that has sent nothing for this long is pinged.
    public var pingInterval: Duration = .seconds(10)
    /// How long a peer may be silent after a ping before its connection counts as broken.
    public var pingTimeout: Duration = .seconds(5)
    /// A connection without requests closes after this long. Less than the idle timeout of the peer's listener, so that a
    /// request and the peer's closing do not cross.
    public var idleTimeout: Duration = .seconds(60)
    /// How long requests to a peer whose certificate is not valid any more may take to finish; then they fail.
    public var distrustGrace: Duration = .seconds(15)
    /// How often deadlines are looked at, and so how late a timeout can be noticed.
    public var sweepInterval: Duration = .milliseconds(50)
    /// How long a peer may take to begin its answer to a stream, so to accept a channel, and to end it after this side.
    public var channelTimeout: Duration = .seconds(10)
    /// Bounds of the messages of channels.
    public var channel = PeerChannelLimits()
    /// Windows, and limits of answers.
    public var http2 = HTTP2Settings()

    /// The defaults, which suit nodes of one site or of several.
    public init() {}

    /// Every problem of these settings, in words; empty when they can be used.
    public func problems() -> [String] {
        var found: [String] = []
        let counts = [
            ("maximumPeers", maximumPeers), ("connectionsPerPeer", connectionsPerPeer),
            ("requestsPerConnection", requestsPerConnection), ("maximumWaitingRequests", maximumWaitingRequests),
            ("maximumPendingBytes", maximumPendingBytes),
            ("channel.maximumMessageBytes", channel.maximumMessageBytes),
            ("channel.maximumUnsentBytes", channel.maximumUnsentBytes),
            ("channel.maximumEarlyBytes", channel.maximumEarlyBytes),
        ]
        for (name, value) in counts where value < 1 { found.append("\(name) must be at least 1") }
        let times = [
            ("connectTimeout", connectTimeout), ("reconnectBase", reconnectBase), ("reconnectCap", reconnectCap),
            ("pingInterval", pingInterval), ("pingTimeout", pingTimeout), ("idleTimeout", idleTimeout),
            ("sweepInterval", sweepInterval), ("channelTimeout", channelTimeout),
            ("distrustGrace", distrustGrace),
        ]
        for (name, value) in times where value < .milliseconds(1) || value > .seconds(86_400) {
            found.append("\(name) must be between 1 ms and 24 h")
        }
        if reconnectCap < reconnectBase { found.append("reconnectCap must be at least reconnectBase") }
        for problem in http2.problems() { found.append("http2: " + problem) }
        return found
    }
}
