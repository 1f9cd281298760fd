import Cluster
import EventModel
import PeerProtocol
import Router
import SansIO
import Simulation
import Testing

/// What goes wrong between two cells: the right retry, nothing lost, repeats within the window's promise.
@Suite struct FailureTests {
    private let a = PeerScene.a
    private let b = PeerScene.b

    private func twoCells(_ change: (PeerScene) -> Void = { _ in }) -> PeerScene {
        let scene = PeerScene()
        change(scene)
        scene.addCell([a])
        scene.addCell([b])
        scene.forward(a, on: 0, to: b)
        scene.collect(b, on: 1)
        scene.allow(a, on: b, of: 1)
        return scene
    }

    /// Every event arrived once, and both sides have nothing left.
    private func expectAll(_ count: Int, in scene: PeerScene) {
        let numbers = scene.numbers(b, on: 1)
        #expect(Set(numbers).count == count)
        #expect(numbers.count == count, "the window knows the repeats")
        #expect(scene.book(a, on: 0).waiting == 0)
        #expect(scene.book(a, on: 0).deadLettered == 0)
        #expect(scene.book(a, on: 0).dropped == 0)
    }

    @Test(arguments: [1, 2, 5, 20, 100]) func aReceiverThatDiesInTheMiddleOfABatch(milliseconds: Int) {
        let scene = twoCells()
        for number in 0..<300 { scene.put("\(number)", by: a, on: 0) }
        scene.run(.milliseconds(milliseconds))
        scene.crash(1)
        scene.run(.seconds(5))
        scene.restart(1)
        scene.run(.seconds(600))
        expectAll(300, in: scene)
    }

    @Test func aPeerThatAcceptsAndNeverAnswers() {
        let scene = twoCells()
        scene.put("first", by: a, on: 0)
        scene.run(.seconds(1))
        scene.machines[1].pause()
        for number in 0..<50 { scene.put("\(number)", by: a, on: 0) }
        scene.run(.seconds(120))
        #expect(scene.book(a, on: 0).waiting == 50)
        let failures = scene.cell(0).forwarder.statistics.failures
        #expect(failures["timedOut"] ?? 0 > 0 || failures["unreachable"] ?? 0 > 0, "\(failures)")
        scene.machines[1].resume()
        scene.run(.seconds(600))
        expectAll(51, in: scene)
    }

    @Test func aHalfOpenConnection() {
        let scene = twoCells()
        scene.put("first", by: a, on: 0)
        scene.run(.seconds(1))
        // Requests arrive, answers do not.
        scene.world.network.block(from: [scene.machines[1]], to: [scene.machines[0]])
        for number in 0..<50 { scene.put("\(number)", by: a, on: 0) }
        scene.run(.seconds(120))
        #expect(scene.book(b, on: 1).accepted == 51, "they were taken in")
        #expect(scene.book(a, on: 0).waiting == 50, "but nobody heard of it")
        scene.world.network.unblock(from: [scene.machines[1]], to: [scene.machines[0]])
        scene.run(.seconds(600))
        expectAll(51, in: scene)
        #expect(scene.book(b, on: 1).duplicates >= 50)
    }

    @Test func aReceiverWhoseDiskIsFull() {
        let scene = twoCells()
        scene.machines[1].store.faults.isFull = true
        for number in 0..<50 { scene.put("\(number)", by: a, on: 0) }
        scene.run(.seconds(60))
        #expect(scene.book(b, on: 1).accepted == 0)
        #expect(scene.cell(1).router.statistics.peers.verdicts["throttled"] ?? 0 > 0)
        #expect(scene.book(a, on: 0).waiting == 50)
        scene.machines[1].store.faults = MemoryStoreFaults()
        scene.run(.seconds(1_200))
        expectAll(50, in: scene)
    }

    @Test func aCertificateWhoseScopeShrinksHoldsEventsBackUntilItIsMended() {
        let scene = twoCells()
        scene.put("first", by: a, on: 0)
        scene.run(.seconds(1))
        let right = scene.machines[0].certificate
        scene.machines[0].certificate = scene.world.network.certificates.issue(PeerScene.names(0, [PeerScene.c]))
        scene.crash(0)
        scene.restart(0)
        for number in 0..<20 { scene.put("\(number)", by: a, on: 0) }
        scene.run(.seconds(30))
        #expect(scene.cell(1).router.statistics.peers.verdicts["notCovered"] ?? 0 > 0)
        #expect(scene.notices[1].contains { $0.kind == "peerRefused" })
        #expect(scene.book(a, on: 0).waiting >= 20, "the tenant's events do not pay for the operator's fault")
        scene.machines[0].certificate = right
        scene.crash(0)
        scene.restart(0)
        scene.run(.seconds(1_200))
        expectAll(21, in: scene)
    }

    @Test func aNodeWhoseCertificateDoesNotCoverTheAccountIsNotBelieved() {
        let scene = twoCells()
        scene.machines[1].certificate = scene.world.network.certificates.issue(PeerScene.names(1, [PeerScene.c]))
        scene.put("1", by: a, on: 0)
        scene.run(.seconds(10))
        #expect(scene.cell(0).forwarder.statistics.failures["untrusted"] ?? 0 > 0)
        #expect(scene.book(a, on: 0).delivered == 0)
    }

    @Test func anExpiredCertificateHoldsEventsBack() {
        let scene = twoCells()
        scene.machines[0].certificate.notAfter = scene.machines[0].now
        scene.put("1", by: a, on: 0)
        scene.run(.seconds(30))
        #expect(scene.book(b, on: 1).accepted == 0)
        scene.world.network.certificates.renew(scene.machines[0])
        scene.run(.seconds(600))
        expectAll(1, in: scene)
    }

    @Test func oneSideFullOfOneCellDoesNotStopAnother() throws {
        let scene = twoCells { $0.peers.appendingBytesPerCell = 2_000 }
        scene.addCell([PeerScene.c])
        let policy =
            #"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","#
            + #""Action":"events:PutEvents","Resource":"\#(scene.bus(b).arn)"}]}"#
        scene.putPolicy(policy, on: b, of: 1)
        scene.machines[1].store.faults.isStalled = true
        let receiver = scene.cell(1).receiver
        var verdicts: [String] = []
        for number in 0..<20 {
            let entry = try #require(scene.entry(UInt64(number + 1)))
            let frame = ForwardFrame.encode([entry], origin: 1)
            receiver.handle(frame, from: scene.machines[0].certificate.identity) { verdicts += $0.verdicts.map(\.kind) }
        }
        #expect(!verdicts.isEmpty && verdicts.allSatisfy { $0 == "throttled" })
        var other = try #require(scene.entry(1))
        let c = PeerScene.c
        other.sourceAccount = c
        other.principal = "arn:aws:iam::\(c):root"
        other.rule = scene.bus(c).ruleARN("out")
        other.hops = [scene.bus(c).arn]
        let frame = ForwardFrame.encode([other], origin: 1)
        var answer: VerdictFrame?
        receiver.handle(frame, from: scene.machines[2].certificate.identity) { answer = $0 }
        #expect(answer == nil, "it waits for the disk and is not refused")
        scene.machines[1].store.faults = MemoryStoreFaults()
        scene.run(.seconds(1))
        #expect(answer?.verdicts.map(\.kind) != ["throttled"])
    }
}
