import EventModel
import SansIO
import Testing

@testable import Membership

/// What leaves and their sponsors may cost: verifications, places, certificates, and how long they are remembered.
@Suite struct LeafBoundTests {
    private static let account = TestCluster.anyAccount

    private func scene(_ seed: UInt64, _ configuration: MembershipConfiguration = .lan) throws -> TestCluster {
        let cluster = TestCluster(4, seed: seed, configuration: configuration)
        cluster.start()
        try #require(cluster.run(atMost: .seconds(10)) { cluster.isConverged } != nil)
        return cluster
    }

    private func addLeaf(_ name: String, _ cluster: TestCluster) -> TestCluster.Node {
        let leaf = cluster.add(name: name, accounts: [Self.account], role: .leaf)
        leaf.isRunning = false
        return leaf
    }

    @discardableResult
    private func dial(_ sponsor: Int, _ leaf: TestCluster.Node, _ cluster: TestCluster) -> NodeKey? {
        var description = leaf.instance.ownDescription
        description.sponsors = [cluster.nodes[sponsor].instance.own.key]
        _ = leaf.instance.changedDescription(description, now: cluster.now)
        let (claim, chain) = leaf.instance.ownSignedClaim
        let node = cluster.nodes[sponsor]
        let (outcome, actions) = node.instance.leafAttached(
            claim: claim,
            chain: chain,
            now: cluster.now,
            using: &node.generator
        )
        cluster.perform(actions, sponsor)
        return outcome.leaf
    }

    private func word(
        _ leaf: NodeKey,
        by sponsor: TestCluster.Node,
        number: UInt64,
        isAttached: Bool = true,
        secret: UInt64? = nil
    ) -> [UInt8] {
        let statement = AttachmentStatement(
            domain: sponsor.instance.domain,
            leaf: leaf,
            certificate: sponsor.instance.certificate(ofLeaf: leaf) ?? sponsor.crypto.ownCertificate,
            signer: sponsor.crypto.ownCertificate,
            number: number,
            isAttached: isAttached
        )
        let bytes = statement.unsigned
        return bytes + TestCrypto.signature(bytes[...], secret: secret ?? sponsor.crypto.own.secret)
    }

    private func hear(_ word: [UInt8], _ listener: TestCluster.Node, from sender: NodeKey? = nil) {
        let slot = sender.flatMap { listener.instance.slots[$0] }
        listener.instance.heardAttachment(word, 0..<word.count, sender: slot)
    }

    private func isKnown(_ cluster: TestCluster, at observer: Int) -> Bool {
        cluster.nodes[observer].instance.directory.entry(for: Self.account) != nil
    }

    @Test func aSponsorThatFloodsWordsAboutALeafCostsItsShareAndNoMore() throws {
        let cluster = try scene(501)
        let leaf = addLeaf("edge", cluster)
        let key = try #require(dial(2, leaf, cluster))
        cluster.run(.seconds(3))
        let (victim, sponsor) = (cluster.nodes[0], cluster.nodes[2])
        let before = victim.crypto.verifications
        let number = UInt64(cluster.now.milliseconds) + 1000
        for round in 0..<10_000 {
            hear(word(key, by: sponsor, number: number + UInt64(round), isAttached: round % 2 == 0), victim)
        }
        #expect(victim.crypto.verifications - before <= cluster.configuration.changesPerMinutePerMember)
        #expect(victim.instance.counters.attachmentsIgnored > 9_900)
        hear(word(key, by: sponsor, number: number + 20_000), victim)
        cluster.perform(victim.instance.changedTrust(now: cluster.now, using: &victim.generator), 0)
        #expect(victim.alarms.contains(.attachmentFlood(sponsor.identity)))
        // Its share comes back, and with it what it says last.
        cluster.run(.seconds(120))
        #expect(isKnown(cluster, at: 0))
        #expect(cluster.isConverged)
        #expect(cluster.nodes.allSatisfy { $0.instance.counters.suspicionsRaised == 0 })
    }

    @Test func aWordWithTheHighestNumberStopsNobody() throws {
        let cluster = try scene(511)
        let leaf = addLeaf("edge", cluster)
        let key = try #require(dial(2, leaf, cluster))
        let sponsor = cluster.nodes[2]
        for number: UInt64 in [.max, .max - 1, 1 << 63] { hear(word(key, by: sponsor, number: number), sponsor) }
        // The highest that is believed is answered, above it.
        hear(word(key, by: sponsor, number: (1 << 63) - 2, isAttached: false), sponsor)
        cluster.run(.seconds(3))
        #expect((0..<4).allSatisfy { isKnown(cluster, at: $0) })
        cluster.perform(sponsor.instance.leafDetached(key, now: cluster.now), 2)
    }

    @Test func aSponsorOfManyLeavesHasOneShareForAllOfThem() throws {
        var configuration = MembershipConfiguration.lan
        configuration.attachmentsPerMinutePerSponsor = 50
        let cluster = try scene(502, configuration)
        let leaves = (0..<30).map { addLeaf("edge\($0)", cluster) }
        let keys = leaves.compactMap { dial(2, $0, cluster) }
        cluster.run(.seconds(70))
        let (victim, sponsor) = (cluster.nodes[0], cluster.nodes[2])
        #expect(victim.instance.leafCount == 30)
        let before = victim.crypto.verifications
        let number = UInt64(cluster.now.milliseconds) + 1000
        for round in 0..<100 {
            for key in keys { hear(word(key, by: sponsor, number: number + UInt64(round)), victim) }
        }
        #expect(victim.crypto.verifications - before <= 50)
        // Another sponsor is heard all the same.
        let other = addLeaf("other", cluster)
        dial(3, other, cluster)
        let place = { victim.instance.leaves.place(other.instance.own.key) }
        let isHeard = { place().map { victim.instance.isAttached($0) } ?? false }
        #expect(cluster.run(atMost: .seconds(30), until: isHeard) != nil)
    }

    @Test func wordsForgedInASponsorsNameUseUpNothingOfIt() throws {
        let cluster = try scene(503)
        let leaf = addLeaf("edge", cluster)
        let key = try #require(dial(2, leaf, cluster))
        cluster.run(.seconds(3))
        let (victim, sponsor) = (cluster.nodes[0], cluster.nodes[2])
        let liar = cluster.nodes[3].instance.own.key
        let number = UInt64(cluster.now.milliseconds) + 1000
        for round in 0..<100 {
            let forged = word(key, by: sponsor, number: number + UInt64(round), isAttached: false, secret: 1)
            hear(forged, victim, from: liar)
        }
        #expect(victim.instance.counters.attachmentsIgnored == 0)
        let slot = try #require(victim.instance.slots[liar])
        #expect(victim.instance.isMuted(slot))
        cluster.perform(sponsor.instance.leafDetached(key, now: cluster.now), 2)
        #expect(cluster.run(atMost: .seconds(10)) { !isKnown(cluster, at: 0) } != nil)
    }

    @Test func aLeafThatIsAwayForTooLongIsForgottenAndNotTaughtAgain() throws {
        var configuration = MembershipConfiguration.lan
        configuration.departedRetention = .seconds(60)
        configuration.syncPeriod = .seconds(10)
        let cluster = try scene(504, configuration)
        let leaf = addLeaf("edge", cluster)
        let fingerprint = leaf.crypto.ownCertificate
        let key = try #require(dial(2, leaf, cluster))
        cluster.run(.seconds(5))
        cluster.perform(cluster.nodes[2].instance.leafDetached(key, now: cluster.now), 2)
        cluster.run(.seconds(30))
        #expect((0..<4).allSatisfy { cluster.nodes[$0].instance.leafCount == 1 })
        // One forgets it long before the others: they do not tell it again, and the views count as equal.
        cluster.nodes[0].instance.entered(cluster.now)
        let place = try #require(cluster.nodes[0].instance.leaves.place(key))
        _ = cluster.nodes[0].instance.leaves.forget(place)
        let syncs = cluster.nodes[0].instance.counters.syncs
        cluster.run(.seconds(20))
        #expect(cluster.nodes[0].instance.leafCount == 0)
        #expect(cluster.nodes[0].instance.counters.syncs - syncs <= 5)
        cluster.run(.seconds(60))
        #expect((0..<4).allSatisfy { cluster.nodes[$0].instance.leafCount == 0 })
        #expect((1..<4).allSatisfy { cluster.nodes[$0].crypto.certificate(fingerprint) == nil })
        #expect((1..<4).allSatisfy { cluster.nodes[$0].instance.counters.leavesForgotten == 1 })
        dial(1, leaf, cluster)
        #expect(cluster.run(atMost: .seconds(30)) { (0..<4).allSatisfy { isKnown(cluster, at: $0) } } != nil)
    }

    @Test func whenAllPlacesAreTakenTheLongestAbsentLeafGivesWay() throws {
        var configuration = MembershipConfiguration.lan
        configuration.maximumLeaves = 3
        let cluster = try scene(505, configuration)
        let leaves = (0..<5).map { addLeaf("edge\($0)", cluster) }
        let keys = leaves[..<3].compactMap { dial(2, $0, cluster) }
        cluster.run(.seconds(3))
        #expect(dial(2, leaves[3], cluster) == nil)
        cluster.run(.seconds(3))
        #expect(cluster.nodes[2].alarms.contains(.tooManyMembers(limit: 3)))
        for place in [1, 0] {
            cluster.perform(cluster.nodes[2].instance.leafDetached(keys[place], now: cluster.now), 2)
            cluster.run(.seconds(3))
        }
        dial(2, leaves[3], cluster)
        dial(2, leaves[4], cluster)
        cluster.run(.seconds(5))
        for node in cluster.nodes[..<4] {
            #expect(node.instance.leafCount == 3)
            #expect(node.instance.leaves.place(keys[1]) == nil)
            #expect(node.instance.leaves.place(keys[0]) == nil)
            for leaf in [leaves[2], leaves[3], leaves[4]] {
                let place = node.instance.leaves.place(leaf.instance.own.key)
                #expect(place.map { node.instance.isAttached($0) } == true)
            }
        }
    }

    @Test func whatASponsorSaidBeforeItsRestartHoldsNoMore() throws {
        let cluster = try scene(506)
        let leaf = addLeaf("edge", cluster)
        try #require(dial(2, leaf, cluster) != nil)
        cluster.run(.seconds(3))
        cluster.restart(2)
        cluster.run(.seconds(10))
        #expect((0..<4).allSatisfy { !isKnown(cluster, at: $0) })
        #expect(cluster.isConverged)
        dial(2, leaf, cluster)
        #expect(cluster.run(atMost: .seconds(10)) { (0..<4).allSatisfy { isKnown(cluster, at: $0) } } != nil)
    }

    @Test func aSponsorHeldDeadByMistakeHasItsLeavesBackWithItself() throws {
        let cluster = try scene(507)
        let leaf = addLeaf("edge", cluster)
        try #require(dial(2, leaf, cluster) != nil)
        cluster.run(.seconds(3))
        cluster.canPass = { from, to in (from == 2) == (to == 2) }
        #expect(cluster.run(atMost: .seconds(60)) { !isKnown(cluster, at: 0) } != nil)
        cluster.canPass = { _, _ in true }
        #expect(cluster.run(atMost: .seconds(60)) { (0..<4).allSatisfy { isKnown(cluster, at: $0) } } != nil)
    }

    @Test func aNewcomerLearnsOfLeavesAfterTheirSponsorsCertificateWasRenewed() throws {
        let cluster = try scene(508)
        let leaf = addLeaf("edge", cluster)
        try #require(dial(2, leaf, cluster) != nil)
        cluster.run(.seconds(3))
        let sponsor = cluster.nodes[2]
        sponsor.crypto.renew(cluster.authority.issue(sponsor.identity))
        cluster.perform(sponsor.instance.renewedCertificate(now: cluster.now), 2)
        cluster.run(.seconds(120))
        cluster.restart(3)
        #expect(cluster.run(atMost: .seconds(30)) { isKnown(cluster, at: 3) } != nil)
    }

    @Test func aReplayedWordIsAnsweredByWhoeverSaidIt() throws {
        let cluster = try scene(509)
        let leaf = addLeaf("edge", cluster)
        let key = try #require(dial(2, leaf, cluster))
        cluster.run(.seconds(3))
        let sponsor = cluster.nodes[2]
        cluster.perform(sponsor.instance.leafDetached(key, now: cluster.now), 2)
        cluster.run(.seconds(3))
        let later = word(key, by: sponsor, number: UInt64(cluster.now.milliseconds) + 5000)
        hear(later, cluster.nodes[0])
        #expect(isKnown(cluster, at: 0))
        cluster.perform(cluster.nodes[0].instance.changedTrust(now: cluster.now, using: &cluster.generator), 0)
        #expect(cluster.run(atMost: .seconds(30)) { (0..<4).allSatisfy { !isKnown(cluster, at: $0) } } != nil)
    }

    @Test func aCertificateThatALeafUsesIsNotForgottenWithTheMember() throws {
        let cluster = try scene(510)
        let node = cluster.nodes[3]
        let fingerprint = node.crypto.ownCertificate
        node.isRunning = false
        var description = node.instance.ownDescription
        description.role = .leaf
        _ = node.instance.changedDescription(description, now: cluster.now)
        try #require(dial(1, node, cluster) != nil)
        cluster.run(.seconds(3))
        let sponsor = cluster.nodes[1]
        #expect(sponsor.instance.leafCount == 1)
        sponsor.instance.dropCertificate(fingerprint)
        #expect(sponsor.crypto.certificate(fingerprint) != nil)
    }
}
