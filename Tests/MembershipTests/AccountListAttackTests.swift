import EventModel
import SansIO
import Testing

@testable import Membership

/// Lies about lists of accounts: by whoever hands them over, and by whoever names them.
@Suite struct AccountListAttackTests {
    private func scene(seed: UInt64) throws -> TestCluster {
        let cluster = TestCluster(4, seed: seed)
        cluster.start()
        try #require(cluster.run(atMost: .seconds(10)) { cluster.isConverged } != nil)
        cluster.areLinksBroken = true
        return cluster
    }

    private func announce(_ accounts: [AccountID], _ index: Int, _ cluster: TestCluster) {
        let node = cluster.nodes[index]
        var description = node.instance.ownDescription
        description.accounts = accounts
        cluster.perform(node.instance.changedDescription(description, now: cluster.now), index)
        cluster.run(.seconds(3))
    }

    /// A node's claim that names a list of the test's choice.
    private func name(_ list: AccountListName, of index: Int, _ cluster: TestCluster) {
        let node = cluster.nodes[index]
        var claim = node.instance.records[0].claim
        claim.incarnation += 1
        claim.description.accounts = AccountListTests.accounts(64)
        claim.accountList = list
        var bytes = claim.unsigned(domain: node.instance.domain)
        bytes.appendSignature(TestCrypto.signature(bytes[...], secret: node.crypto.own.secret))
        let victim = cluster.nodes[0]
        victim.instance.heardClaim(bytes, 0..<bytes.count, from: nil, sender: nil, &victim.generator)
        cluster.perform(victim.instance.changedTrust(now: cluster.now, using: &victim.generator), 0)
    }

    private func section(_ name: AccountListName, _ content: [UInt8]) -> [UInt8] {
        var section: [UInt8] = []
        section.append(name)
        return section + content
    }

    /// Hands a section over as another node's request would.
    private func offer(_ sections: [[UInt8]], by index: Int, _ cluster: TestCluster) {
        let victim = cluster.nodes[0]
        var body = SyncMessage.begin(.push, domain: victim.instance.domain, viewSum: 0, leafSum: 0)
        for section in sections { SyncMessage.append(.accountList, section, to: &body) }
        _ = victim.instance.receivedSyncRequest(
            body,
            from: cluster.nodes[index].identity,
            now: cluster.now,
            using: &victim.generator
        )
    }

    private func list(of index: Int, _ cluster: TestCluster) throws -> AccountListName {
        try #require(cluster.nodes[index].instance.records[0].claim.accountList)
    }

    @Test func aListUnderAWrongNameIsRefusedAndMutesWhoeverHandsItOver() throws {
        let cluster = try scene(seed: 721)
        announce(AccountListTests.accounts(100), 1, cluster)
        let victim = cluster.nodes[0]
        let name = try list(of: 1, cluster)
        let forged = AccountListName.encode(AccountListTests.accounts(100, from: 7))
        let short = AccountListName.encode(AccountListTests.accounts(99))
        for _ in 0..<10 { offer([section(name, forged), section(name, short), section(name, [])], by: 2, cluster) }
        #expect(victim.instance.directory.accountCount == 64)
        #expect(victim.instance.counters.accountListsForged >= 20)
        #expect(victim.instance.counters.accountListsForged < 30, "a muted node's bodies are left unread")
        let slot = try #require(victim.instance.slots[cluster.nodes[2].instance.own.key])
        #expect(victim.instance.isMuted(slot))
        // The true one is taken from anybody else, and nothing was used up.
        offer([section(name, AccountListName.encode(AccountListTests.accounts(100)))], by: 3, cluster)
        #expect(victim.instance.directory.accountCount == 100)
    }

    @Test func aListThatNobodyWaitsForCostsNothing() throws {
        let cluster = try scene(seed: 722)
        let victim = cluster.nodes[0]
        let digests = victim.crypto.digests
        let bytes = AccountListName.encode(AccountListTests.accounts(10_000))
        let name = AccountListName(of: bytes[...], cluster.nodes[2].crypto)
        offer(Array(repeating: section(name, bytes), count: 70), by: 2, cluster)
        #expect(victim.instance.lists.reserved == 0)
        #expect(victim.instance.counters.accountListsForged == 0)
        // The request's sender has a key, which is a digest of its name.
        #expect(victim.crypto.digests - digests <= 2)
    }

    @Test(arguments: [0, 1, 64, 10_001, UInt32.max])
    func aListOfAnImpossibleLengthIsNotAskedFor(count: UInt32) throws {
        let cluster = try scene(seed: 723)
        name(AccountListName(count: count, digest: Digest128(high: 1, low: 1)), of: 1, cluster)
        let victim = cluster.nodes[0]
        #expect(victim.instance.lists.reserved == 0 && victim.instance.lists.missing == 0)
        #expect(victim.instance.counters.accountListsRefused == 1)
        #expect(victim.instance.directory.accountCount == 64, "what the claim carries counts")
        #expect(
            victim.alarms.contains(.accountListTooLong(cluster.nodes[1].identity, accounts: Int(count)))
        )
        #expect(cluster.state(of: 1, at: 0) == .alive)
    }

    @Test func bytesThatASubjectSignedForAndAreNoListAreAskedForOnce() throws {
        let cluster = try scene(seed: 724)
        let disorder = AccountListName.encode(AccountListTests.accounts(100).reversed())
        let name = AccountListName(of: disorder[...], cluster.nodes[1].crypto)
        self.name(name, of: 1, cluster)
        let victim = cluster.nodes[0]
        #expect(victim.instance.lists.isWanted(name))
        offer([section(name, disorder), section(name, disorder)], by: 2, cluster)
        #expect(victim.instance.counters.accountListsRefused == 1)
        #expect(!victim.instance.lists.isWanted(name))
        #expect(victim.instance.lists.reserved == 0)
        #expect(victim.instance.counters.accountListsForged == 0, "whoever hands it over is not to blame")
        let slot = try #require(victim.instance.slots[cluster.nodes[2].instance.own.key])
        #expect(!victim.instance.isMuted(slot))
    }

    @Test func aNodeThatNamesListsThatDoNotExistCostsItsShareOfTheRoomAndOfTheRequests() throws {
        let cluster = try scene(seed: 725)
        cluster.areLinksBroken = false
        let victim = cluster.nodes[0]
        for number in 0..<500 {
            let liar = cluster.nodes[1]
            var claim = liar.instance.records[0].claim
            claim.incarnation += UInt64(number + 1)
            claim.accountList = AccountListName(count: 10_000, digest: Digest128(high: 9, low: UInt64(number)))
            var bytes = claim.unsigned(domain: liar.instance.domain)
            bytes.appendSignature(TestCrypto.signature(bytes[...], secret: liar.crypto.own.secret))
            victim.instance.heardClaim(bytes, 0..<bytes.count, from: nil, sender: nil, &victim.generator)
            cluster.run(.milliseconds(100))
        }
        #expect(victim.instance.lists.reserved <= 10_000)
        #expect(victim.instance.lists.missing <= 1)
        #expect(victim.instance.counters.accountListsRequested < 150, "each name is asked for once or twice, in time")
        #expect(victim.instance.syncing.exchanges.count <= 8)
        #expect((2..<4).allSatisfy { cluster.state(of: $0, at: 0) == .alive })
    }

    @Test func anotherNodesFalseNameForAListHarmsNotWhoseListItIs() throws {
        let cluster = try scene(seed: 726)
        announce(AccountListTests.accounts(100), 1, cluster)
        let true100 = try list(of: 1, cluster)
        // The same digest with another length is another name.
        name(AccountListName(count: 200, digest: true100.digest), of: 2, cluster)
        let victim = cluster.nodes[0]
        let bytes = AccountListName.encode(AccountListTests.accounts(100))
        offer([section(true100, bytes)], by: 3, cluster)
        #expect(victim.instance.member(cluster.nodes[1].instance.own.key)?.description.accounts.count == 100)
    }
}
