import EventModel
import SansIO
import Testing

@testable import Membership

/// Sponsors' words about leaves and claims of leaves' names: what outlives whoever said it, and in which order it comes.
@Suite struct LeafWordTests {
    private static let account = TestCluster.anyAccount
    private static let hour: UInt64 = 3_600_000

    private func scene(_ seed: UInt64) throws -> (TestCluster, leaf: TestCluster.Node) {
        let cluster = TestCluster(5, seed: seed)
        cluster.start()
        try #require(cluster.run(atMost: .seconds(10)) { cluster.isConverged } != nil)
        let leaf = cluster.add(name: "edge", accounts: [Self.account], role: .leaf)
        leaf.isRunning = false
        return (cluster, leaf)
    }

    @discardableResult
    private func dial(_ sponsors: [Int], _ leaf: TestCluster.Node, _ cluster: TestCluster) throws -> NodeKey {
        var description = leaf.instance.ownDescription
        description.sponsors = sponsors.map { cluster.nodes[$0].instance.own.key }
        _ = leaf.instance.changedDescription(description, now: cluster.now)
        for sponsor in sponsors { _ = offer(leaf.instance.ownSignedClaim, to: sponsor, cluster) }
        return leaf.instance.own.key
    }

    private func offer(_ claim: (claim: [UInt8], chain: [UInt8]), to index: Int, _ cluster: TestCluster) -> LeafOutcome
    {
        let node = cluster.nodes[index]
        let (outcome, actions) = node.instance.leafAttached(
            claim: claim.claim,
            chain: claim.chain,
            now: cluster.time(index),
            using: &node.generator
        )
        cluster.perform(actions, index)
        return outcome
    }

    private func detach(_ key: NodeKey, at index: Int, _ cluster: TestCluster) {
        cluster.perform(cluster.nodes[index].instance.leafDetached(key, now: cluster.time(index)), index)
    }

    /// A claim of a leaf's name under any certificate, as its holder could sign it.
    private func claim(
        of leaf: TestCluster.Node,
        _ cluster: TestCluster,
        by certificate: TestAuthority.Certificate,
        sponsors: [Int],
        ahead: UInt64
    ) -> (claim: [UInt8], chain: [UInt8]) {
        var claim = leaf.instance.records[0].claim
        claim.incarnation += ahead
        claim.certificate = certificate.facts.fingerprint
        claim.description.sponsors = sponsors.map { cluster.nodes[$0].instance.own.key }
        claim.endorsement = nil
        var bytes = claim.unsigned(domain: leaf.instance.domain)
        bytes.appendSignature(TestCrypto.signature(bytes[...], secret: certificate.secret))
        return (bytes, certificate.chain)
    }

    private func word(
        _ leaf: NodeKey,
        _ certificate: CertificateFingerprint,
        by sponsor: TestCluster.Node,
        number: UInt64,
        isAttached: Bool = true,
        secret: UInt64? = nil
    ) -> [UInt8] {
        let bytes = AttachmentStatement(
            domain: sponsor.instance.domain,
            leaf: leaf,
            certificate: certificate,
            signer: sponsor.crypto.ownCertificate,
            number: number,
            isAttached: isAttached
        ).unsigned
        return bytes + TestCrypto.signature(bytes[...], secret: secret ?? sponsor.crypto.own.secret)
    }

    private func sponsors(_ cluster: TestCluster, at observer: Int) -> [String]? {
        cluster.nodes[observer].instance.directory.entry(for: Self.account)?.nodes.first?.sponsors.map(\.node)
    }

    private func revoke(_ certificate: CertificateFingerprint, _ cluster: TestCluster) {
        cluster.authority.revoked.insert(certificate)
        for index in 0..<5 {
            let node = cluster.nodes[index]
            cluster.perform(node.instance.changedTrust(now: cluster.time(index), using: &node.generator), index)
        }
    }

    /// Found by seed 535: one node had heard a word of a time in which its sponsor's clock was ahead.
    @Test func whatASponsorsFormerProcessSaidDoesNotOutrankItsNext() throws {
        let (cluster, leaf) = try scene(521)
        let key = try dial([2], leaf, cluster)
        cluster.run(.seconds(3))
        let number = UInt64(cluster.now.milliseconds) + 6 * Self.hour
        let ahead = word(key, leaf.crypto.ownCertificate, by: cluster.nodes[2], number: number)
        cluster.nodes[0].instance.heardAttachment(ahead, 0..<ahead.count, sender: nil)
        cluster.nodes[2].isRunning = false
        revoke(cluster.nodes[2].crypto.ownCertificate, cluster)
        cluster.restart(2, certificate: cluster.authority.issue(cluster.nodes[2].identity))
        let isBack = { cluster.nodes[..<5].allSatisfy { $0.instance.presentCount == 5 } }
        try #require(cluster.run(atMost: .seconds(60), until: isBack) != nil)
        try dial([2], leaf, cluster)
        let sums = { Set(cluster.nodes[..<5].map { $0.instance.leafFingerprint }) }
        let isEqual = { (0..<5).allSatisfy { sponsors(cluster, at: $0) == ["n2"] } && sums().count == 1 }
        #expect(cluster.run(atMost: .seconds(60), until: isEqual) != nil)
        detach(key, at: 2, cluster)
        #expect(cluster.run(atMost: .seconds(60)) { (0..<5).allSatisfy { sponsors(cluster, at: $0) == nil } } != nil)
    }

    @Test func aWordFartherAheadThanClaimsMayBeIsNotBelieved() throws {
        let (cluster, leaf) = try scene(522)
        let key = try dial([2], leaf, cluster)
        cluster.run(.seconds(3))
        let node = cluster.nodes[0]
        for lead in [12 * Self.hour + 60_000, 1 << 61] {
            let number = UInt64(cluster.now.milliseconds) + lead
            let far = word(key, leaf.crypto.ownCertificate, by: cluster.nodes[2], number: number, isAttached: false)
            node.instance.heardAttachment(far, 0..<far.count, sender: nil)
        }
        #expect(node.instance.counters.attachmentsIgnored == 2)
        #expect(sponsors(cluster, at: 0) == ["n2"])
    }

    /// Nobody believed what it said meanwhile, except one whose clock was ahead too.
    @Test(arguments: [true, false]) func aSponsorWhoseClockWasAheadSaysItsWordsAnew(isAttached: Bool) throws {
        let (cluster, leaf) = try scene(523)
        let key = try dial(isAttached ? [1] : [2], leaf, cluster)
        cluster.run(.seconds(3))
        for index in [2, 3] { cluster.nodes[index].clockOffset = .seconds(30 * 3600) }
        cluster.run(.seconds(3))
        if isAttached {
            detach(key, at: 1, cluster)
            try dial([2], leaf, cluster)
        } else {
            detach(key, at: 2, cluster)
        }
        cluster.run(.seconds(3))
        #expect(sponsors(cluster, at: 0) == (isAttached ? nil : ["n2"]))
        for index in [2, 3] { cluster.nodes[index].clockOffset = .zero }
        let isKnown = {
            (0..<5).allSatisfy { sponsors(cluster, at: $0) == (isAttached ? ["n2"] : nil) }
                && Set(cluster.nodes[..<5].map { $0.instance.leafFingerprint }).count == 1
        }
        #expect(cluster.run(atMost: .seconds(120), until: isKnown) != nil)
    }

    /// A word that comes before its claim is kept; those of one sponsor do not push out those of another.
    @Test func oneSponsorsEarlyWordsDoNotPushOutAnothers() throws {
        let (cluster, leaf) = try scene(524)
        let key = leaf.instance.own.key
        var description = leaf.instance.ownDescription
        description.sponsors = [cluster.nodes[3].instance.own.key]
        _ = leaf.instance.changedDescription(description, now: cluster.now)
        let node = cluster.nodes[0]
        let number = UInt64(cluster.now.milliseconds)
        let early = word(key, leaf.crypto.ownCertificate, by: cluster.nodes[3], number: number)
        node.instance.heardAttachment(early, 0..<early.count, sender: nil)
        for round in 0..<1000 {
            let stranger = node.instance.key(of: TestCluster.identity("stranger\(round)"))
            let flood = word(stranger, leaf.crypto.ownCertificate, by: cluster.nodes[2], number: number)
            node.instance.heardAttachment(flood, 0..<flood.count, sender: nil)
        }
        let before = node.instance.counters.droppedForged
        let forged = word(key, leaf.crypto.ownCertificate, by: cluster.nodes[3], number: number + 1, secret: 1)
        node.instance.heardAttachment(forged, 0..<forged.count, sender: nil)
        #expect(node.instance.counters.droppedForged == before + 1, "it is not kept unverified")
        let (claim, chain) = leaf.instance.ownSignedClaim
        _ = node.crypto.learn(chain[...])
        node.instance.heardClaim(claim, 0..<claim.count, from: nil, sender: nil, &node.generator)
        #expect(sponsors(cluster, at: 0) == ["n3"])
    }

    /// The former process says something more before it goes: the claim that waits for its name waits on.
    @Test func aRefusedClaimOutlivesClaimsThatItCouldFollow() throws {
        let (cluster, leaf) = try scene(525)
        let key = try dial([2], leaf, cluster)
        cluster.run(.seconds(3))
        let next = cluster.authority.issue(leaf.identity)
        let contender = claim(of: leaf, cluster, by: next, sponsors: [1], ahead: 300_000)
        for node in cluster.nodes[..<5] {
            _ = node.crypto.learn(contender.chain[...])
            let bytes = contender.claim
            node.instance.heardClaim(bytes, 0..<bytes.count, from: nil, sender: nil, &node.generator)
        }
        _ = leaf.instance.repeatedClaim(now: cluster.now)
        _ = offer(leaf.instance.ownSignedClaim, to: 2, cluster)
        cluster.run(.seconds(3))
        #expect(cluster.nodes[0].instance.certificate(ofLeaf: key) == leaf.crypto.ownCertificate)
        detach(key, at: 2, cluster)
        cluster.run(.seconds(3))
        for node in cluster.nodes[..<5] {
            #expect(node.instance.certificate(ofLeaf: key) == next.facts.fingerprint)
        }
    }

    /// A certificate that vouched for its successor is not taken again: not two renewals later, and not after the leaf's restart.
    @Test(arguments: [true, false]) func aFormerCertificateDoesNotComeBack(restarts: Bool) throws {
        let (cluster, leaf) = try scene(526)
        let first = leaf.crypto.own
        let key = try dial([2], leaf, cluster)
        cluster.run(.seconds(3))
        var holder = leaf
        for _ in 0..<(restarts ? 1 : 2) {
            leaf.crypto.renew(cluster.authority.issue(leaf.identity))
            _ = leaf.instance.renewedCertificate(now: cluster.now)
            cluster.run(.seconds(120))
            _ = leaf.instance.timerFired(now: cluster.now, using: &leaf.generator)
            _ = offer(leaf.instance.ownSignedClaim, to: 2, cluster)
            cluster.run(.seconds(3))
        }
        if restarts {
            let description = leaf.instance.ownDescription
            holder = cluster.add(name: "edge", certificate: leaf.crypto.own, accounts: [Self.account], role: .leaf)
            holder.isRunning = false
            _ = holder.instance.changedDescription(description, now: cluster.now)
            #expect(offer(holder.instance.ownSignedClaim, to: 2, cluster) == .attached(key))
            cluster.run(.seconds(3))
        }
        detach(key, at: 2, cluster)
        cluster.run(.seconds(3))
        let former = claim(of: holder, cluster, by: first, sponsors: [1], ahead: 60_000)
        #expect(offer(former, to: 1, cluster) == .refused)
        cluster.run(.seconds(3))
        for node in cluster.nodes[..<5] {
            #expect(node.instance.certificate(ofLeaf: key) == leaf.crypto.ownCertificate)
        }
    }

    /// The answer to a claim that is not news: an edge hears nothing else of what is held of it.
    @Test func aLeafGoesAboveTheClaimThatIsHeldOfIt() throws {
        let (cluster, leaf) = try scene(527)
        let key = try dial([2], leaf, cluster)
        cluster.run(.seconds(3))
        detach(key, at: 2, cluster)
        let other = cluster.authority.issue(leaf.identity)
        let taken = claim(of: leaf, cluster, by: other, sponsors: [2], ahead: 500_000)
        #expect(offer(taken, to: 2, cluster) == .attached(key))
        detach(key, at: 2, cluster)
        cluster.run(.seconds(3))
        let sponsor = cluster.nodes[2]
        let stale = leaf.instance.ownSignedClaim
        #expect(offer(stale, to: 2, cluster) == .refused)
        let held = try #require(sponsor.instance.claimHeld(insteadOf: stale.claim))
        #expect(sponsor.instance.claimHeld(insteadOf: held.claim) == nil, "it is what is held")
        // Somebody else's claim, and one in its name that nobody entitled to it has signed, move nothing.
        var forged = claim(of: leaf, cluster, by: other, sponsors: [2], ahead: 550_000).claim
        forged[forged.count - 20] ^= 1
        let far = claim(of: leaf, cluster, by: other, sponsors: [2], ahead: Self.hour).claim
        for wrong in [sponsor.instance.ownSignedClaim.claim, forged, far, [1, 2, 3]] {
            _ = leaf.instance.heardHeldClaim(wrong, chain: held.chain, now: cluster.now, using: &leaf.generator)
            #expect(leaf.instance.ownSignedClaim.claim == stale.claim)
        }
        _ = leaf.instance.heardHeldClaim(held.claim, chain: held.chain, now: cluster.now, using: &leaf.generator)
        #expect(sponsor.instance.claimHeld(insteadOf: leaf.instance.ownSignedClaim.claim) == nil)
        #expect(offer(leaf.instance.ownSignedClaim, to: 2, cluster) == .attached(key))
        cluster.run(.seconds(3))
        for index in 0..<5 {
            #expect(cluster.nodes[index].instance.certificate(ofLeaf: key) == leaf.crypto.ownCertificate)
            #expect(sponsors(cluster, at: index) == ["n2"])
        }
    }

    /// A second good signature of what a node has said itself is not another process of that node: its words for leaves go on.
    @Test func aSecondSignatureOfTheOwnClaimMovesNothing() throws {
        let (cluster, leaf) = try scene(530)
        try dial([2], leaf, cluster)
        cluster.run(.seconds(3))
        let sponsor = cluster.nodes[2]
        sponsor.crypto.isMalleable = true
        leaf.crypto.isMalleable = true
        func other(_ claim: [UInt8]) throws -> [UInt8] {
            let layout = try #require(NodeClaim.layout(claim, 0..<claim.count))
            var claim = claim
            claim[layout.signature.upperBound - 1] = 0x5B
            return claim
        }
        let own = sponsor.instance.ownSignedClaim.claim
        let second = try other(own)
        sponsor.instance.heardClaim(second, 0..<second.count, from: nil, sender: nil, &sponsor.generator)
        #expect(sponsor.instance.ownSignedClaim.claim == own)
        #expect(sponsor.alarms.isEmpty)
        let (claim, chain) = leaf.instance.ownSignedClaim
        let held = try other(claim)
        #expect(sponsor.instance.claimHeld(insteadOf: held) == nil)
        #expect(sponsor.instance.isHeld(held))
        _ = leaf.instance.heardHeldClaim(held, chain: chain, now: cluster.now, using: &leaf.generator)
        #expect(leaf.instance.ownSignedClaim.claim == claim)
        #expect((0..<5).allSatisfy { sponsors(cluster, at: $0) == ["n2"] })
    }

    /// The last word for the former process came to the others after the claim of the next one, which does not name
    /// that sponsor. They pass it on to one that missed it, and without it could not take that claim.
    @Test func aLastWordThatComesAfterTheNextClaimIsPassedOn() throws {
        let (cluster, leaf) = try scene(529)
        let key = try dial([2], leaf, cluster)
        cluster.run(.seconds(3))
        let sponsor = cluster.nodes[2]
        let number = UInt64(cluster.now.milliseconds) + 100
        let first = leaf.crypto.ownCertificate
        let last = word(key, first, by: sponsor, number: number, isAttached: false)
        let next = cluster.authority.issue(leaf.identity)
        let claim = claim(of: leaf, cluster, by: next, sponsors: [1], ahead: 1000)
        let one = cluster.nodes[0]
        _ = one.crypto.learn(claim.chain[...])
        one.instance.heardAttachment(last, 0..<last.count, sender: nil)
        one.instance.heardClaim(claim.claim, 0..<claim.claim.count, from: nil, sender: nil, &one.generator)
        let later = word(key, first, by: sponsor, number: number + 1, isAttached: false)
        one.instance.heardAttachment(later, 0..<later.count, sender: nil)
        let place = try #require(one.instance.leaves.place(key))
        #expect(one.instance.leaves.leaves[place].farewells.map(\.signed) == [later])
        #expect(one.instance.leaves.word(place, sponsor: sponsor.instance.own.key, number: number + 1) == later)
        let forged = word(key, first, by: sponsor, number: number + 2, secret: 1)
        one.instance.heardAttachment(forged, 0..<forged.count, sender: nil)
        #expect(one.instance.leaves.leaves[place].farewells.map(\.signed) == [later])
    }

    /// Who missed several claims holds words of sponsors that the newest claim does not name, and hears from others what these said
    /// last. When a sponsor is named again, that counts again.
    @Test func theLastWordOfASponsorOutlivesClaimsThatDoNotNameIt() throws {
        let (cluster, leaf) = try scene(531)
        let key = try dial([1, 2], leaf, cluster)
        cluster.run(.seconds(3))
        let one = cluster.nodes[0]
        let place = try #require(one.instance.leaves.place(key))
        let first = leaf.crypto.ownCertificate
        let number = UInt64(cluster.now.milliseconds) + 100
        let last = word(key, first, by: cluster.nodes[2], number: number)
        one.instance.heardAttachment(last, 0..<last.count, sender: nil)
        let own = leaf.crypto.own
        for (ahead, sponsors) in [(1000, [1]), (2000, [1, 3]), (3000, [2, 3])] as [(UInt64, [Int])] {
            let next = claim(of: leaf, cluster, by: own, sponsors: sponsors, ahead: ahead)
            one.instance.heardClaim(next.claim, 0..<next.claim.count, from: nil, sender: nil, &one.generator)
            let table = one.instance.leaves.leaves[place]
            #expect(table.claim.description.sponsors.count == sponsors.count)
            #expect(table.attachments.contains { $0.signed == last } == sponsors.contains(2))
            #expect(one.instance.leaves.word(place, sponsor: cluster.nodes[2].instance.own.key, number: number) == last)
        }
    }

    /// Its uplink is not vouched for any more when the leaf names it again.
    @Test func aSponsorThatIsNotNamedTakesBackItsWord() throws {
        let (cluster, leaf) = try scene(532)
        let key = try dial([1, 2], leaf, cluster)
        cluster.run(.seconds(3))
        let sponsor = cluster.nodes[2]
        let own = leaf.crypto.own
        let next = claim(of: leaf, cluster, by: own, sponsors: [1], ahead: 1000)
        sponsor.instance.heardClaim(next.claim, 0..<next.claim.count, from: nil, sender: nil, &sponsor.generator)
        let place = try #require(sponsor.instance.leaves.place(key))
        #expect(sponsor.instance.leaves.lastWord(place, sponsor: sponsor.instance.own.key)?.isAttached == true)
        detach(key, at: 2, cluster)
        #expect(sponsor.instance.leaves.lastWord(place, sponsor: sponsor.instance.own.key)?.isAttached == false)
    }

    /// Whatever comes first of a leaf's claim, its two sponsors' words, the claim of the process that follows it, the word for that
    /// one and the last word for the former one: who has heard all of it holds the same.
    @Test func theOrderOfClaimsAndWordsDoesNotMatter() throws {
        let (cluster, leaf) = try scene(528)
        cluster.run(.seconds(5))
        let key = leaf.instance.own.key
        let (first, next) = (leaf.crypto.own, cluster.authority.issue(leaf.identity))
        let number = UInt64(cluster.now.milliseconds)
        let (one, two) = (cluster.nodes[1], cluster.nodes[2])
        let messages: [(isClaim: Bool, bytes: [UInt8])] = [
            (true, claim(of: leaf, cluster, by: first, sponsors: [1, 2], ahead: 0).claim),
            (false, word(key, first.facts.fingerprint, by: one, number: number)),
            (false, word(key, first.facts.fingerprint, by: two, number: number)),
            (true, claim(of: leaf, cluster, by: next, sponsors: [1], ahead: 1000).claim),
            (false, word(key, next.facts.fingerprint, by: one, number: number + 2)),
            (false, word(key, first.facts.fingerprint, by: two, number: number + 2, isAttached: false)),
        ]
        let node = cluster.nodes[0]
        for certificate in [first, next] { _ = node.crypto.learn(certificate.chain[...]) }
        var generator = SeededGenerator(seed: 1)
        var sums: Set<UInt64> = []
        for order in Self.permutations(Array(messages.indices)) {
            var instance = node.instance
            // A second time, as a sync brings what is still missing.
            for index in order + order {
                let bytes = messages[index].bytes
                if messages[index].isClaim {
                    instance.heardClaim(bytes, 0..<bytes.count, from: nil, sender: nil, &generator)
                } else {
                    instance.heardAttachment(bytes, 0..<bytes.count, sender: nil)
                }
                _ = instance.timerFired(now: cluster.now, using: &generator)
            }
            #expect(instance.certificate(ofLeaf: key) == next.facts.fingerprint, "\(order)")
            #expect(instance.leafViews.first?.sponsors.map(\.node) == ["n1"], "\(order)")
            sums.insert(instance.leafFingerprint)
        }
        #expect(sums.count == 1)
    }

    private static func permutations(_ items: [Int]) -> [[Int]] {
        guard items.count > 1 else { return [items] }
        return items.indices.flatMap { index in
            var rest = items
            let item = rest.remove(at: index)
            return permutations(rest).map { [item] + $0 }
        }
    }
}
