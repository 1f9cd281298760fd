import EventModel
import Logging
import SansIO
import Testing

@testable import Membership
@testable import busbar

@Suite struct ClusterViewTests {
    private func member(_ node: String, accounts: [String]) throws -> Member {
        let identity = try #require(NodeIdentity(authority: "busbar.local", cell: "west", node: node))
        let digest = Digest128(high: 1, low: 2)
        return Member(
            identity: identity,
            key: NodeKey(digest),
            state: .suspect,
            incarnation: 7,
            certificate: CertificateFingerprint(digest),
            notAfter: Timestamp(milliseconds: 1_800_000_000_000),
            description: NodeDescription(
                gossip: NodeEndpoint(host: "10.0.0.1", port: 7_946),
                peer: NodeEndpoint(host: "10.0.0.1", port: 7_443),
                accounts: accounts.compactMap { AccountID($0) }
            ),
            since: Timestamp(milliseconds: 1_700_000_000_000)
        )
    }

    @Test func membersAreATableWithAlignedColumns() throws {
        let members = [
            try member("w1", accounts: ["111122223333", "444455556666"]), try member("west-2", accounts: []),
        ]
        let view: JSONObject = ["members": .array(members.map { .object($0.json) })]
        #expect(
            ClusterCommand.Members.table(view) == [
                "NODE                                STATE    SINCE                 PEERS          ACCOUNTS",
                "busbar.local/cell/west/node/w1      suspect  2023-11-14T22:13:20Z  10.0.0.1:7443  "
                    + "111122223333 444455556666",
                "busbar.local/cell/west/node/west-2  suspect  2023-11-14T22:13:20Z  10.0.0.1:7443  -",
                "2 members",
            ]
        )
        #expect(ClusterCommand.Members.table(["members": .array([])]) == ["This node takes no part in gossip."])
    }

    @Test func ofManyAccountsTheFirstAreShownAndTheNumberOfAll() throws {
        let all = (0..<200).map { "\(100_000_000_000 + $0)" }
        let west = try member("w1", accounts: all)
        #expect(west.json["accounts"]?.array?.count == 64)
        #expect(west.json["accountCount"]?.integer == 200)
        let row = ClusterCommand.Members.table(["members": .array([.object(west.json)])])[1]
        #expect(row.hasSuffix("100000000063 and 136 more"))
        let accounts = all.compactMap { AccountID($0) }
        let change = DirectoryChange(hosted: accounts, withdrawn: [accounts[0]])
        #expect(
            MembershipEvent.directory(change).text
                == "hosted anew: accounts 100000000000 100000000001 100000000002 100000000003 and 196 more; "
                + "hosted no more: account 100000000000"
        )
    }

    @Test func eventsAreNumberedAndTheOldestGoFirst() throws {
        let log = ClusterLog(log: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        let west = try member("w1", accounts: [])
        for _ in 1...3 { log.write(.joined(west), now: west.since) }
        let answer = log.events(after: 1)
        #expect(answer["last"]?.integer == 3)
        let events = (answer["events"]?.array ?? []).compactMap(\.object)
        #expect(events.map { $0["number"]?.integer } == [2, 3])
        #expect(events.first?["text"]?.string == "\(west.identity) joined from 10.0.0.1:7443")
        for _ in 1...(2 * ClusterLog.maximumEntries) { log.write(.died(west), now: west.since) }
        let kept = log.events(after: 0)["events"]?.array ?? []
        #expect(kept.count <= ClusterLog.maximumEntries)
        #expect(kept.last?.object?["number"]?.integer == 2 * ClusterLog.maximumEntries + 3)
    }

    @Test func everyAlarmSaysWhatAndWhom() throws {
        let node = try member("w1", accounts: []).identity
        let place = NodeEndpoint(host: "10.0.0.9", port: 1)
        let print = CertificateFingerprint(Digest128(high: 0, low: 1))
        let account = try #require(AccountID("111122223333"))
        let cell = CellIdentity(of: node)
        let alarms: [MembershipAlarm] = [
            .nameContested(node, held: print, contender: print, at: place),
            .nameReplaced(node, previous: print, now: print), .duplicateSelf(at: place),
            .accountOutsideScope(node, account), .accountContested(account, owner: cell, other: cell),
            .suspicionFlood(node), .tooManyMembers(limit: 3), .clockBehind(node, by: .seconds(90_000), nodes: 1),
            .clockBehind(node, by: .seconds(90_000), nodes: 4), .attachmentFlood(node), .tooManyAccounts(limit: 5),
            .accountListTooLong(node, accounts: 20_000), .accountListMissing(node, accounts: 700),
            .ownClockAhead(by: .seconds(108_000)),
        ]
        let texts = alarms.map(\.text)
        #expect(Set(texts).count == alarms.count)
        #expect(texts[0].contains("\(node)") && texts[0].contains("10.0.0.9:1"))
        #expect(texts[3].contains("111122223333"))
        #expect(texts[7].contains("25 h ahead") && texts[7].contains("one of the clocks"))
        #expect(texts[8].contains("this node's own clock"))
    }
}
