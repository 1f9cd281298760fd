import EventModel
import SansIO
import Testing

@testable import Membership

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
            key = attached.leaf
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
        let (outcome, actions) = other.instance.leafAttached(
            claim: claim,
            chain: chain,
            now: cluster.now,
            using: &other.generator
        )
        cluster.perform(actions, 3)
        #expect(outcome == .unnamed(leaf.instance.own.key))
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

    /// A claim of a name under another certificate of the same name, as one who got hold of such a certificate signs it.
    private func stolen(
        _ victim: TestCluster.Node,
        _ cluster: TestCluster,
        endorsedBy previous: CertificateFingerprint?
    ) -> (claim: [UInt8], chain: [UInt8]) {
        let thief = cluster.authority.issue(victim.identity)
        var claim = victim.instance.records[0].claim
        claim.incarnation += 1
        claim.certificate = thief.facts.fingerprint
        claim.description.role = .leaf
        claim.description.sponsors = [cluster.nodes[1].instance.own.key]
        claim.endorsement = previous.map {
            NodeClaim.Endorsement(previous: $0, signature: [UInt8](repeating: 1, count: 64))
        }
        var bytes = claim.unsigned(domain: victim.instance.domain)
        bytes.appendSignature(TestCrypto.signature(bytes[...], secret: thief.secret))
        return (bytes, thief.chain)
    }

    private func offer(_ claim: (claim: [UInt8], chain: [UInt8]), to index: Int, _ cluster: TestCluster) {
        let node = cluster.nodes[index]
        let actions = node.instance.leafAttached(
            claim: claim.claim,
            chain: claim.chain,
            now: cluster.now,
            using: &node.generator
        ).actions
        cluster.perform(actions, index)
    }

    @Test func anEndorsementThatTheHeldCertificateDidNotSignTakesNoLeafsName() throws {
        let (cluster, leaf) = try scene(seed: 58)
        let key = try #require(dial([2], leaf, cluster))
        cluster.run(.seconds(3))
        let node = cluster.nodes[1]
        for _ in 0..<100 {
            offer(stolen(leaf, cluster, endorsedBy: leaf.crypto.ownCertificate), to: 1, cluster)
        }
        #expect(node.instance.counters.claimsContested == 100)
        let place = try #require(node.instance.leaves.place(key))
        #expect(node.instance.leaves.leaves[place].facts.fingerprint == leaf.crypto.ownCertificate)
        #expect(node.alarms.contains { if case .nameContested = $0 { true } else { false } })
    }

    /// A new process of a leaf, under a certificate that the former one did not vouch for.
    private func successor(
        of leaf: TestCluster.Node,
        _ cluster: TestCluster,
        sponsor: Int,
        ahead: UInt64 = 1000
    ) -> (claim: [UInt8], chain: [UInt8]) {
        cluster.now = cluster.now + .milliseconds(5)
        let certificate = cluster.authority.issue(leaf.identity)
        var claim = leaf.instance.records[0].claim
        claim.incarnation += ahead
        claim.certificate = certificate.facts.fingerprint
        claim.description.sponsors = [cluster.nodes[sponsor].instance.own.key]
        claim.endorsement = nil
        var bytes = claim.unsigned(domain: leaf.instance.domain)
        bytes.appendSignature(TestCrypto.signature(bytes[...], secret: certificate.secret))
        return (bytes, certificate.chain)
    }

    private func detach(_ key: NodeKey, at index: Int, _ cluster: TestCluster) {
        cluster.perform(cluster.nodes[index].instance.leafDetached(key, now: cluster.now), index)
    }

    /// A revoked certificate stands in nobody's way, though a sponsor's word for the new process overtakes its claim.
    @Test func aLeafWhoseCertificateWasRevokedComesBackUnderAnother() throws {
        let (cluster, leaf) = try scene(seed: 66)
        let key = try #require(dial([2], leaf, cluster))
        cluster.run(.seconds(3))
        cluster.authority.revoked.insert(leaf.crypto.own.facts.fingerprint)
        for index in 0..<6 {
            let node = cluster.nodes[index]
            cluster.perform(node.instance.changedTrust(now: cluster.now, using: &node.generator), index)
        }
        let next = successor(of: leaf, cluster, sponsor: 2)
        offer(next, to: 2, cluster)
        try hearWordsFirst(key, cluster)
        cluster.run(.seconds(3))
        for node in cluster.nodes[..<6] {
            #expect(node.instance.certificate(ofLeaf: key) != leaf.crypto.ownCertificate)
            #expect(node.instance.counters.claimsContested == 0)
        }
        #expect((0..<6).allSatisfy { sponsors(cluster, at: $0) == ["n2"] })
    }

    /// The sponsor's word arrives everywhere before the claim of which it speaks.
    private func hearWordsFirst(_ key: NodeKey, _ cluster: TestCluster) throws {
        let sponsor = cluster.nodes[2].instance
        let place = try #require(sponsor.leaves.place(key))
        let word = try #require(sponsor.leaves.leaves[place].attachments.first?.signed)
        for node in cluster.nodes[..<6] where node !== cluster.nodes[2] {
            node.instance.heardAttachment(word, 0..<word.count, sender: nil)
        }
    }

    /// The former process's certificate is good, but its uplink is gone: a word for the next one is no word for it.
    @Test func aWordForTheNextProcessDoesNotHoldUpItsClaim() throws {
        let (cluster, leaf) = try scene(seed: 67)
        let key = try #require(dial([2], leaf, cluster))
        cluster.run(.seconds(3))
        detach(key, at: 2, cluster)
        let next = successor(of: leaf, cluster, sponsor: 2)
        offer(next, to: 2, cluster)
        try hearWordsFirst(key, cluster)
        cluster.run(.seconds(3))
        let certificate = try #require(cluster.nodes[2].instance.certificate(ofLeaf: key))
        #expect(certificate != leaf.crypto.ownCertificate)
        for node in cluster.nodes[..<6] {
            #expect(node.instance.certificate(ofLeaf: key) == certificate)
            #expect(node.instance.counters.claimsContested == 0)
        }
    }

    /// Two sponsors: the claim of the next process is refused while one of them holds the former one's uplink, and taken
    /// when that goes; nobody vouches for the one in the other's name.
    @Test func aRefusedClaimIsHeardAgainWhenTheFormerProcessIsGone() throws {
        let (cluster, leaf) = try scene(seed: 68)
        let key = try #require(dial([1, 2], leaf, cluster))
        cluster.run(.seconds(3))
        detach(key, at: 1, cluster)
        cluster.run(.seconds(3))
        let next = successor(of: leaf, cluster, sponsor: 1)
        let node = cluster.nodes[1]
        let (outcome, actions) = node.instance.leafAttached(
            claim: next.claim,
            chain: next.chain,
            now: cluster.now,
            using: &node.generator
        )
        cluster.perform(actions, 1)
        #expect(outcome == .refused)
        cluster.run(.seconds(3))
        #expect((0..<6).allSatisfy { sponsors(cluster, at: $0) == ["n2"] })
        detach(key, at: 2, cluster)
        cluster.run(.seconds(3))
        #expect(node.instance.certificate(ofLeaf: key) != leaf.crypto.ownCertificate)
        offer(next, to: 1, cluster)
        cluster.run(.seconds(3))
        #expect((0..<6).allSatisfy { sponsors(cluster, at: $0) == ["n1"] })
        for node in cluster.nodes[..<6] {
            #expect(node.instance.certificate(ofLeaf: key) != leaf.crypto.ownCertificate)
        }
    }

    /// The former process's sponsor let go of it, and the next one's claim does not name that sponsor: a node that missed its
    /// last word hears it from the others.
    @Test func whoMissedTheLastWordForTheFormerProcessHearsIt() throws {
        let (cluster, leaf) = try scene(seed: 69)
        let key = try #require(dial([2], leaf, cluster))
        cluster.run(.seconds(3))
        cluster.canPass = { from, to in from != 5 && to != 5 }
        detach(key, at: 2, cluster)
        cluster.run(.seconds(1))
        offer(successor(of: leaf, cluster, sponsor: 1), to: 1, cluster)
        cluster.run(.seconds(1))
        cluster.canPass = { _, _ in true }
        #expect(cluster.nodes[5].instance.certificate(ofLeaf: key) == leaf.crypto.ownCertificate)
        let isKnown = { (0..<6).allSatisfy { sponsors(cluster, at: $0) == ["n1"] } }
        #expect(cluster.run(atMost: .seconds(60), until: isKnown) != nil)
        #expect(cluster.nodes[5].instance.certificate(ofLeaf: key) != leaf.crypto.ownCertificate)
    }

    /// A thief's refused claim waits for its chance; the word for the owner's renewed certificate, before its claim, is none.
    @Test func aRenewalLetsNoRefusedThiefIn() throws {
        let (cluster, leaf) = try scene(seed: 70)
        let key = try #require(dial([2], leaf, cluster))
        cluster.run(.seconds(3))
        let thief = successor(of: leaf, cluster, sponsor: 2, ahead: 11 * 3_600_000)
        for node in cluster.nodes[..<6] {
            _ = node.crypto.learn(thief.chain[...])
            node.instance.heardClaim(thief.claim, 0..<thief.claim.count, from: nil, sender: nil, &node.generator)
            #expect(node.instance.counters.claimsContested == 1)
        }
        leaf.crypto.renew(cluster.authority.issue(leaf.identity))
        _ = leaf.instance.renewedCertificate(now: cluster.now)
        offer(leaf.instance.ownSignedClaim, to: 2, cluster)
        try hearWordsFirst(key, cluster)
        cluster.run(.seconds(5))
        for node in cluster.nodes[..<6] {
            #expect(node.instance.certificate(ofLeaf: key) == leaf.crypto.ownCertificate)
        }
    }

    /// What a claim says of the certificate that vouched for it is no more than that as long as nobody has checked it.
    @Test func aThiefThatNamesTheOwnersCertificateDoesNotKeepTheOwnerOut() throws {
        let (cluster, leaf) = try scene(seed: 71)
        let key = try #require(dial([2], leaf, cluster))
        cluster.run(.seconds(3))
        detach(key, at: 2, cluster)
        cluster.run(.seconds(3))
        let thief = stolen(leaf, cluster, endorsedBy: leaf.crypto.ownCertificate)
        offer(thief, to: 1, cluster)
        cluster.run(.seconds(3))
        let certificate = try #require(cluster.nodes[1].instance.certificate(ofLeaf: key))
        #expect(certificate != leaf.crypto.ownCertificate)
        cluster.authority.revoked.insert(certificate)
        for index in 0..<6 {
            let node = cluster.nodes[index]
            cluster.perform(node.instance.changedTrust(now: cluster.now, using: &node.generator), index)
        }
        #expect((0..<6).allSatisfy { sponsors(cluster, at: $0) == nil })
        _ = leaf.instance.repeatedClaim(now: cluster.now)
        #expect(dial([2], leaf, cluster) == key)
        cluster.run(.seconds(5))
        #expect((0..<6).allSatisfy { sponsors(cluster, at: $0) == ["n2"] })
    }

    /// The sponsor has the uplink of a process whose certificate is revoked; another process of the same name comes by gossip.
    @Test func aWordForARevokedProcessIsNoneForTheOneThatTakesItsName() throws {
        let (cluster, leaf) = try scene(seed: 72)
        let key = try #require(dial([2], leaf, cluster))
        cluster.run(.seconds(3))
        cluster.authority.revoked.insert(leaf.crypto.ownCertificate)
        for index in 0..<6 {
            let node = cluster.nodes[index]
            cluster.perform(node.instance.changedTrust(now: cluster.now, using: &node.generator), index)
        }
        let next = successor(of: leaf, cluster, sponsor: 2)
        for node in cluster.nodes[..<6] {
            _ = node.crypto.learn(next.chain[...])
            node.instance.heardClaim(next.claim, 0..<next.claim.count, from: nil, sender: nil, &node.generator)
        }
        cluster.run(.seconds(5))
        let sponsor = cluster.nodes[2]
        sponsor.crypto.renew(cluster.authority.issue(sponsor.identity))
        cluster.perform(sponsor.instance.renewedCertificate(now: cluster.now), 2)
        cluster.run(.seconds(60))
        #expect(cluster.nodes[0].instance.certificate(ofLeaf: key) != leaf.crypto.ownCertificate)
        #expect((0..<6).allSatisfy { sponsors(cluster, at: $0) == nil })
    }

    @Test func aLeafClaimTakesNoMembersNameUnderAnotherCertificate() throws {
        let (cluster, _) = try scene(seed: 59)
        let victim = cluster.nodes[4]
        offer(stolen(victim, cluster, endorsedBy: nil), to: 1, cluster)
        #expect(cluster.nodes[1].instance.counters.claimsContested == 1)
        #expect(cluster.state(of: 4, at: 1) == .alive)
        // Once it is dead its name may be taken, with an alarm, as by a member.
        victim.isRunning = false
        let isDead = { cluster.state(of: 4, at: 1) == .dead }
        _ = cluster.run(atMost: .seconds(60), until: isDead)
        offer(stolen(victim, cluster, endorsedBy: nil), to: 1, cluster)
        #expect(cluster.nodes[1].alarms.contains { if case .nameReplaced = $0 { true } else { false } })
    }

    @Test func aLeafWhoseCertificateEndsIsWithdrawn() throws {
        let (cluster, leaf) = try scene(seed: 60)
        _ = dial([2], leaf, cluster)
        cluster.run(.seconds(3))
        let node = cluster.nodes[0]
        node.instance.entered(Timestamp(milliseconds: 4_000_000_061_000))
        node.instance.judgeLeaves()
        #expect(node.instance.directory.entry(for: Self.account) == nil)
    }

    /// A leaf that takes part: it holds who it knows dead by what they say of each other (Departures 7).
    private func leafWithMembers(_ seed: UInt64) throws -> (TestCluster, leaf: TestCluster.Node) {
        let cluster = TestCluster(4, seed: seed)
        cluster.start()
        try #require(cluster.run(atMost: .seconds(10)) { cluster.isConverged } != nil)
        let leaf = cluster.add(name: "edge", accounts: [Self.account], role: .leaf)
        cluster.start(4)
        try #require(cluster.run(atMost: .seconds(10)) { leaf.instance.presentCount == 5 } != nil)
        cluster.run(.seconds(10))
        return (cluster, leaf)
    }

    private func sayDead(_ subject: Int, _ liar: Int, _ leaf: TestCluster.Node, _ cluster: TestCluster) throws {
        let slot = try #require(leaf.instance.slots[cluster.nodes[subject].instance.own.key])
        var entry = leaf.instance.entry(slot)
        entry.state = .dead
        var digest: [UInt8] = []
        SyncMessage.append(entry, to: &digest)
        var body = SyncMessage.begin(.pull, domain: leaf.instance.domain, viewSum: 0, leafSum: 0)
        SyncMessage.append(.digest, digest, to: &body)
        let peer = cluster.nodes[liar].identity
        let actions = leaf.instance.receivedSyncRequest(body, from: peer, now: cluster.now, using: &leaf.generator)
            .actions
        cluster.perform(actions, 4)
    }

    @Test func oneLiarTakesNoMemberFromALeaf() throws {
        let (cluster, leaf) = try leafWithMembers(61)
        for _ in 0..<10 {
            for subject in 1..<4 { try sayDead(subject, 0, leaf, cluster) }
            cluster.run(.seconds(5))
        }
        #expect(leaf.deaths() == 0)
        #expect(leaf.instance.presentCount == 5)
    }

    @Test func aLeafBelievesOneWhenItCannotReachTheMemberEitherAndTwoThatAgree() throws {
        let (cluster, leaf) = try leafWithMembers(62)
        cluster.canPass = { from, to in Set([from, to]) != [3, 4] }
        try sayDead(3, 0, leaf, cluster)
        #expect(cluster.run(atMost: .seconds(10)) { cluster.state(of: 3, at: 4) == .dead } != nil)
        cluster.canPass = { _, _ in true }
        try sayDead(2, 0, leaf, cluster)
        try sayDead(2, 1, leaf, cluster)
        #expect(cluster.state(of: 2, at: 4) == .dead)
    }

    private func items(_ bytes: [UInt8]) -> [(kind: UInt8, content: [UInt8])] {
        var reader = ByteReader(bytes)
        var items: [(UInt8, [UInt8])] = []
        while let kind = reader.byte(), let count = reader.uint16(), let range = reader.range(Int(count)) {
            items.append((kind, Array(bytes[range])))
        }
        return items
    }

    private func attach(_ count: Int, to sponsor: Int, _ cluster: TestCluster) {
        for number in 0..<count {
            let leaf = cluster.add(name: "edge\(number)", role: .leaf)
            leaf.isRunning = false
            _ = dial([sponsor], leaf, cluster)
        }
    }

    @Test func newsOfMembersGoBeforeThoseOfLeaves() throws {
        let (cluster, _) = try scene(seed: 63)
        cluster.run(.seconds(5))
        attach(100, to: 2, cluster)
        let node = cluster.nodes[2]
        var description = node.instance.ownDescription
        description.pressure = 3
        _ = node.instance.changedDescription(description, now: cluster.now)
        var bytes: [UInt8] = []
        node.instance.appendNews(to: &bytes, budget: 1200)
        let told = items(bytes)
        #expect(told.count > 1, "the rest of the room is for leaves")
        let first = try #require(told.first?.content)
        #expect(NodeClaim.layout(first, 0..<first.count)?.head.node == node.instance.own.key)
    }

    @Test func aRenewedSponsorSaysItsWordsAgainALittleAtATime() throws {
        let (cluster, _) = try scene(seed: 64)
        attach(100, to: 2, cluster)
        cluster.run(.seconds(60))
        let node = cluster.nodes[2]
        node.crypto.renew(cluster.authority.issue(node.identity))
        cluster.perform(node.instance.renewedCertificate(now: cluster.now), 2)
        let isAdopted = { node.instance.datagramCertificate == node.crypto.ownCertificate }
        var signatures = 0
        var most = 0
        let adopted = cluster.run(atMost: .seconds(60)) {
            most = node.crypto.signatures - signatures
            signatures = node.crypto.signatures
            return isAdopted()
        }
        #expect(adopted != nil)
        #expect(most < 60, "\(most) signatures in the millisecond")
        #expect(node.instance.leafQueue.count <= 40, "the claims need not be told again")
        cluster.run(.seconds(30))
        let newest = node.crypto.ownCertificate
        for leaf in cluster.nodes[5].instance.leaves.leaves {
            let word = try #require(leaf.attachments.first?.signed)
            #expect(AttachmentStatement(word, 0..<word.count)?.signer == newest)
        }
        #expect(cluster.nodes[5].instance.leafCount == 100)
    }

    @Test func aNodeToWhomNobodyListensKeepsNoNews() throws {
        let cluster = TestCluster(1, seed: 65)
        cluster.start()
        let edge = cluster.add(name: "dialler", role: .leaf)
        for node in [cluster.nodes[0], edge] {
            for round in 0..<200 {
                var description = node.instance.ownDescription
                description.pressure = UInt8(round)
                _ = node.instance.changedDescription(description, now: cluster.now)
            }
        }
        attach(20, to: 0, cluster)
        #expect(cluster.nodes[0].instance.queue.count == 1)
        #expect(cluster.nodes[0].instance.leafQueue.isEmpty)
        #expect(edge.instance.queue.isEmpty)
        cluster.add(name: "second")
        cluster.start(cluster.nodes.count - 1)
        let last = cluster.nodes[cluster.nodes.count - 1]
        #expect(cluster.run(atMost: .seconds(30)) { last.instance.leafCount == 20 } != nil)
        #expect(last.instance.presentCount == 2)
    }
}
