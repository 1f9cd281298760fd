import Cluster
import EventModel
import Membership
import Router

/// What the node can tell of a cell that hosts an account.
extension ClusterNode {
    /// Lines on the cell of an account of another cell: its nodes, the state of the way there, and what to ask there.
    func lines(on account: AccountID) -> [String] {
        let cell = cell(hosting: account)
        let status = forwarder.cells.first { $0.cell == cell }
        return WayThere(account: account, link: link(to: account), status: status).lines
    }
}

/// The way to an account of another cell, as far as it is known here.
struct WayThere {
    var account: AccountID
    var link: AccountLink
    /// What is under way to its cell; nil when nothing was sent there for a while.
    var status: CellStatus?

    /// The same for a person.
    var lines: [String] {
        guard case .cell(let name, let nodes) = link else {
            return [
                "account \(account) is not hosted by this cell, and no cell is known to host it",
                "`busbar cluster members` and `busbar map` tell what is known here",
            ]
        }
        var lines = ["account \(account) is hosted by \(link.text)"]
        if let status {
            if status.hasUplink { lines.append("its uplink to this node is open") }
            lines.append("\(status.waiting) events wait for a request to it, \(status.requests) requests are under way")
            if status.isCompressing { lines.append("what is sent there is compressed, where its nodes take that") }
            if let trouble = status.trouble { lines.append("the way there is in trouble: \(trouble)") }
        } else {
            lines.append("nothing has been sent there lately")
        }
        let host = nodes.isEmpty ? "a node of the cell \(name)" : nodes.joined(separator: " or ")
        lines.append("its policies and rules decide there: run the same command with --admin of \(host)")
        return lines
    }
}
