import AWSAPI
import EventModel
import Router
import SansIO
import Simulation
import Testing

/// Allows an account's own principals, and others when the policy text names their account; a text with "deny" denies.
final class TestDecider: AccessDecider {
    var requests: [AccessRequest] = []

    func decide(_ request: AccessRequest, policy: String?) -> AccessVerdict {
        requests.append(request)
        guard case .principal(let arn, let account) = request.subject else { return .denied("no service") }
        if let policy, policy.contains("deny \(request.action)") { return .denied("\(arn) explicitly denied") }
        if account == request.resourceAccount { return .allowed }
        if let policy, policy.contains("allow \(account) \(request.action)") { return .allowed }
        return .denied("\(arn) is not authorized to perform: \(request.action)")
    }

    func assume(role: String, of account: AccountID, by service: String, for sourceARN: String) -> AccessVerdict {
        .denied("no roles")
    }

    func explain(_ request: AccessRequest, policy: String?) -> AccessExplanation {
        AccessExplanation(verdict: decide(request, policy: policy), lines: [])
    }

    func warnings(aboutPolicy text: String) -> [String] { [] }

    func fault(inPolicy text: String) -> String? { text.contains("broken") ? "It is broken." : nil }
}

/// A queue service over an in-memory store and a manual clock.
final class QueueBench {
    let store: MemoryStore
    let turns: Turns
    let clock: ManualClock
    let access = TestDecider()
    let driver: QueueDriver
    let service: QueueService
    let account: AccountID
    let other: AccountID
    let region = "eu-west-1"
    let endpoint = "https://localhost:8443"
    private(set) var cancels: [() -> Void] = []

    /// A fresh node, or one that starts on the store of a previous one.
    init(
        after previous: QueueBench? = nil,
        limits: QueueLimits = QueueLimits(),
        quotas: Quotas = Quotas()
    ) throws {
        let turns = previous?.turns ?? Turns()
        store = previous?.store ?? MemoryStore { turns.schedule($0) }
        clock = previous?.clock ?? ManualClock()
        self.turns = turns
        account = try #require(AccountID("111122223333"))
        other = try #require(AccountID("444455556666"))
        driver = QueueDriver(store: store, clock: clock, seed: 7, quotas: quotas, limits: limits)
        service = QueueService(driver: driver, access: access, quotas: quotas)
        driver.load { _ in }
        turns.run()
    }

    func url(_ name: String) -> String { "\(endpoint)/\(account)/\(name)" }

    func key(_ name: String) -> QueueKey { QueueKey(region: region, account: account, name: name) }

    func advance(_ duration: Duration) { clock.advance(by: duration) { turns.run() } }

    /// Makes a call and lets the store work; nil when it has not been answered by then.
    func start(
        _ name: String,
        _ input: JSONObject,
        as caller: AccountID? = nil,
        drain: Bool = true
    ) throws -> Pending {
        let operation = try #require(service.operation(named: name))
        let pending = Pending()
        let call = APICall(
            caller: .root(of: caller ?? account),
            region: region,
            requestID: "r",
            now: clock.now,
            input: input,
            endpoint: endpoint,
            onCancel: { [unowned self] in cancels.append($0) }
        )
        operation(call) { pending.results.append($0) }
        if drain { turns.run() }
        return pending
    }

    /// Makes a call that must succeed, and returns its output; `{}` for none.
    @discardableResult
    func call(_ name: String, _ input: JSONObject, as caller: AccountID? = nil) throws -> JSONObject {
        let pending = try start(name, input, as: caller)
        #expect(pending.results.count == 1)
        return try #require(pending.results.first).get() ?? [:]
    }

    /// Makes a call that must fail, and returns its error.
    func fail(_ name: String, _ input: JSONObject, as caller: AccountID? = nil) throws -> AWSError {
        let pending = try start(name, input, as: caller)
        #expect(pending.results.count == 1)
        guard case .failure(let error)? = pending.results.first else {
            Issue.record("\(name) succeeded")
            return AWSError(.internalFailure, "")
        }
        return error
    }

    @discardableResult
    func create(_ name: String, _ attributes: JSONObject = [:]) throws -> String {
        let output = try call("CreateQueue", ["QueueName": .string(name), "Attributes": .object(attributes)])
        return try #require(output["QueueUrl"]?.string)
    }

    @discardableResult
    func send(_ body: String, to url: String, _ more: JSONObject = [:]) throws -> JSONObject {
        var input: JSONObject = ["QueueUrl": .string(url), "MessageBody": .string(body)]
        input.members += more.members
        return try call("SendMessage", input)
    }

    func receive(_ url: String, _ more: JSONObject = [:]) throws -> [JSONObject] {
        var input: JSONObject = ["QueueUrl": .string(url)]
        input.members += more.members
        let output = try call("ReceiveMessage", input)
        guard let messages = output["Messages"] else { return [] }
        let list = try #require(messages.array)
        #expect(!list.isEmpty, "Messages is absent when nothing was received")
        return list.compactMap { $0.object }
    }

    func attributes(_ url: String, _ names: [JSONValue] = ["All"]) throws -> JSONObject {
        let output = try call("GetQueueAttributes", ["QueueUrl": .string(url), "AttributeNames": .array(names)])
        return try #require(output["Attributes"]?.object)
    }
}

/// What a call has answered so far.
final class Pending {
    var results: [APIResult] = []

    /// The bodies received, nil while unanswered.
    var bodies: [String]? {
        guard case .success(let output)? = results.first else { return nil }
        return (output?["Messages"]?.array ?? []).compactMap { $0.object?["Body"]?.string }
    }
}
