import EventModel
import Router
import SansIO

/// Holds the promises of DESIGN §2 in a world of cells: no acknowledged event is lost, nothing crosses without a policy,
/// repeats are few, and the books of every bus balance.
final class ForwardingChecker: Checker {
    let name = "forwarding"
    private unowned let workload: ForwardingWorkload
    private var reported = 0

    init(_ workload: ForwardingWorkload) {
        self.workload = workload
    }

    var fingerprint: UInt64 {
        let record = workload.record
        return UInt64(record.acknowledged) << 32 | UInt64(record.received) << 8 | UInt64(record.repeated & 0xFF)
    }

    /// What came out that must not have.
    func violations(at world: World) -> [String] {
        let wrong = workload.record.wrong
        defer { reported = wrong.count }
        return Array(wrong[reported...])
    }

    func violationsOnceSettled(at world: World) -> [String] {
        let record = workload.record
        var found: [String] = []
        for (event, missing) in record.open.sorted(by: { $0.key < $1.key }).prefix(5) {
            let places = missing.map { "\($0)" }.sorted().joined(separator: " and ")
            found.append("event \(event.number) of cell \(event.cell) was acknowledged and is not in \(places)")
        }
        // A repeat needs an answer that was lost and a memory that was lost with it, or a longer time than the window's.
        if record.repeated > 5 + record.received / 200 {
            found.append("\(record.repeated) of \(record.received) messages are repeats")
        }
        for index in 0..<workload.count { found += imbalance(of: index) }
        return found
    }

    private func imbalance(of index: Int) -> [String] {
        guard let node = workload.node(index), node.isReady else { return ["cell \(index) does not serve"] }
        var found: [String] = []
        var waiting: UInt64 = 0
        for (bus, book) in node.router.books.sorted(by: { $0.key.arn < $1.key.arn }) {
            if book.accepted != book.matched + book.unmatched {
                found.append(
                    "\(bus.arn): \(book.accepted) accepted, \(book.matched) + \(book.unmatched) matched or not"
                )
            }
            waiting += book.waiting
        }
        let store = workload.machines[index].store.statistics
        let held = store.unresolvedDeliveries + store.parkedDeliveries
        let own = node.router.windowRows
        if waiting + own != held {
            found.append("cell \(index): \(waiting) deliveries wait by the books, \(held) - \(own) by the store")
        }
        let statistics = node.router.statistics.peers
        let verdicts = statistics.verdicts.values.reduce(0, +)
        if verdicts != statistics.entries {
            found.append("cell \(index): \(statistics.entries) entries came and \(verdicts) verdicts went")
        }
        return found
    }
}

extension Scenario {
    /// Cells that forward to each other, as a workload with its checker.
    public static func forwarding(in world: World, cells: Int, interval: Duration = .milliseconds(250)) -> Scenario {
        let workload = ForwardingWorkload(world, cells: cells, interval: interval)
        return Scenario(workload: workload, checkers: [ForwardingChecker(workload)])
    }
}
