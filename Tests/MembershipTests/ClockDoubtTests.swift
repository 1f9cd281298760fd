import SansIO
import Testing

@testable import Membership

/// A claim that lies more than half a day ahead is refused, and an alarm says whose clock is wrong.
@Suite struct ClockDoubtTests {
    private func scene(seed: UInt64) throws -> TestCluster {
        let cluster = TestCluster(5, seed: seed)
        cluster.start()
        try #require(cluster.run(atMost: .seconds(10)) { cluster.isConverged } != nil)
        return cluster
    }

    private func claim(of node: TestCluster.Node, ahead lead: Duration, secret: UInt64? = nil) -> [UInt8] {
        var claim = node.instance.records[0].claim
        claim.incarnation += UInt64(lead.milliseconds)
        var bytes = claim.unsigned(domain: node.instance.domain)
        bytes.appendSignature(TestCrypto.signature(bytes[...], secret: secret ?? node.crypto.own.secret))
        return bytes
    }

    private func hear(_ bytes: [UInt8], _ cluster: TestCluster) -> [MembershipAlarm] {
        let node = cluster.nodes[0]
        node.instance.heardClaim(bytes, 0..<bytes.count, from: nil, sender: nil, &node.generator)
        return node.instance.changedTrust(now: cluster.now, using: &node.generator).compactMap { action in
            if case .event(.alarm(let alarm)) = action { alarm } else { nil }
        }
    }

    private func nodesAhead(_ alarms: [MembershipAlarm]) -> [Int] {
        alarms.compactMap { if case .clockBehind(_, _, let nodes) = $0 { nodes } else { nil } }
    }

    @Test func oneNodeThatIsAheadIsNamedWithItsDistance() throws {
        let cluster = try scene(seed: 601)
        let alarms = hear(claim(of: cluster.nodes[1], ahead: .seconds(180_000)), cluster)
        guard case .clockBehind(let node, let distance, let nodes)? = alarms.first else {
            Issue.record("no alarm: \(alarms)")
            return
        }
        #expect(node == cluster.nodes[1].identity)
        #expect(nodes == 1)
        // The distance counts from the last incarnation, which is seconds old.
        #expect(distance > .seconds(179_900) && distance <= .seconds(180_000))
        #expect(cluster.nodes[0].instance.nodesAheadOfClock == 1)
    }

    @Test func severalNodesAheadMeanThatThisNodesOwnClockIsBehind() throws {
        let cluster = try scene(seed: 602)
        var counts: [Int] = []
        for index in 1..<5 {
            counts += nodesAhead(hear(claim(of: cluster.nodes[index], ahead: .seconds(180_000)), cluster))
            cluster.run(.seconds(60))
        }
        #expect(counts == [1, 2, 3, 4])
        #expect(cluster.nodes[0].instance.nodesAheadOfClock == 4)
        cluster.run(.seconds(601))
        #expect(cluster.nodes[0].instance.nodesAheadOfClock == 0)
    }

    @Test func whatIsAheadAndForgedRaisesNoAlarm() throws {
        let cluster = try scene(seed: 603)
        #expect(hear(claim(of: cluster.nodes[1], ahead: .seconds(180_000), secret: 1), cluster).isEmpty)
        #expect(cluster.nodes[0].instance.nodesAheadOfClock == 0)
        #expect(cluster.nodes[0].instance.counters.claimsAheadOfClock == 1)
    }

    @Test func manyClaimsAheadCostFewSignaturesAndFewAlarms() throws {
        let cluster = try scene(seed: 604)
        let before = cluster.nodes[0].crypto.verifications
        var alarms: [MembershipAlarm] = []
        for number in 0..<1000 {
            alarms += hear(claim(of: cluster.nodes[1], ahead: .seconds(180_000 + number)), cluster)
        }
        #expect(alarms.count == 2)
        #expect(cluster.nodes[0].crypto.verifications - before == 30)
        #expect(cluster.nodes[0].instance.counters.claimsAheadOfClock == 1000)
    }

    @Test func aNodeWhoseClockIsAheadByLessThanHalfADayIsBelieved() throws {
        let cluster = try scene(seed: 605)
        let subject = cluster.nodes[1]
        let ahead = claim(of: subject, ahead: .seconds(42_000))
        #expect(hear(ahead, cluster).isEmpty)
        let held = cluster.nodes[0].instance.member(subject.instance.own.key)?.incarnation ?? 0
        #expect(held == subject.instance.own.incarnation + 42_000_000)
    }
}
