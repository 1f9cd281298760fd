import EventModel
import Router
import SansIO
import Simulation
import Testing

@testable import busbar

@Suite struct BusMapTests {
    /// Account 4444 is here, 7777 in the cell `partner`, and nobody knows where 9999 is.
    private struct Links: AccountLinks {
        func link(to account: AccountID) -> AccountLink {
            switch account.description.first {
            case "4", "1": .here
            case "7": .cell(name: "partner", nodes: ["p1 10.0.1.1:7443 alive"])
            default: .unknown
            }
        }

        var knownAccounts: [AccountID] {
            ["111122223333", "444455556666", "777788889999"].compactMap { AccountID($0) }
        }
    }

    private let router: EventRouter
    private let shard = VirtualShard()

    init() throws {
        let store = MemoryStore { [shard] in shard.post($0) }
        let accounts = ["111122223333", "444455556666"].compactMap { AccountID($0) }
        router = EventRouter(
            accounts: Set(accounts),
            store: store,
            clock: shard,
            decider: PolicyDecider(clock: shard),
            seed: 1
        )
        router.start { _ in }
        shard.run()
    }

    private func bus(_ name: String, _ account: String = "444455556666") throws -> BusAddress {
        BusAddress(region: "us-east-1", account: try #require(AccountID(account)), name: name)
    }

    private func create(_ address: BusAddress, policy: String? = nil) {
        var bus = Bus(created: shard.now)
        bus.policy = policy
        router.catalog.createBus(bus, at: address) { _ in }
        shard.run()
    }

    private func route(_ rule: String, from address: BusAddress, to arn: String) {
        var value = Rule(name: rule, createdBy: address.account)
        value.pattern = #"{"source": ["shop"]}"#
        router.catalog.putRule(value, on: address) { _ in }
        shard.run()
        let definition: JSONObject = ["Id": "t", "Arn": .string(arn)]
        router.putTargets([(id: "t", arn: arn, definition: definition)], rule: rule, on: address) { _ in }
        shard.run()
    }

    private func map() -> BusMap {
        BusMap(router.catalog.state, links: Links()) { try? router.explain($0) }
    }

    private func statement(_ sid: String, _ principal: String, more: String = "") throws -> String {
        #"{"Sid":"\#(sid)","Effect":"Allow","Principal":\#(principal),"Action":"events:PutEvents","#
            + #""Resource":"\#(try bus("orders").arn)"\#(more)}"#
    }

    private func policy(_ statements: [String]) -> String {
        #"{"Version":"2012-10-17","Statement":[\#(statements.joined(separator: ","))]}"#
    }

    @Test func namedAccountsAreShownWithTheirStatementAndLink() throws {
        let condition = #","Condition":{"StringEquals":{"events:source":"shop"}}"#
        let text = policy([
            try statement("near", #"{"AWS":"111122223333"}"#),
            try statement("far", #"{"AWS":"777788889999"}"#, more: condition),
            try statement("lost", #"{"AWS":"999900001111"}"#),
        ])
        create(try bus("orders"), policy: text)
        let lines = map().lines
        #expect(
            lines == [
                "bus arn:aws:events:us-east-1:444455556666:event-bus/orders",
                " ├─── from 111122223333",
                " │    allowed by statement 1 (\"near\")",
                " │    in this cell",
                " ├─── from 777788889999",
                " │    allowed by statement 2 (\"far\"), if:",
                " │      condition StringEquals on events:source wants \"shop\", the key is absent",
                " │    cell partner: p1 10.0.1.1:7443 alive",
                " └─── from 999900001111",
                "      allowed by statement 3 (\"lost\")",
                "      no known cell hosts it",
                "",
            ]
        )
    }

    @Test func everyoneMeansEveryKnownAccountButThoseThatAreDenied() throws {
        let deny =
            #"{"Sid":"no","Effect":"Deny","Principal":{"AWS":"777788889999"},"Action":"events:*","#
            + #""Resource":"\#(try bus("orders").arn)"}"#
        create(try bus("orders"), policy: policy([try statement("all", #""*""#), deny]))
        let from = try #require(map().places.first).from
        #expect(from.map(\.account.description) == ["111122223333", "777788889999"])
        #expect(from.map(\.verdict) == [.allowed, .denied])
        #expect(from.last?.statement == "statement 2 (\"no\")")
    }

    @Test func rulesToOtherBusesAreShown() throws {
        create(try bus("orders"), policy: policy([try statement("near", #"{"AWS":"111122223333"}"#)]))
        let source = try bus("default", "111122223333")
        route("local", from: source, to: try bus("orders").arn)
        route("remote", from: source, to: try bus("in", "777788889999").arn)
        let place = try #require(map().places.first { $0.bus == source })
        #expect(place.to.map(\.rule) == ["local", "remote"])
        #expect(place.to.map(\.verdict) == [.allowed, .decidedThere])
        #expect(place.to.map(\.link.text) == ["in this cell", "cell partner: p1 10.0.1.1:7443 alive"])
        #expect(map().json.text.contains(#""verdict":"decidedThere""#))
    }

    @Test func aBusThatNobodyReachesIsNotDrawn() throws {
        create(try bus("quiet"))
        #expect(map().lines == ["No bus here has a policy or a rule that leads to another bus."])
    }
}
