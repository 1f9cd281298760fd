import NIOCore
import NIOHTTP1
import SansIO

extension ServerConnection {
    /// Takes bytes from the socket of a TLS connection.
    func encryptedReceived(_ bytes: ByteBuffer) {
        guard let tls, let context else { return }
        tls.receive(bytes)
        defer { tls.releaseInput() }
        if phase == .handshake {
            switch tls.handshake() {
            case .needsInput:
                flushOutput(context)
                return
            case .failed:
                shard.counters.handshakeFailures.increment()
                // The alert tells the client why; it must be on its way before the socket closes.
                closeGracefully()
                return
            case .complete:
                shard.counters.handshakes.increment()
                flushOutput(context)
                chooseProtocol(tls)
            }
        }
        readDecrypted(tls)
    }

    private func chooseProtocol(_ tls: TLSSession) {
        if tls.applicationProtocol == "h2" {
            startHTTP2()
        } else if shard.tls?.configuration.applicationProtocols == .http2 {
            // Only a client without ALPN gets here; the listener speaks nothing that it could mean.
            shard.counters.protocolErrors.increment()
            closeGracefully()
        } else {
            startHTTP1(ByteBuffer())
        }
    }

    /// Decrypts all there is. One read of the socket is bounded, and so is this.
    private func readDecrypted(_ tls: TLSSession) {
        while phase == .http1 || phase == .http2 {
            switch tls.read(into: shard.readScratch) {
            case .bytes(let count):
                let bytes = UnsafeRawBufferPointer(rebasing: shard.readScratch[..<count])
                if phase == .http2 { http2Received(bytes) } else { http1Received(ByteBuffer(bytes: bytes)) }
            case .needsInput:
                return
            case .closed:
                inputClosed()
                return
            case .failed:
                if tls.isOverMessageLimit {
                    shard.counters.hit(.handshakeMessages)
                } else {
                    shard.counters.protocolErrors.increment()
                }
                closeGracefully()
                return
            }
        }
    }

    /// Takes bytes from the socket of a plain-text connection.
    func plainReceived(_ bytes: ByteBuffer) {
        switch phase {
        case .sniff:
            var bytes = bytes
            sniffed.writeBuffer(&bytes)
            sniff()
        case .http1:
            http1Received(bytes)
        case .http2:
            bytes.withUnsafeReadableBytes(http2Received)
        case .handshake, .closing, .closed:
            break
        }
    }

    private func sniff() {
        let preface: StaticString = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
        let expected = UnsafeBufferPointer(start: preface.utf8Start, count: preface.utf8CodeUnitCount)
        let matches = zip(sniffed.readableBytesView, expected).allSatisfy { $0 == $1 }
        let bytes = sniffed
        if !matches || !shard.configuration.acceptsPlainTextHTTP2 {
            sniffed = ByteBuffer()
            startHTTP1(bytes)
        } else if bytes.readableBytes >= expected.count {
            sniffed = ByteBuffer()
            startHTTP2()
            bytes.withUnsafeReadableBytes(http2Received)
        }
    }

    /// Adds the HTTP/1.1 handlers behind this one and gives them the bytes that are there already.
    func startHTTP1(_ bytes: ByteBuffer) {
        guard let context else { return }
        let configuration = shard.configuration
        var limits = NIOHTTPDecoderLimitConfiguration()
        limits.maxHeaderFieldSize = configuration.maximumHeaderBytes
        limits.maxHeaderListSize = configuration.maximumHeaderBytes
        limits.maxHeaderFieldCount = configuration.maximumHeaderCount
        let decoder = HTTPRequestDecoder(limitConfiguration: limits)
        let info = connectionInfo(majorVersion: 1)
        let handler = HTTP1Handler(connection: self, info: info, budget: joinClient(info))
        begin(.http1)
        http1 = handler
        do {
            try context.pipeline.syncOperations.addHandlers(
                [ByteToMessageHandler(decoder), handler],
                position: .after(self)
            )
        } catch {
            closeNow()
            return
        }
        if bytes.readableBytes > 0 { http1Received(bytes) }
    }

    private func http1Received(_ bytes: ByteBuffer) {
        http1?.bytesReceived(bytes.readableBytes)
        guard phase == .http1 else { return }
        context?.fireChannelRead(wrapInboundOut(bytes))
    }

    /// What requests of this connection say about it.
    func connectionInfo(majorVersion: Int) -> HTTPConnectionInfo {
        HTTPConnectionInfo(
            remoteAddress: context?.channel.remoteAddress?.ipAddress ?? "",
            isSecure: tls != nil,
            majorVersion: majorVersion,
            clientIdentity: tls?.peerIdentity
        )
    }

    /// Finds out whose budget the bodies of this connection's requests count against: the account's that the client's
    /// certificate names (DESIGN §6), or else the address's.
    func joinClient(_ info: HTTPConnectionInfo) -> ByteBudget {
        if let client { return client.budget }
        var key = "address " + info.remoteAddress
        for uri in info.clientIdentity?.uris ?? [] {
            let parts = uri.split(separator: "/", omittingEmptySubsequences: false)
            if parts.count > 4, parts[3] == "account" { key = "account \(parts[2]) \(parts[4])" }
        }
        let budget = shard.budgets.join(key)
        client = (key, budget)
        return budget
    }

    /// Enters a phase.
    func begin(_ phase: Phase) {
        self.phase = phase
        phaseStartedAt = NIODeadline.now().uptimeNanoseconds
        lastActiveAt = phaseStartedAt
        progress = (0, phaseStartedAt)
    }
}
