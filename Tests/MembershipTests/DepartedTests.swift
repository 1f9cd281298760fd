import EventModel
import SansIO
import Testing

@testable import Membership

/// Members that have left are forgotten for good, and take nobody's place.
@Suite struct DepartedTests {
    private func scene(_ seed: UInt64, _ configuration: MembershipConfiguration) throws -> TestCluster {
        let cluster = TestCluster(5, seed: seed, configuration: configuration)
        cluster.start()
        try #require(cluster.run(atMost: .seconds(10)) { cluster.isConverged } != nil)
        cluster.run(.seconds(3))
        return cluster
    }

    private func leave(_ index: Int, _ cluster: TestCluster) {
        let node = cluster.nodes[index]
        cluster.perform(node.instance.leaveRequested(now: cluster.now, using: &node.generator), index)
        cluster.run(.seconds(4))
        node.isRunning = false
    }

    @Test func aMemberThatLeftIsForgottenAndNotTaughtAgain() throws {
        var configuration = MembershipConfiguration.lan
        configuration.departedRetention = .seconds(60)
        configuration.syncPeriod = .seconds(5)
        let cluster = try scene(951, configuration)
        leave(4, cluster)
        #expect((0..<4).allSatisfy { cluster.state(of: 4, at: $0) == .left })
        // One forgets it long before the others.
        let node = cluster.nodes[0]
        let slot = try #require(node.instance.slots[cluster.nodes[4].instance.own.key])
        node.instance.departed.removeAll { $0 == slot }
        node.instance.records[slot].isDeparted = false
        node.instance.release(slot)
        for _ in 0..<20 {
            cluster.run(.seconds(1))
            #expect(cluster.state(of: 4, at: 0) == nil)
        }
        cluster.run(.seconds(120))
        #expect((0..<4).allSatisfy { cluster.state(of: 4, at: $0) == nil })
    }

    @Test func aNewcomerIsNotToldOfWhoseCertificateHasExpired() throws {
        let cluster = TestCluster(3, seed: 952)
        let identity = TestCluster.identity("brief")
        let certificate = cluster.authority.issue(identity, notAfter: cluster.now + .seconds(60))
        cluster.add(name: "brief", certificate: certificate)
        cluster.start()
        try #require(cluster.run(atMost: .seconds(10)) { cluster.isConverged } != nil)
        cluster.nodes[3].isRunning = false
        let isDead = { (0..<3).allSatisfy { cluster.state(of: 3, at: $0) == .dead } }
        try #require(cluster.run(atMost: .seconds(30), until: isDead) != nil)
        cluster.run(.seconds(150))
        let node = cluster.nodes[0]
        var body = SyncMessage.begin(.pull, domain: node.instance.domain, viewSum: 0, leafSum: 0)
        // The other side has an older word of it.
        let slot = try #require(node.instance.slots[cluster.nodes[3].instance.own.key])
        var entry = node.instance.entry(slot)
        entry.incarnation -= 1
        var digest: [UInt8] = []
        SyncMessage.append(entry, to: &digest)
        SyncMessage.append(.digest, digest, to: &body)
        let peer = cluster.nodes[1].identity
        let request = node.instance.receivedSyncRequest(body, from: peer, now: cluster.now, using: &node.generator)
        let answer = try #require(request.answer)
        let claims = try #require(SyncMessage(answer)).sections.filter { $0.kind == .claim }
        #expect(claims.count == 3)
    }

    @Test func whoLeftGivesWayBeforeWhoIsHeldDeadAndTakesNobodysPlace() throws {
        var configuration = MembershipConfiguration.lan
        configuration.maximumMembers = 5
        let cluster = try scene(953, configuration)
        cluster.nodes[3].isRunning = false
        let isDead = { (0..<3).allSatisfy { cluster.state(of: 3, at: $0) == .dead } }
        try #require(cluster.run(atMost: .seconds(60), until: isDead) != nil)
        leave(4, cluster)
        let node = cluster.nodes[0]
        func hear(_ name: String, _ life: NodeClaim.Life) {
            let other = cluster.add(name: name)
            other.isRunning = false
            _ = node.crypto.learn(other.crypto.own.chain[...])
            var claim = other.instance.records[0].claim
            claim.life = life
            var bytes = claim.unsigned(domain: node.instance.domain)
            bytes.appendSignature(TestCrypto.signature(bytes[...], secret: other.crypto.own.secret))
            node.instance.heardClaim(bytes, 0..<bytes.count, from: nil, sender: nil, &node.generator)
        }
        hear("gone", .left)
        #expect(cluster.state(of: 4, at: 0) == .left, "it would take the place of one that may come back")
        hear("new", .alive)
        #expect(cluster.state(of: 4, at: 0) == nil)
        #expect(cluster.state(of: 3, at: 0) == .dead)
    }
}
