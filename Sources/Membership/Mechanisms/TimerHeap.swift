/// The instance's own timers, by time and then by order of scheduling. A timer that is not wanted any more fires and is
/// recognised as stale by its payload; so nothing is ever searched for.
struct TimerHeap: Sendable {
    enum Kind: Equatable, Sendable {
        /// Begin the next probe.
        case probe
        /// Send a round of gossip.
        case gossip
        /// Repeat a probe's ping.
        case repeatPing(slot: Int, probe: UInt64)
        /// Ask others about a probe's target.
        case askOthers(slot: Int, probe: UInt64)
        /// Conclude a probe.
        case concludeProbe(slot: Int, probe: UInt64)
        /// Tell a probe's origin that its target did not answer here.
        case nack(nonce: UInt64)
        /// Look at a suspicion whose time may be over.
        case suspicion(slot: Int, serial: UInt64)
        /// Ask a suspect once more.
        case lastPing(slot: Int, serial: UInt64)
        /// Try a node that is held dead.
        case reconnect
        /// Sync with some node.
        case sync
        /// Try to join.
        case join
        /// Ask again for certificates.
        case certificates
        /// A renewed certificate signs datagrams too from now on.
        case certificateOverlap
        /// Ask for lists of accounts.
        case accountLists
        /// Say that this node is alive, above an incarnation.
        case refutation(UInt64)
        /// Hear a leaf's refused claim again.
        case contender(NodeKey)
        /// Say again which leaves' uplinks end here.
        case repeatAttachments
        /// End of a leave.
        case leave
    }

    struct Entry: Equatable, Sendable {
        var at: Int64
        var order: UInt64
        var kind: Kind
    }

    private var entries: [Entry] = []
    private var nextOrder: UInt64 = 0

    var count: Int { entries.count }

    var earliest: Int64? { entries.first?.at }

    mutating func schedule(_ kind: Kind, at: Int64) {
        nextOrder += 1
        entries.append(Entry(at: at, order: nextOrder, kind: kind))
        var child = entries.count - 1
        while child > 0 {
            let parent = (child - 1) / 2
            guard Self.precedes(entries[child], entries[parent]) else { return }
            entries.swapAt(child, parent)
            child = parent
        }
    }

    /// Removes and returns the earliest timer if it is due.
    mutating func popDue(_ now: Int64) -> Kind? {
        guard let first = entries.first, first.at <= now else { return nil }
        let last = entries.removeLast()
        guard !entries.isEmpty else { return first.kind }
        entries[0] = last
        var parent = 0
        while true {
            var least = parent
            let left = 2 * parent + 1
            if left < entries.count, Self.precedes(entries[left], entries[least]) { least = left }
            if left + 1 < entries.count, Self.precedes(entries[left + 1], entries[least]) { least = left + 1 }
            guard least != parent else { return first.kind }
            entries.swapAt(parent, least)
            parent = least
        }
    }

    private static func precedes(_ left: Entry, _ right: Entry) -> Bool {
        left.at != right.at ? left.at < right.at : left.order < right.order
    }
}
