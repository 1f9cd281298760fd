import EventModel
import SansIO
import Testing

@testable import Membership

/// Clocks that are set far ahead and back again: what a node said meanwhile is not believed, and must not stand in its way.
@Suite struct ClockTests {
    private func scene(_ seed: UInt64) throws -> TestCluster {
        let cluster = TestCluster(5, seed: seed)
        cluster.start()
        try #require(cluster.run(atMost: .seconds(10)) { cluster.isConverged } != nil)
        cluster.run(.seconds(3))
        return cluster
    }

    private func setPressure(_ pressure: UInt8, _ index: Int, _ cluster: TestCluster) {
        let node = cluster.nodes[index]
        var description = node.instance.ownDescription
        description.pressure = pressure
        cluster.perform(node.instance.changedDescription(description, now: cluster.time(index)), index)
    }

    private func isPressure(_ pressure: UInt8, of index: Int, _ cluster: TestCluster) -> Bool {
        let key = cluster.nodes[index].instance.own.key
        return cluster.nodes.allSatisfy { $0.instance.member(key)?.description.pressure == pressure }
    }

    private func deaths(_ cluster: TestCluster) -> Int { cluster.nodes.reduce(0) { $0 + $1.deaths() } }

    @Test func aClockThatWasAheadForAMomentKillsNobody() throws {
        let cluster = try scene(91)
        let node = cluster.nodes[2]
        let before = node.instance.own.incarnation
        node.clockOffset = .seconds(30 * 3600)
        setPressure(7, 2, cluster)
        cluster.run(.seconds(2))
        #expect(!isPressure(7, of: 2, cluster), "nobody believes what lies so far ahead")
        let ahead = node.instance.ownSignedClaim.claim
        node.clockOffset = .zero
        cluster.run(.seconds(10))
        #expect(isPressure(7, of: 2, cluster))
        #expect(cluster.isConverged)
        #expect(node.instance.own.incarnation < before + 3_600_000)
        #expect(node.instance.counters.incarnationsAbandoned == 1)
        let isTold = node.alarms.contains { alarm in
            if case .ownClockAhead(let by) = alarm { by > .seconds(29 * 3600) } else { false }
        }
        #expect(isTold)
        // It answers suspicions again.
        let refutations = node.instance.counters.refutations
        let slot = try #require(cluster.nodes[4].instance.slots[node.instance.own.key])
        cluster.nodes[4].instance.suspectByOwnProbe(slot, &cluster.generator)
        cluster.run(.seconds(60))
        #expect(node.instance.counters.refutations > refutations)
        #expect(deaths(cluster) == 0 && cluster.isConverged)
        try expectAbovePast(node, ahead, cluster)
    }

    /// When its former claim would be believed at last, the node is above it, so that who kept it cannot use it.
    private func expectAbovePast(_ node: TestCluster.Node, _ ahead: [UInt8], _ cluster: TestCluster) throws {
        for other in cluster.nodes { other.clockOffset = .seconds(18 * 3600 + 600) }
        cluster.run(.seconds(300))
        let past = try #require(NodeClaim.layout(ahead, 0..<ahead.count)).head.incarnation
        #expect(node.instance.own.incarnation > past)
        #expect(cluster.isConverged)
        let observer = cluster.nodes[0]
        let accepted = observer.instance.counters.claimsAccepted
        observer.instance.heardClaim(ahead, 0..<ahead.count, from: nil, sender: nil, &observer.generator)
        #expect(observer.instance.counters.claimsAccepted == accepted)
    }

    @Test func aNodeThatStartedWithItsClockAheadIsHeardOnceItIsSetBackAndAfterItsNextStart() throws {
        let cluster = try scene(92)
        cluster.restart(2, clockOffset: .seconds(30 * 3600))
        cluster.run(.seconds(20))
        #expect(cluster.nodes[0].instance.counters.droppedAheadOfClock > 0)
        cluster.nodes[2].clockOffset = .zero
        #expect(cluster.run(atMost: .seconds(60)) { cluster.isConverged } != nil)
        let before = cluster.nodes.map { $0.deaths() }
        cluster.restart(2)
        #expect(cluster.run(atMost: .seconds(10)) { cluster.isConverged } != nil)
        cluster.run(.seconds(60))
        #expect(cluster.isConverged)
        for index in cluster.nodes.indices where index != 2 {
            #expect(cluster.nodes[index].deaths() == before[index], "\(index)")
        }
    }

    @Test func whateverOthersBelievedOfAFormerLifeIsAnswered() throws {
        let cluster = try scene(93)
        let node = cluster.nodes[2]
        // Its clock was ahead by as much as others believe, and theirs are a little ahead of what it is now.
        var claim = node.instance.records[0].claim
        claim.incarnation = UInt64(cluster.now.milliseconds) + 12 * 3_600_000 + 30_000
        var bytes = claim.unsigned(domain: node.instance.domain)
        bytes.appendSignature(TestCrypto.signature(bytes[...], secret: node.crypto.own.secret))
        for index in [0, 1, 3, 4] {
            let other = cluster.nodes[index]
            other.clockOffset = .seconds(60)
            _ = other.instance.timerFired(now: cluster.time(index), using: &other.generator)
            other.instance.heardClaim(bytes, 0..<bytes.count, from: nil, sender: nil, &other.generator)
            let held = other.instance.member(node.instance.own.key)?.incarnation
            #expect(held == claim.incarnation)
        }
        setPressure(9, 2, cluster)
        cluster.run(.seconds(20))
        #expect(isPressure(9, of: 2, cluster))
        #expect(cluster.isConverged)
        #expect(deaths(cluster) == 0)
    }

    @Test func whatWasAbandonedIsRememberedAndLeapsAreFound() {
        var rises = OwnRises()
        rises.note(1000, before: 2000)
        #expect(rises.last(upTo: .max) == nil, "no leap")
        for number: UInt64 in 1...20 { rises.note(number * 10_000_000, before: (number + 1) * 10_000_000) }
        #expect(rises.last(upTo: 155_000_000) == 150_000_000)
        #expect(rises.last(upTo: 5_000_000) == nil)
        rises.abandon(5)
        rises.abandon(3)
        #expect(rises.hasAbandoned(5) && !rises.hasAbandoned(6))
        rises.forgetAbandoned()
        #expect(!rises.hasAbandoned(1))
    }
}
