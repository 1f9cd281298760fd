import Cluster
import Delivery
import EventModel
import Membership
import PeerProtocol
import Router
import SansIO
import Simulation

/// Cells of one node each in a simulated world, with whole routers, forwarders and receivers over the world's links.
final class PeerScene {
    static let a = account("111122223333")
    static let b = account("444455556666")
    static let c = account("777788889999")
    static let trustDomain = "example.com"
    static let everything = #"{"source":[{"exists":true}]}"#

    private static func account(_ text: String) -> AccountID {
        guard let account = AccountID(text) else { preconditionFailure("twelve digits") }
        return account
    }

    let world: World
    /// What every cell believes of where accounts are.
    let directory = StaticDirectory()
    private(set) var machines: [Machine] = []
    var peers = PeerSettings(trustDomain: PeerScene.trustDomain)
    var router = RouterSettings()
    var forwarder = ForwarderSettings(trustDomain: PeerScene.trustDomain)
    var compressor: (any CompressionPort)?
    private var hosted: [Set<AccountID>] = []
    private(set) var notices: [[RouterNotice]] = []

    init(seed: UInt64 = 1) {
        world = World(seed: seed)
    }

    /// Adds and starts a cell.
    ///
    /// - Parameters:
    ///   - accounts: what it hosts, and what its certificate covers.
    ///   - uplinkTo: cells that it dials; others then cannot connect to it.
    /// - Returns: its number.
    @discardableResult
    func addCell(_ accounts: Set<AccountID>, uplinkTo: [Int] = []) -> Int {
        let index = machines.count
        let endpoint = NodeEndpoint(host: "192.0.2.\(index + 1)", port: 7443)
        let machine = world.addMachine(
            name: "cell\(index)",
            endpoint: endpoint,
            certificate: world.network.certificates.issue(Self.names(index, accounts))
        )
        machines.append(machine)
        hosted.append(accounts)
        notices.append([])
        let uplinks = uplinkTo.map { PeerAddress(endpoint: machines[$0].endpoint, uri: Self.uri($0)) }
        if uplinkTo.isEmpty { claim(accounts, by: index) }
        machine.boot = { [unowned self] machine in
            var plan = ForwardingNode.Plan(hosting: hosted[index], trustDomain: Self.trustDomain)
            plan.router = router
            plan.router.peers = peers
            plan.forwarder = forwarder
            plan.uplinks = uplinks
            plan.compressor = compressor
            let cell = ForwardingNode(machine, plan, directory: directory)
            cell.router.notice = { [unowned self] in notices[index].append($0) }
            return cell
        }
        machine.start()
        run(.seconds(1))
        return index
    }

    static func uri(_ index: Int) -> String { "spiffe://\(trustDomain)/cell/c\(index)/node/n" }

    static func names(_ index: Int, _ accounts: Set<AccountID>) -> CertificateIdentity {
        CertificateIdentity(
            uris: [uri(index)],
            dnsNames: accounts.sorted().map { "\($0).account.\(trustDomain)" }
        )
    }

    /// Lets the directory say that a cell hosts accounts.
    func claim(_ accounts: Set<AccountID>, by index: Int) {
        guard let identity = NodeIdentity(uri: Self.uri(index)) else { return }
        let node = PeerNode(identity: identity, endpoint: machines[index].endpoint)
        for account in accounts {
            directory.routes[account] = AccountRoute(cell: CellIdentity(of: identity), nodes: [node])
        }
    }

    /// Changes what a cell hosts from now on, restarts included.
    func host(_ accounts: Set<AccountID>, on index: Int) {
        hosted[index] = accounts
        cell(index).router.host(accounts)
    }

    /// Changes what a cell will host when it is started again.
    func rewrite(_ accounts: Set<AccountID>, on index: Int) {
        hosted[index] = accounts
    }

    func cell(_ index: Int) -> ForwardingNode {
        guard let cell = machines[index].node as? ForwardingNode else { preconditionFailure("cell \(index) is down") }
        return cell
    }

    func run(_ duration: Duration) {
        world.run(for: duration)
    }

    func crash(_ index: Int) {
        machines[index].crash()
    }

    func restart(_ index: Int) {
        machines[index].start()
        run(.seconds(1))
    }

    func bus(_ account: AccountID, _ name: String = "default", region: String = "us-east-1") -> BusAddress {
        BusAddress(region: region, account: account, name: name)
    }

    /// A queue of an account that a rule of its default bus fills.
    func collect(_ account: AccountID, on index: Int, queue: String = "q") {
        let arn = createQueue(queue, of: account, on: index)
        putRule("collect", on: bus(account), of: index, to: arn)
    }

    @discardableResult
    func createQueue(_ name: String, of account: AccountID, on index: Int) -> String {
        let key = QueueKey(region: "us-east-1", account: account, name: name)
        cell(index).router.queues.create(key, attributes: [], tags: []) { _ in }
        run(.milliseconds(50))
        return "arn:aws:sqs:us-east-1:\(account):\(name)"
    }

    func putRule(
        _ name: String,
        on address: BusAddress,
        of index: Int,
        to target: String,
        _ more: JSONObject = [:]
    ) {
        var rule = Rule(name: name, createdBy: address.account)
        rule.pattern = Self.everything
        let router = cell(index).router
        router.catalog.putRule(rule, on: address) { _ in }
        run(.milliseconds(50))
        var definition: JSONObject = ["Id": "t", "Arn": .string(target)]
        definition.members += more.members
        router.putTargets([(id: "t", arn: target, definition: definition)], rule: name, on: address) { _ in }
        run(.milliseconds(50))
    }

    /// A rule of an account's default bus that forwards everything to another account's, with a dead-letter queue `dlq`.
    func forward(_ from: AccountID, on index: Int, to: AccountID, role: String? = nil) {
        let letters = createQueue("dlq", of: from, on: index)
        var more: JSONObject = ["DeadLetterConfig": .object(["Arn": .string(letters)])]
        if let role { more["RoleArn"] = .string(role) }
        putRule("out", on: bus(from), of: index, to: bus(to).arn, more)
    }

    func allow(_ principal: AccountID, on account: AccountID, of index: Int) {
        let statement = PermissionStatement(sid: "s", principal: principal.description)
        cell(index).router.putStatement(statement, on: bus(account)) { _ in }
        run(.milliseconds(50))
    }

    func allowEveryone(on account: AccountID, of index: Int) {
        let text =
            #"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","#
            + #""Action":"events:PutEvents","Resource":"\#(bus(account).arn)"}]}"#
        putPolicy(text, on: account, of: index)
    }

    func putPolicy(_ text: String, on account: AccountID, of index: Int) {
        cell(index).router.putPolicy(text, on: bus(account)) { _ in }
        run(.milliseconds(50))
    }

    /// Puts one event on an account's bus; the answer comes as the world runs.
    func put(
        _ text: String,
        by account: AccountID,
        on index: Int,
        bus: String? = nil,
        answer: @escaping (Result<[PutEventsResult], PutEventsFailure>) -> Void = { _ in }
    ) {
        let entry = PutEventsEntry(
            source: "test",
            detailType: "T",
            detail: Array(#"{"n":"\#(text)"}"#.utf8),
            bus: bus,
            traceHeader: "Root=\(text)"
        )
        let putter = EventPutter(
            account: account,
            arn: "arn:aws:iam::\(account):root",
            region: "us-east-1",
            now: machines[index].now
        )
        cell(index).router.putEvents([entry], by: putter, completion: answer)
    }

    func book(_ account: AccountID, on index: Int) -> BusBook {
        cell(index).router.books[bus(account)] ?? BusBook()
    }

    /// Takes every message out of a queue.
    func drain(_ account: AccountID, on index: Int, queue: String = "q") -> [ReceivedQueueMessage] {
        let key = QueueKey(region: "us-east-1", account: account, name: queue)
        var messages: [ReceivedQueueMessage] = []
        while true {
            var batch: [ReceivedQueueMessage] = []
            _ = cell(index).router.queues.receive(
                QueueReceive(limit: 10, visibilityTimeout: .seconds(43_000), wait: .zero),
                from: key
            ) { result in
                if case .success(let received) = result { batch = received }
            }
            run(.milliseconds(50))
            guard !batch.isEmpty else { return messages }
            messages += batch
        }
    }

    /// The numbers of the events in a queue, in the order of their coming; empties it.
    func numbers(_ account: AccountID, on index: Int, queue: String = "q") -> [String] {
        drain(account, on: index, queue: queue).compactMap { message in
            let body = try? JSONValue(parsing: message.content.body)
            return body?.object?["detail"]?.object?["n"]?.string
        }
    }
}
