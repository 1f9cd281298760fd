import Cluster
import EventModel
import Membership
import Router

/// What the node can tell of a cell that hosts an account.
extension ClusterNode {
    /// Lines on the cell of an account of another cell: its nodes, the state of the way there, and what to ask there.
    func lines(on account: AccountID) -> [String] {
        let link = link(to: account)
        guard case .cell(let name, let nodes) = link else {
            return [
                "account \(account) is not hosted by this cell, and no cell is known to host it",
                "`busbar cluster members` and `busbar map` tell what is known here",
            ]
        }
        var lines = ["account \(account) is hosted by \(link.text)"]
        let status = forwarder.cells.first { $0.cell.cell == name }
        if status?.hasUplink == true { lines.append("its uplink to this node is open") }
        if let status {
            lines.append("\(status.waiting) events wait for a request to it, \(status.requests) requests are under way")
            if let trouble = status.trouble { lines.append("the way there is in trouble: \(trouble)") }
        } else {
            lines.append("nothing has been sent there lately")
        }
        let host = nodes.isEmpty ? "a node of the cell \(name)" : nodes.joined(separator: " or ")
        lines.append("its policies and rules decide there: run the same command with --admin of \(host)")
        return lines
    }
}
