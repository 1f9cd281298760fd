import NIOCore
import SansIO

/// The connections to one target, and the requests that wait for one.
///
/// A request goes to the open connection with the fewest streams, of those whose peer still takes bytes. One connection is
/// opened at a time, when a request waits and the open ones are full, or when none of them has window left: what is sent
/// then would wait for the peer's next WINDOW_UPDATE, and a further connection carries it at once.
final class ConnectionPool: ClientConnectionOwner {
    let target: ClientTarget
    /// The cycle ends when the pools are closed.
    private let pools: ConnectionPools
    /// What requests name as their host.
    let authority: String
    private let shard: ClientShard
    private var connections: [ClientConnection] = []
    private var waiting = CircularBuffer<ClientStream>()
    /// Body bytes of requests that are not answered yet.
    private var pendingBytes = 0
    private var pacing: ReconnectPacing
    /// The same of attempts beside connections that work: what it comes to must not hold up those that are made when there is
    /// none.
    private var sparePacing: ReconnectPacing
    /// What the certificates were when that last began anew.
    private var renewalGeneration: UInt64 = 0
    private var retry: Scheduled<Void>?
    private var retryIsSpare = false
    private var isClosing = false
    private var lastFailure: PeerLinkError?
    /// What past connections left for resuming, the latest last. A context that was reloaded since takes none of them.
    private var resumptions: [TLSResumption] = []

    private static let leavingFactor = 4
    private var settings: PeerLinkSettings { pools.settings }

    init(target: ClientTarget, pools: ConnectionPools, shard: ClientShard) {
        self.target = target
        self.pools = pools
        authority = Self.authority(of: target.endpoint)
        self.shard = shard
        pacing = ReconnectPacing(base: pools.settings.reconnectBase, cap: pools.settings.reconnectCap)
        sparePacing = pacing
    }

    /// The host and port of a request to an endpoint. The zone of an IPv6 address stays away, as it means something on this
    /// side alone (RFC 6874 §4).
    static func authority(of endpoint: NodeEndpoint) -> String {
        guard endpoint.host.utf8.contains(UInt8(ascii: ":")) else { return endpoint.description }
        return NodeEndpoint(host: String(endpoint.host.prefix { $0 != "%" }), port: endpoint.port).description
    }

    /// True when there is nothing to look after: only the pacing and what allows to resume are remembered.
    var isIdle: Bool { connections.isEmpty && waiting.isEmpty && pendingBytes == 0 }

    /// True when it would be no loss to forget even that.
    func isForgettable(_ now: UInt64) -> Bool { isIdle && pacing.notBefore <= now }

    /// How many connections there are, those that are being opened or closed included.
    var connectionCount: Int { connections.count }

    /// Starts a stream now, or when a connection is there.
    ///
    /// - Throws: why it cannot even wait.
    func add(_ stream: ClientStream) throws(PeerLinkError) {
        let bytes = stream.bodyBytes
        guard pendingBytes == 0 || pendingBytes + bytes <= settings.maximumPendingBytes else {
            throw PeerLinkError(.overloaded, "\(pendingBytes) bytes wait for \(target.endpoint) already")
        }
        if waiting.isEmpty, let connection = mostRoom(), connection.start(stream) {
            pendingBytes += bytes
            return
        }
        guard waiting.count < settings.maximumWaitingRequests else {
            throw PeerLinkError(.overloaded, "\(waiting.count) requests wait for \(target.endpoint) already")
        }
        // Unless a stream of a connection that works may end before.
        if pacing.notBefore >= stream.deadline, !hasOpenConnection {
            let reason = lastFailure?.message ?? "no connection"
            throw PeerLinkError(.unreachable, "\(target.endpoint) is not tried again in time: \(reason)")
        }
        pendingBytes += bytes
        waiting.append(stream)
        startWaiting()
    }

    /// Notes that a stream has ended.
    func ended(_ stream: ClientStream) {
        pendingBytes -= stream.bodyBytes
    }

    private func mostRoom() -> ClientConnection? {
        let limit = settings.requestsPerConnection
        var best = (index: -1, room: 0, hasWindow: false)
        for index in connections.indices {
            let room = connections[index].room(limit: limit)
            guard room > 0 else { continue }
            let hasWindow = connections[index].hasWindow
            if hasWindow == best.hasWindow ? room > best.room : hasWindow { best = (index, room, hasWindow) }
        }
        guard best.index >= 0 else { return nil }
        let connection = connections[best.index]
        if !best.hasWindow, connections.count < settings.connectionsPerPeer { connectIfNeeded() }
        return connection
    }

    /// Gives waiting streams to connections, and sees to it that there will be one for the rest.
    private func startWaiting() {
        while let stream = waiting.first, let connection = mostRoom() {
            // Out of the queue first: starting may end the connection, and then this runs within itself. A connection
            // that takes no stream after all has no room from then on, so that the loop comes to its end.
            waiting.removeFirst()
            if !connection.start(stream) { waiting.prepend(stream) }
        }
        if !waiting.isEmpty { connectIfNeeded() }
    }

    /// Opens a connection, now or when the pacing allows it, unless one is being opened or there are enough.
    private func connectIfNeeded() {
        let isSpare = hasOpenConnection
        if retryIsSpare, !isSpare { cancelRetry() }
        guard retry == nil, mayConnect(limit: settings.connectionsPerPeer) else { return }
        let now = shard.now
        let notBefore = isSpare ? sparePacing.notBefore : pacing.notBefore
        guard notBefore > now else { return connect() }
        retryIsSpare = isSpare
        let wait = TimeAmount.nanoseconds(Int64(clamping: notBefore - now))
        retry = shard.eventLoop.assumeIsolated().scheduleTask(in: wait) { [weak self] in
            guard let self else { return }
            retry = nil
            startWaiting()
        }
    }

    private func cancelRetry() {
        retry?.cancel()
        retry = nil
    }

    private func mayConnect(limit: Int) -> Bool {
        // Those that are leaving may carry long streams, and must not keep new ones from starting; but a peer that sends
        // each connection away gets no end of them either.
        let leaving = connections.count { $0.phase == .leaving }
        return !isClosing && connections.allSatisfy { $0.phase == .open || $0.phase == .leaving }
            && connections.count - leaving < limit && leaving < settings.connectionsPerPeer * Self.leavingFactor
    }

    private func connect() {
        pools.counters.connectionAttempts += 1
        let connection = ClientConnection(shard: shard, target: target, owner: self)
        connections.append(connection)
        connection.connect()
    }

    // What connections say

    func takeResumption() -> TLSResumption? { resumptions.popLast() }

    func keep(_ resumption: TLSResumption) {
        if resumptions.count >= settings.connectionsPerPeer { resumptions.removeFirst() }
        resumptions.append(resumption)
    }

    func connectionOpened(_ connection: ClientConnection) {
        pools.counters.connectionsOpened += 1
        if connection.tls?.isResumed == true { pools.counters.connectionsResumed += 1 }
        startWaiting()
        guard !connection.hasFormerCertificate, let former = connections.first(where: \.hasFormerCertificate) else {
            return
        }
        sparePacing.succeeded()
        former.leaveForNewCertificate()
        renewConnections()
    }

    func connectionIsLeaving(_ connection: ClientConnection, sentAway: Bool) {
        if sentAway { pools.counters.goAways += 1 }
        startWaiting()
    }

    func connectionAnswered(_ connection: ClientConnection) {
        pacing.succeeded()
        sparePacing.succeeded()
        lastFailure = nil
    }

    func connectionHasRoom(_ connection: ClientConnection) {
        if !waiting.isEmpty { startWaiting() }
    }

    func connectionEnded(_ connection: ClientConnection, _ error: PeerLinkError) {
        connections = connections.filter { $0 !== connection }
        pools.counters.connectionsEnded += 1
        if connection.isRefusedByPeer, connection.tls?.hasFormerCertificate == false,
            connections.contains(where: \.hasFormerCertificate)
        {
            pools.counters.certificateRefusals += 1
        }
        if connection.hasFailed {
            noteFailure(error)
        } else if connection.wasSentAway, !connection.hasAnswered, !waiting.isEmpty {
            // A peer that sends each connection away before it takes a stream must not be dialled in a circle.
            pools.drawWait(&pacing)
        }
        startWaiting()
        pools.poolChanged()
    }

    private func noteFailure(_ error: PeerLinkError) {
        // A connection that works goes on serving those who wait.
        guard !hasOpenConnection else { return pools.drawWait(&sparePacing) }
        lastFailure = error
        pools.drawWait(&pacing)
        // Whoever waits learns of it now, as another peer may do.
        failWaiting(error)
    }

    private var hasOpenConnection: Bool { connections.contains { $0.phase == .open } }

    /// How many connections take streams that were made with a former certificate of this node.
    var formerConnections: Int { connections.count { $0.hasFormerCertificate } }

    /// Goes over to connections with this node's present certificate, one for another: each that was made with a former one
    /// leaves when one with the present one is open. A peer may refuse that, when somebody made a mistake; then the former
    /// ones are all there is, and further attempts are made at the pace of those beside connections that work.
    private func renewConnections() {
        guard connections.contains(where: \.hasFormerCertificate) else { return }
        if renewalGeneration != shard.tls.generation {
            renewalGeneration = shard.tls.generation
            sparePacing.succeeded()
        }
        guard shard.renewalsLeft > 0, sparePacing.notBefore <= shard.now,
            mayConnect(limit: settings.connectionsPerPeer + 1)
        else { return }
        shard.renewalsLeft -= 1
        connect()
    }

    private func failWaiting(_ error: PeerLinkError) {
        let failed = waiting
        waiting.removeAll()
        var error = error
        error.mayHaveArrived = false
        for stream in failed { stream.fail(error) }
    }

    // Deadlines and closing

    /// Ends what has taken too long.
    func checkDeadlines(_ now: UInt64) {
        for connection in connections { connection.checkDeadlines(now, settings) }
        renewConnections()
        guard waiting.contains(where: { $0.deadline <= now }) else { return }
        let expired = waiting.filter { $0.deadline <= now }
        // No `removeAll(where:)`: a closure that runs inside an access makes every access of this field a checked one.
        waiting = CircularBuffer(waiting.filter { $0.deadline > now })
        for stream in expired {
            stream.fail(PeerLinkError(.timedOut, "no connection to \(target.endpoint) was free in time"))
        }
    }

    /// Lets open streams finish; nothing else starts.
    func close() {
        isClosing = true
        cancelRetry()
        failWaiting(PeerLinkError(.closed, "this node closes its links"))
        for connection in connections { connection.leave() }
    }

    /// Gives up what is left.
    func closeNow() {
        let error = PeerLinkError(.closed, "this node closed its links", mayHaveArrived: true)
        for connection in connections { connection.close(error) }
    }
}
