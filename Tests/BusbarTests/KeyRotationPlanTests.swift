import EventModel
import Testing

@testable import busbar

@Suite struct KeyRotationPlanTests {
    private func view(_ node: String, keys: [String], members: [(String, String)]) -> JSONObject {
        [
            "node": .string(node), "keys": .array(keys.map { .string($0) }),
            "members": .array(members.map { .object(["node": .string($0.0), "state": .string($0.1)]) }),
        ]
    }

    @Test func whoTakesPartAndIsNotNamedIsFound() throws {
        let members = [
            ("a", "alive"), ("b", "suspect"), ("c", "alive"), ("d", "dead"), ("e", "left"), ("f", "ejected"),
        ]
        let plan = try KeyRotationPlan(views: [
            view("a", keys: ["1"], members: members),
            view("c", keys: ["1"], members: [("c", "alive"), ("g", "alive")]),
        ])
        #expect(plan.unnamed == ["b", "g"])
    }

    @Test func aNodeThatIsNamedTwiceCountsOnce() throws {
        let views = ["a", "b", "a"].map { view($0, keys: ["1"], members: [("a", "alive"), ("b", "alive")]) }
        let plan = try KeyRotationPlan(views: views)
        #expect(plan.nodes.map(\.uri) == ["a", "b"])
        #expect(plan.nodes.map(\.place) == [0, 1])
        #expect(plan.unnamed.isEmpty)
    }

    @Test func keysThatNobodySealsWithAreLeftovers() throws {
        let plan = try KeyRotationPlan(views: [
            view("a", keys: ["1", "2", "3"], members: []), view("b", keys: ["2", "1", "4"], members: []),
        ])
        #expect(plan.nodes.map { plan.leftovers(of: $0) } == [["3"], ["4"]])
    }

    @Test func aNodeWithoutGossipIsNamedInTheError() {
        #expect {
            try KeyRotationPlan(views: [view("a", keys: [], members: [])])
        } throws: {
            "\($0)" == "a takes no part in gossip."
        }
    }
}
