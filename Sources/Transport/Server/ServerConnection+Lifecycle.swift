import NIOCore
import SansIO

extension ServerConnection {
    /// Sends what is ready and the TLS closing alert, ends this side, and waits a bounded time for the client to close:
    /// a socket that is closed with unread input resets, and the reset can overtake the last answer.
    func closeGracefully() {
        guard let context, phase != .closing, phase != .closed else { return }
        begin(.closing)
        tls?.close()
        flushOutput(context)
        context.close(mode: .output, promise: nil)
        resumeReading()
    }

    /// Closes at once.
    func closeNow() {
        guard phase != .closed else { return }
        context?.close(promise: nil)
    }

    /// Lets requests that are being handled finish, and closes at once when there are none.
    func beginShutdown() {
        isShuttingDown = true
        switch phase {
        case .handshake, .sniff:
            closeNow()
        case .http1:
            http1?.beginShutdown()
            drain()
        case .http2:
            if session?.openStreams ?? 0 > 0 { session?.announceShutdown() }
            for context in session?.contexts ?? [] { (context as? BodyStream)?.connectionLeaves() }
            drain()
        case .closing, .closed:
            break
        }
    }

    /// Ends what has taken too long.
    ///
    /// - Parameter now: monotonic nanoseconds.
    func checkDeadlines(_ now: UInt64) {
        let configuration = shard.configuration
        if let stalledSince, hasPassed(configuration.writeTimeout, since: stalledSince, now) {
            timeOut()
            return
        }
        switch phase {
        case .handshake:
            if hasPassed(configuration.handshakeTimeout, since: phaseStartedAt, now) {
                shard.counters.handshakeFailures.increment()
                timeOut()
            }
        case .sniff:
            if hasPassed(configuration.headerTimeout, since: phaseStartedAt, now) { timeOut() }
        case .http1:
            http1?.checkDeadlines(now)
            drain()
        case .http2:
            checkHTTP2Deadlines(now)
        case .closing:
            if hasPassed(configuration.lingerTimeout, since: phaseStartedAt, now) { closeNow() }
        case .closed:
            break
        }
    }

    private func checkHTTP2Deadlines(_ now: UInt64) {
        guard let session else { return }
        let configuration = shard.configuration
        if session.openStreams == 0 {
            if hasPassed(configuration.idleTimeout, since: lastActiveAt, now) {
                session.terminate()
                drain()
            }
            return
        }
        let oldest = min(configuration.headerTimeout, configuration.bodyTimeout)
        var hasReset = false
        for (stream, inHeaders) in session.incompleteStreams(openedBefore: now &- nanoseconds(oldest)) {
            if inHeaders {
                // Nothing else can be received until the header block ends, so the whole connection hangs on it.
                shard.counters.timeouts.increment()
                session.terminate(code: 0xb)
                hasReset = true
            } else if session.age(of: stream, now: now) > nanoseconds(configuration.bodyTimeout) {
                shard.counters.timeouts.increment()
                session.reset(stream: stream, code: 0x8)
                hasReset = true
            }
        }
        if hasReset { drain() }
    }

    private func timeOut() {
        shard.counters.timeouts.increment()
        closeNow()
    }

    /// True when more than `limit` has passed since an instant.
    func hasPassed(_ limit: Duration, since instant: UInt64, _ now: UInt64) -> Bool {
        now > instant && now - instant > nanoseconds(limit)
    }

    /// A validated timeout in nanoseconds.
    private func nanoseconds(_ duration: Duration) -> UInt64 {
        UInt64(max(0, duration.milliseconds)) * 1_000_000
    }
}
