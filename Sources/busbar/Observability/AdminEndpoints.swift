import EmbeddedStore
import EventModel
import Router
import SansIO
import Transport

/// `/livez`, `/readyz`, `/metrics`, and questions about policies.
final class AdminEndpoints: HTTPRequestHandler {
    /// One series of the call counter.
    struct CallKey: Hashable {
        let service: String
        let operation: String
        let status: Int
        let error: String
    }

    /// True while the node may be sent requests.
    var isReady = false
    /// Whose counters are shown.
    var servers: [HTTPServer] = []
    /// The listener of other nodes, which is counted apart.
    var peerServer: HTTPServer?
    /// The certificates of peers and of the API's listeners.
    var certificates: [CertificateStore] = []
    /// Answers `POST /policy/...`.
    var questions: PolicyEndpoints?
    private var cluster: ClusterNode?
    private var clusterEndpoints: ClusterEndpoints?
    private let router: EventRouter
    private let store: EmbeddedStore
    private var calls: [CallKey: UInt64] = [:]
    /// Series beyond this many are counted together, so that no client can grow the table.
    private static let callSeriesLimit = 1_000

    init(router: EventRouter, store: EmbeddedStore) {
        self.router = router
        self.store = store
    }

    /// Answers for the node's part in the cluster too.
    func join(_ cluster: ClusterNode?) {
        self.cluster = cluster
        clusterEndpoints = cluster.map { ClusterEndpoints(cluster: $0) }
    }

    func handle(_ request: HTTPRequest, _ reply: any HTTPReply) {
        if let clusterEndpoints, clusterEndpoints.answer(request, reply) { return }
        if answer(request, reply) { return }
        let places = "/livez, /readyz, /metrics, /map, /cluster and /policy/..."
        reply.send(Self.text(404, "There is nothing here but \(places).\n"))
    }

    /// Answers a request that has nothing to do with the cluster; false for any that it does not know.
    func answer(_ request: HTTPRequest, _ reply: any HTTPReply) -> Bool {
        if let questions, questions.answer(request, reply) { return true }
        guard let response = respond(request) else { return false }
        reply.send(response)
        return true
    }

    /// The answer to a GET for one of these; nil for any other request.
    func respond(_ request: HTTPRequest) -> HTTPResponse? {
        guard request.method == "GET" || request.method == "HEAD" else { return nil }
        switch request.target.prefix(while: { $0 != "?" }) {
        case "/livez": return Self.text(200, "ok\n")
        case "/readyz":
            let isTaken = store.takesAppends
            if isReady, isTaken { return Self.text(200, "ok\n") }
            let refusal = store.statistics.isFull ? "the disk is full\n" : "the journal is at its limit\n"
            return Self.text(503, isTaken ? "starting or stopping\n" : refusal)
        case "/map":
            let links: any AccountLinks = cluster ?? LoneCell(accounts: router.catalog.state.accounts)
            let map = BusMap(router.catalog.state, links: links) { try? router.explain($0) }
            return Self.json(["map": map.json, "lines": .array(map.lines.map(JSONValue.string))])
        case "/metrics":
            var response = Self.text(200, metrics())
            response.headers = [HTTPField("content-type", "text/plain; version=0.0.4; charset=utf-8")]
            return response
        default: return nil
        }
    }

    /// Counts an answered API call.
    func count(service: String, operation: String, status: Int, error: String?) {
        var key = CallKey(service: service, operation: operation, status: status, error: error ?? "")
        if calls[key] == nil, calls.count >= Self.callSeriesLimit {
            key = CallKey(service: service, operation: "other", status: status, error: "")
        }
        calls[key, default: 0] += 1
    }

    private static func text(_ status: Int, _ body: String) -> HTTPResponse {
        HTTPResponse(
            status: status,
            headers: [HTTPField("content-type", "text/plain; charset=utf-8")],
            body: Array(body.utf8)
        )
    }

    static func json(_ object: JSONObject, status: Int = 200) -> HTTPResponse {
        HTTPResponse(
            status: status,
            headers: [HTTPField("content-type", "application/json")],
            body: JSONValue.object(object).bytes + [0x0A]
        )
    }

    private func metrics() -> String {
        var page = MetricsPage()
        addCalls(to: &page)
        page.add(books: router.books)
        let waiting = router.waitingBytes
        page.add(waitingBytes: waiting.byBus, fullest: waiting.fullest)
        page.add(router.statistics, active: router.activeDeliveries)
        page.add(store.statistics)
        page.add(router.queues.statistics)
        var counters = HTTPServerCounters()
        for server in servers { counters += server.counters }
        page.add(counters)
        if let peerServer { page.add(peerServer.counters, prefix: "busbar_peer_listener") }
        if !certificates.isEmpty { page.add(certificates.map(\.status), now: .system) }
        if let cluster { page.add(cluster) }
        page.add(ProcessFigures.current())
        return page.text
    }

    private func addCalls(to page: inout MetricsPage) {
        page.family("busbar_api_calls_total", "counter", "API calls answered.")
        let sorted = calls.sorted { left, right in
            (left.key.service, left.key.operation, left.key.status, left.key.error)
                < (right.key.service, right.key.operation, right.key.status, right.key.error)
        }
        for (key, value) in sorted {
            page.sample(
                "busbar_api_calls_total",
                [
                    ("service", key.service), ("operation", key.operation), ("status", String(key.status)),
                    ("error", key.error),
                ],
                value
            )
        }
    }
}

/// The links of a node that knows no other cell.
private struct LoneCell: AccountLinks {
    let accounts: Set<AccountID>

    var knownAccounts: [AccountID] { accounts.sorted() }

    func link(to account: AccountID) -> AccountLink { accounts.contains(account) ? .here : .unknown }
}
