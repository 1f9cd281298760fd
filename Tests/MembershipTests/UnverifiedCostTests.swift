import EventModel
import SansIO
import Testing

@testable import Membership

/// What can be set off with words that nobody has to sign: recordings, claims under unknown certificates, requests.
@Suite struct UnverifiedCostTests {
    private func scene(_ seed: UInt64, _ count: Int = 5) throws -> TestCluster {
        let cluster = TestCluster(count, seed: seed)
        cluster.start()
        try #require(cluster.run(atMost: .seconds(10)) { cluster.isConverged } != nil)
        cluster.run(.seconds(3))
        return cluster
    }

    private func receive(_ bytes: [UInt8], _ node: TestCluster.Node, port: Int, _ now: Timestamp) -> [MembershipAction]
    {
        let source = NodeEndpoint(host: "192.0.2.1", port: UInt16(port))
        return node.instance.receivedDatagram(bytes, from: source, now: now, using: &node.generator)
    }

    private func sends(_ actions: [MembershipAction]) -> [NodeEndpoint] {
        actions.compactMap { if case .send(_, let to) = $0 { to } else { nil } }
    }

    private func slot(of node: TestCluster.Node, at observer: TestCluster.Node) throws -> Int {
        try #require(observer.instance.slots[node.instance.own.key])
    }

    /// A stranger's ping, sealed; its signature is nobody's, as nobody could check it.
    private func ping(_ target: TestCluster.Node, _ number: UInt32) -> [UInt8] {
        var bytes: [UInt8] = []
        MessageHeader(
            kind: .ping,
            domain: target.instance.domain,
            certificate: CertificateFingerprint(Digest128(high: 7, low: 7)),
            epoch: 1,
            number: number,
            viewSum: 0
        ).append(to: &bytes)
        let key = target.instance.own.key
        PingBody(nonce: 9, target: key, incarnation: 1, state: .alive, isRelayed: false).append(to: &bytes)
        bytes.append(contentsOf: [UInt8](repeating: 1, count: 64) + [64])
        target.crypto.seal(&bytes)
        return bytes
    }

    @Test func aRecordedPingOfAStrangerIsAnsweredOnce() throws {
        let cluster = try scene(701, 2)
        let node = cluster.nodes[0]
        let recorded = ping(node, 5)
        let signatures = node.crypto.signatures
        for round in 0..<2000 { _ = receive(recorded, node, port: 1000 + round, cluster.now) }
        #expect(node.crypto.signatures - signatures == 1)
        #expect(node.instance.counters.droppedReplayed == 1999)
    }

    @Test func allStrangersTogetherHaveOneShareOfAnswers() throws {
        let cluster = try scene(702, 2)
        let node = cluster.nodes[0]
        let signatures = node.crypto.signatures
        for round in 0..<2000 { _ = receive(ping(node, UInt32(round)), node, port: 1000 + round, cluster.now) }
        #expect(node.crypto.signatures - signatures == 400)
        let answered = sends(receive(ping(node, 9999), node, port: 9, cluster.now + .seconds(1)))
        #expect(answered.contains(NodeEndpoint(host: "192.0.2.1", port: 9)), "a newcomer is answered soon after")
    }

    private func inventedClaim(_ number: Int, _ node: TestCluster.Node) -> [UInt8] {
        let identity = TestCluster.identity("ghost\(number)")
        var claim = node.instance.records[0].claim
        claim.identity = identity
        claim.node = node.instance.key(of: identity)
        claim.certificate = CertificateFingerprint(Digest128(high: 1, low: UInt64(number)))
        var bytes = claim.unsigned(domain: node.instance.domain)
        bytes.appendSignature([UInt8](repeating: 3, count: 64))
        return bytes
    }

    @Test func whoInventsClaimsUsesUpItsOwnPlacesAndHasRequestsSentToNobodyElse() throws {
        let cluster = try scene(703)
        let (victim, liar, honest) = (cluster.nodes[0], cluster.nodes[4], cluster.nodes[1])
        let (liarSlot, honestSlot) = (try slot(of: liar, at: victim), try slot(of: honest, at: victim))
        let spoofed = NodeEndpoint(host: "198.51.100.7", port: 53)
        let newcomer = cluster.add(name: "newcomer")
        let (claim, _) = newcomer.instance.ownSignedClaim
        victim.instance.heardClaim(
            claim,
            0..<claim.count,
            from: honest.endpoint,
            sender: honestSlot,
            &victim.generator
        )
        let signatures = victim.crypto.signatures
        for number in 0..<5000 {
            let bytes = inventedClaim(number, victim)
            victim.instance.heardClaim(bytes, 0..<bytes.count, from: spoofed, sender: liarSlot, &victim.generator)
        }
        #expect(victim.crypto.signatures - signatures <= 64)
        #expect(victim.instance.waiting.count <= 65)
        #expect(victim.instance.waiting.contains(newcomer.crypto.ownCertificate))
        #expect(victim.instance.counters.claimsNotAwaited > 4900)
        let asked = sends(victim.instance.timerFired(now: cluster.now + .seconds(1), using: &victim.generator))
        #expect(asked.contains(liar.endpoint) && asked.contains(honest.endpoint) && !asked.contains(spoofed))
    }

    @Test func aMinuteOfInventedClaimsCostsTheSharesOfTheirSender() throws {
        var waiting = 0
        let cluster = try scene(704)
        let (victim, liar) = (cluster.nodes[0], cluster.nodes[4])
        let liarSlot = try slot(of: liar, at: victim)
        for number in 0..<6000 {
            let bytes = inventedClaim(number, victim)
            victim.instance.heardClaim(bytes, 0..<bytes.count, from: liar.endpoint, sender: liarSlot, &victim.generator)
            waiting = max(waiting, victim.instance.waiting.count)
            cluster.run(.milliseconds(10))
        }
        #expect(waiting <= 64)
        // A minute's burst, a minute's worth, and six requests each.
        #expect(victim.instance.counters.chainsRequested < 480 * 6 + 100)
        #expect(cluster.isConverged)
    }

    @Test func theSenderWithTheMostWaitingClaimsGivesWay() {
        var waiting = WaitingClaims()
        func add(_ number: UInt64, by sender: UInt64) -> WaitingClaims.Outcome {
            let key = NodeKey(Digest128(high: 0, low: sender))
            let place = NodeEndpoint(host: "10.0.0.1", port: UInt16(sender))
            let fingerprint = CertificateFingerprint(Digest128(high: sender, low: number))
            return waiting.add([1], for: fingerprint, from: WaitingClaims.Sender(node: key, endpoint: place), limit: 8)
        }
        for number: UInt64 in 1...4 { _ = add(number, by: number) }
        for sender: UInt64 in 5...6 { for number: UInt64 in 1...2 { _ = add(number, by: sender) } }
        #expect(add(3, by: 5) == .refused, "a quarter of the places")
        #expect(add(1, by: 7) == .new)
        #expect(waiting.count == 8)
        #expect(!waiting.contains(CertificateFingerprint(Digest128(high: 5, low: 1))))
        #expect((1...4).allSatisfy { waiting.contains(CertificateFingerprint(Digest128(high: $0, low: $0))) })
    }

    @Test func severalSendersAreAskedInTurn() {
        var waiting = WaitingClaims()
        let fingerprint = CertificateFingerprint(Digest128(high: 0, low: 1))
        let senders = (1...3).map { number in
            WaitingClaims.Sender(
                node: NodeKey(Digest128(high: 0, low: UInt64(number))),
                endpoint: NodeEndpoint(host: "10.0.0.\(number)", port: 1)
            )
        }
        for sender in senders { _ = waiting.add([1], for: fingerprint, from: sender, limit: 8) }
        let asked = (0..<3).flatMap { _ in waiting.retry().map(\.1.host) }
        #expect(Set(asked) == ["10.0.0.1", "10.0.0.2", "10.0.0.3"])
    }

    @Test func recordingsOfANodesPastUseUpNothingElseOfIt() throws {
        let cluster = try scene(705)
        let (victim, subject) = (cluster.nodes[0], cluster.nodes[2])
        var recorded: [[UInt8]] = []
        cluster.tap = { bytes, from, to in
            if from == subject.endpoint, to == victim.endpoint { recorded.append(bytes) }
        }
        cluster.run(.seconds(20))
        cluster.tap = nil
        cluster.restart(2)
        cluster.run(.seconds(5))
        for round in 0..<1000 {
            _ = receive(recorded[round % recorded.count], victim, port: 2000, cluster.now)
        }
        let node = cluster.nodes[2]
        for _ in 0..<10 {
            var request = node.instance.message(.chainRequest)
            request.append(cluster.nodes[1].crypto.ownCertificate.digest)
            node.instance.dispatch(request, to: victim.endpoint)
        }
        for case .send(let bytes, to: victim.endpoint) in node.instance.left() {
            let parts = sends(receive(bytes, victim, port: 3000, cluster.now)).filter { $0.port == 3000 }
            #expect(!parts.isEmpty)
        }
        let slot = try slot(of: node, at: victim)
        victim.instance.change(slot, to: .dead)
        victim.instance.contactedByDeparted(slot, &victim.generator)
        #expect(sends(victim.instance.left()).contains(node.endpoint))
    }

    @Test func goodChainsUnderFalseNamesAreRefusedAfterAFew() throws {
        let cluster = try scene(706, 2)
        let victim = cluster.nodes[0]
        var body = SyncMessage.begin(.pull, domain: victim.instance.domain, viewSum: 0, leafSum: 0)
        for number in 0..<100 {
            let chain = cluster.authority.issue(TestCluster.identity("ghost\(number)")).chain
            var section: [UInt8] = []
            section.append(Digest128(high: 5, low: UInt64(number)))
            SyncMessage.append(.chain, section + chain, to: &body)
        }
        let known = victim.crypto.knownCount
        let peer = cluster.nodes[1].identity
        _ = victim.instance.receivedSyncRequest(body, from: peer, now: cluster.now, using: &victim.generator)
        #expect(victim.instance.counters.chainsRefused == 8)
        #expect(victim.crypto.knownCount == known)
    }

    @Test func aNodeThatHasManyProbesMadeLeavesRoomForOthers() throws {
        let cluster = try scene(707)
        let (helper, greedy, other) = (cluster.nodes[0], cluster.nodes[4], cluster.nodes[1])
        let (greedySlot, otherSlot) = (try slot(of: greedy, at: helper), try slot(of: other, at: helper))
        let target = cluster.nodes[2].instance.own
        func ask(_ nonce: UInt64, _ slot: Int, _ node: TestCluster.Node) {
            let body = PingBody(
                nonce: nonce,
                target: target.key,
                incarnation: target.incarnation,
                state: .alive,
                isRelayed: true
            )
            helper.instance.receivedPingRequest(body, slot, node.endpoint)
        }
        for nonce: UInt64 in 1...1000 { ask(nonce, greedySlot, greedy) }
        #expect(helper.instance.relays.count == 16)
        #expect(helper.instance.counters.relaysDeclined == 984)
        ask(2000, otherSlot, other)
        #expect(helper.instance.relays.count == 17)
    }
}
