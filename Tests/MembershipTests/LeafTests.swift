import EventModel
import Membership
import SansIO
import Testing

/// Leaves: nodes that only dial out, advertised by the nodes that hold their uplinks (DESIGN §8).
@Suite struct LeafTests {
    private static let account = TestCluster.anyAccount

    private func scene(seed: UInt64) throws -> (TestCluster, leaf: TestCluster.Node) {
        let cluster = TestCluster(6, seed: seed)
        cluster.start()
        try #require(cluster.run(atMost: .seconds(10)) { cluster.isConverged } != nil)
        let leaf = cluster.add(name: "edge", accounts: [Self.account], role: .leaf)
        leaf.isRunning = false
        return (cluster, leaf)
    }

    private func dial(_ sponsors: [Int], _ leaf: TestCluster.Node, _ cluster: TestCluster) -> NodeKey? {
        var description = leaf.instance.ownDescription
        description.sponsors = sponsors.map { cluster.nodes[$0].instance.own.key }
        _ = leaf.instance.changedDescription(description, now: cluster.now)
        let (claim, chain) = leaf.instance.ownSignedClaim
        var key: NodeKey?
        for sponsor in sponsors {
            let node = cluster.nodes[sponsor]
            let (attached, actions) = node.instance.leafAttached(
                claim: claim,
                chain: chain,
                now: cluster.now,
                using: &node.generator
            )
            cluster.perform(actions, sponsor)
            key = attached
        }
        return key
    }

    private func sponsors(_ cluster: TestCluster, at observer: Int) -> [String]? {
        cluster.nodes[observer].instance.directory.entry(for: Self.account)?.nodes.first?.sponsors.map(\.node)
    }

    @Test func aLeafIsKnownEverywhereWhileItsUplinkIsOpen() throws {
        let (cluster, leaf) = try scene(seed: 51)
        let key = try #require(dial([2], leaf, cluster))
        cluster.run(.seconds(3))
        #expect((0..<6).allSatisfy { sponsors(cluster, at: $0) == ["n2"] })
        cluster.perform(cluster.nodes[2].instance.leafDetached(key, now: cluster.now), 2)
        cluster.run(.seconds(3))
        #expect((0..<6).allSatisfy { sponsors(cluster, at: $0) == nil })
        // Nobody probes it, and it is not a member of anybody's view.
        #expect(cluster.nodes.allSatisfy { $0.instance.counters.suspicionsRaised == 0 })
        #expect(cluster.isConverged)
    }

    @Test func aLeafWithTwoUplinksSurvivesTheLossOfOne() throws {
        let (cluster, leaf) = try scene(seed: 52)
        _ = dial([1, 2], leaf, cluster)
        cluster.run(.seconds(3))
        #expect((0..<6).allSatisfy { sponsors(cluster, at: $0) == ["n1", "n2"] })
        cluster.nodes[2].isRunning = false
        cluster.run(.seconds(10))
        #expect([0, 1, 3, 4, 5].allSatisfy { sponsors(cluster, at: $0) == ["n1"] })
    }

    @Test func aDeadSponsorsLeafIsGoneAndComesBackElsewhere() throws {
        let (cluster, leaf) = try scene(seed: 53)
        _ = dial([2], leaf, cluster)
        cluster.run(.seconds(3))
        cluster.nodes[2].isRunning = false
        cluster.run(.seconds(10))
        #expect([0, 1, 3, 4, 5].allSatisfy { sponsors(cluster, at: $0) == nil })
        #expect(dial([4], leaf, cluster) != nil)
        cluster.run(.seconds(3))
        #expect([0, 1, 3, 4, 5].allSatisfy { sponsors(cluster, at: $0) == ["n4"] })
    }

    @Test func aSponsorThatTheLeafDidNotNameIsNotBelieved() throws {
        let (cluster, leaf) = try scene(seed: 54)
        _ = dial([2], leaf, cluster)
        cluster.run(.seconds(3))
        let (claim, chain) = leaf.instance.ownSignedClaim
        let other = cluster.nodes[3]
        let (key, actions) = other.instance.leafAttached(
            claim: claim,
            chain: chain,
            now: cluster.now,
            using: &other.generator
        )
        cluster.perform(actions, 3)
        #expect(key == nil)
        cluster.run(.seconds(3))
        #expect(sponsors(cluster, at: 0) == ["n2"])
    }

    @Test func aLateComerLearnsOfLeavesByItsSync() throws {
        let (cluster, leaf) = try scene(seed: 55)
        _ = dial([2], leaf, cluster)
        cluster.run(.seconds(20))
        cluster.restart(5)
        cluster.run(.seconds(3))
        #expect(sponsors(cluster, at: 5) == ["n2"])
    }

    @Test func aRevokedLeafIsWithdrawn() throws {
        let (cluster, leaf) = try scene(seed: 56)
        _ = dial([2], leaf, cluster)
        cluster.run(.seconds(3))
        cluster.authority.revoked.insert(leaf.crypto.own.facts.fingerprint)
        for index in 0..<6 {
            let node = cluster.nodes[index]
            cluster.perform(node.instance.changedTrust(now: cluster.now, using: &node.generator), index)
        }
        #expect((0..<6).allSatisfy { sponsors(cluster, at: $0) == nil })
    }

    @Test func aMemberMayBecomeALeafAndAMemberAgain() throws {
        let (cluster, _) = try scene(seed: 57)
        let node = cluster.nodes[4]
        let key = node.instance.own.key
        var description = node.instance.ownDescription
        description.role = .leaf
        node.isRunning = false
        _ = node.instance.changedDescription(description, now: cluster.now)
        #expect(dial([1], node, cluster) == key)
        cluster.run(.seconds(3))
        #expect([0, 1, 2, 3, 5].allSatisfy { cluster.nodes[$0].instance.presentCount == 5 })
        #expect([0, 1, 2, 3, 5].allSatisfy { cluster.nodes[$0].instance.leafCount == 1 })
        description.role = .core
        description.sponsors = []
        cluster.restart(4, description: description)
        cluster.run(.seconds(5))
        #expect((0..<6).allSatisfy { cluster.nodes[$0].instance.presentCount == 6 })
    }
}
