import NIOCore
import SansIO

/// What the connections of one event loop share. Belongs to that loop, like everything that hangs on it.
final class ServerShard {
    let eventLoop: any EventLoop
    let configuration: HTTPServerConfiguration
    let http2Settings: HTTP2Settings
    let tls: TLSContext?
    let handler: any HTTPRequestHandler
    /// The same handler if it takes some requests in parts.
    let streamHandler: (any HTTPStreamHandler)?
    let counters: LoopCounters
    /// Plain bytes on their way in or out; never held across a call that could need it again.
    let readScratch: UnsafeMutableRawBufferPointer
    let writeScratch: UnsafeMutableRawBufferPointer
    /// HTTP/1.1 responses are put together here.
    var responseScratch: [UInt8] = []
    private var connections: [ServerConnection] = []
    /// What the bodies of each client's requests may take.
    var budgets: ClientBudgets
    /// Where ``closeIdle()`` looks next.
    private var nextLook = 0
    /// Where the next look at certificates begins.
    private var nextTrustCheck = 0
    private var trustCheckIsScheduled = false
    private var dateCache = DateCache()
    private var sweep: RepeatedTask?
    private var drained: EventLoopPromise<Void>?
    private(set) var isShuttingDown = false

    /// One TLS record's worth of plain bytes: a larger write would only be cut, a smaller one costs more records.
    private static let scratchBytes = 16 << 10
    /// Chains that are verified anew without a pause.
    private static let chainsAtATime = 8

    init(
        eventLoop: any EventLoop,
        configuration: HTTPServerConfiguration,
        tls: TLSContext?,
        handler: any HTTPRequestHandler,
        counters: LoopCounters
    ) {
        self.eventLoop = eventLoop
        self.configuration = configuration
        http2Settings = configuration.effectiveHTTP2
        self.tls = tls
        self.handler = handler
        streamHandler = handler as? any HTTPStreamHandler
        self.counters = counters
        budgets = ClientBudgets(
            limit: configuration.maximumClientBufferedBytes,
            total: configuration.maximumLoopBufferedBytes
        )
        readScratch = .allocate(byteCount: Self.scratchBytes, alignment: 16)
        writeScratch = .allocate(byteCount: Self.scratchBytes, alignment: 16)
    }

    deinit {
        readScratch.deallocate()
        writeScratch.deallocate()
    }

    /// The value of the `date` field, as of the last ``refreshDate()``.
    var date: [UInt8] { dateCache.bytes }

    /// Looks at the clock: with each read, and with each look at the deadlines.
    func refreshDate() {
        dateCache.update(to: WallClock.milliseconds() / 1000)
    }

    func add(_ connection: ServerConnection) {
        connection.shardIndex = connections.count
        connections.append(connection)
        counters.connectionsAccepted.increment()
        counters.connectionsOpen.increment()
        if sweep == nil { startSweep() }
    }

    func remove(_ connection: ServerConnection) {
        let index = connection.shardIndex
        guard index >= 0 else { return }
        connection.shardIndex = -1
        counters.connectionsOpen.decrement()
        let last = connections.removeLast()
        if index < connections.count {
            connections[index] = last
            last.shardIndex = index
        }
        guard connections.isEmpty else { return }
        sweep?.cancel()
        sweep = nil
        drained?.succeed()
        drained = nil
    }

    /// What the connections hold now.
    var load: HTTPServerLoad {
        var load = HTTPServerLoad()
        load.bufferedBytes = budgets.held
        for connection in connections { load.add(connection) }
        return load
    }

    /// Closes an idle connection to make room for a new one: of a sample, that which has been idle for longest. Looking at
    /// all of them each time would be work that a flood of connections could ask for.
    ///
    /// - Returns: false when none of the sample is idle.
    func closeIdle() -> Bool {
        var found: (connection: ServerConnection, since: UInt64)?
        for _ in 0..<min(connections.count, 64) {
            nextLook = (nextLook + 1) % connections.count
            let connection = connections[nextLook]
            guard let since = connection.idleSince else { continue }
            if since < found?.since ?? .max { found = (connection, since) }
        }
        found?.connection.closeNow()
        return found != nil
    }

    /// One timer for all connections' deadlines: a timer each would cost more than all the looking.
    private func startSweep() {
        let interval = TimeAmount.milliseconds(configuration.sweepInterval.milliseconds)
        let bound = NIOLoopBound(self, eventLoop: eventLoop)
        sweep = eventLoop.scheduleRepeatedTask(initialDelay: interval, delay: interval) { _ in
            let now = NIODeadline.now().uptimeNanoseconds
            let shard = bound.value
            shard.refreshDate()
            for connection in shard.connections { connection.checkDeadlines(now) }
            shard.checkTrust(now)
        }
    }

    /// Looks again at the certificates of a share of the connections, so that each has its turn once in
    /// ``HTTPServerConfiguration/trustCheckInterval``.
    private func checkTrust(_ now: UInt64) {
        guard let tls, tls.verifiesPeers, !trustCheckIsScheduled else { return }
        let ticks = configuration.trustCheckInterval / configuration.sweepInterval
        let share = Int((Double(connections.count) / max(1, ticks)).rounded(.up))
        checkTrust(now, of: min(share, connections.count))
    }

    /// Goes on with `count` connections. After a reload each chain is verified anew, which costs some tenths of a
    /// millisecond, so a few at a time have to do.
    private func checkTrust(_ now: UInt64, of count: Int) {
        var verified = 0
        for done in 0..<count {
            // Connections come and go meanwhile: one that moved waits for its next turn.
            if nextTrustCheck >= connections.count { nextTrustCheck = 0 }
            guard nextTrustCheck < connections.count else { return }
            let connection = connections[nextTrustCheck]
            if connection.needsTrustCheck {
                if verified == Self.chainsAtATime {
                    continueTrustCheck(of: count - done)
                    return
                }
                verified += 1
                connection.checkTrust(now)
            }
            nextTrustCheck += 1
        }
    }

    private func continueTrustCheck(of count: Int) {
        trustCheckIsScheduled = true
        let bound = NIOLoopBound(self, eventLoop: eventLoop)
        eventLoop.scheduleTask(in: .milliseconds(5)) {
            bound.value.trustCheckIsScheduled = false
            bound.value.checkTrust(NIODeadline.now().uptimeNanoseconds, of: count)
        }
    }

    /// Closes idle connections, lets the others finish, and closes what is left after `limit`.
    ///
    /// - Returns: completes when no connection is left.
    func shutDown(within limit: Duration) -> EventLoopFuture<Void> {
        isShuttingDown = true
        if connections.isEmpty { return eventLoop.makeSucceededVoidFuture() }
        let promise = drained ?? eventLoop.makePromise(of: Void.self)
        drained = promise
        for connection in connections { connection.beginShutdown() }
        let bound = NIOLoopBound(self, eventLoop: eventLoop)
        let timer = eventLoop.scheduleTask(in: .milliseconds(max(0, limit.milliseconds))) {
            for connection in bound.value.connections { connection.closeNow() }
        }
        return promise.futureResult.always { _ in timer.cancel() }
    }
}
