import NIOCore
import SansIO

extension ClientConnection {
    /// Starts TLS on a connected channel.
    func beginHandshake() {
        guard phase == .connecting else { return }
        phase = .handshake
        do {
            let tls = try TLSSession(context: shard.tls, resuming: owner?.takeResumption())
            self.tls = tls
            goOnWithHandshake(tls)
        } catch {
            close(PeerLinkError(.handshake, "cannot start TLS with \(peer.endpoint): \(error)"))
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
        while session != nil, phase != .closed {
            switch tls.read(into: shard.readScratch) {
            case .bytes(let count):
                received(UnsafeRawBufferPointer(rebasing: shard.readScratch[..<count]))
            case .needsInput:
                return
            case .closed:
                close(lost("\(peer.endpoint) closed the connection"))
            case .failed(let error):
                flushOutput()
                close(phase == .settling ? refusedHandshake(error) : lost("TLS with \(peer.endpoint) failed: \(error)"))
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
            if let problem = peerProblem(tls) {
                tls.close()
                flushOutput()
                close(problem)
            } else {
                beginHTTP2()
            }
        }
    }

    /// What is wrong with the peer that the handshake was made with; nil when nothing is.
    private func peerProblem(_ tls: TLSSession) -> PeerLinkError? {
        guard tls.version == "TLSv1.3" else {
            return PeerLinkError(.handshake, "\(peer.endpoint) speaks \(tls.version), and peers must speak TLSv1.3")
        }
        guard tls.applicationProtocol == "h2" else {
            return PeerLinkError(.handshake, "\(peer.endpoint) did not agree on HTTP/2")
        }
        guard let identity = tls.peerIdentity else {
            return PeerLinkError(.handshake, "\(peer.endpoint) showed no certificate that verifies")
        }
        if let uri = peer.uri, identity.uris != [uri] {
            let names = identity.uris.isEmpty ? "nobody" : identity.uris.joined(separator: ", ")
            return PeerLinkError(.wrongIdentity, "\(peer.endpoint) is \(names), not \(uri)")
        }
        self.identity = identity
        return nil
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
            close(PeerLinkError(.broken, "cannot start HTTP/2 with \(peer.endpoint): \(error)"))
        }
    }

    private func received(_ bytes: UnsafeRawBufferPointer) {
        guard let session else { return }
        let error = session.receive(bytes, now: lastReceivedAt)
        if phase == .settling, session.hasPeerSettings {
            phase = .open
            lastActiveAt = lastReceivedAt
            owner?.connectionOpened(self)
        }
        takeEvents()
        if let error, phase != .closed {
            // Only now, as the events before the violation count.
            failure = lost("\(peer.endpoint) broke HTTP/2: \(error)")
            phase = .leaving
        }
    }

    /// Hands answers over, and tells streams that have lost theirs.
    func takeEvents() {
        guard let session else { return }
        while let event = session.nextEvent() {
            switch event {
            case .response(_, let response, let context):
                guard let stream = context as? ClientStream else { break }
                forget(stream)
                noteAnswer()
                stream.receive(response)
                owner?.connectionHasRoom(self)
            case .responseHead(_, let response, let context):
                noteAnswer()
                (context as? ClientStream)?.receiveHead(response)
            case .bodyPart(_, let bytes, let context):
                (context as? ClientStream)?.receivePart(bytes)
            case .bodyEnd(_, let context):
                (context as? ClientStream)?.receiveEnd()
            case .drained(_, let context):
                (context as? ClientStream)?.drained()
            case .closed(_, let code, let context):
                guard let stream = context as? ClientStream else { break }
                forget(stream)
                stream.closed(code: code, streamError(code))
                owner?.connectionHasRoom(self)
            case .goingAway:
                guard phase == .open || phase == .settling else { break }
                phase = .leaving
                owner?.connectionIsLeaving(self)
            case .request, .requestHead:
                break
            }
        }
        _ = session.takeLimitHits()
    }

    private func noteAnswer() {
        guard !hasAnswered else { return }
        hasAnswered = true
        owner?.connectionAnswered(self)
    }

    private func streamError(_ code: UInt32) -> PeerLinkError {
        // REFUSED_STREAM promises that nothing was done, and so does GOAWAY for the streams above its last (RFC 9113
        // §6.8, §8.7).
        if code == 0x7 { return PeerLinkError(.refused, "\(peer.endpoint) refused the request before it began") }
        // This side's own limits of an answer end its stream with CANCEL too.
        let cause = code == 0x8 ? "cancelled the request, or its answer is over a limit" : "ended it with code \(code)"
        return PeerLinkError(.broken, "\(peer.endpoint) \(cause)", mayHaveArrived: true)
    }

    private func refusedHandshake(_ error: TLSError) -> PeerLinkError {
        PeerLinkError(.handshake, "TLS with \(peer.endpoint): \(error)")
    }

    /// The error of a connection that is lost at this point.
    func lost(_ message: String) -> PeerLinkError {
        switch phase {
        case .connecting, .handshake, .settling: PeerLinkError(.unreachable, message)
        case .open, .leaving, .closed: PeerLinkError(.broken, message, mayHaveArrived: true)
        }
    }
}
