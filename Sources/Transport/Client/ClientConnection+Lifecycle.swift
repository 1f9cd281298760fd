import NIOCore
import NIOPosix
import SansIO

extension ClientConnection {
    /// Connects; the owner hears on a later turn how that went.
    func connect() {
        startedAt = shard.now
        // A loop that is going down fails the attempt on the spot, which must not happen inside this call.
        shard.eventLoop.assumeIsolated().execute { [self] in dial() }
    }

    private func dial() {
        guard phase == .connecting else { return }
        let connected = ClientBootstrap(group: shard.eventLoop)
            .connectTimeout(.milliseconds(shard.connectTimeout.milliseconds))
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
            // One read of at most 64 KB a turn, so that no connection holds the loop for long.
            .channelOption(.maxMessagesPerRead, value: 1)
            .channelOption(
                .recvAllocator,
                value: AdaptiveRecvByteBufferAllocator(minimum: 2048, initial: 16 << 10, maximum: 64 << 10)
            )
            .channelOption(.writeBufferWaterMark, value: .init(low: 64 << 10, high: 256 << 10))
            .connect(host: target.endpoint.host, port: Int(target.endpoint.port))
        connected.assumeIsolated().whenComplete { [self] result in
            switch result {
            case .success(let channel): take(channel)
            case .failure(let error):
                let reason = ConnectFailure.words(error)
                failure = failure ?? PeerLinkError(.unreachable, "cannot connect to \(target.endpoint): \(reason)")
                end()
            }
        }
    }

    /// A name may stand for several addresses, each with a channel of its own; only the one that connected gets here.
    private func take(_ channel: any Channel) {
        guard phase == .connecting else {
            channel.close(promise: nil)
            return
        }
        do {
            try channel.pipeline.syncOperations.addHandler(self)
        } catch {
            failure = PeerLinkError(.unreachable, "\(target.endpoint) closed the connection at once")
            channel.close(promise: nil)
            end()
        }
    }

    /// Takes no more streams, and closes when there are none.
    func leave() {
        leftByItself = true
        switch phase {
        case .open:
            phase = .leaving
            for stream in streams { stream.leave() }
            owner?.connectionIsLeaving(self, sentAway: false)
            scheduleDrain()
        case .connecting, .handshake, .settling:
            close(PeerLinkError(.closed, "this node closes its links"))
        case .leaving:
            for stream in streams { stream.leave() }
        case .closed:
            break
        }
    }

    /// Says goodbye as far as the socket takes it, and closes.
    func closeGracefully() {
        guard let tls, context != nil, phase != .closed else { return }
        if let session {
            session.terminate()
            let count = session.fill(into: shard.writeScratch)
            if count > 0 { _ = tls.write(UnsafeRawBufferPointer(rebasing: shard.writeScratch[..<count])) }
        }
        tls.close()
        flushOutput()
        close(lost("the connection to \(target.endpoint) was closed"))
    }

    /// Closes at once.
    func close(_ error: PeerLinkError) {
        failure = failure ?? error
        context?.close(promise: nil)
        end()
    }

    /// Tells everybody who waits; only the first call counts.
    func end() {
        guard phase != .closed else { return }
        let error = failure ?? lost("\(target.endpoint) closed the connection")
        phase = .closed
        session = nil
        http1 = nil
        let lostStreams = takeStreams()
        // The owner first, so that nobody who hears of a lost stream starts another here.
        owner?.connectionEnded(self, error)
        owner = nil
        for stream in lostStreams { stream.fail(error) }
    }

    /// Ends what has taken too long, and asks a silent peer for a sign of life.
    func checkDeadlines(_ now: UInt64, _ settings: PeerLinkSettings) {
        switch phase {
        case .connecting, .handshake, .settling:
            if now - min(now, startedAt) > settings.connectTimeout.clampedNanoseconds {
                close(lost("\(target.endpoint) did not finish connecting within \(settings.connectTimeout)"))
            }
        case .open, .leaving:
            checkTrust(now, settings)
            checkStreams(now)
            checkLiveness(now, settings)
            checkIdleness(now, settings)
        case .closed:
            break
        }
    }

    private func checkStreams(_ now: UInt64) {
        for stream in streams where stream.deadline <= now {
            cancel(stream)
            let text = "\(target.endpoint) did not answer in time"
            stream.fail(PeerLinkError(.timedOut, text, mayHaveArrived: true))
        }
    }

    private func checkLiveness(_ now: UInt64, _ settings: PeerLinkSettings) {
        if let pingSentAt {
            guard now - min(now, pingSentAt) > settings.pingTimeout.clampedNanoseconds else { return }
            close(lost("\(target.endpoint) did not answer a ping within \(settings.pingTimeout)"))
        } else if let session, now - min(now, lastReceivedAt) > settings.pingInterval.clampedNanoseconds {
            pingSentAt = now
            session.ping()
            drain()
        }
    }

    private func checkIdleness(_ now: UInt64, _ settings: PeerLinkSettings) {
        guard phase == .open, streams.isEmpty else { return }
        session?.releaseSpareMemory()
        tls?.releaseSpareMemory()
        if now - min(now, lastActiveAt) > settings.idleTimeout.clampedNanoseconds { leave() }
    }
}
