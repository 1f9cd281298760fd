import EventModel
import PeerProtocol
import Router
import SansIO
import Simulation
import Testing

/// DESIGN §6: nothing that a sender writes raises its authority above what its certificate proves.
@Suite struct AuthorityTests {
    private let a = PeerScene.a
    private let b = PeerScene.b
    private let c = PeerScene.c

    /// Cell 1 hosts b, whose bus lets anybody in; cell 0 speaks for a alone.
    private func openScene() -> PeerScene {
        let scene = PeerScene()
        scene.addCell([a])
        scene.addCell([b])
        scene.collect(b, on: 1)
        scene.allowEveryone(on: b, of: 1)
        return scene
    }

    @Test func anAccountThatTheCertificateDoesNotCoverIsRefusedAndTold() throws {
        let scene = openScene()
        var entry = try #require(scene.entry(1))
        entry.sourceAccount = c
        entry.principal = "arn:aws:iam::\(c):root"
        entry.rule = scene.bus(c).ruleARN("out")
        entry.hops = [scene.bus(c).arn]
        let verdicts = scene.offer([entry, try #require(scene.entry(2))], to: 1, as: 0)
        guard verdicts.count == 2, case .notCovered(let reason) = verdicts[0] else {
            return #expect(Bool(false), "\(verdicts)")
        }
        #expect(reason.contains(c.description) && reason.contains(PeerScene.uri(0)))
        #expect(verdicts[1] == .accepted, "the other entry of the batch is not harmed")
        #expect(scene.notices[1].contains { $0.kind == "peerRefused" })
        #expect(scene.numbers(b, on: 1) == ["2"])
    }

    /// They are stored with every event.
    @Test func busesWithLongerNamesThanABusCanHaveAreRefused() throws {
        let scene = openScene()
        let base = try #require(scene.entry(1))
        func verdict(_ change: (inout ForwardEntry) -> Void) -> PeerVerdict? {
            var entry = base
            change(&entry)
            return scene.offer([entry], to: 1, as: 0).first
        }
        let long = String(repeating: "x", count: 350)
        guard case .malformed? = verdict({ $0.bus = scene.bus(b, long).arn }),
            case .malformed? = verdict({ $0.hops.insert(scene.bus(c, long).arn, at: 0) })
        else { return #expect(Bool(false)) }
        let longest = String(repeating: "x", count: 256)
        #expect(verdict { $0.bus = scene.bus(b, longest).arn } == .unknownBus)
        #expect(verdict { $0.hops.insert(scene.bus(c, longest).arn, at: 0) } == .accepted)
    }

    @Test func namesBeyondTheAccountAreRefused() throws {
        let scene = openScene()
        let base = try #require(scene.entry(1))
        func denied(_ change: (inout ForwardEntry) -> Void) -> Bool {
            var entry = base
            change(&entry)
            guard case .denied? = scene.offer([entry], to: 1, as: 0).first else { return false }
            return true
        }
        #expect(denied { $0.principal = "arn:aws:iam::\(b):root" }, "another account's root")
        #expect(denied { $0.principal = "arn:aws:iam::\(b):role/admin" }, "another account's role")
        #expect(denied { $0.principal = "arn:aws:iam::\(a):group/x" }, "no principal")
        #expect(denied { $0.principal = "events.amazonaws.com" }, "a service")
        #expect(denied { $0.rule = scene.bus(b).ruleARN("out") }, "another account's rule")
        #expect(denied { $0.rule = scene.bus(a, "other").ruleARN("out") }, "a rule of another bus than the last")
        #expect(denied { $0.hops = [scene.bus(a).arn, scene.bus(b).arn] }, "a hop that it did not make")
        #expect(denied { $0.hops = [] }, "a forward from nowhere")
        #expect(denied { $0.rule = "" }, "a put that has been on a bus")
        #expect(scene.numbers(b, on: 1).isEmpty)
        #expect(scene.book(b, on: 1).accepted == 0)
    }

    /// What neighbours of a frame share is judged once, and nothing of it is lent to an entry that differs.
    @Test func aBadEntryBetweenGoodOnesIsRefusedAlone() throws {
        let scene = PeerScene()
        scene.addCell([a])
        scene.addCell([b])
        scene.collect(b, on: 1)
        let policy =
            #"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"\#(a)"},"#
            + #""Action":"events:PutEvents","Resource":"*","Condition":{"StringEquals":{"events:detail-type":"T"},"#
            + #""ArnEquals":{"aws:SourceArn":"\#(scene.bus(a).ruleARN("out"))"}}}]}"#
        scene.putPolicy(policy, on: b, of: 1)
        var number: UInt64 = 0
        func kinds(_ change: (inout ForwardEntry) -> Void) throws -> [String] {
            var entries = try (1...4).map { try #require(scene.entry(number + $0)) }
            number += 4
            change(&entries[1])
            return scene.offer(entries, to: 1, as: 0).map(\.kind)
        }
        func rename(_ old: String, _ new: String) -> (inout ForwardEntry) -> Void {
            { $0.envelope = Array(String(decoding: $0.envelope, as: UTF8.self).replacing(old, with: new).utf8) }
        }
        let refused = ["accepted", "denied", "accepted", "accepted"]
        #expect(try kinds { _ in } == ["accepted", "accepted", "accepted", "accepted"])
        #expect(try kinds(rename(#""detail-type":"T""#, #""detail-type":"U""#)) == refused, "another detail type")
        #expect(try kinds { $0.rule = scene.bus(a).ruleARN("other") } == refused, "another rule")
        #expect(try kinds { $0.principal = "arn:aws:iam::\(c):root" } == refused, "another account's principal")
        #expect(try kinds { $0.hops = [scene.bus(a).arn, scene.bus(b).arn] } == refused, "a hop that it did not make")
        #expect(try kinds { $0.bus = scene.bus(c).arn } == ["accepted", "notHosted", "accepted", "accepted"])
        #expect(try kinds { $0.envelope = [1] } == ["accepted", "malformed", "accepted", "accepted"])
        #expect(scene.numbers(b, on: 1).count == Int(number) - 6, "each of the others is there once")
    }

    @Test func aPutInAnotherAccountsNameIsRefused() throws {
        let scene = openScene()
        var entry = try #require(scene.entry(1))
        entry.rule = ""
        entry.hops = []
        #expect(scene.offer([entry], to: 1, as: 0) == [.accepted])
        let text = String(decoding: entry.envelope, as: UTF8.self)
        entry.envelope = Array(text.replacing(a.description, with: c.description).utf8)
        entry.id.event = 2
        guard case .denied? = scene.offer([entry], to: 1, as: 0).first else {
            return #expect(Bool(false), "the event names an account that the sender does not speak for")
        }
    }

    @Test func aRoleOfTheReceiversOwnDeclarationsLendsNothing() throws {
        let scene = PeerScene()
        scene.addCell([a])
        scene.addCell([b])
        scene.collect(b, on: 1)
        scene.allow(c, on: b, of: 1)
        let decider = try #require(scene.cell(1).router.decider as? PolicyDecider)
        var declared = AccountDeclaration(account: a)
        declared.organizationID = "o-1"
        decider.directory = IdentityDirectory([declared])
        guard case .denied? = scene.offer([try #require(scene.entry(1))], to: 1, as: 0).first else {
            return #expect(Bool(false), "the policy lets another account in")
        }
        let policy =
            #"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"events:PutEvents","#
            + #""Resource":"*","Condition":{"StringEquals":{"aws:PrincipalOrgID":"o-1"}}}]}"#
        scene.putPolicy(policy, on: b, of: 1)
        #expect(scene.offer([try #require(scene.entry(1))], to: 1, as: 0) == [.accepted])
    }

    /// A certificate may cover accounts that its cell does not host; that opens none of their buses.
    @Test func aPeerThatClaimsTheReceiversOwnAccountNeedsAStatement() throws {
        let scene = PeerScene()
        scene.addCell([a, b])
        scene.addCell([b])
        scene.collect(b, on: 1)
        var put = try #require(scene.entry(1))
        put.sourceAccount = b
        put.principal = "arn:aws:iam::\(b):root"
        put.rule = ""
        put.hops = []
        put.envelope = Array(
            String(decoding: put.envelope, as: UTF8.self).replacing(a.description, with: b.description).utf8
        )
        var forward = put
        forward.id.event = 2
        forward.principal = "arn:aws:iam::\(b):role/r"
        forward.session = "out"
        forward.rule = scene.bus(b, "other").ruleARN("out")
        forward.hops = [scene.bus(b, "other").arn]
        for verdict in scene.offer([put, forward], to: 1, as: 0) {
            guard case .denied(let reason) = verdict else { return #expect(Bool(false), "\(verdict)") }
            #expect(reason.contains("no resource-based policy allows"))
            #expect(reason.contains("Account \(b) is hosted here"))
        }
        #expect(scene.numbers(b, on: 1).isEmpty)
        scene.allow(b, on: b, of: 1)
        #expect(scene.offer([put, forward], to: 1, as: 0) == [.accepted, .accepted])
    }

    @Test func anExplicitDenyWins() throws {
        let scene = openScene()
        let policy =
            #"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"events:PutEvents","#
            + #""Resource":"*"},{"Effect":"Deny","Principal":{"AWS":"\#(a)"},"Action":"events:PutEvents","Resource":"*"}]}"#
        scene.putPolicy(policy, on: b, of: 1)
        guard case .denied(let reason)? = scene.offer([try #require(scene.entry(1))], to: 1, as: 0).first else {
            return #expect(Bool(false), "the deny must win")
        }
        #expect(reason.contains("explicit deny"))
    }

    @Test func aPutInTheNameOfAServiceIsRefused() throws {
        let scene = openScene()
        var entry = try #require(scene.entry(1))
        let text = String(decoding: entry.envelope, as: UTF8.self)
        entry.envelope = Array(text.replacing(#""source":"test""#, with: #""source":"aws.s3""#).utf8)
        #expect(scene.offer([entry], to: 1, as: 0) == [.accepted], "a rule forwards what a service said")
        entry.id.event = 2
        entry.rule = ""
        entry.hops = []
        #expect(scene.offer([entry], to: 1, as: 0) == [.denied("Not authorized for the source.")])
    }

    @Test func whatAPeerShouldNotHaveSentIsToldWithItsReason() throws {
        let scene = openScene()
        var stray = try #require(scene.entry(1))
        stray.bus = scene.bus(c).arn
        var broken = try #require(scene.entry(2))
        broken.envelope = Array("{}".utf8)
        _ = scene.offer([stray, broken], to: 1, as: 0)
        var reasons: [String] = []
        for case .peerRefused(let peer, let account, let reason) in scene.notices[1] {
            #expect(peer == PeerScene.uri(0) && account == a.description)
            reasons.append(reason)
        }
        #expect(reasons == ["Account \(c) is not hosted here.", "The event is not one."])
    }

    @Test func whoIsNoNodeOfTheTrustDomainIsNotHeard() throws {
        let scene = openScene()
        let frame = ForwardFrame.encode([try #require(scene.entry(1))], origin: 1)
        let strangers = [
            CertificateIdentity(uris: [], dnsNames: ["*.account.example.com"]),
            CertificateIdentity(uris: ["spiffe://evil.com/cell/c0/node/n"], dnsNames: ["*.account.example.com"]),
            CertificateIdentity(uris: ["spiffe://example.com/account/\(a)/user/x"], dnsNames: []),
            CertificateIdentity(uris: [PeerScene.uri(0), PeerScene.uri(1)], dnsNames: ["*.account.example.com"]),
        ]
        for stranger in strangers {
            var answer: VerdictFrame?
            scene.cell(1).receiver.handle(frame, from: stranger) { answer = $0 }
            scene.run(.seconds(1))
            #expect(answer?.status == .notANode, "\(stranger)")
            #expect(answer?.verdicts.isEmpty == true)
        }
        #expect(scene.cell(1).router.statistics.peers.refusedFrames == UInt64(strangers.count))
        #expect(scene.cell(1).router.statistics.peers.entries == 0)
    }

    @Test func whatIsNoEventIsNotTakenIn() throws {
        let scene = openScene()
        var entry = try #require(scene.entry(1))
        let good = String(decoding: entry.envelope, as: UTF8.self)
        let bad = [
            "", "{}", "[]", "not JSON", good + "x", good + good, String(good.dropLast()),
            good.replacing(#""id":"e1""#, with: #""id":1"#),
            good.replacing(#""source":"test""#, with: #""source":"test","source":"aws.s3""#),
            good.replacing(#""detail":{"n":"1"}"#, with: #""detail":1"#),
            good.replacing(#""account":"\#(a)""#, with: #""account":"x""#),
        ]
        for text in bad {
            entry.envelope = Array(text.utf8)
            guard case .malformed? = scene.offer([entry], to: 1, as: 0).first else {
                return #expect(Bool(false), "\(text) was taken for an event")
            }
        }
        entry.envelope = Array(good.utf8)
        entry.bus = "arn:aws:sqs:us-east-1:\(b):q"
        guard case .malformed? = scene.offer([entry], to: 1, as: 0).first else {
            return #expect(Bool(false), "a queue is no bus")
        }
    }

    @Test func framesBeyondTheLimitsAndOfOtherVersionsAreAnsweredAsSuch() throws {
        let scene = openScene()
        let receiver = scene.cell(1).receiver
        let identity = scene.machines[0].certificate.identity
        func status(_ bytes: [UInt8]) -> VerdictFrame.Status? {
            var answer: VerdictFrame?
            receiver.handle(bytes, from: identity) { answer = $0 }
            return answer?.status
        }
        var frame = ForwardFrame.encode([try #require(scene.entry(1))], origin: 1)
        #expect(status([UInt8](repeating: 0, count: 20)) == .malformed)
        #expect(status([UInt8](repeating: 0, count: FrameLimits().frameBytes + 1)) == .tooLarge)
        frame[2] = 7
        #expect(status(frame) == .unsupportedVersion)
        scene.cell(1).router.stop()
        frame[2] = 1
        #expect(status(frame) == .notServing)
    }

    /// Each entry is right up to one check more than the one before, and wrong in everything behind that: the first check
    /// that fails gives the verdict.
    @Test func checksAreMadeInTheirOrder() throws {
        let scene = PeerScene()
        scene.peers.accountRate = 1
        scene.addCell([a])
        scene.addCell([b])
        scene.collect(b, on: 1)
        let policy =
            #"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"\#(a)"},"#
            + #""Action":"events:PutEvents","Resource":"\#(scene.bus(b).arn)","#
            + #""Condition":{"ArnEquals":{"aws:SourceArn":"\#(scene.bus(a).ruleARN("out"))"}}}]}"#
        scene.putPolicy(policy, on: b, of: 1)
        let known = try #require(scene.entry(1))
        #expect(scene.offer([known], to: 1, as: 0) == [.accepted], "takes the rate of a second, too")

        // Built from the last check to the first: each change is a fault more.
        var entry = known
        entry.hops = [scene.bus(b).arn, scene.bus(a).arn]
        let circle = entry
        entry.rule = scene.bus(a).ruleARN("other")
        let refused = entry
        entry.bus = scene.bus(b, "unknown").arn
        let unknown = entry
        entry.bus = scene.bus(c).arn
        let away = entry
        entry.envelope = Array("{}".utf8)
        let broken = entry
        entry.principal = "arn:aws:iam::\(b):root"
        let claiming = entry
        entry.sourceAccount = c
        let steps = [entry, claiming, broken, away, unknown, refused, circle, known, try #require(scene.entry(2))]
        let identity = scene.machines[0].certificate.identity
        var answer: VerdictFrame?
        scene.cell(1).receiver.handle(ForwardFrame.encode(steps, origin: 1), from: identity) { answer = $0 }
        scene.run(.seconds(1))
        #expect(
            answer?.verdicts.map(\.kind) == [
                "notCovered", "denied", "malformed", "notHosted", "unknownBus", "denied", "loop", "duplicate",
                "accepted",
            ],
            "the rate lets the last one in: a second has passed"
        )
        scene.cell(1).receiver.handle(
            ForwardFrame.encode([known, try #require(scene.entry(3))], origin: 1),
            from: identity
        ) {
            answer = $0
        }
        scene.run(.milliseconds(100))
        #expect(answer?.verdicts.map(\.kind) == ["duplicate", "accepted"], "a second's worth was saved up")
        scene.cell(1).receiver.handle(
            ForwardFrame.encode([known, try #require(scene.entry(4))], origin: 1),
            from: identity
        ) { answer = $0 }
        scene.run(.milliseconds(100))
        #expect(answer?.verdicts.map(\.kind) == ["duplicate", "throttled"], "a repeat costs nothing of the rate")

        // Before all of these, the certificate: not even the frame is read.
        var stranger = identity
        stranger.uris = ["spiffe://elsewhere.example/cell/c/node/n"]
        scene.cell(1).receiver.handle([1, 2, 3], from: stranger) { answer = $0 }
        #expect(answer?.status == .notANode)
        scene.cell(1).receiver.handle([1, 2, 3], from: identity) { answer = $0 }
        #expect(answer?.status == .malformed)
    }
}
