import EventModel
import Router
import SansIO
import Simulation

/// A whole router over the store in memory, with accounts a and b.
final class RouterScene {
    static let a = account("111122223333")
    static let b = account("444455556666")

    private static func account(_ text: String) -> AccountID {
        guard let account = AccountID(text) else { preconditionFailure("twelve digits") }
        return account
    }

    let shard = VirtualShard()
    let store: MemoryStore
    private(set) var router: EventRouter
    private let settings: RouterSettings
    private(set) var notices: [RouterNotice] = []

    init(settings: RouterSettings = RouterSettings()) {
        self.settings = settings
        store = MemoryStore { [shard] in shard.post($0) }
        router = Self.router(store, shard, settings)
        start()
    }

    private static func router(_ store: MemoryStore, _ shard: VirtualShard, _ settings: RouterSettings) -> EventRouter {
        EventRouter(
            accounts: [a, b],
            store: store,
            clock: shard,
            decider: PolicyDecider(clock: shard),
            seed: 7,
            settings: settings
        )
    }

    private func start() {
        router.notice = { [unowned self] in notices.append($0) }
        router.start { _ in }
        shard.run()
    }

    /// Crashes and starts again on what was on disk.
    func restart() {
        shard.crash()
        store.crash()
        router = Self.router(store, shard, settings)
        start()
    }

    func bus(_ name: String = "default", of account: AccountID = a, region: String = "us-east-1") -> BusAddress {
        BusAddress(region: region, account: account, name: name)
    }

    func queueKey(_ name: String, of account: AccountID = a) -> QueueKey {
        QueueKey(region: "us-east-1", account: account, name: name)
    }

    func createBus(_ address: BusAddress) {
        router.catalog.createBus(Bus(created: shard.now), at: address) { _ in }
        shard.run()
    }

    @discardableResult
    func createQueue(_ name: String, of account: AccountID = a, policy: String? = nil) -> String {
        let attributes = policy.map { [QueueAttribute("Policy", $0)] } ?? []
        let key = queueKey(name, of: account)
        router.queues.create(key, attributes: attributes, tags: []) { _ in }
        shard.run()
        return "arn:aws:sqs:us-east-1:\(account):\(name)"
    }

    func putRule(_ name: String, pattern: String, on address: BusAddress, targets: [(String, JSONObject)]) {
        var rule = Rule(name: name, createdBy: address.account)
        rule.pattern = pattern
        router.catalog.putRule(rule, on: address) { _ in }
        shard.run()
        let list = targets.enumerated().map { index, target in
            var definition: JSONObject = ["Id": .string("t\(index)"), "Arn": .string(target.0)]
            definition.members += target.1.members
            return (id: "t\(index)", arn: target.0, definition: definition)
        }
        router.putTargets(list, rule: name, on: address) { _ in }
        shard.run()
    }

    func allow(_ account: String, on address: BusAddress) {
        router.putStatement(PermissionStatement(sid: "s", principal: account), on: address) { _ in }
        shard.run()
    }

    /// Puts one event and returns the call's outcome.
    @discardableResult
    func put(
        _ source: String,
        detail: String = "{}",
        bus: String? = nil,
        by account: AccountID = a
    ) -> Result<[PutEventsResult], PutEventsFailure>? {
        var outcome: Result<[PutEventsResult], PutEventsFailure>?
        let entry = PutEventsEntry(source: source, detailType: "T", detail: Array(detail.utf8), bus: bus)
        let putter = EventPutter(
            account: account,
            arn: "arn:aws:iam::\(account):root",
            region: "us-east-1",
            now: shard.now
        )
        router.putEvents([entry], by: putter) { outcome = $0 }
        shard.run()
        return outcome
    }

    /// Takes every message out of a queue: bodies with their string attributes.
    func drain(_ name: String, of account: AccountID = a) -> [ReceivedQueueMessage] {
        var messages: [ReceivedQueueMessage] = []
        while true {
            var batch: [ReceivedQueueMessage] = []
            _ = router.queues.receive(
                QueueReceive(limit: 10, visibilityTimeout: .seconds(43_000), wait: .zero),
                from: queueKey(name, of: account)
            ) { result in
                if case .success(let received) = result { batch = received }
            }
            shard.run()
            guard !batch.isEmpty else { return messages }
            messages += batch
        }
    }

    func bodies(_ name: String, of account: AccountID = a) -> [String] {
        drain(name, of: account).map { String(decoding: $0.content.body, as: UTF8.self) }
    }

    func book(_ address: BusAddress) -> BusBook {
        router.books[address] ?? BusBook()
    }
}
