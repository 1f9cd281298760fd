import Cluster
import Delivery
import EventModel
import Membership
import PeerProtocol
import Router
import SansIO

/// Cells that forward events to each other by rules and for callers, some of which they may and some of which they may not.
///
/// Policies change and an account moves while they do. ``CellPlan`` tells who is there, ``Route`` which ways events take.
public final class ForwardingWorkload: Workload {
    static let trustDomain = "sim.example"
    let plan: CellPlan
    unowned let world: World
    var record: ForwardingRecord
    var history = PolicyHistory()
    var generator: SeededGenerator
    var isActive = false
    /// The mean time between two bursts of events of a cell.
    let interval: Duration
    private(set) var machines: [Machine] = []
    /// The cell that hosts the wanderer.
    private(set) var host = 0
    /// Changes of policies under way, by number.
    var pendingChanges: [PolicyHistory.Pair: Int] = [:]
    /// How often policies were changed and the wanderer moved.
    var policyChanges = 0
    var accountMoves: Int { moveTimes.count }
    /// When the wanderer moved.
    private var moveTimes: [Int64] = []
    /// What a node's intake records are of, for the notices of nodes that have no dead-letter queue.
    private var sequences: [[UInt64: ForwardingRecord.Event]] = []
    private let directory = StaticDirectory()
    private var endpoints: [Int: NodeEndpoint] = [:]

    /// Creates a workload.
    ///
    /// - Parameters:
    ///   - world: the world to fill.
    ///   - cells: how many cells there are, at least three.
    ///   - interval: the mean time between two bursts of events of a cell.
    public init(_ world: World, cells: Int, interval: Duration = .seconds(10)) {
        precondition(cells >= 3, "an event goes to two other cells")
        self.world = world
        self.interval = interval
        var generator = world.generator(for: "forwarding")
        plan = CellPlan(cells: cells, using: &generator)
        self.generator = generator
        record = ForwardingRecord(cells: cells, queues: plan.sites.count * Queue.allCases.count)
        sequences = [[UInt64: ForwardingRecord.Event]](repeating: [:], count: plan.sites.count)
    }

    /// Adds the cells, starts them and gives each its rules; nothing goes wrong yet.
    public func prepare(_ world: World, nodes: Int) {
        for index in plan.sites.indices { addSite(index) }
        world.run(for: .seconds(1))
        for index in plan.sites.indices { configure(index) }
        world.run(for: .seconds(5))
        applyHosting()
        for cell in 0..<plan.cells { scheduleBurst(cell) }
        for index in plan.sites.indices { consume(index) }
        schedulePolicyChange()
        scheduleWandering()
    }

    /// Puts events from now on.
    public func begin() {
        isActive = true
    }

    /// Puts none.
    public func rest() {
        isActive = false
    }

    func node(_ site: Int) -> ForwardingNode? {
        machines[site].node as? ForwardingNode
    }

    /// The node of a site when it can work now.
    func serving(_ site: Int) -> ForwardingNode? {
        guard machines[site].isRunning, let node = node(site), node.isReady else { return nil }
        return node
    }

    /// The places of a cell's nodes among the sites.
    func sites(of cell: Int) -> [Int] {
        plan.sites.indices.filter { plan.sites[$0].cell == cell }
    }

    /// Lets the wanderer move to the other cell. The cells do not learn of it at the same time.
    func moveWanderer() {
        host = 1 - host
        moveTimes.append(world.time)
        world.after(.milliseconds(generator.below(10_000))) { [self] in claim(cell: host) }
        world.after(.milliseconds(generator.below(10_000))) { [self] in applyHosting() }
    }
}

/// Machines and where they are.
extension ForwardingWorkload {
    private func addSite(_ index: Int) {
        let site = plan.sites[index]
        let machine = world.addMachine(
            name: "c\(site.cell)n\(site.node)",
            endpoint: NodeEndpoint(host: "10.0.0.\(index + 1)", port: 7443),
            certificate: world.network.certificates.issue(plan.names(site))
        )
        machines.append(machine)
        machine.store.onDurable = { [unowned self] records, sequences in
            for (record, sequence) in zip(records, sequences) { tookIn(record, sequence, at: index) }
        }
        machine.boot = { [unowned self] in boot($0, index) }
        machine.start()
    }

    private func boot(_ machine: Machine, _ index: Int) -> ForwardingNode {
        let site = plan.sites[index]
        claimed(index)
        var settings = plan.settings(site.cell, hosting: hosted(by: site.cell))
        if site.cell == plan.edge {
            settings.uplinks = plan.sites.indices.filter { plan.sites[$0].cell != plan.edge }.map { other in
                PeerAddress(endpoint: machines[other].endpoint, uri: CellPlan.uri(plan.sites[other]))
            }
        }
        let node = ForwardingNode(machine, settings, directory: directory)
        node.router.notice = { [unowned self] in heard($0, from: index) }
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

    /// Both cells have the wanderer's bus and queue from the beginning; one of them hosts it then.
    private func hosted(by cell: Int) -> Set<AccountID> {
        let isPreparing = world.elapsed < .seconds(1)
        return cell < 2 && (isPreparing || cell == host)
            ? [CellPlan.account(cell), CellPlan.account(plan.wanderer)] : [CellPlan.account(cell)]
    }

    private func applyHosting() {
        for index in plan.sites.indices where plan.sites[index].cell < 2 {
            node(index)?.router.host(hosted(by: plan.sites[index].cell))
        }
    }

    /// Tells everybody where a node is; the edge is started again when what it dials has moved, as by its administrator.
    private func claimed(_ index: Int) {
        defer { endpoints[index] = machines[index].endpoint }
        guard plan.sites[index].cell != plan.edge else { return }
        if let before = endpoints[index], before != machines[index].endpoint {
            world.after(.seconds(1)) { [self] in
                for edge in sites(of: plan.edge) where machines[edge].isUp {
                    machines[edge].stop()
                    machines[edge].start()
                }
            }
        }
        claim(cell: plan.sites[index].cell)
    }

    private func claim(cell: Int) {
        let nodes = sites(of: cell).filter(machines.indices.contains).compactMap { index in
            NodeIdentity(uri: CellPlan.uri(plan.sites[index])).map {
                PeerNode(identity: $0, endpoint: machines[index].endpoint)
            }
        }
        guard let first = nodes.first else { return }
        let route = AccountRoute(cell: CellIdentity(of: first.identity), nodes: nodes)
        directory.routes[CellPlan.account(cell)] = route
        if cell == host { directory.routes[CellPlan.account(plan.wanderer)] = route }
    }
}

/// What the world sees of the nodes from outside.
extension ForwardingWorkload {
    /// A record is on a node's disk: an event of the node itself, or one that came from another cell.
    private func tookIn(_ record: IntakeRecord, _ sequence: UInt64, at index: Int) {
        // The window's own records lie beside the events.
        if (try? WindowRecord(decoding: record.event)) != nil { return }
        guard let target = record.targets.first,
            let bus = node(index)?.router.catalog.state.revision(target)?.bus,
            let event = Self.event(in: record.event)
        else { return self.record.found("\(machines[index].name) took in what cannot be read") }
        let own = plan.sites[index].cell
        if event.cell == own, bus.account == CellPlan.account(own) {
            if !plan.hasLetters(own) { sequences[index][sequence] = event }
            return
        }
        let name = self.record.name(event)
        let route = self.record.routes(of: event)?.first { $0.destination(from: event.cell, in: plan) == bus }
        guard let route else { return self.record.found("\(name) was taken in on \(bus.arn), where nobody sent it") }
        // What the clock gained does not count as time, nor the drift of a window.
        let window = (CellPlan.window - .seconds(1)).microseconds
        let putTime = self.record.putTime(of: event)
        let time = ForwardingRecord.NodeTime(time: world.time, gained: machines[index].clockGain.microseconds)
        self.record.takeIn(event, route, at: index, time, window: window) { other in
            mayRepeat(at: index, after: other, putAt: putTime)
        }
        let pair = PolicyHistory.Pair(site: index, sender: event.cell, statement: route.statement)
        guard !history.mayBeAllowed(pair, at: world.time) else { return }
        self.record.found("\(name) crossed to \(bus.arn) by way of \(route) without a policy that lets it")
    }

    /// Whether a node may not know what another one took in: the nodes of a cell have a window each, and so have the cells
    /// between which an account moves. Cells learn of a move within ten seconds, and what a cell then has on its way to a
    /// disk that stands still is taken in when the disk goes on, so a move at any time since the event was put counts.
    private func mayRepeat(at index: Int, after other: Int, putAt putTime: Int64) -> Bool {
        let cells = [plan.sites[index].cell, plan.sites[other].cell]
        guard cells[0] != cells[1] else { return true }
        return cells.allSatisfy { $0 < 2 } && moveTimes.contains { $0 > putTime - 10_000_000 }
    }

    private func heard(_ notice: RouterNotice, from index: Int) {
        if case .overflowed(_, let rule, let count) = notice { return checkOverflow(of: rule, by: count, at: index) }
        guard case .dropped(_, let rule, let sequence, let failure, let reason) = notice else { return }
        guard let event = sequences[index][sequence], let route = Self.route(ofRule: rule) else {
            let name = "node \(machines[index].name)"
            return record.found("\(name) dropped \(sequence) of \(rule): \(failure.code), \(reason)")
        }
        record.sawNotice(event, route)
        check(failure.code, event, route, endedAt: index)
    }

    /// Holds a queue that pushes deliveries out against what its node's store has for it just then: as many as may wait have to
    /// stay.
    func checkOverflow(of rule: String, by count: Int, at index: Int) {
        guard let state = node(index)?.router.catalog.state else { return }
        let revisions = machines[index].store.held(leaving: false).filter { state.revision($0.key)?.ruleARN == rule }
        let held = revisions.values.reduce(BacklogSize.zero) {
            BacklogSize(count: max($0.count, $1.count), bytes: max($0.bytes, $1.bytes))
        }
        let isEnough: Bool
        if let limit = plan.byteLimit(plan.sites[index].cell) {
            // What is beyond goes, the last of it as a whole. No event is smaller than 200 bytes.
            isEnough = held.bytes > limit + UInt64(count - 1) * 200
        } else {
            isEnough = held.count >= UInt64(CellPlan.queueLimit + count)
        }
        guard !isEnough else { return }
        let name = machines[index].name
        let queue = "a queue of \(held.count), \(held.bytes) bytes"
        record.found("\(name) pushed \(count) deliveries of \(rule) out of \(queue)")
    }

    /// The route of a rule by its ARN.
    static func route(ofRule arn: String) -> Route? {
        arn.split(separator: "/").last.flatMap { Route(rawValue: String($0)) }
    }

    /// Holds the reason for which a delivery ended against what was so.
    func check(_ code: String, _ event: ForwardingRecord.Event, _ route: Route, endedAt site: Int) {
        let name = "\(record.name(event)) by way of \(route)"
        switch code {
        case "NO_PERMISSIONS":
            let bus = route.destination(from: event.cell, in: plan)
            // Both cells between which the wanderer moves have its policy.
            let number = CellPlan.number(of: bus.account)
            let receivers = number == plan.wanderer ? sites(of: 0) + sites(of: 1) : sites(of: number)
            let isAllowed = receivers.allSatisfy { receiver in
                let pair = PolicyHistory.Pair(site: receiver, sender: event.cell, statement: route.statement)
                return history.isAllowed(pair, from: record.putTime(of: event), to: world.time)
            }
            if isAllowed { record.found("\(name) was refused, though the policy lets it") }
        case "RESOURCE_LIMIT_EXCEEDED":
            // How many there were was seen when they were pushed out.
            let overflow = plan.overflow(plan.sites[site].cell)
            if overflow == nil || overflow == .refuseNew {
                record.found("\(name) was pushed out of a queue that pushes nothing out")
            }
        default:
            record.found("\(name) ended with \(code)")
        }
    }

    /// The event in a body that ends with `"cell":1,"number":23}}`.
    static func event(in body: [UInt8]) -> ForwardingRecord.Event? {
        guard body.suffix(2).elementsEqual("}}".utf8) else { return nil }
        let parts = body.suffix(48).dropLast(2).split { $0 == UInt8(ascii: ":") || $0 == UInt8(ascii: ",") }.suffix(4)
        let texts = parts.map { String(decoding: $0, as: UTF8.self) }
        guard texts.count == 4, texts[0] == "\"cell\"", texts[2] == "\"number\"", let cell = Int(texts[1]),
            let number = Int(texts[3])
        else { return nil }
        return ForwardingRecord.Event(cell: cell, number: number)
    }
}
