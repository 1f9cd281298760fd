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
    /// Connections ended because the client's certificate is not valid any more.
    public var connectionsDistrusted: UInt64 = 0
    /// Requests handed over that came by HTTP/1.0 or 1.1.
    public var http1Requests: UInt64 = 0
    /// Requests handed over that came by HTTP/2.
    public var http2Requests: UInt64 = 0
    /// Requests and connections refused because they broke the protocol.
    public var protocolErrors: UInt64 = 0
    /// How often each limit was hit, in the order of ``HTTPLimit``'s cases; see the subscript.
    private(set) var limitHits = [UInt64](repeating: 0, count: HTTPLimit.allCases.count)

    /// How often a limit was hit.
    public internal(set) subscript(limit: HTTPLimit) -> UInt64 {
        get { limitHits[limit.index] }
        set { limitHits[limit.index] = newValue }
    }

    /// Connections and streams ended by a deadline, idleness not counted.
    public var timeouts: UInt64 {
        self[.handshakeTime] + self[.headerTime] + self[.bodyTime] + self[.writeTime]
    }

    /// Counters that are all zero.
    public init() {}

    /// Adds the counters of another loop.
    public static func += (left: inout HTTPServerCounters, right: HTTPServerCounters) {
        left.connectionsAccepted += right.connectionsAccepted
        left.connectionsOpen += right.connectionsOpen
        left.connectionsRefused += right.connectionsRefused
        left.handshakes += right.handshakes
        left.handshakeFailures += right.handshakeFailures
        left.connectionsDistrusted += right.connectionsDistrusted
        left.http1Requests += right.http1Requests
        left.http2Requests += right.http2Requests
        left.protocolErrors += right.protocolErrors
        for limit in HTTPLimit.allCases { left[limit] += right[limit] }
    }
}

/// The counters of one event loop: written there only, read from anywhere.
final class LoopCounters: Sendable {
    /// One count. A plain load and store suffice, as there is one writer.
    struct Count: ~Copyable, Sendable {
        private let value = Atomic<UInt64>(0)
        func increment() { add(1) }
        func add(_ number: UInt64) { value.store(value.load(ordering: .relaxed) &+ number, ordering: .relaxed) }
        func decrement() { value.store(value.load(ordering: .relaxed) &- 1, ordering: .relaxed) }
        var current: UInt64 { value.load(ordering: .relaxed) }
    }

    let connectionsAccepted = Count()
    let connectionsOpen = Count()
    let connectionsRefused = Count()
    let handshakes = Count()
    let handshakeFailures = Count()
    let connectionsDistrusted = Count()
    let http1Requests = Count()
    let http2Requests = Count()
    let protocolErrors = Count()
    /// By the index of ``HTTPLimit``; hit too rarely for a lock to matter.
    private let limitHits = Mutex([UInt64](repeating: 0, count: HTTPLimit.allCases.count))

    /// Counts that a client ran into a limit.
    func hit(_ limit: HTTPLimit) {
        limitHits.withLock { $0[limit.index] += 1 }
    }

    /// The counts as they are now.
    var snapshot: HTTPServerCounters {
        var copy = HTTPServerCounters()
        copy.connectionsAccepted = connectionsAccepted.current
        copy.connectionsOpen = connectionsOpen.current
        copy.connectionsRefused = connectionsRefused.current
        copy.handshakes = handshakes.current
        copy.handshakeFailures = handshakeFailures.current
        copy.connectionsDistrusted = connectionsDistrusted.current
        copy.http1Requests = http1Requests.current
        copy.http2Requests = http2Requests.current
        copy.protocolErrors = protocolErrors.current
        limitHits.withLock { hits in
            for limit in HTTPLimit.allCases { copy[limit] = hits[limit.index] }
        }
        return copy
    }
}
