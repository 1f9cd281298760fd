import SansIO

/// What a world of cells was asked and what came out of it, kept outside of the cells.
struct ForwardingRecord {
    /// One event: the cell that it was put to, and its number there.
    struct Event: Hashable, Comparable {
        var cell: Int
        var number: Int

        static func < (left: Event, right: Event) -> Bool {
            (left.cell, left.number) < (right.cell, right.number)
        }
    }

    /// An event with the ways that it is to take.
    private struct Entry {
        var routes: [Route]
        var putAt: Int64
        var isAcknowledged = false
        /// Routes whose end has not been seen.
        var open: [Route]
        /// By route: how often nodes took it in and how often it came out, and when a node took it in last.
        var marks: [Route: Marks] = [:]
    }

    /// When something happened, and how much the node's clock had gained by then in steps forward.
    struct NodeTime {
        /// Microseconds from the beginning of the world.
        var time: Int64
        /// Microseconds.
        var gained: Int64 = 0
    }

    private struct Marks {
        var takenIn: [(site: Int, time: NodeTime)] = []
        var copies = 0
    }

    private var entries: [[Entry]]
    private(set) var acknowledged = 0
    /// Acknowledged events of which something is missing.
    private(set) var open: Set<Event> = []
    /// Events that nodes took in, and messages of them that came out.
    private(set) var takenIn = 0
    private(set) var received = 0
    /// Events that were taken in more than once by a node that may have forgotten them.
    private(set) var forgotten = 0
    /// Events that were taken in more than once because another node of the cell, or another cell that hosted the account, did
    /// not know of the first time.
    private(set) var repeatedElsewhere = 0
    private(set) var letters = 0
    private(set) var told = 0
    private(set) var refused = 0
    /// What must not have come out.
    private(set) var wrong: [String] = []
    private var messages: [Set<MessageKey>] = []

    init(cells: Int, queues: Int) {
        entries = [[Entry]](repeating: [], count: cells)
        messages = [Set<MessageKey>](repeating: [], count: queues)
    }

    mutating func put(on cell: Int, routes: [Route], at time: Int64) -> Event {
        entries[cell].append(Entry(routes: routes, putAt: time, open: routes))
        return Event(cell: cell, number: entries[cell].count - 1)
    }

    mutating func acknowledge(_ event: Event) {
        acknowledged += 1
        entries[event.cell][event.number].isAcknowledged = true
        if !entries[event.cell][event.number].open.isEmpty { open.insert(event) }
    }

    mutating func refuse() {
        refused += 1
    }

    mutating func found(_ text: String) {
        wrong.append(text)
    }

    func routes(of event: Event) -> [Route]? {
        guard entries.indices.contains(event.cell), entries[event.cell].indices.contains(event.number) else {
            return nil
        }
        return entries[event.cell][event.number].routes
    }

    func putTime(of event: Event) -> Int64 { entries[event.cell][event.number].putAt }

    /// What is missing of an event.
    func missing(of event: Event) -> [Route] { entries[event.cell][event.number].open }

    private mutating func close(_ route: Route, of event: Event) {
        entries[event.cell][event.number].open.removeAll { $0 == route }
        if entries[event.cell][event.number].open.isEmpty { open.remove(event) }
    }

    /// A node made an event durable that came from another cell.
    ///
    /// - Parameters:
    ///   - event: the event.
    ///   - route: the way by which it came.
    ///   - site: the node.
    ///   - time: now.
    ///   - window: for how long the node promises to know it again, in microseconds by its clock.
    ///   - mayRepeat: whether the node may not know what another one took in.
    mutating func takeIn(
        _ event: Event,
        _ route: Route,
        at site: Int,
        _ time: NodeTime,
        window: Int64,
        mayRepeat: (_ other: Int) -> Bool
    ) {
        takenIn += 1
        let before = entries[event.cell][event.number].marks[route, default: Marks()].takenIn
        entries[event.cell][event.number].marks[route, default: Marks()].takenIn.append((site, time))
        guard let last = before.last else { return }
        let own = before.last { $0.site == site }
        if own == nil { repeatedElsewhere += 1 } else { forgotten += 1 }
        if let own, time.time - own.time.time + time.gained - own.time.gained < window {
            let seconds = (time.time - own.time.time) / 1_000_000
            wrong.append("\(name(event)) was taken in by way of \(route) again after \(seconds) s")
        } else if last.site != site, !mayRepeat(last.site) {
            let seconds = (time.time - last.time.time) / 1_000_000
            wrong.append("\(name(event)) was taken in by way of \(route) by another cell after \(seconds) s")
        }
    }

    /// A message of an event was taken out of the queue at the end of a route.
    mutating func saw(_ event: Event, _ route: Route, in queue: Int, key: MessageKey) {
        guard messages[queue].insert(key).inserted else { return }
        received += 1
        close(route, of: event)
        entries[event.cell][event.number].marks[route, default: Marks()].copies += 1
        let marks = entries[event.cell][event.number].marks[route, default: Marks()]
        guard marks.copies > marks.takenIn.count else { return }
        let times = "\(marks.copies) times by way of \(route), taken in \(marks.takenIn.count) times"
        wrong.append("\(name(event)) came out \(times)")
    }

    /// A dead letter of an event was found; true for the first time.
    mutating func sawLetter(_ event: Event, _ route: Route, in queue: Int, key: MessageKey) -> Bool {
        guard messages[queue].insert(key).inserted else { return false }
        letters += 1
        close(route, of: event)
        return true
    }

    /// A node told that a delivery ended without a dead-letter queue.
    mutating func sawNotice(_ event: Event, _ route: Route) {
        told += 1
        close(route, of: event)
    }

    func name(_ event: Event) -> String { "event \(event.number) of cell \(event.cell)" }
}
