import EventModel
import SansIO
import Testing

@testable import Membership

/// What a view has missed is found by its sum, though something changes all the time.
@Suite struct ViewComparisonTests {
    private func scene(_ seed: UInt64, _ configuration: MembershipConfiguration = .lan) throws -> TestCluster {
        let cluster = TestCluster(5, seed: seed, configuration: configuration)
        cluster.start()
        try #require(cluster.run(atMost: .seconds(10)) { cluster.isConverged } != nil)
        cluster.run(.seconds(5))
        return cluster
    }

    private func attach(_ leaf: TestCluster.Node, _ cluster: TestCluster) -> (claim: [UInt8], word: [UInt8]) {
        let node = cluster.nodes[2]
        var description = leaf.instance.ownDescription
        description.sponsors = [node.instance.own.key]
        _ = leaf.instance.changedDescription(description, now: cluster.now)
        let (claim, chain) = leaf.instance.ownSignedClaim
        let outcome = node.instance.leafAttached(
            claim: claim,
            chain: chain,
            now: cluster.now,
            using: &node.generator
        ).outcome
        let place = outcome.leaf.flatMap { node.instance.leaves.place($0) }
        let word = place.flatMap { node.instance.leaves.leaves[$0].attachments.first?.signed }
        return (claim, word ?? [])
    }

    @Test func whatAViewHasMissedIsFoundThoughAMemberChangesAllTheTime() throws {
        var configuration = MembershipConfiguration.lan
        configuration.syncPeriod = .seconds(86_400)
        let cluster = try scene(901, configuration)
        let leaf = cluster.add(name: "edge", accounts: [TestCluster.anyAccount], role: .leaf)
        leaf.isRunning = false
        let (claim, word) = attach(leaf, cluster)
        // All but the last have heard of it, and nobody tells it any more.
        for index in 0..<4 {
            let node = cluster.nodes[index]
            _ = node.crypto.learn(leaf.crypto.own.chain[...])
            node.instance.heardClaim(claim, 0..<claim.count, from: nil, sender: nil, &node.generator)
            node.instance.heardAttachment(word, 0..<word.count, sender: nil)
            node.instance.leafQueue = DisseminationQueue()
            node.instance.queue = DisseminationQueue()
        }
        var round: UInt8 = 0
        let isKnown = { cluster.nodes[4].instance.directory.entry(for: TestCluster.anyAccount) != nil }
        for _ in 0..<30 where !isKnown() {
            round += 1
            var description = cluster.nodes[1].instance.ownDescription
            description.pressure = round
            cluster.perform(cluster.nodes[1].instance.changedDescription(description, now: cluster.now), 1)
            cluster.run(.milliseconds(1100))
        }
        #expect(isKnown())
        let syncs = cluster.nodes.map { $0.instance.counters.syncs }
        for _ in 0..<60 {
            round += 1
            var description = cluster.nodes[1].instance.ownDescription
            description.pressure = round
            cluster.perform(cluster.nodes[1].instance.changedDescription(description, now: cluster.now), 1)
            cluster.run(.milliseconds(1100))
        }
        for (node, before) in zip(cluster.nodes[..<5], syncs) {
            #expect(node.instance.counters.syncs - before <= 3, "changes alone bring no syncs")
        }
    }

    /// Syncs that brought nothing are rare in the end; what changes after them does not wait for the next.
    @Test func aWordThatIsMissedAfterUselessSyncsIsFoundSoon() throws {
        let cluster = try scene(903)
        let leaf = cluster.add(name: "edge", accounts: [TestCluster.anyAccount], role: .leaf)
        leaf.isRunning = false
        let (claim, word) = attach(leaf, cluster)
        for index in 0..<5 {
            let node = cluster.nodes[index]
            _ = node.crypto.learn(leaf.crypto.own.chain[...])
            node.instance.heardClaim(claim, 0..<claim.count, from: nil, sender: nil, &node.generator)
            if index != 4 { node.instance.heardAttachment(word, 0..<word.count, sender: nil) }
            node.instance.leafQueue = DisseminationQueue()
            node.instance.syncing.beganAt = cluster.now.milliseconds - 1
            node.instance.syncing.spacing = 120_000
            node.instance.syncing.allowedAt = cluster.now.milliseconds + 120_000
            node.instance.viewChangedAt = cluster.now.milliseconds
        }
        let isKnown = { cluster.nodes[4].instance.directory.entry(for: TestCluster.anyAccount) != nil }
        #expect(cluster.run(atMost: .seconds(20), until: isKnown) != nil)
        #expect(cluster.nodes[4].instance.syncing.spacing < 120_000, "it was of use")
    }

    /// Others know it by a certificate that counts no more, so nobody hears what it says of its next: only its own sync tells it.
    @Test func aNodeWithANewCertificateIsKnownSoonAfterItsLinksWork() throws {
        let cluster = try scene(904)
        cluster.canLink = { _, _ in false }
        let node = cluster.nodes[3]
        let former = node.crypto.own.facts.fingerprint
        cluster.authority.revoked.insert(former)
        node.crypto.renew(cluster.authority.issue(node.identity))
        for index in 0..<5 {
            let node = cluster.nodes[index]
            cluster.perform(node.instance.changedTrust(now: cluster.now, using: &node.generator), index)
        }
        cluster.run(.seconds(300))
        let isKnown = {
            [0, 1, 2, 4].allSatisfy { cluster.nodes[$0].instance.member(node.instance.own.key)?.certificate != former }
        }
        #expect(!isKnown())
        cluster.canLink = { _, _ in true }
        #expect(cluster.run(atMost: .seconds(30), until: isKnown) != nil)
    }

    @Test func aLeafsWordThatChangesNothingIsNoChangeOfTheView() throws {
        let cluster = try scene(902)
        let leaf = cluster.add(name: "edge", accounts: [TestCluster.anyAccount], role: .leaf)
        leaf.isRunning = false
        _ = attach(leaf, cluster)
        cluster.run(.seconds(10))
        let node = cluster.nodes[0]
        let place = try #require(node.instance.leaves.place(leaf.instance.own.key))
        let before = node.instance.viewChangedAt
        node.instance.publishLeaf(place)
        #expect(node.instance.viewChangedAt == before)
    }
}
