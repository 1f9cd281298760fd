import NIOCore
import SansIO

/// The pools of all targets of a client on one event loop, with what they share: limits, jitter, deadlines and closing.
final class ConnectionPools {
    let settings: PeerLinkSettings
    var counters = PeerLinkCounters()
    let shard: ClientShard
    private var pools: [ClientTarget: ConnectionPool] = [:]
    /// The pool that was asked for last, as it mostly is the next one too.
    private var latest: ConnectionPool?
    private var random: SeededGenerator
    private var sweepIsScheduled = false
    private var isClosing = false
    private var closed: EventLoopPromise<Void>?

    init(eventLoop: any EventLoop, tls: TLSContext, settings: PeerLinkSettings, seed: UInt64) {
        precondition(settings.problems().isEmpty, "the settings must be valid")
        self.settings = settings
        shard = ClientShard(
            eventLoop: eventLoop,
            tls: tls,
            http2: settings.http2,
            connectTimeout: settings.connectTimeout
        )
        random = SeededGenerator(seed: seed)
    }

    /// The pool of a node's address.
    ///
    /// - Throws: why there can be none.
    func pool(for peer: PeerAddress) throws(PeerLinkError) -> ConnectionPool {
        if let latest, !isClosing, latest.target.isNode(peer) {
            scheduleSweep()
            return latest
        }
        return try pool(for: ClientTarget(peer: peer))
    }

    /// The target's pool.
    ///
    /// - Throws: why there can be none.
    func pool(for target: ClientTarget) throws(PeerLinkError) -> ConnectionPool {
        if isClosing { throw PeerLinkError(.closed, "this node closes its links") }
        scheduleSweep()
        if let pool = pools[target] {
            latest = pool
            return pool
        }
        if pools.count >= settings.maximumPeers {
            let now = shard.now
            latest = nil
            pools = pools.filter { !$0.value.isForgettable(now) }
        }
        guard pools.count < settings.maximumPeers else {
            throw PeerLinkError(.overloaded, "there are links to \(pools.count) peers already")
        }
        let pool = ConnectionPool(target: target, pools: self, shard: shard)
        pools[target] = pool
        latest = pool
        return pool
    }

    /// Runs an action on a later turn of the loop.
    func later(_ action: @escaping () -> Void) {
        shard.eventLoop.assumeIsolated().execute(action)
    }

    /// Lets one target's pacing draw its next wait from the common generator.
    func drawWait(_ pacing: inout ReconnectPacing) {
        counters.connectionFailures += 1
        pacing.failed(now: shard.now, using: &random)
    }

    /// How many connections there are, those that are being opened or closed included.
    var openConnections: Int { pools.values.reduce(0) { $0 + $1.connectionCount } }

    /// How many of them take streams that were made with a former certificate.
    var formerConnections: Int { pools.values.reduce(0) { $0 + $1.formerConnections } }

    /// One timer for all deadlines: a timer for each request would cost more than all the looking.
    private func scheduleSweep() {
        guard !sweepIsScheduled else { return }
        sweepIsScheduled = true
        let interval = TimeAmount.milliseconds(settings.sweepInterval.milliseconds)
        shard.eventLoop.assumeIsolated().scheduleTask(in: interval) { [weak self] in
            guard let self else { return }
            sweepIsScheduled = false
            sweep()
        }
    }

    private func sweep() {
        let now = shard.now
        shard.trustChecksLeft = ClientShard.trustChecksPerSweep
        shard.renewalsLeft = ClientShard.renewalsPerSweep
        for pool in Array(pools.values) { pool.checkDeadlines(now) }
        if pools.values.contains(where: { !$0.isIdle }) { scheduleSweep() }
    }

    /// Starts nothing new, lets open requests finish, and closes what is left after `limit`.
    ///
    /// - Returns: completes when no connection is left.
    func close(within limit: Duration) -> EventLoopFuture<Void> {
        shard.eventLoop.preconditionInEventLoop()
        isClosing = true
        let promise = closed ?? shard.eventLoop.makePromise(of: Void.self)
        closed = promise
        for pool in Array(pools.values) { pool.close() }
        let delay = TimeAmount.milliseconds(max(0, limit.milliseconds))
        let timer = shard.eventLoop.assumeIsolated().scheduleTask(in: delay) { [self] in
            for pool in Array(pools.values) { pool.closeNow() }
            poolChanged()
        }
        promise.futureResult.assumeIsolated().whenComplete { _ in timer.cancel() }
        poolChanged()
        return promise.futureResult
    }

    /// A connection ended: perhaps it was the last.
    func poolChanged() {
        guard isClosing, openConnections == 0 else { return }
        latest = nil
        pools = [:]
        closed?.succeed()
        closed = nil
    }
}
