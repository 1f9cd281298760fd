import Cluster
import EventModel
import Membership
import Testing

@testable import busbar

/// What a person hears of the way to an account of another cell.
@Suite struct WayThereTests {
    private func way(_ link: AccountLink, _ status: CellStatus? = nil) throws -> [String] {
        WayThere(account: try #require(AccountID("111122223333")), link: link, status: status).lines
    }

    private func status(hasUplink: Bool, trouble: String?) throws -> CellStatus {
        CellStatus(
            cell: CellIdentity(of: try #require(NodeIdentity(authority: "busbar.local", cell: "west", node: "w1"))),
            waiting: 7,
            requests: 2,
            allowedRequests: 64,
            hasUplink: hasUplink,
            trouble: trouble
        )
    }

    @Test func anAccountThatNobodyHostsIsSaidToBe() throws {
        let lines = try way(.unknown)
        #expect(lines.first == "account 111122223333 is not hosted by this cell, and no cell is known to host it")
        #expect(lines.last?.contains("busbar map") == true)
    }

    @Test func aQuietCellIsNamedWithWhomToAsk() throws {
        let lines = try way(.cell(name: "west", nodes: ["w1 10.0.0.1:7443 alive", "w2 10.0.0.2:7443 alive"]))
        #expect(
            lines == [
                "account 111122223333 is hosted by cell west: w1 10.0.0.1:7443 alive, w2 10.0.0.2:7443 alive",
                "nothing has been sent there lately",
                "its policies and rules decide there: run the same command with --admin of "
                    + "w1 10.0.0.1:7443 alive or w2 10.0.0.2:7443 alive",
            ]
        )
        let nodeless = try way(.cell(name: "west", nodes: []))
        #expect(nodeless.first == "account 111122223333 is hosted by cell west, of which no node is known")
        #expect(nodeless.last?.hasSuffix("--admin of a node of the cell west") == true)
    }

    @Test func whatIsUnderWayAndInTroubleIsTold() throws {
        let link = AccountLink.cell(name: "west", nodes: ["w1 through its uplink"])
        let lines = try way(link, try status(hasUplink: true, trouble: "w1: no answer in 10 s"))
        #expect(lines.contains("its uplink to this node is open"))
        #expect(lines.contains("7 events wait for a request to it, 2 requests are under way"))
        #expect(lines.contains("the way there is in trouble: w1: no answer in 10 s"))
        let well = try way(link, try status(hasUplink: false, trouble: nil))
        #expect(!well.contains { $0.contains("uplink to this node") || $0.contains("trouble") })
    }
}
