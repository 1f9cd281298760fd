import EventModel
import Membership
import SansIO

extension [AccountID] {
    /// How many accounts of one node a page shows; the number of all stands beside them.
    fileprivate static let shownOfANode = 64

    fileprivate var shown: JSONValue { .array(prefix(Self.shownOfANode).map { .string($0.description) }) }
}

extension Member {
    /// The member as `GET /cluster` shows it.
    var json: JSONObject {
        [
            "node": .string(identity.uri), "state": .string(state.rawValue), "incarnation": .string("\(incarnation)"),
            "since": .string(CivilTime(since).iso8601), "role": .string(description.role == .leaf ? "edge" : "core"),
            "gossip": .string(description.gossip.description), "peer": .string(description.peer.description),
            "pressure": .integer(Int64(description.pressure)), "version": .string(description.version),
            "accounts": description.accounts.shown, "accountCount": .integer(description.accounts.count),
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
            "accounts": accounts.shown, "accountCount": .integer(accounts.count),
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
                        "node": .string(node.identity.uri),
                        // Nobody dials an edge: it is reached by way of its sponsors.
                        "peer": node.sponsors.isEmpty ? .string(node.endpoint.description) : .null,
                        "pressure": .integer(Int64(node.pressure)), "isSuspect": .bool(node.isSuspect),
                        "sponsors": .array(node.sponsors.map { .string($0.uri) }),
                    ])
                }
            ),
        ]
    }

    /// The entry of an account as `GET /cluster` shows it.
    func json(account: AccountID) -> JSONObject {
        var object: JSONObject = ["account": .string(account.description)]
        object.members += json.members
        return object
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
            [("hosted anew:", change.hosted), ("hosted no more:", change.withdrawn)]
                .filter { !$0.1.isEmpty }.map { "\($0.0) \(Self.list($0.1))" }.joined(separator: "; ")
        case .alarm(let alarm): alarm.text
        case .leaveCompleted: "this node has left"
        }
    }

    /// Some accounts by name and the number of the others.
    private static func list(_ accounts: [AccountID]) -> String {
        let shown = 4
        let names = accounts.prefix(shown).map(\.description).joined(separator: " ")
        let noun = accounts.count == 1 ? "account" : "accounts"
        return accounts.count > shown ? "\(noun) \(names) and \(accounts.count - shown) more" : "\(noun) \(names)"
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
        case .accountListTooLong(let node, let accounts):
            "\(node) announces a list of \(accounts) accounts, which cannot be; the first 64 count"
        case .accountListMissing(let node, let accounts):
            "the list of \(accounts) accounts of \(node) could not be had of anybody; events for some of them wait"
        case .tooManyAccounts(let limit):
            "nodes announce more than \(limit) accounts in long lists; some are missing here"
        case .attachmentFlood(let node): "\(node) says more about its edges than is plausible; some of it is ignored"
        case .ownClockAhead(let distance):
            "this node's clock was \(distance.components.seconds / 3600) h ahead and has been set back; "
                + "others did not believe what it said meanwhile"
        case .clockBehind(let node, let distance, let nodes):
            "\(node) is not believed: its words lie \(distance.components.seconds / 3600) h ahead of this node's clock"
                + (nodes > 1
                    ? "; \(nodes) nodes are ahead, so this node's own clock must be wrong"
                    : "; one of the clocks is wrong")
        case .tooManyMembers(let limit): "there are more than \(limit) members; some are missing here"
        }
    }
}
