import SansIO
import Transport

extension MetricsPage {
    mutating func add(_ counters: PeerLinkCounters, open: Int) {
        single("busbar_peer_requests_total", "counter", "Requests to other nodes.", counters.requests)
        single(
            "busbar_peer_requests_refused_total",
            "counter",
            "Requests for which there was no room.",
            counters.refusals
        )
        single("busbar_peer_connections_open", "gauge", "Connections to other nodes.", open)
        family("busbar_peer_connections_total", "counter", "Connections to other nodes, by step.")
        for (step, count) in [
            ("attempted", counters.connectionAttempts), ("opened", counters.connectionsOpened),
            ("failed", counters.connectionFailures), ("ended", counters.connectionsEnded),
            ("leaving", counters.goAways),
        ] {
            sample("busbar_peer_connections_total", [("step", step)], count)
        }
    }

    mutating func add(_ status: CertificateStatus, now: Timestamp) {
        family(
            "busbar_certificate_expires_in_seconds",
            "gauge",
            "Until the end of validity; of a list, until the next."
        )
        for item in status.validities {
            sample(
                "busbar_certificate_expires_in_seconds",
                [("kind", "\(item.kind)"), ("name", item.name)],
                (item.notAfter - now).milliseconds / 1_000
            )
        }
        single("busbar_certificate_reloads_total", "counter", "Times changed files came into use.", status.reloads)
        single(
            "busbar_certificate_reload_failures_total",
            "counter",
            "Times changed files were not usable.",
            status.reloadFailures
        )
        single(
            "busbar_certificate_uses_former_files",
            "gauge",
            "1 while the files on disk are not usable.",
            status.usesFormerFiles ? 1 : 0
        )
        add(status.counters)
    }

    private mutating func add(_ counters: TLSCounters) {
        family("busbar_peer_handshakes_total", "counter", "TLS handshakes with other nodes.")
        sample("busbar_peer_handshakes_total", [("kind", "full")], counters.fullHandshakes)
        sample("busbar_peer_handshakes_total", [("kind", "resumed")], counters.resumedHandshakes)
        sample("busbar_peer_handshakes_total", [("kind", "resumption_refused")], counters.resumptionsRefused)
        family("busbar_peer_handshake_failures_total", "counter", "Handshakes that failed, by reason.")
        for (code, count) in counters.failures.sorted(by: { $0.key.rawValue < $1.key.rawValue }) {
            sample("busbar_peer_handshake_failures_total", [("reason", code.rawValue)], count)
        }
        family(
            "busbar_peer_revalidation_failures_total",
            "counter",
            "Open connections that lost their trust, by reason."
        )
        for (code, count) in counters.revalidationFailures.sorted(by: { $0.key.rawValue < $1.key.rawValue }) {
            sample("busbar_peer_revalidation_failures_total", [("reason", code.rawValue)], count)
        }
    }
}
