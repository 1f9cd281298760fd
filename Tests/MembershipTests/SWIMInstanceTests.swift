import EventModel
import Membership
import SansIO
import Testing

@Suite struct SWIMInstanceTests {
    @Test func twoNodesFindEachOther() {
        let cluster = TestCluster(2)
        cluster.start()
        #expect(cluster.run(atMost: .seconds(3)) { cluster.isConverged } != nil)
        cluster.run(.seconds(60))
        #expect(cluster.nodes.allSatisfy { $0.deaths() == 0 })
        #expect(cluster.isConverged)
    }

    @Test func tenNodesJoinThroughOne() {
        let cluster = TestCluster(10)
        cluster.start()
        #expect(cluster.run(atMost: .seconds(5)) { cluster.isConverged } != nil)
    }

    @Test func aCrashedNodeIsDeadInEveryView() throws {
        let cluster = TestCluster(10, seed: 3)
        cluster.start()
        cluster.run(.seconds(10))
        try #require(cluster.isConverged)
        cluster.nodes[4].isRunning = false
        let time = cluster.run(atMost: .seconds(20)) { cluster.isConverged }
        #expect(time != nil)
        print("dead in every view after", time ?? .zero)
        #expect((0..<10).filter { $0 != 4 }.allSatisfy { cluster.state(of: 4, at: $0) == .dead })
    }
}
