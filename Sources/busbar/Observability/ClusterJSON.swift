import EventModel
import Membership
import SansIO

extension Member {
    /// The member as `GET /cluster` shows it.
    var json: JSONObject {
        [
            "node": .string(identity.uri), "state": .string(state.rawValue), "incarnation": .string("\(incarnation)"),
            "since": .string(CivilTime(since).iso8601), "role": .string(description.role == .leaf ? "edge" : "core"),
            "gossip": .string(description.gossip.description), "peer": .string(description.peer.description),
            "pressure": .integer(Int64(description.pressure)), "version": .string(description.version),
            "accounts": .array(description.accounts.map { .string($0.description) }),
            "certificate": .string(certificate.description),
            "certificateEnds": .string(CivilTime(notAfter).iso8601),
        ]
    }
}

extension LeafView {
    /// The edge as `GET /cluster` shows it.
    var json: JSONObject {
        [
            "node": .string(identity.uri), "state": .string(isAttached ? "attached" : "away"),
            "sponsors": .array(sponsors.map { .string($0.uri) }), "version": .string(version),
            "accounts": .array(accounts.map { .string($0.description) }),
            "certificate": .string(certificate.description),
            "certificateEnds": .string(CivilTime(notAfter).iso8601),
        ]
    }
}

extension DirectoryEntry {
    fileprivate var json: JSONObject {
        [
            "cell": .string(cell.description),
            "nodes": .array(
                nodes.map { node in
                    .object([
                        "node": .string(node.identity.uri), "peer": .string(node.endpoint.description),
                        "pressure": .integer(Int64(node.pressure)), "isSuspect": .bool(node.isSuspect),
                        "sponsors": .array(node.sponsors.map { .string($0.uri) }),
                    ])
                }
            ),
        ]
    }

    /// The entry of an account as `GET /cluster` shows it.
    func json(account: AccountID) -> JSONValue {
        var object: JSONObject = ["account": .string(account.description)]
        object.members += json.members
        return .object(object)
    }
}

extension MembershipEvent {
    /// The event's name, the same for all of one kind.
    var kind: String {
        switch self {
        case .joined: "joined"
        case .suspected: "suspected"
        case .recovered: "recovered"
        case .died: "died"
        case .left: "left"
        case .ejected: "ejected"
        case .changed: "changed"
        case .directory: "directory"
        case .alarm: "alarm"
        case .leaveCompleted: "leaveCompleted"
        }
    }

    /// The event in one line.
    var text: String {
        switch self {
        case .joined(let member): "\(member.identity) joined from \(member.description.peer)"
        case .suspected(let member, let accuser): "\(member.identity) does not answer, says \(accuser)"
        case .recovered(let member): "\(member.identity) has shown that it is alive"
        case .died(let member): "\(member.identity) is held dead"
        case .left(let member): "\(member.identity) has left"
        case .ejected(let member, let reason): "\(member.identity) is ejected: its certificate is \(reason.rawValue)"
        case .changed(let member): "\(member.identity) describes itself anew"
        case .directory(let change):
            if let entry = change.entry {
                "account \(change.account) is in cell \(entry.cell), on \(entry.nodes.count) nodes"
            } else {
                "account \(change.account) is hosted by nobody"
            }
        case .alarm(let alarm): alarm.text
        case .leaveCompleted: "this node has left"
        }
    }
}

extension MembershipAlarm {
    /// The alarm in one line.
    var text: String {
        switch self {
        case .nameContested(let node, let held, let contender, let place):
            "another certificate (\(contender)) claims the name of \(node) (\(held)) at \(place); it was refused"
        case .nameReplaced(let node, let previous, let now):
            "\(node) came back with certificate \(now), for which the previous one, \(previous), did not vouch"
        case .duplicateSelf(let place): "another process at \(place) uses this node's own certificate"
        case .accountOutsideScope(let node, let account):
            "\(node) claims account \(account), which its certificate does not cover"
        case .accountContested(let account, let owner, let other):
            "cells \(owner) and \(other) both claim account \(account); \(owner) counts"
        case .suspicionFlood(let node): "\(node) suspects more nodes than is plausible"
        case .attachmentFlood(let node): "\(node) says more about its edges than is plausible; some of it is ignored"
        case .clockBehind(let node, let distance, let nodes):
            "\(node) is not believed: its words lie \(distance.components.seconds / 3600) h ahead of this node's clock"
                + (nodes > 1
                    ? "; \(nodes) nodes are ahead, so this node's own clock must be wrong"
                    : "; one of the clocks is wrong")
        case .tooManyMembers(let limit): "there are more than \(limit) members; some are missing here"
        }
    }
}
