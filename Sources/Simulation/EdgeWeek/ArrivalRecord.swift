import Router
import SansIO

/// Which numbered events were acknowledged and which arrived, kept outside of the cells: two bits an event.
final class ArrivalRecord {
    /// The events of a time that is measured.
    struct Measurement {
        var began: Timestamp?
        var ended: Timestamp?
        /// Arrivals of the backlog, by the minute since `began`.
        var minutes: [Int] = []
        var latencies: [Int64] = []
    }

    private(set) var acknowledged = 0
    private(set) var arrived = 0
    private(set) var repeated = 0
    /// What must not have come out.
    private(set) var wrong: [String] = []
    private(set) var measurement = Measurement()
    /// Events below this number are the backlog's; nil until the link is back.
    private var backlog: Range<Int>?
    /// Acknowledged events of the backlog, and how many of them have arrived.
    private var backlogCounts = (all: 0, arrived: 0)
    private var isAcknowledged: [Bool] = []
    private var hasArrived: [Bool] = []
    /// When each event after the backlog was put.
    private var freshTimes: [Timestamp] = []
    /// Messages that were taken out and may come again, as their removal is not known to be durable.
    private var taken: Set<MessageKey> = []

    /// Makes numbers for events that are put now.
    func putNext(_ count: Int, at now: Timestamp) -> Range<Int> {
        let first = isAcknowledged.count
        isAcknowledged += [Bool](repeating: false, count: count)
        hasArrived += [Bool](repeating: false, count: count)
        if backlog != nil { freshTimes += [Timestamp](repeating: now, count: count) }
        return first..<first + count
    }

    func acknowledge(_ number: Int) {
        isAcknowledged[number] = true
        acknowledged += 1
    }

    /// The link is back: everything that has not arrived is the backlog.
    func linkReturned() {
        backlog = 0..<isAcknowledged.count
        backlogCounts.all = isAcknowledged.indices.count { isAcknowledged[$0] && !hasArrived[$0] }
    }

    /// The share of the backlog that has arrived.
    var drained: Double {
        backlog == nil ? 0 : Double(backlogCounts.arrived) / Double(max(1, backlogCounts.all))
    }

    /// Takes note of a message.
    ///
    /// - Parameters:
    ///   - number: the number that it carries; nil when it carries none.
    ///   - key: names the message.
    ///   - time: when it came into the queue.
    func saw(_ number: Int?, key: MessageKey, at time: Timestamp) {
        guard taken.insert(key).inserted else { return }
        guard let number, hasArrived.indices.contains(number) else {
            wrong.append("message \(key) carries \(number.map(String.init) ?? "no number"), which nobody put")
            return
        }
        guard !hasArrived[number] else {
            repeated += 1
            return
        }
        hasArrived[number] = true
        arrived += 1
        guard let backlog else { return }
        if backlog.contains(number), isAcknowledged[number] { backlogCounts.arrived += 1 }
        measure(number, backlog, at: time)
    }

    private func measure(_ number: Int, _ backlog: Range<Int>, at time: Timestamp) {
        guard drained >= 0.1, measurement.ended == nil else { return }
        let began = measurement.began ?? time
        measurement.began = began
        guard drained < 0.75 else {
            measurement.ended = time
            return
        }
        guard backlog.contains(number) else {
            measurement.latencies.append((time - freshTimes[number - backlog.upperBound]).milliseconds)
            return
        }
        let minute = max(0, Int((time - began).milliseconds / 60_000))
        while measurement.minutes.count <= minute { measurement.minutes.append(0) }
        measurement.minutes[minute] += 1
    }

    /// The removal of messages is durable.
    func removed(_ keys: [MessageKey]) {
        for key in keys { taken.remove(key) }
    }

    /// Acknowledged events that have not arrived.
    var missing: [Int] {
        isAcknowledged.indices.filter { isAcknowledged[$0] && !hasArrived[$0] }
    }
}
