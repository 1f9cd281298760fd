import Delivery
import EventModel
import PeerProtocol
import SansIO
import Simulation
import Testing

@testable import Router

/// What a node tells of buses of other cells.
@Suite struct ExplainAwayTests {
    private let a = PeerScene.a
    private let b = PeerScene.b

    private func openScene() -> PeerScene {
        let scene = PeerScene()
        scene.addCell([a])
        scene.addCell([b])
        scene.forward(a, on: 0, to: b)
        scene.cell(0).router.describeCell = { ["account \($0) is hosted by cell c1"] }
        return scene
    }

    private func walk(_ scene: PeerScene, to bus: BusAddress) throws -> WalkStep {
        let text = #"{"source":"test","detail-type":"T","detail":{}}"#
        let router = scene.cell(0).router
        let event = try HypotheticalEvent(Array(text.utf8), from: a, region: "us-east-1", now: router.now)
        return router.simulate(event, by: "arn:aws:iam::\(a):root", of: a, to: bus)
    }

    @Test func aWalkSaysWhoDecidesWhatWaitsAndWhatWasSaidLast() throws {
        let scene = openScene()
        func target() throws -> WalkStep? { try walk(scene, to: scene.bus(a)).next.first?.next.first }
        let quiet = try #require(try target())
        #expect(quiet.outcome == .decidedThere)
        #expect(quiet.reasons == ["account \(b) is hosted by cell c1", "nothing of this target waits"])
        #expect(quiet.lines.first == "target \(scene.bus(b).arn): decided there")
        scene.put("1", by: a, on: 0)
        scene.run(.seconds(5))
        let refused = try #require(try target()?.reasons.last)
        #expect(refused.contains("(once since the start): the cell answered denied: "), "\(refused)")
        scene.crash(1)
        for number in 0..<3 { scene.put("\(number)", by: a, on: 0) }
        scene.run(.seconds(60))
        let waiting = try #require(try target()?.reasons)
        let isOnQueue = { (line: String) in line.hasPrefix("3 events of this target wait, ") && line.hasSuffix(" bytes")
        }
        #expect(waiting.contains(where: isOnQueue), "\(waiting)")
        #expect(waiting.last?.contains("no answer: ") == true, "\(waiting)")
    }

    @Test func aWalkTellsTheLimitsOfTheQueueAndThatItIsFull() throws {
        let scene = PeerScene()
        scene.peers.queues.maximumDeliveries = 9
        scene.peers.queues.maximumBytes = 200
        scene.addCell([a])
        scene.addCell([b])
        scene.forward(a, on: 0, to: b)
        scene.crash(1)
        scene.put("1", by: a, on: 0)
        scene.run(.seconds(60))
        let reasons = try #require(try walk(scene, to: scene.bus(a)).next.first?.next.first?.reasons)
        let limits = "bytes; its queue holds at most 9 events and 200 bytes (refuseNew)"
        let line = try #require(reasons.first { $0.hasPrefix("1 events of this target wait, ") })
        #expect(line.hasSuffix(limits), "\(line)")
        #expect(reasons.contains("its queue is full and refuses events"), "\(reasons)")
    }

    @Test func anEventForAnAccountThatHasJustComeWaitsInTheWalkToo() throws {
        let scene = openScene()
        scene.run(.seconds(1))
        scene.host([a, b], on: 0)
        func target() throws -> WalkStep? { try walk(scene, to: scene.bus(a)).next.first?.next.first }
        let waiting = try #require(try target())
        #expect(waiting.outcome == .waiting)
        #expect(waiting.lines.first == "target \(scene.bus(b).arn): waiting")
        scene.collect(b, on: 0)
        scene.allow(a, on: b, of: 0)
        #expect(try target()?.outcome == .delivered)
    }

    @Test func aPutAndAQuestionAreAnsweredWithTheCellThatDecides() throws {
        let scene = openScene()
        #expect(try walk(scene, to: scene.bus(b)).outcome == .decidedThere)
        let question = AccessQuestion(
            principal: a.description,
            action: "events:PutEvents",
            resource: scene.bus(b).arn
        )
        let explanation = try scene.cell(0).router.explain(question)
        #expect(
            explanation.lines == [
                "the caller's side allows it; the policy of the bus is not known here",
                "account \(b) is hosted by cell c1",
            ]
        )
        #expect(explanation.statement == nil)
    }

    /// PutTargets asks as far as this side knows (spec: control §7.5).
    @Test(arguments: [
        ("events:PutEvents", "{}", true), ("events:PutRule", "{}", false),
        ("events:PutEvents", #"{"StringEquals":{"events:source":"shop"}}"#, true),
    ])
    func aRoleThatMayNotPutThereIsNoWayThere(action: String, condition: String, isAllowed: Bool) throws {
        let scene = openScene()
        let router = scene.cell(0).router
        var role = PrincipalDeclaration(kind: .role, name: "out")
        role.policies = [
            #"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"\#(action)","Resource":"*","#
                + #""Condition":\#(condition)}]}"#
        ]
        var declaration = AccountDeclaration(account: a)
        declaration.principals = [role]
        (router.decider as? PolicyDecider)?.directory = IdentityDirectory([declaration])
        let request = AccessRequest(
            subject: .role(arn: role.arn(in: a), session: "out", account: a),
            action: "events:PutEvents",
            resource: scene.bus(b).arn,
            resourceAccount: b,
            context: [("events:eventBusInvocation", ["true"])]
        )
        #expect((router.refusalToTarget(scene.bus(b), request: request) == nil) == isAllowed)
        #expect(router.refusalToTarget(scene.bus(a), request: request) == nil, "a bus of this cell is asked itself")
    }

    @Test func noMoreBusesAreRememberedThanThereMayBe() {
        var recent = RecentVerdicts()
        for number in 0..<1_500 { recent.note("x", of: "bus \(number)", at: Timestamp(milliseconds: Int64(number))) }
        #expect(recent.line(of: "bus 0", now: .zero) == nil)
        #expect(recent.line(of: "bus 1499", now: Timestamp(milliseconds: 61_499))?.contains(", 60 s ago (once") == true)
    }
}
