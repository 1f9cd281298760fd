import EventModel
import Membership
import SansIO
import Testing

/// Partitions, restarts, departures: views become equal again by themselves.
@Suite struct SWIMRecoveryTests {
    @Test(arguments: [(3, 30, 5), (12, 30, 5), (12, 600, 30)])
    func viewsAreEqualSoonAfterAPartition(count: Int, seconds: Int, limit: Int) throws {
        let cluster = TestCluster(count, seed: UInt64(count + seconds))
        cluster.start()
        try #require(cluster.run(atMost: .seconds(10)) { cluster.isConverged } != nil)
        cluster.run(.seconds(5))
        cluster.canPass = { ($0 < count / 2) == ($1 < count / 2) }
        cluster.run(.seconds(seconds))
        #expect(cluster.nodes[0].instance.presentCount == count / 2)
        cluster.canPass = { _, _ in true }
        let time = cluster.run(atMost: .seconds(limit)) { cluster.isConverged }
        #expect(time != nil, "\(count) nodes after \(seconds) s")
        print(count, "nodes,", seconds, "s of partition, equal after", time ?? .zero)
    }

    @Test func aNodeThatLeavesIsGoneWithoutSuspicion() throws {
        let cluster = TestCluster(8, seed: 5)
        cluster.start()
        try #require(cluster.run(atMost: .seconds(10)) { cluster.isConverged } != nil)
        let leaver = cluster.nodes[3]
        cluster.perform(leaver.instance.leaveRequested(now: cluster.now, using: &leaver.generator), 3)
        let done = cluster.run(atMost: .seconds(5)) { leaver.events.contains(.leaveCompleted) }
        #expect(done != nil)
        leaver.isRunning = false
        #expect(cluster.isConverged)
        #expect((0..<8).filter { $0 != 3 }.allSatisfy { cluster.state(of: 3, at: $0) == .left })
        cluster.run(.seconds(30))
        #expect(cluster.nodes.allSatisfy { $0.deaths() == 0 })
    }

    @Test func aNodeThatLeftMayComeBack() throws {
        let cluster = TestCluster(5, seed: 6)
        cluster.start()
        try #require(cluster.run(atMost: .seconds(10)) { cluster.isConverged } != nil)
        let leaver = cluster.nodes[3]
        cluster.perform(leaver.instance.leaveRequested(now: cluster.now, using: &leaver.generator), 3)
        cluster.run(.seconds(4))
        cluster.restart(3)
        #expect(cluster.run(atMost: .seconds(5)) { cluster.isConverged } != nil)
    }

    @Test func aThirdOfTheNodesRestartsWithoutADeathForGood() throws {
        let cluster = TestCluster(20, seed: 7)
        cluster.start()
        try #require(cluster.run(atMost: .seconds(10)) { cluster.isConverged } != nil)
        for index in 10..<16 {
            cluster.nodes[index].isRunning = false
            cluster.run(.milliseconds(800))
            cluster.restart(index)
            cluster.run(.milliseconds(800))
        }
        #expect(cluster.run(atMost: .seconds(10)) { cluster.isConverged } != nil)
        #expect((0..<20).allSatisfy { cluster.state(of: 0, at: $0) == .alive })
    }

    @Test func theSameIdentityAtANewAddressIsAccepted() throws {
        let cluster = TestCluster(10, seed: 8)
        cluster.start()
        try #require(cluster.run(atMost: .seconds(10)) { cluster.isConverged } != nil)
        var description = cluster.nodes[4].instance.own.description
        description.gossip.port = 20_000
        description.peer.port = 20_000
        cluster.restart(4, description: description)
        let time = cluster.run(atMost: .seconds(3)) {
            cluster.isConverged
                && cluster.nodes.allSatisfy {
                    $0.instance.member(cluster.nodes[4].instance.own.key)?.description.gossip.port == 20_000
                }
        }
        #expect(time != nil)
        #expect(cluster.nodes.allSatisfy { $0.deaths() == 0 })
    }

    @Test func aRestartedNodeWhoseClockWasSetBackGoesAboveItsPast() throws {
        let cluster = TestCluster(5, seed: 9)
        cluster.start()
        try #require(cluster.run(atMost: .seconds(10)) { cluster.isConverged } != nil)
        let before = cluster.nodes[2].instance.own.incarnation
        let now = cluster.now
        cluster.now = now + .seconds(-3600)
        cluster.restart(2)
        cluster.now = now
        #expect(cluster.nodes[2].instance.own.incarnation < before)
        #expect(cluster.run(atMost: .seconds(8)) { cluster.isConverged } != nil)
        #expect(cluster.nodes[2].instance.own.incarnation > before)
    }

    @Test func aPausedNodeDeclaresNobodyDeadWhenItWakesUp() throws {
        let cluster = TestCluster(8, seed: 10)
        cluster.start()
        try #require(cluster.run(atMost: .seconds(10)) { cluster.isConverged } != nil)
        cluster.nodes[5].isRunning = false
        cluster.run(.seconds(60))
        #expect(cluster.nodes[0].deaths() == 1)
        cluster.nodes[5].isRunning = true
        #expect(cluster.run(atMost: .seconds(10)) { cluster.isConverged } != nil)
        #expect(cluster.nodes[5].deaths() == 0)
        #expect(cluster.nodes[5].instance.counters.lateWakeups > 0)
    }

    @Test func aClockSetBackStopsNothing() throws {
        let cluster = TestCluster(4, seed: 11)
        cluster.start()
        try #require(cluster.run(atMost: .seconds(10)) { cluster.isConverged } != nil)
        let node = cluster.nodes[0]
        let probes = node.instance.counters.probes
        // The instance is told an hour less from here on; its next wake-up moves with it.
        var skewed = cluster.now + .seconds(-3600)
        for _ in 0..<10_000 {
            skewed = skewed + .milliseconds(1)
            if node.instance.nextWakeup <= skewed {
                _ = node.instance.timerFired(now: skewed, using: &node.generator)
            }
            if skewed.milliseconds % 1000 == 0 { _ = node.instance.timerFired(now: skewed, using: &node.generator) }
        }
        #expect(node.instance.counters.probes > probes)
    }

    @Test func aForgottenNodeMayJoinAgain() throws {
        var configuration = MembershipConfiguration.lan
        configuration.departedRetention = .seconds(20)
        let cluster = TestCluster(4, seed: 12, configuration: configuration)
        cluster.start()
        try #require(cluster.run(atMost: .seconds(10)) { cluster.isConverged } != nil)
        cluster.nodes[3].isRunning = false
        cluster.run(.seconds(120))
        #expect(cluster.state(of: 3, at: 0) == nil)
        #expect(cluster.nodes[0].crypto.knownCount == 2)
        cluster.restart(3)
        #expect(cluster.run(atMost: .seconds(5)) { cluster.isConverged } != nil)
    }
}
