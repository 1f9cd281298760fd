import NIOCore
import SansIO

extension ClientConnection {
    /// Looks again at the peer's certificate, which may have expired, been revoked, or lost its authority since the
    /// handshake. A connection to a peer that is not trusted any more takes no further streams, lets those that are open
    /// finish for a while, and ends.
    ///
    /// - Parameters:
    ///   - now: monotonic nanoseconds.
    ///   - settings: the limits.
    func checkTrust(_ now: UInt64, _ settings: PeerLinkSettings) {
        if let distrustedAt {
            guard now - min(now, distrustedAt) > settings.distrustGrace.clampedNanoseconds else { return }
            close(distrust("it has not finished in time"))
            return
        }
        guard let tls, tls.needsRevalidation, shard.trustChecksLeft > 0 else { return }
        shard.trustChecksLeft -= 1
        guard let error = tls.revalidate() else { return }
        distrustedAt = now
        // For whoever's stream is still open when the connection ends.
        failure = failure ?? distrust(error.reason)
        leave()
    }

    /// True while streams start on a connection that was made with another certificate than this node has now.
    var hasFormerCertificate: Bool { phase == .open && tls?.hasFormerCertificate == true }

    /// Takes no more streams when this node has another certificate: peers go by the one that a connection was made with. What
    /// is open finishes.
    func leaveForNewCertificate() {
        guard hasFormerCertificate else { return }
        leftByItself = true
        phase = .leaving
        owner?.connectionIsLeaving(self, sentAway: false)
        scheduleDrain()
    }

    private func distrust(_ reason: String) -> PeerLinkError {
        let text = "the certificate of \(target.endpoint) is not valid any more: \(reason)"
        return PeerLinkError(.handshake, text, mayHaveArrived: true)
    }
}
