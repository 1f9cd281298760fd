import NIOCore
import NIOHTTP1
import SansIO

extension ClientConnection {
    /// Starts TLS on a connected channel.
    func beginHandshake() {
        guard phase == .connecting else { return }
        phase = .handshake
        do {
            let tls = try TLSSession(
                context: shard.tls,
                serverName: target.serverName,
                resuming: owner?.takeResumption()
            )
            self.tls = tls
            goOnWithHandshake(tls)
        } catch {
            close(PeerLinkError(.handshake, "cannot start TLS with \(target.endpoint): \(error)"))
        }
    }

    /// Takes bytes from the socket.
    func encryptedReceived(_ bytes: ByteBuffer) {
        guard let tls else { return }
        lastReceivedAt = shard.now
        pingSentAt = nil
        tls.receive(bytes)
        defer { tls.releaseInput() }
        if phase == .handshake { goOnWithHandshake(tls) }
        readAll(tls)
        if let resumption = tls.takeResumption() { owner?.keep(resumption) }
    }

    private func readAll(_ tls: TLSSession) {
        while session != nil || http1 != nil, phase != .closed {
            switch tls.read(into: shard.readScratch) {
            case .bytes(let count):
                received(UnsafeRawBufferPointer(rebasing: shard.readScratch[..<count]))
            case .needsInput:
                return
            case .closed:
                // An answer over HTTP/1.1 may end with this; with less, it may have been cut short.
                if http1 != nil { context?.fireUserInboundEventTriggered(ChannelEvent.inputClosed) }
                close(lost("\(target.endpoint) closed the connection"))
            case .failed(let error):
                flushOutput()
                close(
                    phase == .settling ? refusedHandshake(error) : lost("TLS with \(target.endpoint) failed: \(error)")
                )
            }
        }
    }

    private func goOnWithHandshake(_ tls: TLSSession) {
        let status = tls.handshake()
        flushOutput()
        switch status {
        case .needsInput:
            break
        case .failed(let error):
            close(refusedHandshake(error))
        case .complete:
            if let problem = target.problem(tls) {
                tls.close()
                flushOutput()
                close(problem)
                return
            }
            identity = tls.peerIdentity ?? identity
            if tls.applicationProtocol == "h2" { beginHTTP2() } else { beginHTTP1() }
        }
    }

    private func beginHTTP1() {
        guard let context else { return }
        let handler = HTTP1ClientHandler(connection: self, settings: shard.http2)
        var framing = HTTPRequestEncoder.Configuration()
        framing.automaticallySetFramingHeaders = false
        do {
            try context.pipeline.syncOperations.addHandlers(
                [
                    HTTPRequestEncoder(configuration: framing), HTTP1ClientHandler.makeDecoder(shard.http2), handler,
                ],
                position: .after(self)
            )
            http1 = handler
            becomeOpen()
        } catch {
            close(PeerLinkError(.broken, "cannot start HTTP/1.1 with \(target.endpoint): \(error)"))
        }
    }

    private func becomeOpen() {
        phase = .open
        lastActiveAt = lastReceivedAt
        owner?.connectionOpened(self)
    }

    private func beginHTTP2() {
        let info = HTTPConnectionInfo(
            remoteAddress: context?.channel.remoteAddress?.ipAddress ?? "",
            isSecure: true,
            majorVersion: 2,
            clientIdentity: identity
        )
        do {
            session = try HTTP2Session(role: .client, settings: shard.http2, connection: info)
            phase = .settling
            drain()
        } catch {
            close(PeerLinkError(.broken, "cannot start HTTP/2 with \(target.endpoint): \(error)"))
        }
    }

    private func received(_ bytes: UnsafeRawBufferPointer) {
        guard let session else {
            context?.fireChannelRead(wrapInboundOut(ByteBuffer(bytes: bytes)))
            return
        }
        let limit = session.peerConcurrentStreams
        let error = session.receive(bytes, now: lastReceivedAt)
        if phase == .settling, session.hasPeerSettings {
            becomeOpen()
        }
        takeEvents()
        if phase == .open, session.peerConcurrentStreams > limit { owner?.connectionHasRoom(self) }
        if let error, phase != .closed {
            // Only now, as the events before the violation count.
            failure = lost("\(target.endpoint) broke HTTP/2: \(error)")
            phase = .leaving
        }
    }

    /// Hands answers over, and tells streams that have lost theirs.
    func takeEvents() {
        guard let session else { return }
        while takeEvent(session) {}
        _ = session.takeLimitHits()
    }

    /// Takes one event, which gets no name, so that its response moves out of it uncopied.
    ///
    /// - Returns: false when there was none.
    private func takeEvent(_ session: HTTP2Session) -> Bool {
        switch session.nextEvent() {
        case .response(_, let response, let context)?:
            guard let stream = context as? ClientStream else { break }
            forget(stream)
            noteAnswer()
            stream.receive(response)
            owner?.connectionHasRoom(self)
        case .responseHead(_, let response, let context)?:
            noteAnswer()
            (context as? ClientStream)?.receiveHead(response)
        case .bodyPart(_, let bytes, let context)?:
            (context as? ClientStream)?.receivePart(bytes)
        case .bodyEnd(_, let context)?:
            (context as? ClientStream)?.receiveEnd()
        case .drained(_, let context)?:
            (context as? ClientStream)?.drained()
        case .closed(_, let code, let context)?:
            guard let stream = context as? ClientStream else { break }
            forget(stream)
            stream.closed(code: code, streamError(code))
            owner?.connectionHasRoom(self)
        case .goingAway?:
            guard phase == .open || phase == .settling else { break }
            wasSentAway = phase == .open
            phase = .leaving
            owner?.connectionIsLeaving(self, sentAway: true)
        case .request?, .requestHead?:
            break
        case nil:
            return false
        }
        return true
    }

    private func streamError(_ code: UInt32) -> PeerLinkError {
        // REFUSED_STREAM promises that nothing was done, and so does GOAWAY for the streams above its last (RFC 9113
        // §6.8, §8.7).
        if code == 0x7 { return PeerLinkError(.refused, "\(target.endpoint) refused the request before it began") }
        // This side's own limits of an answer end its stream with CANCEL too.
        let cause = code == 0x8 ? "cancelled the request, or its answer is over a limit" : "ended it with code \(code)"
        return PeerLinkError(.broken, "\(target.endpoint) \(cause)", mayHaveArrived: true)
    }

    private func refusedHandshake(_ error: TLSError) -> PeerLinkError {
        isRefusedByPeer = error.code == .refusedByPeer
        return PeerLinkError(.handshake, "TLS with \(target.endpoint): \(error)")
    }

    /// The error of a connection that is lost at this point.
    func lost(_ message: String) -> PeerLinkError {
        switch phase {
        case .connecting, .handshake, .settling: PeerLinkError(.unreachable, message)
        case .open, .leaving, .closed: PeerLinkError(.broken, message, mayHaveArrived: true)
        }
    }
}
