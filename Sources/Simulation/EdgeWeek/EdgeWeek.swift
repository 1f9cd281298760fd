import Cluster
import Delivery
import EventModel
import Membership
import PeerProtocol
import Router
import SansIO

/// An edge that is offline for a week and takes events in all the while; then its link comes back, and its backlog
/// drains at the configured rate while fresh events go on.
///
/// Both cells are whole routers with forwarder and receiver. Cell 0 is the centre; cell 1 only dials out.
public final class EdgeWeek {
    private let options: EdgeWeekOptions
    private let world: World
    private let record = ArrivalRecord()
    private let directory = StaticDirectory()
    private let centre: Machine
    private let edge: Machine
    private let progress: (String) -> Void
    private var generator: SeededGenerator
    private var report: EdgeWeekReport
    /// Rises whenever the producer takes up another pace.
    private var pace = 0
    private static let queue = QueueKey(region: "us-east-1", account: CellPlan.account(0), name: "received")

    /// Prepares the world.
    ///
    /// - Parameters:
    ///   - options: what is to happen.
    ///   - progress: hears a line now and then.
    public init(_ options: EdgeWeekOptions, progress: @escaping (String) -> Void = { _ in }) {
        self.options = options
        self.progress = progress
        report = EdgeWeekReport(options)
        let world = World(seed: options.seed)
        self.world = world
        world.network.conditions = LinkConditions(delay: .wan)
        generator = world.generator(for: "edge week")
        let machines = (0...1).map { index in
            let names = CertificateIdentity(
                uris: [Self.uri(index)],
                dnsNames: ["\(CellPlan.account(index)).account.\(ForwardingWorkload.trustDomain)"]
            )
            return world.addMachine(
                name: index == 0 ? "centre" : "edge",
                endpoint: NodeEndpoint(host: "10.0.0.\(index + 1)", port: 7443),
                certificate: world.network.certificates.issue(names)
            )
        }
        (centre, edge) = (machines[0], machines[1])
        for index in 0...1 { machines[index].boot = { [unowned self] in boot($0, index) } }
        if let identity = NodeIdentity(uri: Self.uri(0)) {
            let node = PeerNode(identity: identity, endpoint: centre.endpoint)
            directory.routes[CellPlan.account(0)] =
                AccountRoute(cell: CellIdentity(of: identity), nodes: [node])
        }
    }

    private static func uri(_ cell: Int) -> String { CellPlan.uri(CellPlan.Site(cell: cell, node: 0)) }

    private func boot(_ machine: Machine, _ index: Int) -> ForwardingNode {
        let trustDomain = ForwardingWorkload.trustDomain
        var plan = ForwardingNode.Plan(hosting: [CellPlan.account(index)], trustDomain: trustDomain)
        plan.router.peers?.retention = options.offline + .seconds(7 * 86_400)
        plan.router.peers?.queues.maximumDeliveries = options.queueLimit
        plan.router.peers?.queues.overflow = .refuseNew
        plan.router.peers?.queues.drainRate = options.drainRate
        if index == 1 { plan.uplinks = [PeerAddress(endpoint: centre.endpoint, uri: Self.uri(0))] }
        return ForwardingNode(machine, plan, directory: directory)
    }

    /// Lets it all happen.
    public func run() -> EdgeWeekReport {
        configure()
        putAtPace(isOffline: false)
        consume()
        world.run(for: .seconds(60))
        beOffline()
        drain()
        // No more.
        pace += 1
        world.run(for: .seconds(300))
        defer { world.end() }
        return finished()
    }

    private func configure() {
        centre.start()
        edge.start()
        world.run(for: .seconds(2))
        guard let inner = (centre.node as? ForwardingNode)?.router, let outer = (edge.node as? ForwardingNode)?.router
        else { return }
        inner.queues.create(Self.queue, attributes: [], tags: []) { _ in }
        let buses = (0...1).map { CellPlan.bus($0) }
        let sender = PermissionStatement(sid: "edge", principal: buses[1].account.description)
        inner.putStatement(sender, on: buses[0]) { _ in }
        put("collect", on: buses[0], of: inner, to: "arn:aws:sqs:us-east-1:\(buses[0].account):received")
        put("out", on: buses[1], of: outer, to: buses[0].arn)
        world.run(for: .seconds(2))
    }

    private func put(_ name: String, on bus: BusAddress, of router: EventRouter, to target: String) {
        var rule = Rule(name: name, createdBy: bus.account)
        rule.pattern = #"{"account":["\#(CellPlan.account(1))"]}"#
        router.catalog.putRule(rule, on: bus) { _ in
            let definition: JSONObject = ["Id": "t", "Arn": .string(target)]
            router.putTargets([(id: "t", arn: target, definition: definition)], rule: name, on: bus) { _ in }
        }
    }

    private func beOffline() {
        let before = record.acknowledged
        world.network.part([centre], [edge])
        putAtPace(isOffline: true)
        let part = options.offline.milliseconds / 7
        for day in 1...7 {
            if options.hasFaults { crash(edge, after: .milliseconds(Int64(generator.below(Int(part) - 60_000)))) }
            world.run(for: .milliseconds(part))
            progress("day \(day): \(record.acknowledged) acknowledged, \(edge.store.statistics.parkedDeliveries) wait")
        }
        // A call that a crash left without an answer is made up for.
        while record.acknowledged - before < options.events { world.run(for: .seconds(1)) }
        report.backlog = edge.store.statistics.parkedDeliveries + edge.store.statistics.unresolvedDeliveries
        record.linkReturned()
        putAtPace(isOffline: false)
        world.network.heal([centre], [edge])
    }

    private func crash(_ machine: Machine, after delay: Duration) {
        world.after(delay) { [self] in
            report.faults += 1
            machine.crash()
            world.after(.seconds(5)) { machine.start() }
        }
    }

    /// Until nothing of the backlog is left, or it takes twice as long as it may.
    private func drain() {
        let end = world.elapsed + .seconds(Int64(Double(options.events) / options.drainRate) * 2 + 20_000)
        var next = 0.1
        var isDisturbed = false
        while record.drained < 1, world.elapsed < end {
            world.run(for: .seconds(1))
            if record.drained >= next {
                let share = Int(record.drained * 100)
                progress("drained \(share) %: \(record.arrived) arrived, \(record.repeated) repeated")
                next += 0.1
            }
            guard options.hasFaults, !isDisturbed, record.drained >= 0.8 else { continue }
            isDisturbed = true
            disturb()
        }
    }

    /// The link goes three times for longer than the receiver remembers deliveries, then each side crashes.
    private func disturb() {
        for _ in 0..<3 {
            report.faults += 1
            world.network.part([centre], [edge])
            world.run(for: .seconds(2400))
            world.network.heal([centre], [edge])
            world.run(for: .milliseconds(60_000 + generator.below(1000)))
        }
        crash(edge, after: .milliseconds(generator.below(1000)))
        crash(centre, after: .milliseconds(60_000 + generator.below(1000)))
    }

    private func finished() -> EdgeWeekReport {
        report.acknowledged = record.acknowledged
        report.arrived = record.arrived
        report.repeated = record.repeated
        let missing = record.missing
        report.missing = missing.count
        let measurement = record.measurement
        if let began = measurement.began, let ended = measurement.ended {
            let seconds = Double((ended - began).milliseconds) / 1000
            report.rate = Double(measurement.minutes.reduce(0, +)) / max(0.001, seconds)
        }
        // The last minute is not whole.
        let rates = measurement.minutes.dropLast().map { Double($0) / 60 }
        report.minuteRates = (rates.min() ?? 0, rates.max() ?? 0)
        let latencies = measurement.latencies.sorted()
        report.fresh = latencies.count
        if let longest = latencies.last {
            report.freshLatency = (latencies[latencies.count / 2], latencies[latencies.count * 99 / 100], longest)
        }
        report.violations = record.wrong + violations(missing)
        report.elapsed = world.elapsed
        report.worldEvents = world.eventCount
        world.note(UInt64(report.arrived) << 20 | UInt64(report.repeated))
        report.unseed = world.unseed
        return report
    }

    private func violations(_ missing: [Int]) -> [String] {
        var found: [String] = []
        if let first = missing.first { found.append("\(missing.count) events are missing, the first is \(first)") }
        if report.repeatedShare > 0.001 { found.append("\(report.repeated) repeats are more than 0.1 %") }
        if !(report.rateError <= 0.05) {
            found.append("\(report.rate)/s is not within 5 % of the configured \(options.drainRate)/s")
        }
        if report.fresh == 0 || report.freshLatency.high > 1000 {
            found.append("fresh events took \(report.freshLatency.high) ms (99 in 100)")
        }
        for (name, machine) in [("centre", centre), ("edge", edge)] {
            guard let node = machine.node as? ForwardingNode, node.isReady else {
                found.append("the \(name) does not serve")
                continue
            }
            let books = node.router.books.sorted { $0.key.arn < $1.key.arn }.map(\.value)
            let waiting = books.reduce(0) { $0 + $1.waiting }
            let lost = books.reduce(0) { $0 + $1.deadLettered + $1.dropped + $1.expired }
            let held = machine.store.statistics.unresolvedDeliveries + machine.store.statistics.parkedDeliveries
            if waiting != 0 || held != node.router.windowRows {
                found.append("\(waiting) deliveries wait at the \(name) by its books, \(held) by its store")
            }
            if lost != 0 { found.append("\(lost) deliveries of the \(name) ended without an arrival") }
        }
        return found
    }
}

/// Producer and consumer.
extension EdgeWeek {
    private static let entriesPerCall = 10

    /// Puts a call's worth of events at the pace of the week, but once in two seconds at least while the link is there.
    private func putAtPace(isOffline: Bool) {
        let week = Double(options.offline.milliseconds) * Double(Self.entriesPerCall) / Double(options.events)
        pace += 1
        tick(pace, .microseconds(Int64((isOffline ? week : min(week, 2000)) * 1000)))
    }

    private func tick(_ pace: Int, _ interval: Duration) {
        world.after(interval) { [self] in
            guard pace == self.pace else { return }
            if edge.isRunning, let node = edge.node as? ForwardingNode, node.isReady { putEvents(node) }
            tick(pace, interval)
        }
    }

    private func putEvents(_ node: ForwardingNode) {
        let numbers = record.putNext(Self.entriesPerCall, at: world.now)
        let entries = numbers.map { number in
            PutEventsEntry(source: "simulation", detailType: "T", detail: Array(#"{"n":\#(number)}"#.utf8))
        }
        let account = CellPlan.account(1)
        let arn = "arn:aws:iam::\(account):root"
        let putter = EventPutter(account: account, arn: arn, region: "us-east-1", now: edge.now)
        node.router.putEvents(entries, by: putter) { [record] result in
            guard case .success(let results) = result else { return }
            for (number, result) in zip(numbers, results) {
                if case .accepted = result { record.acknowledge(number) }
            }
        }
    }

    /// Takes out what has come, as a consumer does: receive, note, delete.
    private func consume() {
        world.after(.milliseconds(250)) { [self] in
            if centre.isRunning, let node = centre.node as? ForwardingNode, node.isReady { receive(node) }
            consume()
        }
    }

    private func receive(_ node: ForwardingNode) {
        let request = QueueReceive(limit: 10, visibilityTimeout: .seconds(30), wait: .zero)
        _ = node.router.queues.receive(request, from: Self.queue) { [self, weak node] result in
            guard case .success(let messages) = result, !messages.isEmpty, let node else { return }
            for message in messages {
                record.saw(Self.number(in: message.content.body), key: message.key, at: message.sentAt)
            }
            let keys = messages.map(\.key)
            node.router.queues.delete(keys, from: Self.queue) { [record] result in
                if case .success = result { record.removed(keys) }
            }
            receive(node)
        }
    }

    /// The number in a body that ends with `"detail":{"n":123}}`.
    private static func number(in body: [UInt8]) -> Int? {
        guard body.suffix(2).elementsEqual("}}".utf8) else { return nil }
        let digits = body.dropLast(2).suffix(12).drop { !(48...57).contains($0) }
        return Int(String(decoding: digits, as: UTF8.self))
    }
}
