import EventModel
import NIOCore
import Router
import SansIO

/// Puts events of 1.2 KB on the sending bus. Belongs to the loop of the cell.
final class Load {
    let router: EventRouter
    private let eventLoop: any EventLoop
    private let putter: EventPutter
    private var remaining = 0
    private var rate = 0
    private var started: UInt64 = 0
    private var usedBefore: UInt64 = 0
    private var events = 0
    private var puts = Durations()
    /// Of each put at a rate: when it was made, and how long until it was durable, in microseconds.
    private var commits: [String] = []
    private var putsUnderWay = 0
    private var failures = 0
    private var deliveredBefore: UInt64 = 0
    private var isTicking = false
    private var done: ((String) -> Void)?

    /// Events of one PutEvents call.
    private static let entries = 10
    private static let maximumPuts = 64
    /// Deliveries that may wait in memory: enough to keep every batch full, few enough that none spills to the disk.
    private static let maximumDeliveries = 4096
    private static let filling = String(repeating: "x", count: 900)

    init(_ router: EventRouter, _ eventLoop: any EventLoop) {
        self.router = router
        self.eventLoop = eventLoop
        putter = EventPutter(
            account: BenchmarkCell.sender,
            arn: "arn:aws:iam::\(BenchmarkCell.sender):root",
            region: BenchmarkCell.region,
            now: Timestamp(milliseconds: 1_795_000_000_000)
        )
    }

    func run(events: Int, rate: Int, done: @escaping (String) -> Void) {
        self.done = done
        self.rate = rate
        self.events = events
        remaining = events
        puts.removeAll()
        commits.removeAll()
        failures = 0
        deliveredBefore = delivered
        started = Usage.clock()
        usedBefore = Usage.cpu()
        step()
    }

    private var delivered: UInt64 { router.books[BenchmarkCell.bus(BenchmarkCell.sender)]?.delivered ?? 0 }

    /// Puts what is due, and looks again a millisecond later.
    private func step() {
        while remaining > 0, putsUnderWay < Self.maximumPuts, router.activeDeliveries < Self.maximumDeliveries, isDue {
            put(min(Self.entries, remaining))
        }
        if remaining == 0, putsUnderWay == 0, router.activeDeliveries == 0 { return finish() }
        guard !isTicking else { return }
        isTicking = true
        eventLoop.assumeIsolated().scheduleTask(in: .milliseconds(1)) { [self] in
            isTicking = false
            step()
        }
    }

    private var isDue: Bool {
        guard rate > 0 else { return true }
        let due = Double(Usage.clock() - started) * 1e-9 * Double(rate)
        return Double(events - remaining) < due
    }

    private func put(_ count: Int) {
        remaining -= count
        putsUnderWay += 1
        let now = Usage.clock()
        let detail = Array(#"{"kind":"measured","at":\#(now),"order":4711,"note":"\#(Self.filling)"}"#.utf8)
        let entry = PutEventsEntry(
            source: "bench",
            detailType: "measured",
            detail: detail,
            resources: ["bench-resource"]
        )
        router.putEvents([PutEventsEntry](repeating: entry, count: count), by: putter) { [self] result in
            putsUnderWay -= 1
            let taken = Usage.clock() - now
            puts.add(taken)
            if rate > 0 { commits.append("[\(now),\(taken / 1000)]") }
            if case .failure = result { failures += count }
            if rate == 0 { step() }
        }
    }

    private func finish() {
        let seconds = Double(Usage.clock() - started) * 1e-9
        let used = (Usage.cpu() - usedBefore) / 1000
        let text =
            "{\"events\":\(events),\"failures\":\(failures),\"delivered\":\(delivered - deliveredBefore),"
            + "\"seconds\":\(seconds),\"cpu_us\":\(used)," + puts.fields("put")
            + ",\"commits\":[\(commits.joined(separator: ","))]}"
        done?(text)
        done = nil
    }
}
