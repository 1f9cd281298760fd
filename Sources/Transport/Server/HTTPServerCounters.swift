import Synchronization

/// What an ``HTTPServer`` has done since it was started.
public struct HTTPServerCounters: Sendable, Hashable {
    /// Connections accepted.
    public var connectionsAccepted: UInt64 = 0
    /// Connections open now.
    public var connectionsOpen: UInt64 = 0
    /// Connections closed on acceptance for ``HTTPServerConfiguration/maximumConnections``.
    public var connectionsRefused: UInt64 = 0
    /// TLS handshakes completed.
    public var handshakes: UInt64 = 0
    /// TLS handshakes that failed.
    public var handshakeFailures: UInt64 = 0
    /// Requests handed over that came by HTTP/1.0 or 1.1.
    public var http1Requests: UInt64 = 0
    /// Requests handed over that came by HTTP/2.
    public var http2Requests: UInt64 = 0
    /// Requests and connections refused because they broke the protocol.
    public var protocolErrors: UInt64 = 0
    /// Requests refused for their header's size.
    public var headerLimitHits: UInt64 = 0
    /// Requests handed over without their body for its size.
    public var bodyLimitHits: UInt64 = 0
    /// Times that another limit was hit: HTTP/2 budgets, buffered bytes, pipelined requests.
    public var otherLimitHits: UInt64 = 0
    /// Connections and streams ended by a deadline, idleness not counted.
    public var timeouts: UInt64 = 0

    /// Counters that are all zero.
    public init() {}

    /// Adds the counters of another loop.
    public static func += (left: inout HTTPServerCounters, right: HTTPServerCounters) {
        left.connectionsAccepted += right.connectionsAccepted
        left.connectionsOpen += right.connectionsOpen
        left.connectionsRefused += right.connectionsRefused
        left.handshakes += right.handshakes
        left.handshakeFailures += right.handshakeFailures
        left.http1Requests += right.http1Requests
        left.http2Requests += right.http2Requests
        left.protocolErrors += right.protocolErrors
        left.headerLimitHits += right.headerLimitHits
        left.bodyLimitHits += right.bodyLimitHits
        left.otherLimitHits += right.otherLimitHits
        left.timeouts += right.timeouts
    }
}

/// The counters of one event loop: written there only, read from anywhere.
final class LoopCounters: Sendable {
    /// One count. A plain load and store suffice, as there is one writer.
    struct Count: ~Copyable, Sendable {
        private let value = Atomic<UInt64>(0)
        func increment() { value.store(value.load(ordering: .relaxed) &+ 1, ordering: .relaxed) }
        func decrement() { value.store(value.load(ordering: .relaxed) &- 1, ordering: .relaxed) }
        var current: UInt64 { value.load(ordering: .relaxed) }
    }

    let connectionsAccepted = Count()
    let connectionsOpen = Count()
    let connectionsRefused = Count()
    let handshakes = Count()
    let handshakeFailures = Count()
    let http1Requests = Count()
    let http2Requests = Count()
    let protocolErrors = Count()
    let headerLimitHits = Count()
    let bodyLimitHits = Count()
    let otherLimitHits = Count()
    let timeouts = Count()

    /// The counts as they are now.
    var snapshot: HTTPServerCounters {
        var copy = HTTPServerCounters()
        copy.connectionsAccepted = connectionsAccepted.current
        copy.connectionsOpen = connectionsOpen.current
        copy.connectionsRefused = connectionsRefused.current
        copy.handshakes = handshakes.current
        copy.handshakeFailures = handshakeFailures.current
        copy.http1Requests = http1Requests.current
        copy.http2Requests = http2Requests.current
        copy.protocolErrors = protocolErrors.current
        copy.headerLimitHits = headerLimitHits.current
        copy.bodyLimitHits = bodyLimitHits.current
        copy.otherLimitHits = otherLimitHits.current
        copy.timeouts = timeouts.current
        return copy
    }
}
