import EventModel
import SansIO
import Testing

@testable import Membership

/// Several nodes that lie about one: it answers so often and no more, and is not killed by what it does not answer at once.
@Suite struct RefutationTests {
    private func word(of subject: TestCluster.Node, by signer: TestCluster.Node) -> [UInt8] {
        let statement = SuspicionStatement(
            domain: subject.instance.domain,
            subject: subject.instance.own.key,
            incarnation: subject.instance.own.incarnation,
            signer: signer.crypto.ownCertificate,
            isVerdict: false
        )
        let bytes = statement.unsigned
        return bytes + TestCrypto.signature(bytes[...], secret: signer.crypto.own.secret)
    }

    private func hear(_ bytes: [UInt8], _ node: TestCluster.Node, _ index: Int, _ cluster: TestCluster) {
        node.instance.heardSuspicion(bytes, 0..<bytes.count, sender: nil, &node.generator)
        cluster.perform(node.instance.left(), index)
    }

    @Test func aNodeThatManyLieAboutAnswersOnceASecondAndLives() throws {
        let cluster = TestCluster(10, seed: 801)
        cluster.start()
        try #require(cluster.run(atMost: .seconds(10)) { cluster.isConverged } != nil)
        cluster.run(.seconds(3))
        let victim = cluster.nodes[0]
        let refutations = victim.instance.counters.refutations
        for round in 0..<600 {
            for liar in 5..<10 { hear(word(of: victim, by: cluster.nodes[liar]), victim, 0, cluster) }
            // Now and then one of them says it to everybody.
            if round % 50 == 49 {
                let suspicion = word(of: victim, by: cluster.nodes[5 + round % 5])
                for index in 1..<5 { hear(suspicion, cluster.nodes[index], index, cluster) }
            }
            cluster.run(.milliseconds(100))
        }
        #expect(victim.instance.counters.refutations - refutations <= 92, "a burst of 30 and one a second")
        #expect(victim.instance.counters.refutationsDeferred > 0)
        cluster.run(.seconds(60))
        #expect(cluster.nodes.allSatisfy { $0.deaths() == 0 })
        #expect(cluster.isConverged)
        #expect((1..<5).allSatisfy { cluster.nodes[$0].instance.counters.claimsOverRate == 0 })
    }
}
