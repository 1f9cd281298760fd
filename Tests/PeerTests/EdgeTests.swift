import Cluster
import Delivery
import EventModel
import Membership
import PeerProtocol
import Router
import SansIO
import Simulation
import Testing

/// DESIGN §7: a cell that only dials out is reached over the channel that it keeps open, and may be away for days.
@Suite struct EdgeTests {
    private let a = PeerScene.a
    private let b = PeerScene.b
    private let c = PeerScene.c

    /// Cell 0 is the centre and hosts a; cell 1 is the edge and hosts b. Each forwards to the other.
    private func edgeScene(_ change: (PeerScene) -> Void = { _ in }) -> PeerScene {
        let scene = PeerScene()
        change(scene)
        scene.addCell([a])
        scene.addCell([b], uplinkTo: [0])
        for (from, to, sender, receiver) in [(a, b, 0, 1), (b, a, 1, 0)] {
            scene.forward(from, on: sender, to: to)
            scene.allow(from, on: to, of: receiver)
            let arn = scene.createQueue("q", of: to, on: receiver)
            var rule = Rule(name: "collect", createdBy: to)
            rule.pattern = #"{"account":["\#(from)"]}"#
            let router = scene.cell(receiver).router
            router.catalog.putRule(rule, on: scene.bus(to)) { _ in }
            scene.run(.milliseconds(50))
            let definition: JSONObject = ["Id": "t", "Arn": .string(arn)]
            router.putTargets([(id: "t", arn: arn, definition: definition)], rule: "collect", on: scene.bus(to)) { _ in
            }
            scene.run(.milliseconds(50))
        }
        return scene
    }

    private func cutLink(_ scene: PeerScene) {
        scene.world.network.part([scene.machines[0]], [scene.machines[1]])
    }

    private func mendLink(_ scene: PeerScene) {
        scene.world.network.heal([scene.machines[0]], [scene.machines[1]])
    }

    @Test func bothDirectionsWorkThoughOnlyOneSideDials() {
        let scene = edgeScene()
        #expect(scene.directory.routes[b] == nil, "nobody can dial the edge")
        scene.put("down", by: a, on: 0)
        scene.put("up", by: b, on: 1)
        scene.run(.seconds(1))
        #expect(scene.numbers(b, on: 1) == ["down"])
        #expect(scene.numbers(a, on: 0) == ["up"])
        #expect(scene.cell(0).forwarder.cells.map(\.hasUplink) == [true])
    }

    @Test func whatIsForTheEdgeWaitsUntilItIsBackAndThenGoesAtOnce() {
        let scene = edgeScene()
        cutLink(scene)
        scene.run(.seconds(60))
        for number in 0..<50 { scene.put("\(number)", by: a, on: 0) }
        scene.run(.seconds(7_200))
        #expect(scene.book(a, on: 0).waiting == 50)
        #expect(scene.cell(0).registry.nodes.isEmpty, "the silent uplink was closed")
        mendLink(scene)
        scene.run(.seconds(90))
        #expect(scene.cell(0).registry.nodes.count == 1)
        #expect(Set(scene.numbers(b, on: 1)).count == 50)
        #expect(scene.book(a, on: 0).deadLettered == 0)
    }

    @Test func whatWaitedBeforeARestartGoesAtOnceToo() {
        let scene = edgeScene()
        cutLink(scene)
        scene.run(.seconds(60))
        for number in 0..<50 { scene.put("\(number)", by: a, on: 0) }
        scene.run(.seconds(7_200))
        scene.crash(0)
        scene.restart(0)
        scene.run(.seconds(600))
        mendLink(scene)
        scene.run(.seconds(90))
        #expect(Set(scene.numbers(b, on: 1)).count == 50)
    }

    @Test func aNodeThatAcceptsAnUplinkAndDiesIsDialledAgain() {
        let scene = edgeScene()
        scene.crash(0)
        scene.run(.seconds(30))
        #expect(scene.cell(1).keeper?.open.isEmpty == true)
        scene.restart(0)
        scene.run(.seconds(90))
        scene.put("1", by: a, on: 0)
        scene.run(.seconds(1))
        #expect(scene.numbers(b, on: 1) == ["1"])
    }

    @Test func accountsThatTheEdgesCertificateDoesNotCoverAreNotRoutedToIt() {
        let scene = edgeScene()
        scene.host([b, c], on: 1)
        scene.cell(1).keeper?.announce()
        scene.run(.seconds(1))
        #expect(scene.cell(0).registry.cell(hosting: b) != nil)
        #expect(scene.cell(0).registry.cell(hosting: c) == nil)
    }

    @Test func aGreetingThatChangesNothingIsNoNews() throws {
        let scene = edgeScene()
        var changes: [UplinkRegistry.Change] = []
        scene.cell(0).registry.onChange = { changes.append($0) }
        scene.cell(1).keeper?.announce()
        scene.run(.seconds(1))
        #expect(changes.isEmpty)
        scene.host([], on: 1)
        scene.cell(1).keeper?.announce()
        scene.run(.seconds(1))
        let edge = try #require(NodeIdentity(uri: PeerScene.uri(1)))
        #expect(changes == [.up(edge, accounts: [])])
        #expect(scene.cell(0).registry.cell(hosting: b) == nil)
    }

    @Test func anAccountOfTwoUplinksStaysReachableWhenOneIsLost() throws {
        let scene = PeerScene()
        scene.addCell([a])
        for _ in 1...2 { scene.addCell([b], uplinkTo: [0]) }
        scene.run(.seconds(1))
        let registry = scene.cell(0).registry
        let cells = try (1...2).map { CellIdentity(of: try #require(NodeIdentity(uri: PeerScene.uri($0)))) }
        #expect(registry.cell(hosting: b) == cells[0])
        scene.crash(1)
        scene.run(.seconds(90))
        #expect(registry.cell(hosting: b) == cells[1])
        scene.restart(1)
        scene.run(.seconds(1))
        #expect(registry.cell(hosting: b) == cells[0])
        for index in 1...2 { scene.crash(index) }
        scene.run(.seconds(90))
        #expect(registry.cell(hosting: b) == nil)
        #expect(registry.nodes.isEmpty)
    }

    @Test func twoSeedsThatLeadToTheSameNodeShareOneUplink() {
        let scene = PeerScene()
        scene.addCell([a])
        scene.addCell([b], uplinkTo: [0, 0])
        scene.run(.seconds(60))
        var changes: [UplinkKeeper.Change] = []
        scene.cell(1).keeper?.onChange = { changes.append($0) }
        scene.run(.seconds(3_600))
        #expect(changes.isEmpty, "the uplink stays as it is")
        #expect(scene.cell(1).keeper?.open.count == 1)
        #expect(scene.cell(0).registry.nodes.count == 1)
        scene.crash(0)
        scene.run(.seconds(90))
        #expect(scene.cell(1).keeper?.open.isEmpty == true)
        scene.restart(0)
        scene.run(.seconds(180))
        changes = []
        scene.run(.seconds(3_600))
        #expect(changes.isEmpty)
        #expect(scene.cell(1).keeper?.open.count == 1)
        #expect(scene.cell(0).registry.cell(hosting: b) != nil)
    }

    @Test func aWeekOfflineLosesNothingAndRepeatsLittle() {
        let scene = edgeScene { $0.peers.retention = .seconds(30 * 86_400) }
        for number in 0..<100 { scene.put("early \(number)", by: b, on: 1) }
        scene.run(.milliseconds(3))
        cutLink(scene)
        // Before the queue's own retention ends.
        let early = scene.numbers(a, on: 0)
        for day in 0..<7 {
            for number in 0..<60 { scene.put("\(day) \(number)", by: b, on: 1) }
            scene.run(.seconds(86_400))
        }
        #expect(scene.book(b, on: 1).waiting >= 420)
        mendLink(scene)
        scene.run(.seconds(900))
        let numbers = early + scene.numbers(a, on: 0)
        #expect(Set(numbers).count == 520)
        // What was under way when the link broke may come twice: its window has passed.
        #expect(numbers.count - 520 <= 100)
        #expect(scene.book(b, on: 1).waiting == 0)
        #expect(scene.book(b, on: 1).deadLettered == 0)
    }

    @Test(arguments: BacklogLimits.Overflow.allCases) func aFullQueueDoesWhatItIsTold(
        overflow: BacklogLimits.Overflow
    ) throws {
        let scene = edgeScene { scene in
            scene.peers.queues.maximumDeliveries = 20
            scene.peers.queues.overflow = overflow
            scene.peers.retention = .seconds(30 * 86_400)
        }
        cutLink(scene)
        scene.run(.seconds(60))
        var refusals = 0
        for number in 0..<50 {
            scene.put("\(number)", by: b, on: 1) { result in
                guard case .success(let results) = result, case .refused(let code, let message) = results[0] else {
                    return
                }
                #expect(code == "ThrottlingException")
                #expect(message.contains(scene.bus(a).arn), "the refusal names the queue")
                refusals += 1
            }
            scene.run(.seconds(1))
        }
        scene.run(.seconds(60))
        mendLink(scene)
        scene.run(.seconds(600))
        let arrived = scene.numbers(a, on: 0)
        let letters = scene.numbers(b, on: 1, queue: "dlq")
        let router = scene.cell(1).router
        #expect(scene.book(b, on: 1).waiting == 0)
        switch overflow {
        case .refuseNew:
            #expect(refusals >= 28 && refusals <= 30, "\(refusals)")
            #expect(arrived.count == 50 - refusals)
            #expect(letters.isEmpty)
            #expect(router.statistics.queueFull == UInt64(refusals))
        case .dropOldest:
            #expect(Set(arrived).isSuperset(of: (31..<50).map(String.init)), "\(arrived)")
            #expect(Set(letters).isSuperset(of: (0..<28).map(String.init)), "\(letters)")
            #expect(router.statistics.overflowed == UInt64(letters.count))
        case .dropNewest:
            #expect(arrived.count >= 20 && arrived.count <= 22, "\(arrived)")
            #expect(Set(letters).isSuperset(of: (30..<50).map(String.init)), "the newest had to go: \(letters)")
            #expect(router.statistics.overflowed == UInt64(letters.count))
        }
        if overflow != .refuseNew {
            #expect(scene.notices[1].contains { $0.kind == "overflowed" })
            #expect(Set(arrived + letters).count == 50, "every event is accounted for")
        }
    }

    /// What is under way counts, too, for as long as that takes.
    @Test(arguments: [BacklogLimits.Overflow.dropOldest, .dropNewest]) func aBurstDoesNotTakeAQueueBeyondItsLimit(
        overflow: BacklogLimits.Overflow
    ) throws {
        let scene = edgeScene { scene in
            scene.peers.queues.maximumDeliveries = 20
            scene.peers.queues.overflow = overflow
            scene.peers.retention = .seconds(30 * 86_400)
        }
        cutLink(scene)
        var most: UInt64 = 0
        for number in 0..<100 {
            scene.put("\(number)", by: b, on: 1)
            scene.run(.milliseconds(20))
            most = max(most, scene.book(b, on: 1).waiting)
        }
        #expect(most <= 22, "but for those on their way to the dead letters")
        scene.run(.seconds(60))
        #expect(scene.book(b, on: 1).waiting <= 20)
        mendLink(scene)
        scene.run(.seconds(600))
        let arrived = scene.numbers(a, on: 0)
        let letters = scene.numbers(b, on: 1, queue: "dlq")
        #expect(Set(arrived + letters).count == 100, "every event is accounted for")
        #expect(arrived.contains(overflow == .dropOldest ? "99" : "0"))
        #expect(scene.cell(1).router.statistics.overflowed == UInt64(letters.count))
    }

    @Test func aQueueThatIsFullByItsBytesSaysSo() throws {
        let scene = edgeScene { scene in
            scene.peers.queues.maximumBytes = 4_000
            scene.peers.retention = .seconds(30 * 86_400)
        }
        cutLink(scene)
        scene.run(.seconds(60))
        var refusals = 0
        for number in 0..<50 {
            scene.put("\(number)", by: b, on: 1) { result in
                if case .success(let results) = result, case .refused = results[0] { refusals += 1 }
            }
            scene.run(.seconds(1))
        }
        let router = scene.cell(1).router
        #expect(refusals > 0 && refusals < 50)
        #expect(router.statistics.queueFull == UInt64(refusals))
        let waiting = router.waitingBytes
        #expect(Array(waiting.byBus.keys) == [scene.bus(b)])
        let bytes = try #require(waiting.byBus[scene.bus(b)])
        #expect(bytes >= 4_000 && bytes < 4_600, "beyond the limit by less than one event")
        #expect(waiting.fullest >= 1_000)
        mendLink(scene)
        scene.run(.seconds(600))
        #expect(scene.numbers(a, on: 0).count == 50 - refusals)
        #expect(router.waitingBytes.fullest == 0 && router.waitingBytes.byBus.isEmpty)
    }

    @Test func aRuleOfTheSameCellDoesNotFillAQueueThatRefuses() {
        let scene = PeerScene()
        scene.peers.queues.maximumDeliveries = 20
        scene.addCell([a])
        scene.addCell([b, c], uplinkTo: [0])
        scene.collect(a, on: 0)
        scene.allow(b, on: a, of: 0)
        scene.forward(b, on: 1, to: a)
        scene.allow(c, on: b, of: 1)
        scene.forward(c, on: 1, to: b)
        cutLink(scene)
        scene.run(.seconds(60))
        for number in 0..<50 {
            scene.put("\(number)", by: c, on: 1)
            scene.run(.milliseconds(100))
        }
        scene.run(.seconds(30))
        #expect(scene.book(b, on: 1).waiting >= 20 && scene.book(b, on: 1).waiting <= 22)
        #expect(scene.book(c, on: 1).waiting >= 28, "what finds no room stays where it is")
        #expect(scene.notices[1].contains { $0.kind == "queueFull" })
        mendLink(scene)
        scene.run(.seconds(900))
        #expect(Set(scene.numbers(a, on: 0)).count == 50)
        #expect(scene.drain(c, on: 1, queue: "dlq").isEmpty)
    }

    @Test func theBacklogDrainsAtItsRateAndFreshEventsDoNotWaitForIt() {
        let rate = 50.0
        let scene = edgeScene { scene in
            scene.peers.queues.drainRate = rate
            scene.peers.retention = .seconds(30 * 86_400)
        }
        cutLink(scene)
        scene.run(.seconds(60))
        for number in 0..<1_000 {
            scene.put("\(number)", by: b, on: 1)
            if number % 100 == 0 { scene.run(.milliseconds(100)) }
        }
        scene.run(.seconds(700))
        mendLink(scene)
        func delivered() -> UInt64 { scene.book(b, on: 1).delivered }
        let before = delivered()
        while delivered() < before + 100 { scene.run(.milliseconds(10)) }
        let start = (count: delivered(), time: scene.world.elapsed)
        scene.put("fresh", by: b, on: 1)
        scene.run(.seconds(10))
        let seconds = Double((scene.world.elapsed - start.time).milliseconds) / 1000
        let measured = Double(delivered() - start.count - 1) / seconds
        #expect(abs(measured - rate) <= rate * 0.05, "\(measured) events a second")
        scene.run(.seconds(30))
        #expect(scene.book(b, on: 1).waiting == 0)
        let arrived = scene.numbers(a, on: 0)
        #expect(arrived.count == 1_001)
        #expect(arrived.firstIndex(of: "fresh").map { $0 < 200 } == true, "a fresh event overtakes the backlog")
    }
}
