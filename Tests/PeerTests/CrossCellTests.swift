import Cluster
import EventModel
import PeerProtocol
import Router
import SansIO
import Simulation
import Testing

/// Issue of the design's §7: an event of account A reaches a bus of account B in another cell if and only if B lets it.
@Suite struct CrossCellTests {
    private let a = PeerScene.a
    private let b = PeerScene.b
    private let c = PeerScene.c

    private func twoCells(seed: UInt64 = 1) -> PeerScene {
        let scene = PeerScene(seed: seed)
        scene.addCell([a])
        scene.addCell([b])
        scene.forward(a, on: 0, to: b)
        scene.collect(b, on: 1)
        return scene
    }

    @Test func anEventReachesABusOfAnotherCellByteForByteWhenItsPolicyLetsIt() throws {
        let scene = twoCells()
        scene.allow(a, on: b, of: 1)
        scene.put("1", by: a, on: 0)
        scene.run(.seconds(1))
        let message = try #require(scene.drain(b, on: 1).first)
        let body = String(decoding: message.content.body, as: UTF8.self)
        #expect(body.contains(#""account":"111122223333""#), "the sender's account stays (spec: patterns §6.1)")
        #expect(body.hasSuffix(#""resources":[],"detail":{"n":"1"}}"#))
        #expect(message.content.traceHeader == "Root=1", "the trace header travels (spec: patterns §1.10)")
        #expect(scene.book(a, on: 0).delivered == 1)
        #expect(scene.book(b, on: 1).accepted == 1)
        #expect(scene.book(b, on: 1).delivered == 1)
        #expect(scene.machines[0].store.statistics.unresolvedDeliveries == 0)
        #expect(scene.cell(1).router.statistics.peers.verdicts == ["accepted": 1])
    }

    @Test func withoutAPolicyTheEventGoesToTheSendersDeadLetterQueueWithTheReason() throws {
        let scene = twoCells()
        scene.put("1", by: a, on: 0)
        scene.run(.seconds(1))
        #expect(scene.drain(b, on: 1).isEmpty)
        let letter = try #require(scene.drain(a, on: 0, queue: "dlq").first)
        #expect(letter.attribute("ERROR_CODE") == "NO_PERMISSIONS")
        let reason = try #require(letter.attribute("ERROR_MESSAGE"))
        #expect(reason.contains("arn:aws:iam::111122223333:root is not authorized to perform: events:PutEvents"))
        #expect(letter.attribute("RETRY_ATTEMPTS") == nil, "a missing permission is not retried (spec: patterns §5.3)")
        #expect(scene.book(b, on: 1).denied == 1)
        #expect(scene.book(b, on: 1).accepted == 0)
        #expect(scene.book(a, on: 0).deadLettered == 1)
    }

    @Test func policiesSeeTheRoleTheRuleAndTheEvent() throws {
        let scene = twoCells()
        let role = "arn:aws:iam::111122223333:role/out"
        scene.forward(a, on: 0, to: b, role: role)
        let rule = scene.bus(a).ruleARN("out")
        func policy(_ source: String, _ ruleARN: String) -> String {
            #"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"\#(role)"},"#
                + #""Action":"events:PutEvents","Resource":"\#(scene.bus(b).arn)","Condition":{"#
                + #""StringEquals":{"events:source":"\#(source)","events:eventBusInvocation":"true","#
                + #""aws:SourceAccount":"111122223333"},"ArnEquals":{"aws:SourceArn":"\#(ruleARN)"}}}]}"#
        }
        for (source, ruleARN, isLetIn) in [("test", rule, true), ("other", rule, false), ("test", rule + "x", false)] {
            scene.putPolicy(policy(source, ruleARN), on: b, of: 1)
            scene.put("1", by: a, on: 0)
            scene.run(.seconds(1))
            #expect(scene.drain(b, on: 1).count == (isLetIn ? 1 : 0), "\(source) \(ruleARN)")
        }
    }

    @Test func aBusThatIsNotThereTakesAndDrops() {
        let scene = twoCells()
        scene.putRule("out", on: scene.bus(a), of: 0, to: scene.bus(b, "missing").arn)
        scene.put("1", by: a, on: 0)
        scene.run(.seconds(1))
        #expect(scene.book(a, on: 0).dropped == 1, "spec: patterns §6.4")
        #expect(scene.book(a, on: 0).delivered == 0 && scene.book(a, on: 0).waiting == 0)
        #expect(scene.cell(0).router.statistics.unknownBus == 1)
        #expect(scene.cell(1).router.statistics.unknownBus == 1)
    }

    @Test func aCircleOverCellsIsFoundAndToldOnBothSides() throws {
        let scene = twoCells()
        scene.allow(a, on: b, of: 1)
        scene.forward(b, on: 1, to: a)
        scene.allow(b, on: a, of: 0)
        scene.put("1", by: a, on: 0)
        scene.run(.seconds(2))
        #expect(scene.book(b, on: 1).accepted == 1)
        #expect(scene.book(a, on: 0).accepted == 1, "the event does not come back")
        let letter = try #require(scene.drain(b, on: 1, queue: "dlq").first)
        #expect(letter.attribute("ERROR_CODE") == "LOOP_DETECTED")
    }

    @Test func aReceiverWithStricterRulesOfItsOwnEndsACircleToo() throws {
        let scene = twoCells()
        scene.allow(a, on: b, of: 1)
        var entry = try #require(scene.entry(1))
        entry.hops.insert(scene.bus(b).arn, at: 0)
        let verdicts = scene.offer([entry], to: 1, as: 0)
        guard case .loop(let reason)? = verdicts.first else { return #expect(Bool(false), "\(verdicts)") }
        #expect(reason.contains(scene.bus(b).arn))
        #expect(scene.cell(1).router.statistics.loops == 1)
    }

    @Test func anotherRegionGivesANewIDAndTimeThere() throws {
        let scene = twoCells()
        let west = scene.bus(b, region: "eu-west-1")
        let statement = PermissionStatement(sid: "s", principal: a.description)
        scene.cell(1).router.putStatement(statement, on: west) { _ in }
        scene.putRule("in", on: west, of: 1, to: "arn:aws:sqs:us-east-1:\(b):q")
        scene.putRule("out", on: scene.bus(a), of: 0, to: west.arn)
        var id = ""
        scene.put("1", by: a, on: 0) { result in
            if case .success(let results) = result, case .accepted(let made) = results[0] { id = made }
        }
        scene.run(.seconds(1))
        let body = String(decoding: try #require(scene.drain(b, on: 1).first).content.body, as: UTF8.self)
        #expect(!id.isEmpty && !body.contains(id), "spec: patterns §6.1")
    }

    @Test func manyEventsTravelInFewRequests() {
        let scene = twoCells()
        scene.allow(a, on: b, of: 1)
        for number in 0..<500 { scene.put("\(number)", by: a, on: 0) }
        scene.run(.seconds(2))
        #expect(Set(scene.numbers(b, on: 1)).count == 500)
        let statistics = scene.cell(0).forwarder.statistics
        #expect(statistics.requests <= 250, "\(statistics.requests) requests")
        #expect(scene.book(b, on: 1).duplicates == 0)
    }

    @Test func anAccountThatMovedIsFoundAtItsNewCell() {
        let scene = twoCells()
        scene.addCell([c])
        scene.allow(a, on: b, of: 1)
        scene.host([], on: 1)
        scene.put("1", by: a, on: 0)
        scene.run(.seconds(5))
        #expect(scene.cell(1).router.statistics.peers.verdicts["notHosted"] ?? 0 >= 1)
        #expect(scene.book(a, on: 0).delivered == 0)
        scene.machines[2].certificate = scene.world.network.certificates.issue(PeerScene.names(2, [b, c]))
        scene.host([b, c], on: 2)
        scene.collect(b, on: 2)
        scene.allow(a, on: b, of: 2)
        scene.claim([b], by: 2)
        scene.run(.seconds(120))
        #expect(scene.numbers(b, on: 2) == ["1"])
        #expect(scene.book(a, on: 0).waiting == 0)
    }

    @Test func anAccountThatNobodyHostsIsTriedAgain() {
        let scene = PeerScene()
        scene.addCell([a])
        scene.forward(a, on: 0, to: b)
        scene.put("1", by: a, on: 0)
        scene.run(.seconds(5))
        #expect(scene.book(a, on: 0).waiting == 1)
        scene.addCell([b])
        scene.collect(b, on: 1)
        scene.allow(a, on: b, of: 1)
        scene.run(.seconds(600))
        #expect(scene.numbers(b, on: 1) == ["1"])
    }
}

extension ReceivedQueueMessage {
    /// The value of a string attribute.
    func attribute(_ name: String) -> String? {
        for attribute in content.attributes where attribute.name == name {
            if case .text(let text) = attribute.value { return text }
        }
        return nil
    }
}

extension PeerScene {
    /// An entry as cell 0 forwards it from account a to account b.
    func entry(_ number: UInt64, from account: AccountID = PeerScene.a) -> ForwardEntry? {
        let envelope = try? EventEnvelope(
            id: "e\(number)",
            detailType: "T",
            source: "test",
            account: account,
            time: World.epoch,
            region: "us-east-1",
            resources: []
        ).bytes(detail: Array(#"{"n":"\#(number)"}"#.utf8))
        return envelope.map { envelope in
            ForwardEntry(
                id: DeliveryID(event: number, target: 1),
                sourceAccount: account,
                principal: "arn:aws:iam::\(account):root",
                rule: bus(account).ruleARN("out"),
                bus: bus(Self.b).arn,
                hops: [bus(account).arn],
                envelope: envelope
            )
        }
    }

    /// Hands entries straight to a cell's receiver, with the certificate of another.
    func offer(
        _ entries: [ForwardEntry],
        to index: Int,
        as sender: Int,
        origin: UInt64 = 1,
        identity: CertificateIdentity? = nil
    ) -> [PeerVerdict] {
        var answer: VerdictFrame?
        let frame = ForwardFrame.encode(entries, origin: origin)
        let identity = identity ?? machines[sender].certificate.identity
        cell(index).receiver.handle(frame, from: identity) { answer = $0 }
        run(.seconds(1))
        return answer?.verdicts ?? []
    }
}
