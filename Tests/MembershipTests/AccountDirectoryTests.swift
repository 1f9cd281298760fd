import EventModel
import SansIO
import Testing

@testable import Membership

@Suite struct AccountDirectoryTests {
    private let first = TestCluster.anyAccount
    private let wildcardWest = TestCluster.identity("w1", cell: "west")
    private let east = TestCluster.identity("e1", cell: "east")

    private func presence(
        _ identity: NodeIdentity,
        _ accounts: [AccountID],
        named: [AccountID] = [],
        pressure: UInt8 = 0
    ) -> AccountDirectory.Presence {
        AccountDirectory.Presence(
            node: DirectoryNode(
                identity: identity,
                endpoint: NodeEndpoint(host: "10.0.0.1", port: 1),
                role: .core,
                sponsors: [],
                pressure: pressure,
                version: "1",
                isSuspect: false
            ),
            accounts: accounts,
            named: named
        )
    }

    @Test func answersWithTheCellAndItsNodesInOrder() {
        var directory = AccountDirectory()
        let second = TestCluster.identity("w0", cell: "west")
        _ = directory.update(wildcardWest, presence(wildcardWest, [first]))
        let (change, _, alarms) = directory.update(second, presence(second, [first]))
        #expect(directory.entry(for: first)?.cell == CellIdentity(authority: "example.com", cell: "west"))
        #expect(directory.entry(for: first)?.nodes.map(\.identity) == [second, wildcardWest])
        #expect(change == DirectoryChange(hosted: [first]))
        #expect(alarms.isEmpty)
    }

    @Test func aNamedAccountBeatsAWildcardWhateverTheOrder() {
        for order in [[wildcardWest, east], [east, wildcardWest]] {
            var directory = AccountDirectory()
            var alarms: [MembershipAlarm] = []
            for identity in order {
                let named = identity == wildcardWest ? [first] : []
                alarms += directory.update(identity, presence(identity, [first], named: named)).alarms
            }
            let west = CellIdentity(of: wildcardWest)
            #expect(directory.entry(for: first)?.cell == west)
            #expect(alarms == [.accountContested(first, owner: west, other: CellIdentity(of: east))])
            #expect(directory.contenders(for: first) == [CellIdentity(of: east)])
        }
    }

    @Test func amongEqualsTheFirstCellByNameAnswers() {
        for order in [[wildcardWest, east], [east, wildcardWest]] {
            var directory = AccountDirectory()
            for identity in order { _ = directory.update(identity, presence(identity, [first])) }
            #expect(directory.entry(for: first)?.cell == CellIdentity(of: east))
        }
    }

    @Test func theLastNodeTakesTheAccountWithIt() {
        var directory = AccountDirectory()
        _ = directory.update(east, presence(east, [first]))
        let change = directory.update(east, nil).change
        #expect(change == DirectoryChange(withdrawn: [first]))
        #expect(directory.accountCount == 0)
        #expect(directory == AccountDirectory())
    }

    @Test func pressureIsAChangeAndARepeatIsNone() {
        var directory = AccountDirectory()
        _ = directory.update(east, presence(east, [first]))
        #expect(directory.update(east, presence(east, [first])).change == nil)
        let change = directory.update(east, presence(east, [first], pressure: 9)).change
        #expect(change == DirectoryChange(hosted: [first]))
        #expect(directory.entry(for: first)?.nodes.first?.pressure == 9)
    }

    @Test func everyOrderOfUpdatesGivesTheSameDirectory() {
        var generator = SeededGenerator(seed: 5)
        let accounts = (0..<6).compactMap { AccountID(number: UInt64($0)) }
        var updates: [(NodeIdentity, [AccountID], [AccountID])] = []
        for cell in 0..<4 {
            for node in 0..<2 {
                let hosted = accounts.filter { _ in Bool.random(using: &generator) }
                let named = hosted.filter { _ in Bool.random(using: &generator) }
                updates.append((TestCluster.identity("n\(node)", cell: "c\(cell)"), hosted, named))
            }
        }
        var reference: AccountDirectory?
        for _ in 0..<20 {
            var directory = AccountDirectory()
            for (identity, hosted, named) in updates.shuffled(using: &generator) {
                _ = directory.update(identity, presence(identity, hosted, named: named))
            }
            #expect(reference == nil || reference == directory)
            reference = directory
        }
    }
}
