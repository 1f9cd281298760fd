import COpenSSL
import SansIO

/// What a client needs to resume a session with a server that it has verified. Use each once (RFC 8446 §C.4).
///
/// `@unchecked Sendable`: the session is only handed to OpenSSL, which counts references and locks for itself.
public final class TLSResumption: @unchecked Sendable {
    /// The `SSL_SESSION`.
    let session: OpaquePointer
    /// The name that the server's certificate was found to carry.
    let serverName: String?
    /// The ``TLSSnapshot`` that it was verified under.
    let generation: UInt64
    /// Until when the server's chain is valid, in milliseconds since the epoch.
    let validUntil: Int64

    /// Takes over one reference.
    init(owning session: OpaquePointer, serverName: String?, generation: UInt64, validUntil: Int64) {
        self.session = session
        self.serverName = serverName
        self.generation = generation
        self.validUntil = validUntil
    }

    deinit { SSL_SESSION_free(session) }
}

extension TLSSession {
    /// Takes what the server's last ticket allows to resume, for one later connection to the same server; nil when it
    /// has sent none yet. Tickets come with the first bytes after the handshake.
    public func takeResumption() -> TLSResumption? {
        defer { resumption = nil }
        return resumption
    }

    /// Whether ``revalidate()`` has something to verify: the context was reloaded, or a certificate has run out.
    var needsRevalidation: Bool {
        isEstablished
            && (context.generation != verifiedGeneration || context.clock().milliseconds > validUntil)
    }

    /// Whether this side's certificate is another one by now than the one that the connection was made with.
    var hasFormerCertificate: Bool {
        let current = context.snapshot
        guard current !== snapshot else { return false }
        guard let former = SSL_CTX_get0_certificate(snapshot.context),
            let present = SSL_CTX_get0_certificate(current.context)
        else { return false }
        return X509_cmp(former, present) != 0
    }

    /// Looks again whether the other side's certificate is valid: after a reload with the authorities and revocation
    /// lists of now, otherwise only whether it has expired. Costs nothing while neither is the case.
    ///
    /// - Returns: nil when it is, or when there is none to verify; otherwise why the connection must end.
    public func revalidate() -> TLSError? {
        guard isEstablished else { return nil }
        let current = context.snapshot
        let now = context.clock()
        if current.generation == verifiedGeneration, now.milliseconds <= validUntil { return nil }
        guard let trust = current.trust, let leaf = SSL_get0_peer_certificate(ssl) else {
            verifiedGeneration = current.generation
            validUntil = .max
            return nil
        }
        let received = SSL_get_peer_cert_chain(ssl)
        var intermediates = (0..<max(0, busbar_stack_count(received))).compactMap {
            busbar_stack_certificate(received, $0)
        }
        // A server that resumed a session has the leaf only; the rest of the chain is in the ticket.
        let kept = isResumed ? ticketFacts(SSL_get_session(ssl))?.intermediates ?? [] : []
        let parsed = kept.compactMap { X509Certificate(der: $0) }
        intermediates += parsed.map(\.pointer)
        let usage: CertificateUsage = context.role == .server ? .client : .server
        let verdict = withExtendedLifetime(parsed) {
            trust.verify(leaf: leaf, intermediates: intermediates, usage: usage, now: now)
        }
        switch verdict {
        case .valid(let until):
            verifiedGeneration = current.generation
            validUntil = until
            return nil
        case .refused(let error):
            context.counting.revalidationFailed(error)
            return error
        }
    }

    /// Verifies the chain in a handshake's `X509_STORE_CTX`.
    func verifyPeer(_ store: OpaquePointer) -> Bool {
        guard let trust = snapshot.trust else { return false }
        let usage: CertificateUsage = context.role == .server ? .client : .server
        switch trust.verify(store, usage: usage, now: context.clock()) {
        case .valid(let until):
            validUntil = until
            return true
        case .refused(let error):
            verificationError = error
            return false
        }
    }

    /// Sets up a client to resume, unless what was verified then is not so now.
    func offer(_ resumption: TLSResumption) {
        guard resumption.generation == snapshot.generation, resumption.serverName == serverName,
            context.clock().milliseconds <= resumption.validUntil,
            SSL_set_session(ssl, resumption.session) == 1
        else {
            ERR_clear_error()
            context.counting.resumptionRefused()
            return
        }
        validUntil = resumption.validUntil
    }

    /// Takes over one reference to a session that the server allows to resume.
    func keep(_ session: OpaquePointer) {
        resumption = TLSResumption(
            owning: session,
            serverName: serverName,
            generation: snapshot.generation,
            validUntil: validUntil
        )
    }

    /// Writes ``TicketFacts`` into the session that the next ticket holds.
    func fillTicket() -> Bool {
        // A resumed session still has those of the handshake that verified it, so no row of tickets outlives a chain.
        if isResumed { return true }
        guard let session = SSL_get_session(ssl) else { return false }
        let chain = SSL_get0_verified_chain(ssl)
        let count = max(0, Int(busbar_stack_count(chain)))
        let between = count > 2 ? 1..<(count - 1) : 1..<1
        let intermediates = between.compactMap { index in
            busbar_stack_certificate(chain, Int32(index)).map { pointer -> [UInt8] in
                X509_up_ref(pointer)
                return X509Certificate(owning: pointer).der
            }
        }
        guard let bytes = TicketFacts(validUntil: validUntil, intermediates: intermediates).encoded else { return true }
        return SSL_SESSION_set1_ticket_appdata(session, bytes, bytes.count) == 1
    }

    /// Decides on a client's ticket that this snapshot's keys have opened.
    func takeTicket(_ session: OpaquePointer) -> Bool {
        guard let facts = ticketFacts(session), context.clock().milliseconds <= facts.validUntil else {
            resumptionRefused()
            return false
        }
        validUntil = facts.validUntil
        return true
    }

    /// Counts a client that has to be verified in full.
    func resumptionRefused() {
        context.counting.resumptionRefused()
    }

    private func ticketFacts(_ session: OpaquePointer?) -> TicketFacts? {
        var data: UnsafeMutableRawPointer?
        var count = 0
        guard let session, SSL_SESSION_get0_ticket_appdata(session, &data, &count) == 1, let data else { return nil }
        return TicketFacts(Array(UnsafeRawBufferPointer(start: data, count: count)))
    }
}

extension TLSSession {
    /// The other side's certificate; nil when it has shown none that verified.
    public var peerCertificate: X509Certificate? {
        guard isEstablished, snapshot.trust != nil, SSL_get_verify_result(ssl) == Int(X509_V_OK),
            let certificate = SSL_get1_peer_certificate(ssl)
        else { return nil }
        return X509Certificate(owning: certificate)
    }
}
