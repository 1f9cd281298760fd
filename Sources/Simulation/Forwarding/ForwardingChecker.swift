import EventModel
import Router
import SansIO

/// Holds the promises of DESIGN §2 in a world of cells: no acknowledged event is lost, nothing crosses without a policy, no node
/// takes in within its window what it has taken in, no other node does unless the cell has several or the account moved, and
/// the books of every bus balance.
final class ForwardingChecker: Checker {
    let name = "forwarding"
    private unowned let workload: ForwardingWorkload
    private var reported = 0

    init(_ workload: ForwardingWorkload) {
        self.workload = workload
    }

    var fingerprint: UInt64 {
        let record = workload.record
        let repeated = record.forgotten + record.repeatedElsewhere
        return UInt64(record.acknowledged) << 32 | UInt64(record.received) << 8 | UInt64(repeated & 0xFF)
    }

    var figures: [String: Int] {
        let record = workload.record
        return [
            "acknowledged": record.acknowledged, "came out": record.received, "dead letters": record.letters,
            "given up and told": record.told, "policy changes": workload.policyChanges, "puts refused": record.refused,
            "repeats beyond the window": record.forgotten,
            "repeats at another node": record.repeatedElsewhere, "taken in by another cell": record.takenIn,
            "account moves": workload.accountMoves,
        ]
    }

    /// What came out that must not have, and queues that are held to be longer than they are.
    func violations(at world: World) -> [String] {
        let wrong = workload.record.wrong
        defer { reported = wrong.count }
        return wrong[reported...] + workload.plan.sites.indices.flatMap(miscounts)
    }

    /// What a node counts as waiting is in its store. The store may have more: what is on its way to the node's queues.
    private func miscounts(of index: Int) -> [String] {
        guard let router = workload.serving(index)?.router else { return [] }
        var held: [BusAddress: UInt64] = [:]
        for (target, size) in workload.machines[index].store.held(leaving: true) {
            guard let bus = router.catalog.state.revision(target)?.bus else { continue }
            held[bus, default: 0] += size.bytes
        }
        let counted = router.waitingBytes.byBus.sorted { $0.key.arn < $1.key.arn }
        return counted.filter { $0.value > held[$0.key, default: 0] }.map { bus, bytes in
            let name = workload.machines[index].name
            return "node \(name) counts \(bytes) bytes for \(bus.arn), its store holds \(held[bus, default: 0])"
        }
    }

    func violationsOnceSettled(at world: World) -> [String] {
        let record = workload.record
        var found = record.open.sorted().prefix(5).map { event in
            let routes = record.missing(of: event).map(\.rawValue).joined(separator: " and ")
            return "\(record.name(event)) was acknowledged and has not come out by way of \(routes)"
        }
        for index in workload.plan.sites.indices { found += imbalance(of: index) }
        return found
    }

    private func imbalance(of index: Int) -> [String] {
        let name = workload.machines[index].name
        guard let node = workload.node(index), node.isReady else { return ["node \(name) does not serve"] }
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
            found.append("node \(name): \(waiting) deliveries wait by the books, \(held) - \(own) by the store")
        }
        let statistics = node.router.statistics.peers
        let verdicts = statistics.verdicts.values.reduce(0, +)
        if verdicts != statistics.entries {
            found.append("node \(name): \(statistics.entries) entries came and \(verdicts) verdicts went")
        }
        return found
    }
}

extension Scenario {
    /// Cells that forward to each other, as a workload with its checker.
    public static func forwarding(in world: World, cells: Int, interval: Duration = .seconds(10)) -> Scenario {
        let workload = ForwardingWorkload(world, cells: cells, interval: interval)
        return Scenario(workload: workload, checkers: [ForwardingChecker(workload)])
    }
}
