import Cluster
import Delivery
import EventModel
import PeerProtocol
import SansIO

/// What other cells lately said of events for a bus of theirs, other than that they have them.
struct RecentVerdicts {
    private struct Entry {
        var text: String
        var at: Timestamp
        var count: UInt64
    }

    private var entries: [String: Entry] = [:]
    /// Buses that are remembered; beyond them the one that was quiet for longest is forgotten.
    private static let maximum = 1_000

    mutating func note(_ text: String, of bus: String, at now: Timestamp) {
        if entries[bus] == nil, entries.count >= Self.maximum,
            let quietest = entries.min(by: { ($0.value.at, $0.key) < ($1.value.at, $1.key) })
        {
            entries[quietest.key] = nil
        }
        entries[bus] = Entry(text: text, at: now, count: (entries[bus]?.count ?? 0) + 1)
    }

    /// The latest, in words; nil when there is none.
    func line(of bus: String, now: Timestamp) -> String? {
        guard let entry = entries[bus] else { return nil }
        let age = max(0, (now - entry.at).milliseconds / 1_000)
        let times = entry.count == 1 ? "once" : "\(entry.count) times"
        return "last trouble on the way there, \(age) s ago (\(times) since the start): \(entry.text)"
    }
}

/// Answers for people about buses of other cells.
extension EventRouter {
    /// What is known here of a bus of another cell: who hosts it, how it is reached, what waits for it, what was last said.
    ///
    /// - Parameters:
    ///   - bus: a bus of an account that is not hosted here.
    ///   - target: the key of the target revision that leads there; nil for a put.
    /// - Returns: lines for a person.
    func linesOnBus(_ bus: BusAddress, target: UInt64?) -> [String] {
        var lines = describeCell?(bus.account) ?? []
        if let target {
            lines.append(linesOnQueue(delivery.backlog(of: target), target))
            if !delivery.hasRoom(target) { lines.append("its queue is full and refuses events") }
        }
        if let line = recentVerdicts.line(of: bus.arn, now: clock.now) { lines.append(line) }
        return lines
    }

    private func linesOnQueue(_ size: BacklogSize, _ target: UInt64) -> String {
        guard size.count > 0 else { return "nothing of this target waits" }
        let waiting = "\(size.count) events of this target wait, \(size.bytes) bytes"
        guard let limits = backlogLimits(of: target), limits.isBounded else { return waiting }
        let bounds = [
            limits.maximumDeliveries.map { "\($0) events" }, limits.maximumBytes.map { "\($0) bytes" },
        ].compactMap(\.self)
        return "\(waiting); its queue holds at most \(bounds.joined(separator: " and ")) (\(limits.overflow.rawValue))"
    }

    /// What waits for targets, by the bus of their rules, with the fullest of the queues that have limits, in thousandths.
    public var waitingBytes: (byBus: [BusAddress: UInt64], fullest: Int) {
        var byBus: [BusAddress: UInt64] = [:]
        var fullest = 0
        for (target, size) in delivery.backlogs where !ledger.keys.contains(target) {
            if let bus = catalog.state.revision(target)?.bus { byBus[bus, default: 0] += size.bytes }
            fullest = max(fullest, delivery.fullness(of: target) ?? 0)
        }
        return (byBus, fullest)
    }

    /// Remembers what became of a forward, unless all is well.
    func remember(_ result: Result<PeerVerdict, ForwardFailure>, of bus: String) {
        switch result {
        case .success(let verdict) where verdict.isTaken: break
        case .success(let verdict):
            let reason = verdict.reason.isEmpty ? "" : ": \(verdict.reason)"
            recentVerdicts.note("the cell answered \(verdict.kind)\(reason)", of: bus, at: clock.now)
        case .failure(let failure): recentVerdicts.note("no answer: \(failure.message)", of: bus, at: clock.now)
        }
    }
}
