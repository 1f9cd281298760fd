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
        let ended = context.eventLoop.makePromise(of: Void.self)
        context.close(mode: .output, promise: ended)
        ended.futureResult.assumeIsolated().whenComplete { [self] _ in
            // A client that takes its time with a long answer may do so; only then is it waited for.
            outputHasEnded = true
            stalledSince = nil
            phaseStartedAt = NIODeadline.now().uptimeNanoseconds
        }
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
        guard outputFlows(now) else {
            timeOut(.writeTime)
            return
        }
        endDistrusted(now)
        if idleSince != nil {
            session?.releaseSpareMemory()
            tls?.releaseSpareMemory()
        }
        switch phase {
        case .handshake:
            if hasPassed(configuration.handshakeTimeout, since: phaseStartedAt, now) {
                shard.counters.handshakeFailures.increment()
                timeOut(.handshakeTime)
            }
        case .sniff:
            if hasPassed(configuration.headerTimeout, since: phaseStartedAt, now) { timeOut(.headerTime) }
        case .http1:
            http1?.checkDeadlines(now)
            drain()
        case .http2:
            checkHTTP2Deadlines(now)
            leaveForNewCertificate()
        case .closing:
            checkClosingDeadline(now)
        case .closed:
            break
        }
    }

    private func checkHTTP2Deadlines(_ now: UInt64) {
        guard let session else { return }
        let configuration = shard.configuration
        if session.openStreams == 0 {
            if hasPassed(configuration.idleTimeout, since: lastActiveAt, now) {
                shard.counters.hit(.idleTime)
                session.terminate()
                drain()
            }
            return
        }
        if let since = session.headerBlockSince, hasPassed(configuration.headerTimeout, since: since, now) {
            shard.counters.hit(.headerTime)
            session.terminate(code: 0xb)
            drain()
            return
        }
        let slow = session.incompleteStreams(openedBefore: now &- nanoseconds(configuration.bodyTimeout))
        for stream in slow {
            shard.counters.hit(.bodyTime)
            session.reset(stream: stream, code: 0x8)
        }
        let stalled = session.stalledStreams(now: now, limit: nanoseconds(configuration.writeTimeout))
        for stream in stalled {
            shard.counters.hit(.writeTime)
            session.reset(stream: stream, code: 0x8)
        }
        if !slow.isEmpty || !stalled.isEmpty { drain() }
        if phase == .http2, !takesOutput(session, now) { timeOut(.writeTime) }
    }

    /// False when an HTTP/2 client has not taken for too long what it must of the answers that wait for it. Streams of
    /// which it takes nothing are reset after `writeTimeout`, so that one that is paused does not cost the others; the
    /// connection has twice as long, and ends for those of which too little is taken.
    private func takesOutput(_ session: HTTP2Session, _ now: UInt64) -> Bool {
        let sent = session.sentDataBytes
        let configuration = shard.configuration
        if session.unsentBodyBytes == 0 || sent - progress.sentBytes >= UInt64(configuration.minimumWriteBytes) {
            progress = (sent, now)
        }
        return !hasPassed(configuration.writeTimeout * 2, since: progress.since, now)
    }

    /// False when the socket has not taken for too long what it must of the output that waits for it.
    private func outputFlows(_ now: UInt64) -> Bool {
        guard let since = stalledSince else { return true }
        let waiting = (try? context?.channel.syncOptions?.getOption(.bufferedWritableBytes)) ?? 0
        if waiting <= stalledBytes - shard.configuration.minimumWriteBytes {
            stalledBytes = waiting
            stalledSince = now
            return true
        }
        return !hasPassed(shard.configuration.writeTimeout, since: since, now)
    }

    /// Waits for the last answer to be taken, and then for the client to close.
    private func checkClosingDeadline(_ now: UInt64) {
        if !outputHasEnded {
            noteStall(now)
        } else if hasPassed(shard.configuration.lingerTimeout, since: phaseStartedAt, now) {
            closeNow()
        }
    }

    /// Notes that output waits for the socket; what waits by now is seen with the next look at the deadlines.
    func noteStall(_ now: UInt64) {
        guard stalledSince == nil else { return }
        stalledSince = now
        stalledBytes = .max
    }

    private func timeOut(_ limit: HTTPLimit) {
        shard.counters.hit(limit)
        closeNow()
    }

    /// Since when the connection has nothing to do that its client would miss; nil when it has.
    var idleSince: UInt64? {
        switch phase {
        case .handshake, .sniff, .closing: phaseStartedAt
        case .http1: http1?.idleSince
        case .http2: session?.openStreams == 0 ? lastActiveAt : nil
        case .closed: nil
        }
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
