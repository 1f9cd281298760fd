import EventModel
import Membership
import SansIO
import Testing

/// Renewal, revocation, expiry, key rotation, and two certificates for one name.
@Suite struct SWIMCertificateTests {
    private func converged(_ count: Int, seed: UInt64) throws -> TestCluster {
        let cluster = TestCluster(count, seed: seed)
        cluster.start()
        try #require(cluster.run(atMost: .seconds(10)) { cluster.isConverged } != nil)
        cluster.run(.seconds(5))
        return cluster
    }

    private func suspicions(_ cluster: TestCluster) -> UInt64 {
        cluster.nodes.reduce(0) { $0 + $1.instance.counters.suspicionsRaised }
    }

    @Test func everyNodeRenewsItsCertificateWithoutASuspicion() throws {
        let cluster = try converged(12, seed: 21)
        for (index, node) in cluster.nodes.enumerated() {
            node.crypto.renew(cluster.authority.issue(node.identity))
            cluster.perform(node.instance.renewedCertificate(now: cluster.now), index)
            cluster.run(.milliseconds(300))
        }
        #expect(cluster.run(atMost: .seconds(10)) { cluster.isConverged } != nil)
        cluster.run(.seconds(120))
        #expect(cluster.isConverged)
        #expect(suspicions(cluster) == 0)
        #expect(cluster.nodes.allSatisfy { $0.alarms.isEmpty })
        let renewed = cluster.nodes[3].crypto.own.facts.fingerprint
        #expect(cluster.nodes[7].instance.member(cluster.nodes[3].instance.own.key)?.certificate == renewed)
        // Only the certificates in use are kept.
        #expect(cluster.nodes.allSatisfy { $0.crypto.knownCount == 11 })
    }

    /// For a while a renewed node signs datagrams with its former certificate, which a newcomer has never seen.
    @Test(arguments: [0, 500, 5000, 20_000]) func aNodeThatStartsSoonAfterARenewalSuspectsNobody(after: Int) throws {
        let cluster = try converged(5, seed: 28)
        let node = cluster.nodes[3]
        node.crypto.renew(cluster.authority.issue(node.identity))
        cluster.perform(node.instance.renewedCertificate(now: cluster.now), 3)
        cluster.run(.milliseconds(after))
        cluster.restart(1)
        cluster.run(.seconds(100))
        #expect(cluster.isConverged)
        #expect(suspicions(cluster) == 0)
        #expect(cluster.nodes.allSatisfy { $0.deaths() == 0 })
    }

    @Test func aFormerCertificateThatIsDistrustedWhileItStillSignsCostsNoSuspicion() throws {
        let cluster = try converged(6, seed: 27)
        let former = cluster.nodes.map { $0.crypto.own.facts.fingerprint }
        for (index, node) in cluster.nodes.enumerated() {
            node.crypto.renew(cluster.authority.issue(node.identity))
            cluster.perform(node.instance.renewedCertificate(now: cluster.now), index)
        }
        #expect(cluster.run(atMost: .seconds(10)) { cluster.isConverged } != nil)
        cluster.authority.revoked.formUnion(former)
        for (index, node) in cluster.nodes.enumerated() {
            cluster.perform(node.instance.changedTrust(now: cluster.now, using: &node.generator), index)
        }
        cluster.run(.seconds(40))
        #expect(cluster.isConverged)
        #expect(suspicions(cluster) == 0)
    }

    @Test func aCertificateThatReplacesItsOwnSuccessorIsKept() throws {
        let cluster = TestCluster(3, seed: 30)
        let identity = TestCluster.identity("twice")
        let (first, second) = (
            cluster.authority.issue(identity, publicKey: 77), cluster.authority.issue(identity, publicKey: 77)
        )
        cluster.add(name: "twice", certificate: first)
        cluster.start()
        try #require(cluster.run(atMost: .seconds(10)) { cluster.isConverged } != nil)
        cluster.run(.seconds(3))
        for certificate in [second, first] {
            cluster.restart(3, certificate: certificate)
            cluster.run(.seconds(5))
        }
        #expect(cluster.nodes[0].crypto.certificate(first.facts.fingerprint) != nil)
        cluster.run(.seconds(90))
        #expect(cluster.isConverged)
        #expect(suspicions(cluster) == 0)
        #expect(cluster.nodes.allSatisfy { $0.instance.counters.droppedForged == 0 })
    }

    private func renew(_ cluster: TestCluster, _ index: Int) {
        let node = cluster.nodes[index]
        node.crypto.renew(cluster.authority.issue(node.identity))
        cluster.perform(node.instance.renewedCertificate(now: cluster.now), index)
    }

    @Test func renewalsThatFollowEachOtherCostNoSuspicion() throws {
        let cluster = try converged(8, seed: 24)
        // The second comes while nobody has heard of the first, the others while the first is still under way.
        for pause in [0, 3, 9, 14] {
            renew(cluster, 2)
            cluster.run(.seconds(pause))
        }
        let newest = cluster.nodes[2].crypto.ownCertificate
        let key = cluster.nodes[2].instance.own.key
        cluster.run(.seconds(90))
        #expect(cluster.isConverged)
        #expect(suspicions(cluster) == 0)
        #expect(cluster.nodes.allSatisfy { $0.instance.member(key)?.certificate == newest })
        #expect(cluster.nodes.allSatisfy { $0.alarms.isEmpty })
    }

    @Test func aRootThatGoesAtSomeNodesBeforeOthersCostsNoSuspicion() throws {
        let cluster = try converged(8, seed: 26)
        let former = Set(cluster.nodes.map { $0.crypto.ownCertificate })
        for index in cluster.nodes.indices { renew(cluster, index) }
        #expect(cluster.run(atMost: .seconds(10)) { cluster.isConverged } != nil)
        // Half of the nodes distrust the root of what the other half still signs with.
        for (index, node) in cluster.nodes.enumerated() {
            if index == 4 { cluster.run(.seconds(15)) }
            node.crypto.distrusted = former
            cluster.perform(node.instance.changedTrust(now: cluster.now, using: &node.generator), index)
        }
        cluster.run(.seconds(60))
        #expect(cluster.isConverged)
        #expect(suspicions(cluster) == 0)
        #expect(cluster.nodes.allSatisfy { $0.instance.counters.droppedUnentitled == 0 })
    }

    @Test func aCertificateThatIsRevokedWithinAnOverlapGivesWayAtOnce() throws {
        let cluster = try converged(6, seed: 27)
        renew(cluster, 2)
        cluster.run(.seconds(5))
        renew(cluster, 2)
        cluster.run(.seconds(1))
        #expect(cluster.nodes[2].instance.own.certificate != cluster.nodes[2].crypto.ownCertificate)
        cluster.authority.revoked.insert(cluster.nodes[2].instance.own.certificate)
        for (index, node) in cluster.nodes.enumerated() {
            cluster.perform(node.instance.changedTrust(now: cluster.now, using: &node.generator), index)
        }
        #expect(cluster.nodes[2].instance.own.certificate == cluster.nodes[2].crypto.ownCertificate)
        #expect(cluster.run(atMost: .seconds(30)) { cluster.isConverged } != nil)
    }

    @Test func theRingsKeyRotatesWithoutASuspicion() throws {
        let cluster = try converged(12, seed: 22)
        let steps: [(TestCrypto) -> Void] = [
            { $0.acceptedKeys.insert(2) }, { $0.primaryKey = 2 }, { $0.acceptedKeys.remove(1) },
        ]
        for step in steps {
            for node in cluster.nodes {
                step(node.crypto)
                cluster.run(.milliseconds(100))
            }
            cluster.run(.seconds(5))
        }
        #expect(suspicions(cluster) == 0)
        #expect(cluster.nodes.allSatisfy { $0.instance.counters.droppedUnsealed == 0 })
    }

    @Test func aRevokedCertificateEjectsItsNodeWithinOnePeriod() throws {
        let cluster = try converged(6, seed: 23)
        cluster.authority.revoked.insert(cluster.nodes[2].crypto.own.facts.fingerprint)
        for index in [0, 1, 3, 4, 5] {
            let node = cluster.nodes[index]
            cluster.perform(node.instance.changedTrust(now: cluster.now, using: &node.generator), index)
        }
        #expect([0, 1, 3, 4, 5].allSatisfy { cluster.state(of: 2, at: $0) == .ejected })
        cluster.run(.seconds(30))
        #expect([0, 1, 3, 4, 5].allSatisfy { cluster.state(of: 2, at: $0) == .ejected })
        #expect(cluster.nodes[0].instance.counters.droppedUnentitled > 0)
        cluster.nodes[2].isRunning = false
        cluster.run(.seconds(10))
        #expect([0, 1, 3, 4, 5].allSatisfy { cluster.nodes[$0].instance.presentCount == 5 })
    }

    @Test func anEjectedNodeReturnsWithANewCertificate() throws {
        let cluster = try converged(5, seed: 24)
        cluster.authority.revoked.insert(cluster.nodes[2].crypto.own.facts.fingerprint)
        for (index, node) in cluster.nodes.enumerated() where index != 2 {
            cluster.perform(node.instance.changedTrust(now: cluster.now, using: &node.generator), index)
        }
        cluster.run(.seconds(5))
        cluster.restart(2, certificate: cluster.authority.issue(cluster.nodes[2].identity))
        #expect(cluster.run(atMost: .seconds(10)) { cluster.isConverged } != nil)
    }

    @Test func anExpiredCertificateEjectsItsNode() throws {
        let cluster = TestCluster(0, seed: 25)
        let soon = cluster.now + .seconds(30)
        for number in 0..<4 {
            let identity = TestCluster.identity("n\(number)")
            let certificate = cluster.authority.issue(identity, notAfter: number == 2 ? soon : .distantFuture)
            cluster.add(name: "n\(number)", certificate: certificate)
        }
        cluster.start()
        try #require(cluster.run(atMost: .seconds(10)) { cluster.isConverged } != nil)
        cluster.run(.seconds(60))
        #expect(cluster.state(of: 2, at: 0) == .alive, "clocks may differ by a minute")
        cluster.run(.seconds(40))
        #expect([0, 1, 3].allSatisfy { cluster.state(of: 2, at: $0) == .ejected })
        #expect(
            cluster.nodes[0].events.contains { event in
                if case .ejected(let member, .expired) = event { return member.identity.node == "n2" }
                return false
            }
        )
    }

    @Test func anotherCertificateForALiveNameIsRefusedWithAnAlarm() throws {
        let cluster = try converged(8, seed: 26)
        let victim = cluster.nodes[3]
        let held = victim.crypto.own.facts.fingerprint
        // A second process under the same name, with a certificate of its own, joins through node 0.
        let thief = cluster.add(
            name: "n3",
            certificate: cluster.authority.issue(victim.identity, notBefore: cluster.now)
        )
        cluster.start(8)
        let sums = (0..<8).map { cluster.nodes[$0].instance.viewFingerprint }
        cluster.run(.seconds(60))
        #expect((0..<8).map { cluster.nodes[$0].instance.viewFingerprint } == sums)
        #expect((0..<8).allSatisfy { cluster.nodes[$0].instance.member(victim.instance.own.key)?.certificate == held })
        #expect((0..<8).allSatisfy { cluster.nodes[$0].deaths() == 0 })
        let contested = cluster.nodes[0].alarms.contains { alarm in
            if case .nameContested(let name, held, thief.crypto.own.facts.fingerprint, _) = alarm {
                return name == victim.identity
            }
            return false
        }
        #expect(contested)
    }

    @Test func aNodeSetUpAnewTakesItsNameOnceTheOldProcessIsDead() throws {
        let cluster = try converged(8, seed: 27)
        cluster.restart(3, certificate: cluster.authority.issue(cluster.nodes[3].identity, notBefore: cluster.now))
        #expect(cluster.run(atMost: .seconds(6)) { cluster.isConverged } != nil)
        let replaced = cluster.nodes[0].alarms.contains { if case .nameReplaced = $0 { true } else { false } }
        #expect(replaced)
    }

    @Test func theOwnerTakesItsNameBackFromAThiefThatCameWhileItWasAway() throws {
        let cluster = try converged(6, seed: 28)
        let owner = cluster.nodes[3].crypto.own
        cluster.nodes[3].isRunning = false
        cluster.run(.seconds(10))
        let thief = cluster.add(
            name: "n3",
            certificate: cluster.authority.issue(owner.facts.identity, notBefore: cluster.now)
        )
        cluster.start(6)
        cluster.run(.seconds(5))
        #expect(cluster.state(of: 3, at: 0) == .alive)
        cluster.restart(3)
        cluster.run(.seconds(20))
        let key = thief.instance.own.key
        #expect((0..<6).allSatisfy { cluster.nodes[$0].instance.member(key)?.certificate == owner.facts.fingerprint })
    }

    @Test func aSecondProcessWithTheSameCertificateIsNoticed() throws {
        let cluster = try converged(5, seed: 29)
        cluster.add(name: "n3", certificate: cluster.nodes[3].crypto.own)
        cluster.start(5)
        cluster.run(.seconds(120))
        let noticed = (cluster.nodes[3].alarms + cluster.nodes[5].alarms).contains {
            if case .duplicateSelf = $0 { true } else { false }
        }
        #expect(noticed)
        // However the two fight, nobody else is harmed.
        #expect(
            [0, 1, 2, 4].allSatisfy { observer in
                [0, 1, 2, 4].allSatisfy { cluster.state(of: $0, at: observer) == .alive }
            }
        )
    }
}
