import Cluster
import EventModel
import Membership
import Router
import SansIO
import Transport

extension MetricsPage {
    /// Everything of a node's part in the cluster.
    mutating func add(_ cluster: ClusterNode) {
        add(cluster.links.counters, open: cluster.links.openConnections)
        single(
            "busbar_peer_connections_former_certificate",
            "gauge",
            "Connections to other nodes that were made with a former certificate of this node.",
            cluster.links.formerConnections
        )
        add(cluster.forwarder.statistics, cluster.forwarder.cells)
        single("busbar_uplinks", "gauge", "Uplinks of edge cells that end here.", cluster.uplinks.nodes.count)
        add(cluster.certificates.status.counters)
        guard let gossip = cluster.gossip else { return }
        add(gossip.socket.counters)
        add(gossip.driver.counters)
        single(
            "busbar_membership_present",
            "gauge",
            "Nodes alive or suspected, this one included.",
            gossip.driver.presentCount
        )
        single("busbar_membership_leaves", "gauge", "Edge nodes that are known.", gossip.driver.leafCount)
        single(
            "busbar_membership_nodes_ahead_of_clock",
            "gauge",
            "Nodes refused lately, for their words lie over a day ahead of this node's clock.",
            gossip.driver.nodesAheadOfClock
        )
        single(
            "busbar_membership_local_health",
            "gauge",
            "How slow this node itself seems; 0 is well.",
            gossip.driver.localHealth
        )
        single(
            "busbar_membership_accounts",
            "gauge",
            "Accounts that some cell hosts.",
            gossip.driver.directory.accountCount
        )
        single(
            "busbar_membership_account_lists_missing",
            "gauge",
            "Long lists of accounts that are named and not here.",
            gossip.driver.missingAccountLists
        )
    }

    mutating func add(_ statistics: PeerStatistics) {
        single("busbar_peer_frames_received_total", "counter", "Batches of other nodes.", statistics.frames)
        let compressed = statistics.compressedFrames
        single("busbar_peer_frames_compressed_total", "counter", "Batches that came compressed.", compressed)
        single("busbar_peer_questions_total", "counter", "Batches that were only asked about.", statistics.questions)
        single("busbar_peer_frames_refused_total", "counter", "Batches refused as a whole.", statistics.refusedFrames)
        single("busbar_peer_entries_received_total", "counter", "Events of other nodes.", statistics.entries)
        single(
            "busbar_peer_entries_beyond_rate_total",
            "counter",
            "Events of other nodes that were beyond their account's rate.",
            statistics.beyondRate
        )
        family("busbar_peer_verdicts_given_total", "counter", "Verdicts given to other nodes, by kind.")
        for (kind, count) in statistics.verdicts.sorted(by: { $0.key < $1.key }) {
            sample("busbar_peer_verdicts_given_total", [("verdict", kind)], count)
        }
        single(
            "busbar_duplicate_window_ids",
            "gauge",
            "Deliveries that are known not to be taken twice.",
            statistics.windowIDs
        )
        single(
            "busbar_duplicate_window_bytes",
            "gauge",
            "Bytes of memory that they take.",
            statistics.windowBytes
        )
        single(
            "busbar_duplicate_window_rows_shortened_total",
            "counter",
            "Rows of ids on disk that were removed early, for there were too many.",
            statistics.windowRowsShortened
        )
        single(
            "busbar_duplicate_window_shortened_total",
            "counter",
            "Times ids were forgotten early, for there were too many.",
            statistics.windowShortened
        )
    }

    private mutating func add(_ statistics: ForwarderStatistics, _ cells: [CellStatus]) {
        single("busbar_forward_events_total", "counter", "Events for other cells.", statistics.events)
        single("busbar_forward_requests_total", "counter", "Requests made for them.", statistics.requests)
        single("busbar_forward_bytes_total", "counter", "Bytes of these requests.", statistics.bytes)
        let compressed = statistics.compressedRequests
        single("busbar_forward_compressed_requests_total", "counter", "Requests that were compressed.", compressed)
        family("busbar_forward_compression_bytes_total", "counter", "Bytes of compressed requests, before and after.")
        let sides = [("before", statistics.bytesBeforeCompression), ("after", statistics.bytesAfterCompression)]
        for (side, bytes) in sides { sample("busbar_forward_compression_bytes_total", [("side", side)], bytes) }
        single("busbar_forward_resent_total", "counter", "Requests made again at another node.", statistics.resent)
        single("busbar_forward_split_total", "counter", "Requests that had to be taken apart.", statistics.split)
        family("busbar_forward_verdicts_total", "counter", "Verdicts of other cells, by kind.")
        for (kind, count) in statistics.verdicts.sorted(by: { $0.key < $1.key }) {
            sample("busbar_forward_verdicts_total", [("verdict", kind)], count)
        }
        family("busbar_forward_failures_total", "counter", "Events without a verdict, by reason.")
        for (code, count) in statistics.failures.sorted(by: { $0.key < $1.key }) {
            sample("busbar_forward_failures_total", [("reason", code)], count)
        }
        family("busbar_forward_waiting", "gauge", "Events that wait for a request, by cell.")
        for cell in cells { sample("busbar_forward_waiting", [("cell", cell.cell.description)], cell.waiting) }
        family("busbar_forward_requests_allowed", "gauge", "Requests that may be under way, by cell.")
        for cell in cells {
            sample("busbar_forward_requests_allowed", [("cell", cell.cell.description)], cell.allowedRequests)
        }
    }

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
            ("leaving", counters.goAways), ("new_certificate_refused", counters.certificateRefusals),
        ] {
            sample("busbar_peer_connections_total", [("step", step)], count)
        }
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
