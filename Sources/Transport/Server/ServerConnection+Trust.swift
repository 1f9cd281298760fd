import NIOCore
import SansIO

extension ServerConnection {
    /// Whether ``checkTrust(_:)`` has something to verify.
    var needsTrustCheck: Bool {
        distrustedAt == nil && (phase == .http1 || phase == .http2) && tls?.needsRevalidation == true
    }

    /// Looks again at the client's certificate: it may have expired, been revoked, or lost its authority since the
    /// handshake. A client that is not trusted any more is told to go, without losing what is under way.
    ///
    /// - Parameter now: monotonic nanoseconds.
    func checkTrust(_ now: UInt64) {
        guard needsTrustCheck, tls?.revalidate() != nil else { return }
        distrustedAt = now
        shard.counters.connectionsDistrusted.increment()
        guard phase == .http2 else {
            beginShutdown()
            return
        }
        // A first GOAWAY that refuses nothing yet: requests that are on their way still arrive (RFC 9113 §6.8).
        session?.announceShutdown()
        drain()
    }

    /// Sends a peer to a new connection once this node has another certificate: it goes by the one that a connection was
    /// made with, and would take no answer for an account that the certificate has gained since. Nothing is refused, and what
    /// is open finishes, however long it takes.
    func leaveForNewCertificate() {
        guard phase == .http2, !hasLeftForNewCertificate, let tls, tls.snapshot.trust != nil, tls.hasFormerCertificate
        else { return }
        hasLeftForNewCertificate = true
        session?.announceShutdown()
        drain()
    }

    /// Ends a connection whose client is not trusted any more, step by step.
    ///
    /// - Parameter now: monotonic nanoseconds.
    func endDistrusted(_ now: UInt64) {
        guard let distrustedAt else { return }
        let grace = shard.configuration.distrustGrace
        if hasPassed(grace, since: distrustedAt, now) {
            closeNow()
        } else if !isShuttingDown, hasPassed(min(.seconds(1), grace / 2), since: distrustedAt, now) {
            beginShutdown()
        }
    }
}
