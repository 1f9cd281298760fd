import EventModel
import Router
import SansIO
import Transport

/// A page of metrics in Prometheus' text format.
struct MetricsPage {
    private(set) var text = ""

    /// Begins a family of series.
    mutating func family(_ name: String, _ type: String, _ help: String) {
        text += "# HELP \(name) \(help)\n# TYPE \(name) \(type)\n"
    }

    /// Adds one series.
    mutating func sample(_ name: String, _ labels: [(String, String)], _ value: some BinaryInteger) {
        text += name
        if !labels.isEmpty {
            let pairs = labels.map { "\($0.0)=\"\(Self.escape($0.1))\"" }
            text += "{\(pairs.joined(separator: ","))}"
        }
        text += " \(value)\n"
    }

    /// Adds a family of one series.
    mutating func single(_ name: String, _ type: String, _ help: String, _ value: some BinaryInteger) {
        family(name, type, help)
        sample(name, [], value)
    }

    private static func escape(_ text: String) -> String {
        var result = ""
        for character in text.unicodeScalars {
            switch character {
            case "\\": result += "\\\\"
            case "\"": result += "\\\""
            case "\n": result += "\\n"
            default: result.unicodeScalars.append(character)
            }
        }
        return result
    }

    /// The books of each bus; accounts and buses are bounded by quotas.
    mutating func add(books: [BusAddress: BusBook]) {
        let sorted = books.sorted { $0.key.arn < $1.key.arn }
        func add(_ name: String, _ help: String, _ place: KeyPath<BusBook, UInt64>, type: String = "counter") {
            family(name, type, help)
            for (bus, book) in sorted {
                let labels = [("account", bus.account.description), ("region", bus.region), ("bus", bus.name)]
                sample(name, labels, book[keyPath: place])
            }
        }
        add("busbar_events_accepted_total", "Events taken in by a bus.", \.accepted)
        add("busbar_events_matched_total", "Events that a rule matched.", \.matched)
        add("busbar_events_unmatched_total", "Events that no rule matched.", \.unmatched)
        add("busbar_rules_triggered_total", "Rules that events set off.", \.triggeredRules)
        add("busbar_deliveries_created_total", "Deliveries made for events.", \.created)
        add("busbar_deliveries_recovered_total", "Deliveries found waiting at the start.", \.recovered)
        add("busbar_deliveries_delivered_total", "Deliveries that reached their target.", \.delivered)
        add("busbar_deliveries_retried_total", "Deliveries that needed a further attempt.", \.retried)
        add("busbar_delivery_attempts_failed_total", "Attempts that failed.", \.failedAttempts)
        add("busbar_deliveries_held_back_total", "Attempts not made, for want of room here.", \.heldBack)
        add("busbar_deliveries_dead_lettered_total", "Deliveries moved to a dead-letter queue.", \.deadLettered)
        add("busbar_deliveries_dropped_total", "Deliveries that no dead-letter queue took, or for no bus.", \.dropped)
        add("busbar_deliveries_expired_total", "Deliveries that grew too old.", \.expired)
        add("busbar_events_denied_total", "Requests and forwards that a policy refused.", \.denied)
        add("busbar_events_duplicate_total", "Events of other cells that were known already.", \.duplicates)
        add("busbar_deliveries_waiting", "Deliveries that still wait.", \.waiting, type: "gauge")
    }

    /// Bytes that wait, by the bus of the rule.
    mutating func add(waitingBytes: [BusAddress: UInt64], fullest: Int) {
        family("busbar_deliveries_waiting_bytes", "gauge", "Bytes of events in deliveries that still wait.")
        for (bus, bytes) in waitingBytes.sorted(by: { $0.key.arn < $1.key.arn }) {
            let labels = [("account", bus.account.description), ("region", bus.region), ("bus", bus.name)]
            sample("busbar_deliveries_waiting_bytes", labels, bytes)
        }
        single(
            "busbar_forward_queue_fullest_permille",
            "gauge",
            "How full the fullest queue towards another cell is, in thousandths of its limit.",
            fullest
        )
    }

    mutating func add(_ statistics: RouterStatistics, active: Int) {
        single("busbar_put_events_calls_total", "counter", "PutEvents calls.", statistics.putEventsCalls)
        single(
            "busbar_put_events_refused_total",
            "counter",
            "PutEvents calls refused as a whole.",
            statistics.putEventsRefused
        )
        single("busbar_put_events_entries_total", "counter", "Entries of PutEvents.", statistics.entries)
        single(
            "busbar_put_events_failed_entries_total",
            "counter",
            "Entries refused for themselves.",
            statistics.failedEntries
        )
        single(
            "busbar_events_unknown_bus_total",
            "counter",
            "Events to a bus that does not exist.",
            statistics.unknownBus
        )
        single("busbar_event_loops_total", "counter", "Forwards ended by the loop rules.", statistics.loops)
        single("busbar_deliveries_orphaned_total", "counter", "Deliveries to unknown targets.", statistics.orphaned)
        single(
            "busbar_deliveries_overflowed_total",
            "counter",
            "Deliveries that a full queue towards another cell pushed out.",
            statistics.overflowed
        )
        single(
            "busbar_events_queue_full_total",
            "counter",
            "Events refused because a queue towards another cell was full.",
            statistics.queueFull
        )
        single("busbar_deliveries_active", "gauge", "Deliveries in memory.", active)
        add(statistics.peers)
    }

    mutating func add(_ statistics: StoreStatistics) {
        single("busbar_store_records_total", "counter", "Events appended.", statistics.appendedRecords)
        single("busbar_store_syncs_total", "counter", "Journal synchronisations.", statistics.synchronisations)
        single(
            "busbar_store_journal_written_bytes_total",
            "counter",
            "Bytes written to the journal.",
            statistics.journalBytesWritten
        )
        single("busbar_store_journal_bytes", "gauge", "Disk bytes of the journal.", statistics.journalBytes)
        single(
            "busbar_store_unresolved_deliveries",
            "gauge",
            "Deliveries that the journal holds.",
            statistics.unresolvedDeliveries
        )
        single(
            "busbar_store_parked_deliveries",
            "gauge",
            "Deliveries in retry queues.",
            statistics.parkedDeliveries
        )
        single(
            "busbar_store_unreadable_records_total",
            "counter",
            "Events given up because the journal could not be read where they were.",
            statistics.unreadableRecords
        )
        single("busbar_store_full", "gauge", "1 while the disk is full.", statistics.isFull ? 1 : 0)
    }

    mutating func add(_ statistics: QueueStatistics) {
        single("busbar_queue_messages_sent_total", "counter", "Messages sent.", statistics.sent)
        single("busbar_queue_messages_received_total", "counter", "Messages received.", statistics.received)
        single("busbar_queue_messages_deleted_total", "counter", "Messages deleted.", statistics.deleted)
        single("busbar_queue_messages_expired_total", "counter", "Messages past retention.", statistics.expired)
        single("busbar_queue_messages_redriven_total", "counter", "Messages moved to a DLQ.", statistics.redriven)
        single("busbar_queue_waiters", "gauge", "Receives that wait.", statistics.waiters)
        single("busbar_queues", "gauge", "Queues.", statistics.queues)
        single(
            "busbar_queue_delivery_milliseconds_total",
            "counter",
            "Milliseconds from acceptance to the queue, summed.",
            statistics.deliveryMilliseconds
        )
    }

    /// What a listener has done; the peer listener's series have a prefix of their own.
    mutating func add(_ counters: HTTPServerCounters, prefix: String = "busbar") {
        single("\(prefix)_connections_total", "counter", "Connections accepted.", counters.connectionsAccepted)
        single("\(prefix)_connections_open", "gauge", "Connections open.", counters.connectionsOpen)
        single("\(prefix)_connections_refused_total", "counter", "Over the limit.", counters.connectionsRefused)
        single("\(prefix)_tls_handshake_failures_total", "counter", "TLS failures.", counters.handshakeFailures)
        single("\(prefix)_http_protocol_errors_total", "counter", "Protocol errors.", counters.protocolErrors)
        single("\(prefix)_http_timeouts_total", "counter", "Deadlines missed.", counters.timeouts)
        family("\(prefix)_http_requests_total", "counter", "Requests by protocol.")
        sample("\(prefix)_http_requests_total", [("version", "1")], counters.http1Requests)
        sample("\(prefix)_http_requests_total", [("version", "2")], counters.http2Requests)
        family("\(prefix)_http_limit_hits_total", "counter", "Times that clients ran into each limit.")
        for limit in HTTPLimit.allCases {
            sample("\(prefix)_http_limit_hits_total", [("limit", limit.rawValue)], counters[limit])
        }
    }

    mutating func add(_ figures: ProcessFigures) {
        single("process_resident_memory_bytes", "gauge", "Resident memory.", figures.residentBytes)
    }
}
