import EventModel
import PeerProtocol
import SansIO
import Simulation
import Testing

@testable import Router

/// A walk asks the cell that decides, by the certificate and under the checks that a real event would meet.
@Suite struct ExplainThereTests {
    private let a = PeerScene.a
    private let b = PeerScene.b
    private let c = PeerScene.c

    /// An earlier release on the other side.
    private final class NothingHere: HTTPRequestHandler {
        func handle(_ request: HTTPRequest, _ reply: any HTTPReply) { reply.send(HTTPResponse(status: 404)) }
    }

    /// A node that cannot read the event.
    private final class Unfit: HTTPRequestHandler {
        func handle(_ request: HTTPRequest, _ reply: any HTTPReply) {
            reply.send(HTTPResponse(status: 200, body: VerdictFrame(verdicts: [.malformed("no event")]).encoded()))
        }
    }

    private func openScene(isAllowed: Bool = true, isEdge: Bool = false) -> PeerScene {
        let scene = PeerScene()
        scene.addCell([a])
        scene.addCell([b], uplinkTo: isEdge ? [0] : [])
        scene.collect(b, on: 1)
        if isAllowed { scene.allow(a, on: b, of: 1) }
        scene.forward(a, on: 0, to: b)
        scene.run(.seconds(5))
        return scene
    }

    private func walk(_ scene: PeerScene, to bus: BusAddress) throws -> WalkStep {
        let text = #"{"source":"test","detail-type":"T","detail":{"n":"1"}}"#
        let router = scene.cell(0).router
        let event = try HypotheticalEvent(Array(text.utf8), from: a, region: "us-east-1", now: router.now)
        var found: WalkStep?
        router.simulate(event, by: "arn:aws:iam::\(a):root", of: a, to: bus) { found = $0 }
        scene.run(.seconds(4))
        return try #require(found)
    }

    /// The target of the rule that leads to the other cell.
    private func target(_ scene: PeerScene) throws -> WalkStep {
        try #require(try walk(scene, to: scene.bus(a)).next.first?.next.first)
    }

    @Test(arguments: [false, true]) func whatTheOtherCellWouldDoIsAsked(isEdge: Bool) throws {
        let scene = openScene(isEdge: isEdge)
        let before = scene.book(b, on: 1)
        let step = try target(scene)
        #expect(step.outcome == .acceptedThere)
        #expect(step.reasons.first?.contains("its policy lets the event in") == true)
        #expect(try walk(scene, to: scene.bus(b)).outcome == .acceptedThere, "a put is asked about too")
        #expect(scene.cell(1).router.statistics.peers.questions == 2)
        #expect(scene.cell(1).router.statistics.peers.frames == 0)
        #expect(scene.book(b, on: 1) == before && scene.numbers(b, on: 1).isEmpty, "nothing was sent")
    }

    @Test func aRefusalComesWithItsReasonAndWhatWouldFollow() throws {
        let scene = openScene(isAllowed: false)
        let step = try target(scene)
        #expect(step.outcome == .refusedThere)
        #expect(step.reasons.first?.contains("not authorized to perform: events:PutEvents") == true, "\(step.reasons)")
        #expect(step.next.map(\.place) == [.deadLetterQueue])
        #expect(step.lines.first?.hasSuffix("refused there") == true)
        #expect(!scene.notices[1].contains { $0.kind == "denied" }, "nobody was refused anything")
        #expect(scene.book(b, on: 1).denied == 0)
        #expect(try walk(scene, to: scene.bus(b, "none")).outcome == .dropped)
        #expect(scene.cell(1).router.statistics.unknownBus == 0)
    }

    @Test func aCellThatDoesNotAnswerLeavesItOpen() throws {
        let scene = openScene()
        scene.machines[1].requestHandler = NothingHere()
        let old = try target(scene)
        #expect(old.outcome == .decidedThere)
        #expect(old.reasons.first?.contains("its release may be an earlier one") == true, "\(old.reasons)")
        scene.crash(1)
        let away = try target(scene)
        #expect(away.outcome == .decidedThere)
        #expect(away.reasons.first?.hasPrefix("that cell was not heard: ") == true)
        let unknown = try #require(AccountID("999988887777"))
        let nowhere = try walk(scene, to: scene.bus(unknown))
        #expect(nowhere.reasons.first?.contains("No cell is known to host account") == true)
    }

    /// What a question is told is what the event would be told.
    @Test func questionsGetTheVerdictsOfEvents() throws {
        let scene = openScene()
        let base = try #require(scene.entry(1))
        let changes: [(inout ForwardEntry) -> Void] = [
            { _ in }, { $0.principal = "arn:aws:iam::999988887777:root" },
            { [b] in $0.principal = "arn:aws:iam::\(b):root" }, { $0.envelope = [1] },
            { [c] in
                $0.sourceAccount = c
                $0.principal = "arn:aws:iam::\(c):root"
                $0.rule = scene.bus(c).ruleARN("out")
                $0.hops = [scene.bus(c).arn]
            },
            { [c] in $0.bus = scene.bus(c).arn }, { [b] in $0.bus = scene.bus(b, "none").arn },
            { [a, b] in $0.hops = [scene.bus(b).arn, scene.bus(a).arn] }, { $0.bus = "x" },
        ]
        let entries = changes.enumerated().map { index, change in
            var entry = base
            entry.id.event = UInt64(index + 1)
            change(&entry)
            return entry
        }
        let frame = ForwardFrame.encode(entries, origin: 1)
        let before = (scene.cell(1).router.statistics.peers.verdicts, scene.notices[1].count)
        var told: VerdictFrame?
        let identity = scene.machines[0].certificate.identity
        scene.cell(1).receiver.handle(frame, from: identity, isQuestion: true) { told = $0 }
        scene.run(.seconds(1))
        let questions = try #require(told?.verdicts)
        #expect(scene.cell(1).router.statistics.peers.verdicts == before.0)
        #expect(scene.notices[1].count == before.1)
        #expect(scene.numbers(b, on: 1).isEmpty)
        #expect(questions == scene.offer(entries, to: 1, as: 0))
        #expect(Set(questions.map(\.kind)).count >= 6, "\(questions)")
        let noticesOfEvents = scene.notices[1].filter { $0.kind == "peerRefused" }.count
        let many = [ForwardEntry](repeating: base, count: PeerPath.maximumQuestions + 1)
        let large = ForwardFrame.encode(many, origin: 1)
        scene.cell(1).receiver.handle(large, from: identity, isQuestion: true) { told = $0 }
        #expect(told?.status == .tooLarge)
        scene.cell(1).receiver.handle([1, 2, 3], from: identity, isQuestion: true) { told = $0 }
        #expect(told?.status == .malformed)
        #expect(scene.cell(1).router.statistics.peers.refusedFrames == 0, "questions count as questions alone")
        #expect(scene.notices[1].filter { $0.kind == "peerRefused" }.count == noticesOfEvents)
    }

    private func explain(
        _ scene: PeerScene,
        _ bus: BusAddress,
        by principal: String,
        action: String = "events:PutEvents",
        _ context: [(key: String, values: [String])] = []
    ) throws -> AccessExplanation {
        let question = AccessQuestion(principal: principal, action: action, resource: bus.arn, context: context)
        var found: AccessExplanation?
        try scene.cell(0).router.explain(question) { found = $0 }
        scene.run(.seconds(4))
        return try #require(found)
    }

    @Test(arguments: [false, true]) func anExplanationAsksTheCellThatDecides(isEdge: Bool) throws {
        let scene = openScene(isEdge: isEdge)
        let before = scene.book(b, on: 1)
        let allowed = try explain(scene, scene.bus(b), by: a.description)
        #expect(allowed.verdict == .allowed && !allowed.isOpen)
        #expect(allowed.lines.first?.hasPrefix("that cell was asked: its policy lets the event in") == true)
        #expect(!allowed.lines.contains { $0.contains("not known here") }, "\(allowed.lines)")
        scene.allow(c, on: b, of: 1)
        let refused = try explain(scene, scene.bus(b), by: a.description)
        guard case .denied(let text) = refused.verdict else { throw ExpectedDenial() }
        #expect(text.contains("not authorized to perform: events:PutEvents") && !refused.isOpen, "\(text)")
        let missing = try explain(scene, scene.bus(b, "none"), by: a.description)
        #expect(missing.verdict == .denied("There is no such bus.") && !missing.isOpen)
        #expect(scene.cell(1).router.statistics.peers.questions == 3)
        #expect(scene.book(b, on: 1) == before && scene.numbers(b, on: 1).isEmpty, "nothing was sent")
    }

    private struct ExpectedDenial: Error {}

    /// A policy whose conditions ask about the event and the rule is asked about just those.
    @Test func theOtherCellIsToldWhatTheContextSaysOfEventAndRule() throws {
        let scene = openScene()
        let rule = scene.bus(a).ruleARN("out")
        let policy =
            #"{"Version":"2012-10-17","Statement":[{"Sid":"s","Effect":"Allow","Principal":{"AWS":"\#(a)"},"#
            + #""Action":"events:PutEvents","Resource":"\#(scene.bus(b).arn)","Condition":{"StringEquals":"#
            + #"{"events:source":"shop","events:detail-type":"order"},"ArnEquals":{"aws:SourceArn":"\#(rule)"}}}]}"#
        scene.putPolicy(policy, on: b, of: 1)
        let event = [(key: "events:source", values: ["shop"]), (key: "events:detail-type", values: ["order"])]
        func answer(_ more: [(key: String, values: [String])]) throws -> AccessExplanation {
            try explain(scene, scene.bus(b), by: a.description, event + more)
        }
        #expect(try answer([(key: "AWS:SourceArn", values: [rule])]).verdict == .allowed)
        #expect(try !answer([]).verdict.isAllowed, "a put comes by no rule")
        #expect(try !answer([(key: "events:eventBusInvocation", values: ["true"])]).verdict.isAllowed, "another rule")
        let untold = try answer([(key: "aws:SourceArn", values: [rule]), (key: "aws:SourceIp", values: ["10.0.0.1"])])
        #expect(untold.verdict == .allowed)
        #expect(untold.lines.contains("that cell was not told: aws:SourceIp"), "\(untold.lines)")
        let other = (key: "aws:SourceAccount", values: [c.description])
        let put = (key: "events:eventBusInvocation", values: ["false"])
        let contrary = try answer([(key: "aws:SourceArn", values: [rule]), other, put])
        let line = "that cell was not told: aws:SourceAccount, events:eventBusInvocation"
        #expect(contrary.lines.contains(line), "\(contrary.lines)")
        let foreign = try answer([(key: "aws:SourceArn", values: [scene.bus(c).ruleARN("out")])])
        #expect(foreign.isOpen && foreign.lines.first?.contains("must be the ARN of a rule of account") == true)
    }

    /// A rule acts with its role in a session of the rule's name.
    @Test(arguments: [
        ("arn:aws:iam::111122223333:role/r", true), ("arn:aws:sts::111122223333:assumed-role/r/s", false),
    ])
    func theSessionOfARulesRoleIsNamedAfterIt(principal: String, isAllowed: Bool) throws {
        let scene = openScene()
        var role = PrincipalDeclaration(kind: .role, name: "r")
        role.policies = [
            #"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"events:PutEvents","Resource":"*"}]}"#
        ]
        var declaration = AccountDeclaration(account: a)
        declaration.principals = [role]
        (scene.cell(0).router.decider as? PolicyDecider)?.directory = IdentityDirectory([declaration])
        let session = "arn:aws:sts::\(a):assumed-role/r/out"
        let policy =
            #"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"\#(session)"},"#
            + #""Action":"events:PutEvents","Resource":"\#(scene.bus(b).arn)"}]}"#
        scene.putPolicy(policy, on: b, of: 1)
        let rule = [(key: "aws:SourceArn", values: [scene.bus(a).ruleARN("out")])]
        let answer = try explain(scene, scene.bus(b), by: principal, rule)
        #expect(answer.verdict.isAllowed == isAllowed && !answer.isOpen, "\(answer)")
    }

    @Test func anExplanationStaysOpenWhenTheCellIsNotHeardOrCannotBeAsked() throws {
        let scene = openScene()
        let other = try explain(scene, scene.bus(b), by: a.description, action: "events:PutRule")
        #expect(other.isOpen)
        #expect(other.lines.first == "that cell was not asked: another cell answers for events:PutEvents alone")
        let service = try explain(
            scene,
            scene.bus(b),
            by: "events.amazonaws.com",
            [(key: "aws:SourceArn", values: [scene.bus(a).ruleARN("out")])]
        )
        #expect(service.isOpen && service.lines.first?.hasSuffix("not as events.amazonaws.com") == true)
        let stranger = try explain(scene, scene.bus(b), by: c.description)
        #expect(stranger.isOpen && stranger.lines.first == "the policies of account \(c) are not known here")
        for principal in ["user/u", "role/r"] {
            let third = try explain(scene, scene.bus(b), by: "arn:aws:iam::\(c):\(principal)")
            #expect(third.isOpen && third.lines == stranger.lines, "\(third)")
        }
        #expect(scene.cell(1).router.statistics.peers.questions == 0)
        scene.machines[1].requestHandler = Unfit()
        let unfit = try explain(scene, scene.bus(b), by: a.description)
        #expect(unfit.isOpen && unfit.lines.first == "that cell was asked: no event", "no policy was asked")
        scene.machines[1].requestHandler = NothingHere()
        let old = try explain(scene, scene.bus(b), by: a.description)
        #expect(old.isOpen && old.lines.first?.contains("its release may be an earlier one") == true)
        scene.crash(1)
        let away = try explain(scene, scene.bus(b), by: a.description)
        #expect(away.isOpen && away.verdict == .allowed, "as far as this side goes")
        #expect(away.lines.first?.hasPrefix("that cell was not heard: ") == true, "\(away.lines)")
        #expect(away.lines.contains("the caller's side allows it; the policy of the bus is not known here"))
    }

    @Test func whatThisSideRefusesOrHostsIsAskedNowhere() throws {
        let scene = openScene()
        let own = try explain(scene, scene.bus(a), by: a.description)
        #expect(own.verdict == .allowed && !own.isOpen)
        var user = PrincipalDeclaration(kind: .user, name: "u")
        user.policies = [#"{"Version":"2012-10-17","Statement":[]}"#]
        var declaration = AccountDeclaration(account: a)
        declaration.principals = [user]
        (scene.cell(0).router.decider as? PolicyDecider)?.directory = IdentityDirectory([declaration])
        let refused = try explain(scene, scene.bus(b), by: user.arn(in: a))
        #expect(!refused.verdict.isAllowed && !refused.isOpen, "\(refused)")
        #expect(scene.cell(1).router.statistics.peers.questions == 0)
    }
}
