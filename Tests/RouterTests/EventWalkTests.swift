import EventModel
import Router
import SansIO
import Simulation
import Testing

/// Hypothetical events and explained decisions.
@Suite struct EventWalkTests {
    private let shop = #"{"source":["shop"]}"#

    private func walk(
        _ scene: RouterScene,
        _ bus: BusAddress,
        from account: AccountID = RouterScene.a,
        source: String = "shop"
    ) throws -> WalkStep {
        let text = #"{"source":"\#(source)","detail-type":"order","detail":{"n":1}}"#
        let event = try HypotheticalEvent(Array(text.utf8), from: account, region: "us-east-1", now: scene.shard.now)
        return scene.router.simulate(event, by: "arn:aws:iam::\(account):root", of: account, to: bus)
    }

    @Test func theTreeCrossesAccountsAndDeliversNothing() throws {
        let scene = RouterScene()
        let orders = scene.bus("orders", of: RouterScene.b)
        scene.createBus(orders)
        let queue = scene.createQueue("q", of: RouterScene.b)
        scene.putRule("in", pattern: shop, on: orders, targets: [(queue, [:])])
        scene.putRule("web", pattern: #"{"source":["web"]}"#, on: orders, targets: [])
        scene.putRule("out", pattern: shop, on: scene.bus(), targets: [(orders.arn, [:])])
        let refused = try walk(scene, scene.bus())
        #expect(refused.outcome == .accepted)
        let target = try #require(refused.next.first?.next.first)
        #expect(target.outcome == .failed)
        #expect(target.reasons.first?.hasPrefix("NO_PERMISSIONS: User: arn:aws:iam::111122223333:root") == true)
        #expect(target.reasons.last == "refused: no resource-based policy allows it")
        #expect(target.next.first?.outcome == .lost)
        scene.allow("111122223333", on: orders)
        let whole = try walk(scene, scene.bus())
        #expect(
            whole.lines == [
                "bus \(scene.bus().arn): accepted",
                "  . allowed: the caller is the root of the owning account",
                "    rule \(scene.bus().ruleARN("out")): matched",
                "        target \(orders.arn): delivered",
                "            bus \(orders.arn): accepted",
                #"              . allowed by statement 1 ("s") of the resource-based policy"#,
                "                rule \(orders.ruleARN("in")): matched",
                "                    target \(queue): delivered",
                "                      . a message of 205 bytes",
                "                rule \(orders.ruleARN("web")): unmatched",
                #"                  . source must be "web", but is "shop""#,
            ]
        )
        #expect(scene.bodies("q", of: RouterScene.b).isEmpty)
        #expect(scene.book(orders).accepted == 0)
        #expect(scene.book(orders).denied == 0)
        #expect(whole.json["outcome"]?.string == "accepted")
    }

    @Test func theFirstBusMayRefuseOrBeMissing() throws {
        let scene = RouterScene()
        let orders = scene.bus("orders", of: RouterScene.b)
        #expect(try walk(scene, orders).outcome == .dropped)
        scene.createBus(orders)
        let refused = try walk(scene, orders)
        #expect(refused.outcome == .refused)
        #expect(refused.reasons.last == "refused: no resource-based policy allows it")
    }

    @Test func circlesEndWhereDeliveriesWould() throws {
        let scene = RouterScene()
        let other = scene.bus("other")
        scene.createBus(other)
        scene.putRule("there", pattern: shop, on: scene.bus(), targets: [(other.arn, [:])])
        scene.putRule("back", pattern: shop, on: other, targets: [(scene.bus().arn, [:])])
        let lines = try walk(scene, scene.bus()).lines
        #expect(lines.contains { $0.contains("LOOP_DETECTED: The event has been on \(scene.bus().arn) before") })
    }

    @Test func aWalkThatIsTooLongIsCutOff() throws {
        let scene = RouterScene()
        for index in 0..<5 { scene.putRule("r\(index)", pattern: shop, on: scene.bus(), targets: []) }
        let text = #"{"source":"shop","detail-type":"order","detail":{}}"#
        let event = try HypotheticalEvent(
            Array(text.utf8),
            from: RouterScene.a,
            region: "us-east-1",
            now: scene.shard.now
        )
        var walk = EventWalk(
            state: scene.router.catalog.state,
            decider: scene.router.decider,
            settings: RouterSettings(),
            now: scene.shard.now,
            maximumSteps: 3
        ) { _ in nil }
        let step = walk.put(event, by: "arn:aws:iam::111122223333:root", of: RouterScene.a, to: scene.bus())
        #expect(step.next.map(\.outcome) == [.matched, .matched, .matched, .cutOff])
    }

    @Test(arguments: ["[]", "{}", #"{"source":"s","detail-type":"t","detail":"x"}"#, #"{"source":"s","detail":{}}"#])
    func whatIsNoEventIsSaid(text: String) {
        #expect(throws: HypotheticalEvent.Fault.self) {
            try HypotheticalEvent(Array(text.utf8), from: RouterScene.a, region: "r", now: .zero)
        }
    }

    @Test func questionsAreAnsweredByThePoliciesInForce() throws {
        let scene = RouterScene()
        let orders = scene.bus("orders", of: RouterScene.b)
        scene.createBus(orders)
        let policy =
            #"{"Version":"2012-10-17","Statement":[{"Sid":"shop","Effect":"Allow","Principal":{"AWS":"111122223333"},"#
            + #""Action":"events:PutEvents","Resource":"\#(orders.arn)","#
            + #""Condition":{"StringEquals":{"events:source":"web"}}}]}"#
        scene.putPolicy(policy, on: orders)
        var question = AccessQuestion(principal: "111122223333", action: "events:PutEvents", resource: orders.arn)
        question.context = [("events:source", ["shop"])]
        let refused = try scene.router.explain(question)
        #expect(
            refused.lines == [
                "refused: no resource-based policy allows it",
                #"closest: statement 1 ("shop") of the resource-based policy"#,
                #"  condition StringEquals on events:source wants "web", the key is "shop""#,
            ]
        )
        #expect(refused.statement?.policy == "resource")
        #expect(refused.statement?.sid == "shop")
        question.context = [("events:source", ["web"])]
        #expect(try scene.router.explain(question).verdict == .allowed)
        let service = AccessQuestion(principal: "events.amazonaws.com", action: "sqs:SendMessage", resource: "*")
        #expect(throws: AccessQuestion.Fault.self) { try scene.router.explain(service) }
        let role = AccessQuestion(
            principal: "arn:aws:sts::111122223333:assumed-role/r/s",
            action: "events:PutEvents",
            resource: scene.bus().arn
        )
        #expect(try scene.router.explain(role).lines == ["allowed: the caller's side is not limited by policies"])
    }
}

extension JSONValue {
    fileprivate subscript(key: String) -> JSONValue? { object?[key] }
}
