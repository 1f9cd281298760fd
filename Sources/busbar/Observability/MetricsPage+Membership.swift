import Membership
import Transport

extension MetricsPage {
    mutating func add(_ counters: UDPCounters) {
        family("busbar_gossip_datagrams_total", "counter", "Datagrams of the gossip socket.")
        sample("busbar_gossip_datagrams_total", [("direction", "received")], counters.received)
        sample("busbar_gossip_datagrams_total", [("direction", "sent")], counters.sent)
        family("busbar_gossip_bytes_total", "counter", "Bytes of the gossip socket.")
        sample("busbar_gossip_bytes_total", [("direction", "received")], counters.receivedBytes)
        sample("busbar_gossip_bytes_total", [("direction", "sent")], counters.sentBytes)
        family("busbar_gossip_socket_drops_total", "counter", "Datagrams that the socket did not carry, by reason.")
        sample("busbar_gossip_socket_drops_total", [("reason", "oversized")], counters.oversized)
        sample("busbar_gossip_socket_drops_total", [("reason", "flood")], counters.receiveDrops)
        sample("busbar_gossip_socket_drops_total", [("reason", "unsendable")], counters.sendDrops)
        sample("busbar_gossip_socket_drops_total", [("reason", "refused")], counters.sendFailures)
        single("busbar_gossip_socket_reopenings_total", "counter", "Times the socket failed.", counters.reopenings)
    }

    /// Every step of the membership protocol.
    mutating func add(_ counters: MembershipCounters) {
        add(
            counters,
            "busbar_membership_dropped_total",
            "Datagrams and claims not believed, by reason.",
            "reason",
            Self.drops
        )
        add(counters, "busbar_membership_probes_total", "Probes, by what became of them.", "step", Self.probes)
        add(counters, "busbar_membership_suspicions_total", "Suspicions, by step.", "step", Self.suspicions)
        add(counters, "busbar_membership_claims_total", "Claims of nodes about themselves.", "outcome", Self.claims)
        add(counters, "busbar_membership_syncs_total", "Full-state syncs.", "step", Self.syncs)
        add(counters, "busbar_membership_leaf_words_total", "Words about edges, and edges.", "outcome", Self.leaves)
        add(counters, "busbar_membership_account_lists_total", "Long lists of accounts.", "step", Self.accountLists)
        single(
            "busbar_membership_contested_total",
            "counter",
            "Accounts that came to be claimed by a second cell.",
            counters.accountsContested
        )
        add(counters, "busbar_membership_chains_total", "Certificate chains of others.", "step", Self.chains)
        single("busbar_membership_deaths_total", "counter", "Nodes declared dead.", counters.deaths)
        single("busbar_membership_gossip_rounds_total", "counter", "Rounds of gossip.", counters.gossipRounds)
        single("busbar_membership_items_skipped_total", "counter", "Items of unknown kinds.", counters.itemsSkipped)
        single("busbar_membership_late_wakeups_total", "counter", "Times this node stood still.", counters.lateWakeups)
    }

    private typealias Steps = [(String, KeyPath<MembershipCounters, UInt64>)]

    private mutating func add(
        _ counters: MembershipCounters,
        _ name: String,
        _ help: String,
        _ label: String,
        _ steps: Steps
    ) {
        family(name, "counter", help)
        for (step, place) in steps { sample(name, [(label, step)], counters[keyPath: place]) }
    }

    private static var drops: Steps {
        [
            ("over_rate", \.droppedOverRate), ("unsealed", \.droppedUnsealed), ("malformed", \.droppedMalformed),
            ("foreign", \.droppedForeign), ("unknown", \.droppedUnknown), ("stranger", \.droppedStranger),
            ("forged", \.droppedForged), ("replayed", \.droppedReplayed), ("unentitled", \.droppedUnentitled),
            ("ahead_of_clock", \.droppedAheadOfClock),
        ]
    }

    private static var probes: Steps {
        [
            ("begun", \.probes), ("answered", \.probesAnswered), ("indirect", \.probesIndirect),
            ("failed", \.probesFailed), ("relayed", \.relays), ("declined", \.relaysDeclined), ("nack", \.nacksSent),
            ("misdirected", \.misdirectedProbes),
        ]
    }

    private static var suspicions: Steps {
        [
            ("raised", \.suspicionsRaised), ("heard", \.suspicionsHeard), ("ignored", \.suspicionsIgnored),
            ("refuted", \.refutations), ("deferred", \.refutationsDeferred),
        ]
    }

    private static var claims: Steps {
        [
            ("accepted", \.claimsAccepted), ("over_rate", \.claimsOverRate), ("contested", \.claimsContested),
            ("ahead_of_clock", \.claimsAheadOfClock), ("abandoned", \.incarnationsAbandoned),
            ("not_awaited", \.claimsNotAwaited),
            ("account_outside_scope", \.accountsOutsideScope),
        ]
    }

    private static var leaves: Steps {
        [("ignored", \.attachmentsIgnored), ("forgotten", \.leavesForgotten)]
    }

    private static var accountLists: Steps {
        [
            ("requested", \.accountListsRequested), ("received", \.accountListsReceived),
            ("served", \.accountListsServed), ("forged", \.accountListsForged), ("refused", \.accountListsRefused),
            ("without_room", \.accountListsWithoutRoom),
        ]
    }

    private static var syncs: Steps {
        [("begun", \.syncs), ("failed", \.syncsFailed), ("served", \.syncsServed)]
    }

    private static var chains: Steps {
        [("requested", \.chainsRequested), ("refused", \.chainsRefused)]
    }
}
