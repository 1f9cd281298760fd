import EventModel
import Router
import SansIO

/// Producers and consumers.
extension ForwardingWorkload {
    /// A queue of a node.
    enum Queue: String, CaseIterable {
        /// What came to the cell's own bus from others.
        case received
        /// What came to the bus for roles.
        case roled
        /// What came to the wanderer's bus while the cell hosted it.
        case wandered
        /// What the cell's own rules could not deliver.
        case letters

        func owner(_ cell: Int, in plan: CellPlan) -> Int { self == .wandered ? plan.wanderer : cell }

        func key(_ cell: Int, in plan: CellPlan) -> QueueKey {
            QueueKey(region: CellPlan.region, account: CellPlan.account(owner(cell, in: plan)), name: rawValue)
        }

        func arn(_ cell: Int, in plan: CellPlan) -> String {
            CellPlan.queueARN(owner(cell, in: plan), rawValue)
        }

        /// The bus whose rule fills it; nil for dead letters.
        func bus(_ cell: Int, in plan: CellPlan) -> BusAddress? {
            switch self {
            case .received: CellPlan.bus(cell)
            case .roled: CellPlan.bus(cell, "roles")
            case .wandered: CellPlan.bus(plan.wanderer)
            case .letters: nil
            }
        }
    }

    func scheduleBurst(_ cell: Int) {
        let mean = Double(interval.milliseconds)
        world.after(.milliseconds(Int64(generator.exponential(mean: mean)) + 1)) { [self] in
            if isActive { burst(cell) }
            scheduleBurst(cell)
        }
    }

    /// Puts 1 to 20 events to one node of a cell, seldom three times as many, and now and then one to a foreign bus.
    private func burst(_ cell: Int) {
        let sites = sites(of: cell).filter { serving($0) != nil }
        guard let site = generator.pick(sites) else { return }
        var count = (1 + generator.below(20)) * (generator.chance(0.05) ? 3 : 1)
        while count > 0 {
            put(min(10, count), on: site)
            count -= 10
        }
        guard generator.chance(0.5) else { return }
        putAway(generator.chance(0.5) ? .direct : .trespass, on: site)
    }

    private func choose() -> [Route] {
        let routes: [Route] = [.next, .next, .next, .stranger, .stranger, .role, .impostor, .wanderer, .wanderer]
        guard let first = generator.pick(routes), let second = generator.pick(routes) else { return [.next] }
        // Both would end at one bus, and then nobody could tell by which way the event came.
        let isAmbiguous = Set([first, second]) == [.role, .impostor] || first == second
        return isAmbiguous || generator.chance(0.5) ? [first] : [first, second]
    }

    private func entry(_ event: ForwardingRecord.Event, _ routes: [Route], bus: String? = nil) -> PutEventsEntry {
        let names = routes.map { "\"\($0.rawValue)\"" }.joined(separator: ",")
        let detail = #"{"to":[\#(names)],"cell":\#(event.cell),"number":\#(event.number)}"#
        return PutEventsEntry(source: "simulation", detailType: "T", detail: Array(detail.utf8), bus: bus)
    }

    private func putter(_ site: Int) -> EventPutter {
        let account = CellPlan.account(plan.sites[site].cell)
        return EventPutter(
            account: account,
            arn: "arn:aws:iam::\(account):root",
            region: CellPlan.region,
            now: machines[site].now
        )
    }

    private func put(_ count: Int, on site: Int) {
        guard let router = serving(site)?.router else { return }
        var events: [ForwardingRecord.Event] = []
        var entries: [PutEventsEntry] = []
        for _ in 0..<count {
            let routes = choose()
            let event = record.put(on: plan.sites[site].cell, routes: routes, at: world.time)
            events.append(event)
            entries.append(entry(event, routes))
        }
        router.putEvents(entries, by: putter(site)) { [self] result in
            guard case .success(let results) = result else { return }
            for (event, result) in zip(events, results) {
                if case .accepted = result { record.acknowledge(event) } else { record.refuse() }
            }
        }
    }

    /// Puts one event to a bus of another cell.
    private func putAway(_ route: Route, on site: Int) {
        guard let router = serving(site)?.router else { return }
        let cell = plan.sites[site].cell
        let event = record.put(on: cell, routes: [route], at: world.time)
        let bus = route.destination(from: cell, in: plan).arn
        router.putEvents([entry(event, [route], bus: bus)], by: putter(site)) { [self] result in
            switch result {
            case .success(let results):
                if case .accepted? = results.first { record.acknowledge(event) } else { record.refuse() }
            case .failure(.denied): check("NO_PERMISSIONS", event, route, endedAt: site)
            case .failure: record.refuse()
            }
        }
    }

    /// Takes out what has come out, as a consumer does: receive, note, delete.
    func consume(_ site: Int) {
        world.after(.seconds(5)) { [self] in
            if let node = serving(site) {
                for queue in Queue.allCases where queue != .wandered || plan.sites[site].cell < 2 {
                    consume(site, node, queue)
                }
            }
            consume(site)
        }
    }

    private func consume(_ site: Int, _ node: ForwardingNode, _ queue: Queue) {
        let key = queue.key(plan.sites[site].cell, in: plan)
        let request = QueueReceive(limit: 10, visibilityTimeout: .seconds(30), wait: .zero)
        _ = node.router.queues.receive(request, from: key) { [self, weak node] result in
            guard case .success(let messages) = result, !messages.isEmpty, let node else { return }
            for message in messages { note(message, site, queue) }
            node.router.queues.delete(messages.map(\.key), from: key) { _ in }
            consume(site, node, queue)
        }
    }

    private func note(_ message: ReceivedQueueMessage, _ site: Int, _ queue: Queue) {
        let place = site * Queue.allCases.count + (Queue.allCases.firstIndex(of: queue) ?? 0)
        let name = "a message of \(queue) at \(machines[site].name)"
        guard let event = Self.event(in: message.content.body), let routes = record.routes(of: event) else {
            return record.found("\(name) is of no event")
        }
        guard let bus = queue.bus(plan.sites[site].cell, in: plan) else {
            return noteLetter(message, event, place, site)
        }
        guard let route = routes.first(where: { $0.destination(from: event.cell, in: plan) == bus }) else {
            return record.found("\(name) is \(record.name(event)), which is not for it")
        }
        record.saw(event, route, in: place, key: message.key)
    }

    private func noteLetter(
        _ message: ReceivedQueueMessage,
        _ event: ForwardingRecord.Event,
        _ place: Int,
        _ site: Int
    ) {
        func attribute(_ name: String) -> String {
            guard case .text(let text)? = message.content.attributes.first(where: { $0.name == name })?.value else {
                return ""
            }
            return text
        }
        guard let route = Self.route(ofRule: attribute("RULE_ARN")) else {
            return record.found("a dead letter of \(record.name(event)) names no rule")
        }
        guard record.sawLetter(event, route, in: place, key: message.key) else { return }
        check(attribute("ERROR_CODE"), event, route, endedAt: site)
    }
}
