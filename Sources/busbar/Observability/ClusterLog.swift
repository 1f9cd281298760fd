import EventModel
import Logging
import Membership
import SansIO

/// What happened to members lately: for the log, and for `busbar cluster watch`.
final class ClusterLog {
    private struct Entry {
        var number: Int
        var time: Timestamp
        var kind: String
        var text: String
    }

    private let log: Logger
    private var entries: [Entry] = []
    private var next = 1
    /// Entries that are kept; older ones are gone for whoever watches too seldom.
    static let maximumEntries = 1_000

    init(log: Logger) {
        self.log = log
    }

    /// Keeps an event and logs it.
    func write(_ event: MembershipEvent, now: Timestamp) {
        if entries.count >= Self.maximumEntries { entries.removeFirst(entries.count / 2) }
        entries.append(Entry(number: next, time: now, kind: event.kind, text: event.text))
        next += 1
        let metadata: Logger.Metadata = ["event": "\(event.kind)", "what": "\(event.text)"]
        switch event {
        case .alarm, .ejected: log.error("the cluster raises an alarm", metadata: metadata)
        case .died: log.warning("the cluster has changed", metadata: metadata)
        case .joined, .left, .leaveCompleted: log.notice("the cluster has changed", metadata: metadata)
        case .suspected, .recovered, .changed, .directory: log.info("the cluster has changed", metadata: metadata)
        }
    }

    /// The entries after a number, with the number to ask for next.
    func events(after number: Int) -> JSONObject {
        let found = entries.filter { $0.number > number }
        return [
            "last": .integer(Int64(next - 1)),
            "events": .array(
                found.map { entry in
                    .object([
                        "number": .integer(Int64(entry.number)),
                        "time": .string(CivilTime(entry.time).iso8601Milliseconds),
                        "kind": .string(entry.kind), "text": .string(entry.text),
                    ])
                }
            ),
        ]
    }
}
