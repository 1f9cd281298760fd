import EventModel
import Router
import SansIO
import Simulation
import Testing

/// Rules that change between events: the compiled rules are changed one by one and must stay those of the catalog.
@Suite struct RuleChangeTests {
    @Test func changesTakeEffectWithTheNextEvent() {
        let scene = RouterScene()
        let queue = scene.createQueue("q")
        let bus = scene.bus()
        scene.putRule("one", pattern: #"{"source":["a"]}"#, on: bus, targets: [(queue, [:])])
        scene.put("a")
        scene.putRule("two", pattern: #"{"source":["b"]}"#, on: bus, targets: [(queue, [:])])
        scene.put("b")
        #expect(scene.bodies("q").count == 2)
        scene.putRule("one", pattern: #"{"source":["c"]}"#, on: bus, targets: [(queue, [:])])
        scene.put("a")
        scene.put("c")
        #expect(scene.bodies("q").count == 1)
        scene.router.catalog.updateRule("two", on: bus) { rule in
            var rule = rule
            rule.state = .disabled
            return rule
        } completion: { _ in
        }
        scene.shard.run()
        scene.put("b")
        #expect(scene.bodies("q").isEmpty)
        scene.router.removeTargets(["t0"], rule: "one", on: bus) { _ in }
        scene.shard.run()
        scene.put("c")
        #expect(scene.bodies("q").isEmpty)
        scene.router.catalog.deleteRule("one", on: bus) { _ in }
        scene.shard.run()
        scene.put("c")
        #expect(scene.book(bus).unmatched == 3)
    }
}
