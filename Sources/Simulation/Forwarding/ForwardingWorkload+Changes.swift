import EventModel
import Router
import SansIO

/// Rules and policies, at the beginning and later.
extension ForwardingWorkload {
    /// Queues, buses, rules and policies of a node.
    func configure(_ index: Int) {
        guard let router = node(index)?.router else { return }
        let cell = plan.sites[index].cell
        let bus = CellPlan.bus(cell)
        for queue in Queue.allCases where queue != .wandered || cell < 2 {
            router.queues.create(queue.key(cell, in: plan), attributes: [], tags: []) { _ in }
        }
        let others = #"{"account":[{"anything-but":"\#(CellPlan.account(cell))"}]}"#
        put(router, "collect", others, bus, to: Queue.received.arn(cell, in: plan))
        router.catalog.createBus(Bus(created: machines[index].now), at: CellPlan.bus(cell, "roles")) { [self] _ in
            put(router, "collect", others, CellPlan.bus(cell, "roles"), to: Queue.roled.arn(cell, in: plan))
            allowRole(index, router)
        }
        let letters: JSONObject =
            plan.hasLetters(cell)
            ? ["DeadLetterConfig": .object(["Arn": .string(Queue.letters.arn(cell, in: plan))])] : [:]
        let role: JSONObject = ["RoleArn": .string(CellPlan.role(cell))]
        for route in Route.rules {
            let pattern = #"{"account":["\#(CellPlan.account(cell))"],"detail":{"to":["\#(route)"]}}"#
            var more = letters
            if route == .role { more.members += role.members }
            put(router, route.rawValue, pattern, bus, to: route.destination(from: cell, in: plan).arn, more)
        }
        set(PolicyHistory.Pair(site: index, sender: (cell + plan.cells - 1) % plan.cells, statement: .next), true)
        guard cell < 2 else { return }
        let everything = #"{"detail":{"to":["wanderer"]}}"#
        put(router, "collect", everything, CellPlan.bus(plan.wanderer), to: Queue.wandered.arn(cell, in: plan))
        for sender in 0..<plan.cells {
            set(PolicyHistory.Pair(site: index, sender: sender, statement: .wanderer), true)
        }
    }

    private func put(
        _ router: EventRouter,
        _ name: String,
        _ pattern: String,
        _ bus: BusAddress,
        to target: String,
        _ more: JSONObject = [:]
    ) {
        var rule = Rule(name: name, createdBy: bus.account)
        rule.pattern = pattern
        var definition: JSONObject = ["Id": "t", "Arn": .string(target)]
        definition.members += more.members
        router.catalog.putRule(rule, on: bus) { _ in
            router.putTargets([(id: "t", arn: target, definition: definition)], rule: name, on: bus) { _ in }
        }
    }

    /// Lets the role of the cell before in, and nobody else.
    private func allowRole(_ index: Int, _ router: EventRouter) {
        let cell = plan.sites[index].cell
        let sender = (cell + plan.cells - 1) % plan.cells
        let bus = CellPlan.bus(cell, "roles")
        let statement =
            #"{"Sid":"role","Effect":"Allow","Principal":{"AWS":"\#(CellPlan.role(sender))"},"#
            + #""Action":"events:PutEvents","Resource":"\#(bus.arn)"}"#
        let pair = PolicyHistory.Pair(site: index, sender: sender, statement: .role)
        history.grantAsked(pair, at: world.time)
        router.putPolicy(#"{"Version":"2012-10-17","Statement":[\#(statement)]}"#, on: bus) { [self] result in
            if case .success = result { history.granted(pair, at: world.time) }
        }
    }

    /// Lets a route in at a node, or no longer; tries until the node says that it is done.
    func set(_ pair: PolicyHistory.Pair, _ isAllowed: Bool) {
        guard pendingChanges[pair] == nil else { return }
        policyChanges += 1
        pendingChanges[pair] = policyChanges
        attempt(pair, isAllowed, policyChanges)
    }

    private func attempt(_ pair: PolicyHistory.Pair, _ isAllowed: Bool, _ number: Int) {
        // An answer that a crash swallows does not come.
        world.after(.seconds(5)) { [self] in
            if pendingChanges[pair] == number { attempt(pair, isAllowed, number) }
        }
        guard let router = serving(pair.site)?.router else { return }
        let receiver = pair.statement == .wanderer ? plan.wanderer : plan.sites[pair.site].cell
        let bus = CellPlan.bus(receiver)
        let sid = "from-\(pair.sender)"
        if isAllowed {
            history.grantAsked(pair, at: world.time)
            let principal = CellPlan.account(pair.sender).description
            router.putStatement(PermissionStatement(sid: sid, principal: principal), on: bus) { [self] result in
                guard case .success = result, pendingChanges[pair] == number else { return }
                history.granted(pair, at: world.time)
                pendingChanges[pair] = nil
            }
        } else {
            history.revocationAsked(pair, at: world.time)
            router.removeStatement(sid, of: bus) { [self] result in
                guard pendingChanges[pair] == number else { return }
                switch result {
                case .success, .failure(.noSuchStatement):
                    history.revoked(pair, at: world.time)
                    pendingChanges[pair] = nil
                case .failure: break
                }
            }
        }
    }

    /// Every minute or so a cell lets the stranger in or no longer; now and then even its neighbour.
    func schedulePolicyChange() {
        let seconds = generator.exponential(mean: 60)
        world.after(.milliseconds(Int64(seconds * 1000) + 1000)) { [self] in
            if isActive { changePolicy() }
            schedulePolicyChange()
        }
    }

    private func changePolicy() {
        let cell = generator.below(plan.cells)
        let statement: Route = generator.chance(0.7) ? .stranger : .next
        let sender = (cell + plan.cells - (statement == .next ? 1 : 2)) % plan.cells
        for site in sites(of: cell) {
            let pair = PolicyHistory.Pair(site: site, sender: sender, statement: statement)
            set(pair, !history.isGranted(pair))
        }
    }

    /// Every few minutes the wanderer moves.
    func scheduleWandering() {
        let seconds = generator.exponential(mean: 240)
        world.after(.milliseconds(Int64(seconds * 1000) + 20_000)) { [self] in
            if isActive { moveWanderer() }
            scheduleWandering()
        }
    }
}
