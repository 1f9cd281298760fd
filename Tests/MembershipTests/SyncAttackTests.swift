import EventModel
import SansIO
import Testing

@testable import Membership

/// What a node with a link may try with full-state syncs, and what it may say under its own name.
@Suite struct SyncAttackTests {
    private func scene(seed: UInt64, _ count: Int = 5) throws -> TestCluster {
        let cluster = TestCluster(count, seed: seed)
        cluster.start()
        try #require(cluster.run(atMost: .seconds(10)) { cluster.isConverged } != nil)
        cluster.run(.seconds(3))
        return cluster
    }

    private func begin(_ node: TestCluster.Node) -> [UInt8] {
        SyncMessage.begin(.pull, domain: node.instance.domain, viewSum: 0, leafSum: 0)
    }

    private func request(
        _ body: [UInt8],
        to node: TestCluster.Node,
        from peer: NodeIdentity,
        _ cluster: TestCluster
    ) -> (answer: [UInt8]?, actions: [MembershipAction]) {
        node.instance.receivedSyncRequest(body, from: peer, now: cluster.now, using: &node.generator)
    }

    /// A claim of a node's with another incarnation, signed with a key of the test's choice.
    private func claim(
        of node: TestCluster.Node,
        raisedBy milliseconds: UInt64,
        signer: TestAuthority.Certificate? = nil,
        _ change: (inout NodeClaim) -> Void = { _ in }
    ) -> [UInt8] {
        let signer = signer ?? node.crypto.own
        var claim = node.instance.records[0].claim
        claim.incarnation += milliseconds
        change(&claim)
        var bytes = claim.unsigned(domain: node.instance.domain)
        bytes.appendSignature(TestCrypto.signature(bytes[...], secret: signer.secret))
        return bytes
    }

    private func hear(_ bytes: [UInt8], _ node: TestCluster.Node) {
        node.instance.heardClaim(bytes, 0..<bytes.count, from: nil, sender: nil, &node.generator)
    }

    @Test func aHundredThousandRepeatedEntriesCostOneSignatureAndOnePing() throws {
        let cluster = try scene(seed: 71)
        cluster.nodes[3].isRunning = false
        let isDead = { cluster.state(of: 3, at: 0) == .dead }
        try #require(cluster.run(atMost: .seconds(60), until: isDead) != nil)
        let victim = cluster.nodes[0]
        let slot = try #require(victim.instance.slots[cluster.nodes[3].instance.own.key])
        var ofSelf = victim.instance.entry(0)
        ofSelf.state = .dead
        var ofDead = victim.instance.entry(slot)
        ofDead.state = .alive
        var digest: [UInt8] = []
        for _ in 0..<50_000 {
            SyncMessage.append(ofSelf, to: &digest)
            SyncMessage.append(ofDead, to: &digest)
        }
        var body = begin(victim)
        SyncMessage.append(.digest, digest, to: &body)
        let before = (victim.crypto.signatures, victim.instance.counters.refutations)
        let (answer, actions) = request(body, to: victim, from: cluster.nodes[1].identity, cluster)
        #expect(answer != nil)
        #expect(victim.instance.counters.refutations - before.1 == 1)
        let pings = actions.count { action in
            if case .send(_, let to) = action { to == cluster.nodes[3].endpoint } else { false }
        }
        #expect(pings == 1)
        #expect(victim.crypto.signatures - before.0 <= 3)
    }

    @Test func moreSectionsThanASyncNeedsAreRefused() throws {
        let cluster = try scene(seed: 72, 2)
        var body = begin(cluster.nodes[0])
        for _ in 0...SyncMessage.maximumSections { SyncMessage.append(.digest, [], to: &body) }
        #expect(SyncMessage(body) == nil)
    }

    @Test func forgedClaimsInASyncUseUpNothingOfTheirSubjectsAndMuteTheirSender() throws {
        let cluster = try scene(seed: 73)
        let victim = cluster.nodes[0]
        let subject = cluster.nodes[1]
        let attacker = cluster.nodes[4]
        let verified = victim.crypto.verifications
        for round in 1...3 {
            var body = begin(victim)
            for number in 1...200 {
                let forged = claim(of: subject, raisedBy: UInt64(number), signer: attacker.crypto.own)
                SyncMessage.append(.claim, forged, to: &body)
            }
            let answer = request(body, to: victim, from: attacker.identity, cluster).answer
            #expect(answer != nil)
            #expect(victim.crypto.verifications - verified == 8 * round)
        }
        #expect(request(begin(victim), to: victim, from: attacker.identity, cluster).answer == nil)
        let slot = try #require(victim.instance.slots[subject.instance.own.key])
        #expect(victim.instance.counters.claimsOverRate == 0)
        #expect(victim.instance.isMuted(slot) == false)
        hear(claim(of: subject, raisedBy: 1) { $0.description.pressure = 7 }, victim)
        #expect(victim.instance.records[slot].claim.description.pressure == 7)
    }

    @Test func forgedSuspicionsSilenceNobodyWhomTheyName() throws {
        let cluster = try scene(seed: 74)
        let victim = cluster.nodes[0]
        let named = cluster.nodes[2]
        let slot = try #require(victim.instance.slots[named.instance.own.key])
        let before = victim.instance.records[slot].suspicions
        let statement = SuspicionStatement(
            domain: victim.instance.domain,
            subject: cluster.nodes[1].instance.own.key,
            incarnation: cluster.nodes[1].instance.own.incarnation,
            signer: named.crypto.ownCertificate,
            isVerdict: false
        )
        for _ in 0..<10 {
            var body = begin(victim)
            let forged = statement.unsigned + [UInt8](repeating: 7, count: 64)
            for _ in 0..<300 { SyncMessage.append(.suspicion, forged, to: &body) }
            _ = request(body, to: victim, from: cluster.nodes[4].identity, cluster)
        }
        #expect(victim.instance.records[slot].suspicions == before)
        #expect(victim.instance.counters.suspicionsIgnored == 0)
        #expect(victim.alarms.isEmpty)
    }

    @Test func aStrangerUsesUpNoOtherStrangersSyncs() throws {
        let cluster = try scene(seed: 75, 2)
        let node = cluster.nodes[0]
        let stranger = TestCluster.identity("stranger")
        for _ in 0..<100 { _ = request(begin(node), to: node, from: stranger, cluster) }
        #expect(request(begin(node), to: node, from: stranger, cluster).answer == nil)
        let row = node.instance.key(of: stranger).digest.low & 255
        let other = try #require(
            (0..<9).map { TestCluster.identity("other\($0)") }.first {
                node.instance.key(of: $0).digest.low & 255 != row
            }
        )
        #expect(request(begin(node), to: node, from: other, cluster).answer != nil)
    }

    @Test func forgedSourcesOfMembersCutNobodyOff() throws {
        var configuration = MembershipConfiguration.lan
        configuration.datagramsPerSecondPerSource = 40
        let cluster = TestCluster(5, seed: 76, configuration: configuration)
        cluster.start()
        try #require(cluster.run(atMost: .seconds(10)) { cluster.isConverged } != nil)
        let victim = cluster.nodes[0]
        for _ in 0..<1500 {
            // Every 10 ms four datagrams from each address: ten times the limit.
            for source in cluster.nodes.dropFirst() {
                for _ in 0..<4 {
                    cluster.deliver([UInt8](repeating: 3, count: 90), from: source.endpoint, to: victim.endpoint)
                }
            }
            cluster.run(.milliseconds(10))
        }
        #expect(victim.instance.counters.droppedUnsealed > 20_000)
        #expect(cluster.isConverged)
        #expect(cluster.nodes.allSatisfy { $0.instance.counters.suspicionsRaised == 0 })
    }

    @Test func departuresReturnsAndChangesOfRoleHaveOneShare() throws {
        let cluster = try scene(seed: 77)
        let victim = cluster.nodes[0]
        let node = cluster.nodes[1]
        let before = victim.instance.counters.claimsAccepted
        for number in 1...300 {
            hear(claim(of: node, raisedBy: UInt64(number)) { $0.life = number % 2 == 1 ? .left : .alive }, victim)
        }
        #expect(victim.instance.counters.claimsAccepted - before == 60)
        #expect(victim.instance.counters.claimsOverRate == 240)
        let other = cluster.nodes[2]
        let slot = try #require(victim.instance.slots[other.instance.own.key])
        victim.instance.records[slot].mutedUntil = .max
        for number in 1...300 {
            hear(
                claim(of: other, raisedBy: UInt64(number)) { $0.description.role = number % 2 == 1 ? .leaf : .core },
                victim
            )
        }
        #expect(victim.instance.counters.claimsAccepted - before == 120)
        let place = try #require(victim.instance.slots[other.instance.own.key])
        #expect(victim.instance.isMuted(place))
    }

    @Test func aClaimFarAheadOfTheClockIsRefused() throws {
        let cluster = try scene(seed: 78, 2)
        let victim = cluster.nodes[0]
        hear(claim(of: cluster.nodes[1], raisedBy: 2 * 86_400_000), victim)
        #expect(victim.instance.counters.claimsAheadOfClock == 1)
        let own = cluster.nodes[1].instance.own
        #expect(victim.instance.member(own.key)?.incarnation == own.incarnation)
    }

    @Test func anotherHolderOfANameCannotPushItsOwnerAheadOfTheClock() throws {
        let cluster = try scene(seed: 82)
        let victim = cluster.nodes[0]
        let before = victim.instance.own.incarnation
        let thief = cluster.authority.issue(victim.identity)
        let expired = cluster.authority.issue(victim.identity, notAfter: cluster.now + .seconds(-3600))
        for certificate in [thief, expired] { _ = victim.crypto.learn(certificate.chain[...]) }
        func double(_ certificate: TestAuthority.Certificate, raisedBy milliseconds: UInt64) -> [UInt8] {
            claim(of: victim, raisedBy: milliseconds, signer: certificate) {
                $0.certificate = certificate.facts.fingerprint
            }
        }
        hear(double(thief, raisedBy: 2 * 86_400_000), victim)
        hear(double(expired, raisedBy: 3_600_000), victim)
        #expect(victim.instance.own.incarnation == before)
        #expect(victim.instance.counters.claimsAheadOfClock == 1)
        // What others would believe has to be answered, and the answer is believed.
        hear(double(thief, raisedBy: 43_000_000), victim)
        #expect(victim.instance.own.incarnation > before + 43_000_000)
        cluster.run(.seconds(5))
        for node in cluster.nodes.dropFirst() {
            #expect(node.instance.member(victim.instance.own.key)?.incarnation == victim.instance.own.incarnation)
        }
    }

    @Test func claimsThatContestANameCostSoMuchAndNoMoreAndKeepNoRenewalOut() throws {
        let cluster = try scene(seed: 83)
        let victim = cluster.nodes[0]
        let owner = cluster.nodes[1]
        let slot = try #require(victim.instance.slots[owner.instance.own.key])
        let thief = cluster.authority.issue(owner.identity)
        _ = victim.crypto.learn(thief.chain[...])
        let before = (victim.crypto.verifications, victim.instance.counters.claimsContested)
        for number in 1...1000 {
            let double = claim(of: owner, raisedBy: UInt64(number), signer: thief) {
                $0.certificate = thief.facts.fingerprint
            }
            hear(double, victim)
        }
        #expect(victim.crypto.verifications - before.0 == 60)
        #expect(victim.instance.counters.claimsContested - before.1 == 1000)
        #expect(victim.instance.records[slot].facts.fingerprint == owner.crypto.ownCertificate)
        let next = cluster.authority.issue(owner.identity)
        owner.crypto.renew(next)
        cluster.perform(owner.instance.renewedCertificate(now: cluster.now), 1)
        let isRenewed = { victim.instance.records[slot].facts.fingerprint == next.facts.fingerprint }
        #expect(cluster.run(atMost: .seconds(10), until: isRenewed) != nil)
    }

    @Test func aRevokedNodesHighIncarnationDoesNotKeepItsSuccessorOut() throws {
        let cluster = try scene(seed: 79)
        let revoked = cluster.nodes[4]
        for index in 0..<4 { hear(claim(of: revoked, raisedBy: 43_000_000), cluster.nodes[index]) }
        revoked.isRunning = false
        cluster.authority.revoked.insert(revoked.crypto.ownCertificate)
        for index in 0..<4 {
            let node = cluster.nodes[index]
            cluster.perform(node.instance.changedTrust(now: cluster.now, using: &node.generator), index)
        }
        #expect(cluster.state(of: 4, at: 0) == .ejected)
        cluster.restart(4, certificate: cluster.authority.issue(revoked.identity))
        #expect(cluster.run(atMost: .seconds(60)) { cluster.isConverged } != nil)
        #expect(cluster.state(of: 4, at: 0) == .alive)
    }

    @Test func nodesEjectedByAClockThatRanAheadComeBack() throws {
        let cluster = TestCluster(0, seed: 80)
        for name in ["a", "b", "c"] {
            let end = cluster.now + .seconds(3600)
            let certificate = cluster.authority.issue(TestCluster.identity(name), notAfter: end)
            cluster.add(name: name, certificate: certificate)
        }
        cluster.start()
        try #require(cluster.run(atMost: .seconds(10)) { cluster.isConverged } != nil)
        let node = cluster.nodes[0]
        let ahead = cluster.now + .seconds(7200)
        cluster.perform(node.instance.changedTrust(now: ahead, using: &node.generator), 0)
        #expect(node.instance.presentCount == 1)
        #expect(cluster.run(atMost: .seconds(60)) { cluster.isConverged } != nil)
    }
}
