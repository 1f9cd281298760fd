import Cluster
import Delivery
import EventModel
import Membership
import PeerProtocol
import RetryControl
import Router
import SansIO

/// Cells that forward events to each other: each has an account, whose events go to the next cell, which lets them in, and to
/// the one after, which does not. The last cell only dials out.
public final class ForwardingWorkload: Workload {
    static let trustDomain = "sim.example"
    let record: ForwardingRecord
    private(set) var machines: [Machine] = []
    private let directory = StaticDirectory()
    private unowned let world: World
    private var isActive = false
    private var endpoints: [Int: NodeEndpoint] = [:]
    private let interval: Duration

    /// Creates a workload.
    ///
    /// - Parameters:
    ///   - world: the world to fill.
    ///   - cells: how many cells there are, at least three.
    ///   - interval: the time between two events of a cell.
    public init(_ world: World, cells: Int, interval: Duration = .milliseconds(250)) {
        precondition(cells >= 3, "an event goes to two other cells")
        self.world = world
        self.interval = interval
        record = ForwardingRecord(cells: cells)
    }

    var count: Int { record.put.count }
    var edge: Int { count - 1 }

    static func account(_ index: Int) -> AccountID {
        guard let account = AccountID(number: 100_000_000_000 + UInt64(index)) else {
            preconditionFailure("cells have numbers of few digits")
        }
        return account
    }

    static func bus(_ index: Int) -> BusAddress {
        BusAddress(region: "us-east-1", account: account(index), name: BusAddress.defaultName)
    }

    static func uri(_ index: Int) -> String { "spiffe://\(trustDomain)/cell/c\(index)/node/n" }

    /// Adds the cells, starts them and gives each its rules; nothing goes wrong yet.
    public func prepare(_ world: World, nodes: Int) {
        for index in 0..<count { addCell(index) }
        world.run(for: .seconds(1))
        for index in 0..<count { configure(index) }
        world.run(for: .seconds(5))
        for index in 0..<count {
            tick(index)
            consume(index)
        }
    }

    /// Puts events from now on.
    public func begin() {
        isActive = true
    }

    /// Puts none.
    public func rest() {
        isActive = false
    }

    private func addCell(_ index: Int) {
        let account = Self.account(index)
        let names = CertificateIdentity(
            uris: [Self.uri(index)],
            dnsNames: ["\(account).account.\(Self.trustDomain)"]
        )
        let machine = world.addMachine(
            name: "c\(index)",
            endpoint: NodeEndpoint(host: "10.0.\(index / 250).\(index % 250 + 1)", port: 7443),
            certificate: world.network.certificates.issue(names)
        )
        machines.append(machine)
        let plan = plan(index)
        machine.boot = { [unowned self] machine in
            claim(index)
            let node = ForwardingNode(machine, dialling(plan, index), directory: directory)
            node.onFailedStart = { [unowned self, unowned machine] in
                // A supervisor starts it again.
                let life = machine.life
                world.after(.seconds(1)) {
                    guard machine.life == life else { return }
                    machine.crash()
                    machine.start()
                }
            }
            return node
        }
        machine.start()
    }

    /// The edge dials the first cell wherever that is now.
    private func dialling(_ plan: ForwardingNode.Plan, _ index: Int) -> ForwardingNode.Plan {
        var plan = plan
        if index == edge {
            plan.uplinks = machines[..<edge].enumerated().map { number, machine in
                PeerAddress(endpoint: machine.endpoint, uri: Self.uri(number))
            }
        }
        return plan
    }

    private func plan(_ index: Int) -> ForwardingNode.Plan {
        var plan = ForwardingNode.Plan(hosting: [Self.account(index)], trustDomain: Self.trustDomain)
        plan.router.delivery.backoff = RetryBackoff(base: .seconds(1), cap: .seconds(10))
        plan.router.delivery.breaker = CircuitBreaker.Settings(openTimeCap: .seconds(10))
        plan.router.peers?.window.span = .seconds(300)
        return plan
    }

    /// Tells everybody where a cell is; the edge is started again when what it dials has moved, as by its administrator.
    private func claim(_ index: Int) {
        defer { endpoints[index] = machines[index].endpoint }
        if let before = endpoints[index], before != machines[index].endpoint, index != edge {
            world.after(.seconds(1)) { [self] in
                guard machines[edge].isUp else { return }
                machines[edge].stop()
                machines[edge].start()
            }
        }
        guard index != edge, let identity = NodeIdentity(uri: Self.uri(index)) else { return }
        let node = PeerNode(identity: identity, endpoint: machines[index].endpoint)
        directory.routes[Self.account(index)] = AccountRoute(cell: CellIdentity(of: identity), nodes: [node])
    }

    func node(_ index: Int) -> ForwardingNode? {
        machines[index].node as? ForwardingNode
    }
}

extension ForwardingWorkload {
    /// The cell that lets a cell's events in, and the one that does not.
    func next(_ index: Int) -> Int { (index + 1) % count }
    func stranger(_ index: Int) -> Int { (index + 2) % count }

    private func queueARN(_ index: Int, _ name: String) -> String {
        "arn:aws:sqs:us-east-1:\(Self.account(index)):\(name)"
    }

    private static func key(_ index: Int, _ queue: ForwardingRecord.Queue) -> QueueKey {
        QueueKey(region: "us-east-1", account: account(index), name: "\(queue)")
    }

    /// Queues, rules and the policy of a cell.
    private func configure(_ index: Int) {
        guard let router = node(index)?.router else { return }
        for queue in [ForwardingRecord.Queue.received, .letters] {
            router.queues.create(Self.key(index, queue), attributes: [], tags: []) { _ in }
        }
        let bus = Self.bus(index)
        let own = #"{"account":["\#(Self.account(index))"]}"#
        let others = #"{"account":[{"anything-but":"\#(Self.account(index))"}]}"#
        let letters: JSONValue = .object(["Arn": .string(queueARN(index, "letters"))])
        put(router, "next", own, bus, Self.bus(next(index)).arn, ["DeadLetterConfig": letters])
        put(router, "stranger", own, bus, Self.bus(stranger(index)).arn, ["DeadLetterConfig": letters])
        put(router, "collect", others, bus, queueARN(index, "received"), [:])
        let sender = Self.account((index + count - 1) % count)
        router.putStatement(PermissionStatement(sid: "next", principal: sender.description), on: bus) { _ in }
    }

    private func put(
        _ router: EventRouter,
        _ name: String,
        _ pattern: String,
        _ bus: BusAddress,
        _ target: String,
        _ more: JSONObject
    ) {
        var rule = Rule(name: name, createdBy: bus.account)
        rule.pattern = pattern
        var definition: JSONObject = ["Id": "t", "Arn": .string(target)]
        definition.members += more.members
        router.catalog.putRule(rule, on: bus) { _ in
            router.putTargets([(id: "t", arn: target, definition: definition)], rule: name, on: bus) { _ in }
        }
    }

    /// Puts an event now and then.
    private func tick(_ index: Int) {
        world.after(interval) { [self] in
            if isActive, machines[index].isRunning, let node = node(index), node.isReady { putEvent(index, node) }
            tick(index)
        }
    }

    private func putEvent(_ index: Int, _ node: ForwardingNode) {
        let event = record.putNext(on: index)
        let detail = #"{"cell":\#(event.cell),"number":\#(event.number)}"#
        let entry = PutEventsEntry(source: "simulation", detailType: "T", detail: Array(detail.utf8))
        let account = Self.account(index)
        let putter = EventPutter(
            account: account,
            arn: "arn:aws:iam::\(account):root",
            region: "us-east-1",
            now: machines[index].now
        )
        node.router.putEvents([entry], by: putter) { [self] result in
            guard case .success(let results) = result, case .accepted = results[0] else { return }
            record.acknowledge(event, expecting: [.received, .letters])
        }
    }

    /// Takes out what has come out, as a consumer does: receive, note, delete.
    private func consume(_ index: Int) {
        world.after(.seconds(1)) { [self] in
            if machines[index].isRunning, let node = node(index), node.isReady {
                for queue in [ForwardingRecord.Queue.received, .letters] { consume(index, node, queue) }
            }
            consume(index)
        }
    }

    private func consume(_ index: Int, _ node: ForwardingNode, _ queue: ForwardingRecord.Queue) {
        let key = Self.key(index, queue)
        let request = QueueReceive(limit: 10, visibilityTimeout: .seconds(30), wait: .zero)
        _ = node.router.queues.receive(request, from: key) { [self, weak node] result in
            guard case .success(let messages) = result, !messages.isEmpty, let node else { return }
            for message in messages { note(message, index, queue) }
            node.router.queues.delete(messages.map(\.key), from: key) { _ in }
            consume(index, node, queue)
        }
    }

    private func note(_ message: ReceivedQueueMessage, _ index: Int, _ queue: ForwardingRecord.Queue) {
        guard let body = try? JSONValue(parsing: message.content.body), let detail = body.object?["detail"]?.object,
            let cell = detail["cell"]?.integer, let number = detail["number"]?.integer
        else { return }
        let name = "\(index) \(message.key.major) \(message.key.minor)"
        let isAllowed = queue == .received ? next(cell) == index : cell == index
        record.saw(.init(cell: cell, number: number), in: queue, key: name, isAllowed: isAllowed)
    }
}
