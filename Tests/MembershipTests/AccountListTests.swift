import EventModel
import SansIO
import Testing

@testable import Membership

/// Nodes that host more accounts than a claim carries.
@Suite struct AccountListTests {
    static func accounts(_ count: Int, from first: UInt64 = 100_000_000_000) -> [AccountID] {
        (0..<count).compactMap { AccountID(number: first + UInt64($0) * 7) }
    }

    private func scene(
        _ count: Int,
        seed: UInt64,
        _ configuration: MembershipConfiguration = .lan
    ) throws -> TestCluster {
        let cluster = TestCluster(count, seed: seed, configuration: configuration)
        cluster.start()
        try #require(cluster.run(atMost: .seconds(10)) { cluster.isConverged } != nil)
        return cluster
    }

    private func announce(_ accounts: [AccountID], _ index: Int, _ cluster: TestCluster) {
        let node = cluster.nodes[index]
        var description = node.instance.ownDescription
        description.accounts = accounts
        cluster.perform(node.instance.changedDescription(description, now: cluster.now), index)
    }

    private func hosted(by index: Int, at observer: Int, _ cluster: TestCluster) -> [AccountID] {
        cluster.nodes[observer].instance.member(cluster.nodes[index].instance.own.key)?.description.accounts ?? []
    }

    private func allSee(_ accounts: [AccountID], of index: Int, _ cluster: TestCluster) -> Bool {
        cluster.nodes.indices.allSatisfy { observer in
            !cluster.nodes[observer].isRunning || hosted(by: index, at: observer, cluster) == accounts
        }
    }

    @Test(arguments: [65, 1000, MembershipLimits.accountsPerNode])
    func everyNodeLearnsALongList(count: Int) throws {
        let cluster = try scene(5, seed: 701)
        let accounts = Self.accounts(count)
        announce(accounts, 2, cluster)
        #expect(cluster.run(atMost: .seconds(10)) { allSee(accounts, of: 2, cluster) } != nil)
        let cell = CellIdentity(of: cluster.nodes[2].identity)
        for node in cluster.nodes {
            #expect(node.instance.directory.accountCount == count)
            #expect(node.instance.directory.entry(for: accounts[count - 1])?.cell == cell)
            #expect(node.instance.lists.reserved == count)
        }
    }

    @Test func aListThatShrinksIsCarriedByTheClaimAgainAndKeptNoMore() throws {
        let cluster = try scene(4, seed: 702)
        announce(Self.accounts(500), 1, cluster)
        try #require(cluster.run(atMost: .seconds(10)) { allSee(Self.accounts(500), of: 1, cluster) } != nil)
        announce(Self.accounts(64), 1, cluster)
        try #require(cluster.run(atMost: .seconds(10)) { allSee(Self.accounts(64), of: 1, cluster) } != nil)
        for node in cluster.nodes {
            #expect(node.instance.lists.reserved == 0)
            #expect(node.instance.lists.count == 0)
            #expect(node.instance.directory.accountCount == 64)
        }
    }

    @Test func thirtyNodesGetAListFromEachOtherRatherThanAllFromItsSubject() throws {
        let cluster = try scene(30, seed: 703)
        let accounts = Self.accounts(2000)
        announce(accounts, 7, cluster)
        #expect(cluster.run(atMost: .seconds(20)) { allSee(accounts, of: 7, cluster) } != nil)
        #expect(cluster.nodes[7].instance.counters.accountListsServed < 20)
        #expect(cluster.nodes.allSatisfy { $0.instance.counters.accountListsReceived <= 1 })
    }

    @Test func nodesOfOneCellWithTheSameAccountsShareOneList() throws {
        let cluster = TestCluster(2, seed: 704)
        let accounts = Self.accounts(300)
        for name in ["w1", "w2", "w3"] { cluster.add(name: name, cell: "west", accounts: accounts) }
        cluster.start()
        #expect(cluster.run(atMost: .seconds(20)) { (2..<5).allSatisfy { allSee(accounts, of: $0, cluster) } } != nil)
        for node in cluster.nodes {
            #expect(node.instance.lists.reserved == 300)
            #expect(node.instance.counters.accountListsReceived <= 1)
            #expect(node.instance.directory.entry(for: accounts[250])?.nodes.count == 3)
        }
    }

    /// Until the new list is here, the one before counts for the accounts that nobody else is known to claim.
    @Test func accountsThatMoveAreFoundAtTheirNewCellThoughTheOldOnesListIsNotHere() throws {
        let cluster = try scene(3, seed: 705)
        let accounts = Self.accounts(200)
        announce(accounts, 1, cluster)
        try #require(cluster.run(atMost: .seconds(10)) { allSee(accounts, of: 1, cluster) } != nil)
        // Nobody gets anything over a link from now on; claims still travel.
        cluster.areLinksBroken = true
        announce(Array(accounts.dropLast()), 1, cluster)
        announce([accounts[199]], 2, cluster)
        cluster.run(.seconds(5))
        let directory = cluster.nodes[0].instance.directory
        #expect(directory.entry(for: accounts[199])?.cell == CellIdentity(of: cluster.nodes[2].identity))
        #expect(directory.entry(for: accounts[150])?.cell == CellIdentity(of: cluster.nodes[1].identity))
        #expect(directory.contenders(for: accounts[199]).isEmpty)
        #expect(!cluster.nodes[0].alarms.contains { if case .accountContested = $0 { true } else { false } })
        cluster.areLinksBroken = false
        #expect(cluster.run(atMost: .seconds(300)) { allSee(Array(accounts.dropLast()), of: 1, cluster) } != nil)
    }

    @Test func aListThatChangesWhileItIsAskedForEndsAsTheNewestEverywhere() throws {
        let cluster = try scene(6, seed: 706)
        for round in 0..<10 {
            announce(Self.accounts(100 + round, from: UInt64(round) * 1000), 3, cluster)
            cluster.run(.milliseconds(130))
        }
        let newest = Self.accounts(109, from: 9000)
        #expect(cluster.run(atMost: .seconds(20)) { allSee(newest, of: 3, cluster) } != nil)
        #expect(cluster.nodes.allSatisfy { $0.instance.lists.reserved == 109 && $0.instance.lists.missing == 0 })
    }

    @Test func aRestartedNodeGetsAllListsWithItsFirstSync() throws {
        let cluster = try scene(5, seed: 707)
        for index in 1..<5 { announce(Self.accounts(300, from: UInt64(index) * 1_000_000), index, cluster) }
        cluster.run(.seconds(10))
        cluster.restart(0)
        let isComplete = { cluster.nodes[0].instance.directory.accountCount == 1200 }
        #expect(cluster.run(atMost: .seconds(5), until: isComplete) != nil)
        // A subject that restarts with the same accounts names the same list: nobody asks for it.
        let before = cluster.nodes.map(\.instance.counters.accountListsReceived)
        let description = cluster.nodes[2].instance.ownDescription
        cluster.restart(2, description: description)
        cluster.run(.seconds(10))
        for index in [0, 1, 3, 4] {
            #expect(cluster.nodes[index].instance.counters.accountListsReceived == before[index])
            #expect(hosted(by: 2, at: index, cluster).count == 300)
        }
    }

    @Test func aListIsHadFromOthersWhenItsSubjectCannotBeReached() throws {
        let cluster = try scene(4, seed: 708)
        let accounts = Self.accounts(500)
        cluster.canLink = { from, to in from == 1 || to != 3 }
        announce(accounts, 3, cluster)
        #expect(cluster.run(atMost: .seconds(60)) { allSee(accounts, of: 3, cluster) } != nil)
    }

    @Test func alarmsTellOfAListThatNobodyHasAndItIsStillAskedForSeldom() throws {
        let cluster = try scene(3, seed: 709)
        cluster.areLinksBroken = true
        announce(Self.accounts(100), 1, cluster)
        cluster.run(.seconds(600))
        let node = cluster.nodes[0]
        #expect(node.alarms.contains(.accountListMissing(cluster.nodes[1].identity, accounts: 100)))
        #expect(node.instance.counters.accountListsRequested < 20)
        #expect(node.instance.directory.accountCount == 64)
        cluster.areLinksBroken = false
        #expect(cluster.run(atMost: .seconds(300)) { allSee(Self.accounts(100), of: 1, cluster) } != nil)
        #expect(cluster.isConverged)
    }

    @Test func accountsOutsideTheCertificatesScopeAreLeftOutOfALongList() throws {
        let cluster = TestCluster(3, seed: 710)
        let accounts = Self.accounts(120)
        let identity = TestCluster.identity("edge")
        let scope = AccountScope(accounts: Array(accounts.prefix(100)))
        cluster.add(name: "edge", certificate: cluster.authority.issue(identity, scope: scope), accounts: accounts)
        cluster.start()
        let isThere = { (0..<3).allSatisfy { cluster.nodes[$0].instance.directory.accountCount == 100 } }
        #expect(cluster.run(atMost: .seconds(10), until: isThere) != nil)
        #expect(cluster.nodes[0].instance.directory.entry(for: accounts[100]) == nil)
        #expect(cluster.nodes[0].instance.counters.accountsOutsideScope == 20)
        #expect(cluster.nodes[0].alarms.contains(.accountOutsideScope(identity, accounts[100])))
    }

    @Test func listsBeyondTheTotalAreLeftAloneUntilThereIsRoom() throws {
        var configuration = MembershipConfiguration.lan
        configuration.maximumListedAccounts = 500
        configuration.departedRetention = .seconds(300)
        let cluster = try scene(4, seed: 711, configuration)
        announce(Self.accounts(300), 1, cluster)
        cluster.run(.seconds(5))
        announce(Self.accounts(300, from: 5_000_000), 2, cluster)
        cluster.run(.seconds(5))
        let node = cluster.nodes[0]
        #expect(hosted(by: 1, at: 0, cluster).count == 300)
        #expect(hosted(by: 2, at: 0, cluster).count == 64)
        #expect(node.alarms.contains(.tooManyAccounts(limit: 500)))
        #expect(node.instance.counters.accountListsWithoutRoom == 1)
        announce([], 1, cluster)
        #expect(cluster.run(atMost: .seconds(30)) { hosted(by: 2, at: 0, cluster).count == 300 } != nil)
        #expect(node.instance.lists.reserved == 300)
    }

    @Test func aDepartedNodesListGivesWayAndComesBackWithIt() throws {
        var configuration = MembershipConfiguration.lan
        configuration.maximumListedAccounts = 500
        let cluster = try scene(4, seed: 712, configuration)
        announce(Self.accounts(300), 1, cluster)
        cluster.run(.seconds(5))
        cluster.canPass = { from, to in from != 1 && to != 1 }
        try #require(cluster.run(atMost: .seconds(60)) { cluster.state(of: 1, at: 0) == .dead } != nil)
        announce(Self.accounts(300, from: 5_000_000), 2, cluster)
        #expect(cluster.run(atMost: .seconds(20)) { hosted(by: 2, at: 0, cluster).count == 300 } != nil)
        announce([], 2, cluster)
        cluster.canPass = { _, _ in true }
        #expect(cluster.run(atMost: .seconds(60)) { hosted(by: 1, at: 0, cluster).count == 300 } != nil)
    }

    @Test func aLeafsListIsHandedOnByWhoeverHoldsItsUplink() throws {
        let cluster = try scene(4, seed: 713)
        let accounts = Self.accounts(150)
        let leaf = cluster.add(name: "edge", accounts: accounts, role: .leaf)
        leaf.isRunning = false
        var description = leaf.instance.ownDescription
        description.sponsors = [cluster.nodes[2].instance.own.key]
        _ = leaf.instance.changedDescription(description, now: cluster.now)
        let sponsor = cluster.nodes[2]
        let (claim, chain) = leaf.instance.ownSignedClaim
        let (outcome, actions) = sponsor.instance.leafAttached(
            claim: claim,
            chain: chain,
            accounts: accounts,
            now: cluster.now,
            using: &sponsor.generator
        )
        cluster.perform(actions, 2)
        try #require(outcome == .attached(leaf.instance.own.key))
        let isComplete = { (0..<4).allSatisfy { cluster.nodes[$0].instance.directory.accountCount == 150 } }
        #expect(cluster.run(atMost: .seconds(30), until: isComplete) != nil)
        cluster.perform(sponsor.instance.leafDetached(leaf.instance.own.key, now: cluster.now), 2)
        let isGone = { (0..<4).allSatisfy { cluster.nodes[$0].instance.directory.accountCount == 0 } }
        #expect(cluster.run(atMost: .seconds(30), until: isGone) != nil)
    }
}
