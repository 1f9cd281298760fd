/// What a world of cells was asked and what came out of it, kept outside of the cells.
final class ForwardingRecord {
    /// One event: the cell that it was put to, and its number there.
    struct Event: Hashable, Comparable {
        var cell: Int
        var number: Int

        static func < (left: Event, right: Event) -> Bool {
            (left.cell, left.number) < (right.cell, right.number)
        }
    }

    /// A queue of a cell.
    enum Queue: Int {
        /// Events that other cells sent.
        case received
        /// Events that another cell refused.
        case letters
    }

    /// Events put, by cell.
    private(set) var put: [Int]
    /// Events that were acknowledged and have not been seen everywhere yet, with the places that are missing.
    private(set) var open: [Event: Set<Queue>] = [:]
    private(set) var acknowledged = 0
    /// Messages seen, by what they are copies of; forgotten once the event is old.
    private var copies: [Queue: [Event: Int]] = [:]
    private(set) var received = 0
    private(set) var repeated = 0
    /// What must not have come out.
    private(set) var wrong: [String] = []
    /// Seen before they were acknowledged, as when the answer comes late or never.
    private var early: [Event: Set<Queue>] = [:]
    private var messages: Set<String> = []

    init(cells: Int) {
        put = [Int](repeating: 0, count: cells)
    }

    func putNext(on cell: Int) -> Event {
        defer { put[cell] += 1 }
        return Event(cell: cell, number: put[cell])
    }

    /// An event was acknowledged; it must come out at each of these places.
    func acknowledge(_ event: Event, expecting queues: Set<Queue>) {
        acknowledged += 1
        let missing = queues.subtracting(early[event] ?? [])
        open[event] = missing.isEmpty ? nil : missing
    }

    /// A message was taken out of a queue.
    ///
    /// - Parameters:
    ///   - event: what the message is of.
    ///   - queue: which of the cell's queues it was in.
    ///   - key: names the message; one that is received twice is one message.
    ///   - isAllowed: whether it may come out there at all.
    func saw(_ event: Event, in queue: Queue, key: String, isAllowed: Bool) {
        guard messages.insert("\(queue.rawValue) \(key)").inserted else { return }
        guard isAllowed, event.number < put[event.cell] else {
            wrong.append("event \(event.number) of cell \(event.cell) came out in \(queue) \(key)")
            return
        }
        copies[queue, default: [:]][event, default: 0] += 1
        received += 1
        if copies[queue]?[event] ?? 0 > 1 { repeated += 1 }
        early[event, default: []].insert(queue)
        open[event]?.remove(queue)
        if open[event]?.isEmpty == true { open[event] = nil }
    }
}
