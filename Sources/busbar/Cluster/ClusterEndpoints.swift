import Cluster
import EventModel
import Membership
import Router
import SansIO

/// `GET /cluster`, `GET /cluster/events`, and what `busbar cluster` changes by POST.
final class ClusterEndpoints {
    /// Why a request cannot be answered; the text goes to the client with status 400.
    private struct Refusal: Error {
        let text: String
    }

    private let cluster: ClusterNode
    /// Accounts that the view shows; each of the others is asked for by itself.
    private static let shownAccounts = 1000
    private static let accountPath = "/cluster/accounts/"

    init(cluster: ClusterNode) {
        self.cluster = cluster
    }

    /// Answers a request for one of these; false for any other.
    func answer(_ request: HTTPRequest, _ reply: any HTTPReply) -> Bool {
        let parts = request.target.split(separator: "?", maxSplits: 1)
        guard let path = parts.first, path == "/cluster" || path.hasPrefix("/cluster/") else { return false }
        do throws(Refusal) {
            switch (request.method, path) {
            case ("GET", "/cluster"): reply.send(AdminEndpoints.json(view))
            case ("GET", "/cluster/events"): reply.send(AdminEndpoints.json(try events(parts.dropFirst().first)))
            case ("GET", _) where path.hasPrefix(Self.accountPath):
                reply.send(AdminEndpoints.json(try account(path.dropFirst(Self.accountPath.count))))
            case ("POST", "/cluster/leave"): try leave(request, reply)
            case ("POST", "/cluster/keys"): reply.send(AdminEndpoints.json(try changeKeys(try body(request))))
            default: reply.send(AdminEndpoints.json(["error": "there is no such page"], status: 404))
            }
        } catch {
            reply.send(AdminEndpoints.json(["error": .string(error.text)], status: 400))
        }
        return true
    }

    private var view: JSONObject {
        var view: JSONObject = [
            "node": .string(cluster.identity.uri), "trustDomain": .string(cluster.configuration.trustDomain),
            "role": .string(cluster.configuration.role.rawValue),
            "links": .array(cluster.forwarder.cells.map(\.json)),
            "uplinks": .array(
                cluster.uplinks.nodes.map { node, accounts in
                    .object([
                        "node": .string(node.uri), "accounts": .array(accounts.map { .string($0.description) }),
                    ])
                }
            ),
        ]
        view["slowedAccounts"] = .array(
            cluster.receiver.slowedAccounts.map { account, entries in
                .object(["account": .string(account.description), "entries": .integer(Int64(clamping: entries))])
            }
        )
        guard let gossip = cluster.gossip else {
            view["members"] = .array([])
            return view
        }
        let driver = gossip.driver
        view["present"] = .integer(Int64(driver.presentCount))
        view["leaves"] = .integer(Int64(driver.leafCount))
        view["localHealth"] = .integer(Int64(driver.localHealth))
        view["view"] = .string(String(driver.viewFingerprint, radix: 16))
        view["members"] = .array(driver.members.map { .object($0.json) })
        view["edges"] = .array(driver.leafViews.map { .object($0.json) })
        let directory = driver.directory
        view["accountCount"] = .integer(Int64(directory.accountCount))
        view["accounts"] = .array(
            directory.accounts.prefix(Self.shownAccounts).compactMap { account in
                directory.entry(for: account).map { .object($0.json(account: account)) }
            }
        )
        view["keys"] = .array(gossip.sealer.ring.keys.map { .string($0.name) })
        return view
    }

    /// Which cell hosts one account.
    private func account(_ text: Substring) throws(Refusal) -> JSONObject {
        let driver = try gossip().driver
        guard let account = AccountID(text) else { throw Refusal(text: "the path must end with twelve digits") }
        guard let (entry, isHeldDead) = driver.host(of: account) else {
            return ["account": .string(account.description)]
        }
        var answer = entry.json(account: account)
        answer["isHeldDead"] = .bool(isHeldDead)
        return answer
    }

    private func events(_ query: Substring?) throws(Refusal) -> JSONObject {
        let gossip = try self.gossip()
        var after = 0
        if let query {
            guard query.hasPrefix("after="), let number = Int(query.dropFirst("after=".count)) else {
                throw Refusal(text: "the query is after=NUMBER")
            }
            after = number
        }
        return gossip.recent.events(after: after)
    }

    private func gossip() throws(Refusal) -> GossipNode {
        guard let gossip = cluster.gossip else { throw Refusal(text: "this node takes no part in gossip") }
        return gossip
    }

    /// A change must come as JSON: a page in a browser cannot send that across origins.
    private func body(_ request: HTTPRequest) throws(Refusal) -> JSONObject {
        guard request.header("content-type") == "application/json",
            let object = (try? JSONValue(parsing: request.body))?.object
        else { throw Refusal(text: "the body must be a JSON object, sent as application/json") }
        return object
    }

    private func leave(_ request: HTTPRequest, _ reply: any HTTPReply) throws(Refusal) {
        _ = try body(request)
        _ = try gossip()
        cluster.leave { reply.send(AdminEndpoints.json(["left": true])) }
    }

    /// One step of a rotation: `{"add": HEX}`, `{"use": NUMBER}` or `{"remove": NUMBER}`.
    private func changeKeys(_ change: JSONObject) throws(Refusal) -> JSONObject {
        let gossip = try self.gossip()
        guard let file = cluster.configuration.gossip?.keyRing else { throw Refusal(text: "there is no key ring") }
        do {
            // The file counts: someone may have changed it since it was read.
            var ring = try GossipKeyRing.load(file)
            if let text = change["add"]?.string {
                guard let key = GossipKeyRing.key(hexadecimal: text) else {
                    throw Refusal(text: "add must be 64 hexadecimal digits")
                }
                try ring.add(key.bytes)
            } else if let name = change["use"]?.string, let number = UInt32(name, radix: 16) {
                try ring.use(number)
            } else if let name = change["remove"]?.string, let number = UInt32(name, radix: 16) {
                try ring.remove(number)
            } else {
                throw Refusal(text: "the body must have add, use or remove")
            }
            try ring.save(file)
            try gossip.use(ring)
            return ["keys": .array(ring.keys.map { .string($0.name) })]
        } catch let refusal as Refusal {
            throw refusal
        } catch {
            throw Refusal(text: "\(error)")
        }
    }
}

extension CellStatus {
    fileprivate var json: JSONValue {
        var object: JSONObject = [
            "cell": .string(cell.description), "waiting": .integer(Int64(waiting)),
            "requests": .integer(Int64(requests)), "allowedRequests": .integer(Int64(allowedRequests)),
            "hasUplink": .bool(hasUplink), "isCompressing": .bool(isCompressing),
        ]
        if let trouble { object["trouble"] = .string(trouble) }
        return .object(object)
    }
}
