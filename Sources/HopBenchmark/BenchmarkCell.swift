import EmbeddedStore
import EventModel
import NIOCore
import Router
import SansIO
import Transport

/// What both ends have: a router over an embedded store on one event loop.
enum BenchmarkCell {
    static let trustDomain = "busbar.local"
    static let region = "us-east-1"
    static let sender = account("111122223333")
    static let receiver = account("444455556666")

    private static func account(_ text: String) -> AccountID {
        guard let account = AccountID(text) else { preconditionFailure("twelve digits") }
        return account
    }

    static func bus(_ account: AccountID) -> BusAddress {
        BusAddress(region: region, account: account, name: "default")
    }

    /// Opens the store and makes a router. Call on the loop.
    static func router(_ eventLoop: any EventLoop, directory: String, hosting account: AccountID) throws -> EventRouter
    {
        let clock = EventLoopClock(eventLoop: eventLoop)
        let store = try EmbeddedStore.open(configuration: EmbeddedStoreConfiguration(directory: directory)) { work in
            eventLoop.execute { work() }
        }
        var settings = RouterSettings()
        settings.peers = PeerSettings(trustDomain: trustDomain)
        return EventRouter(
            accounts: [account],
            store: store,
            clock: clock,
            decider: PolicyDecider(clock: clock),
            seed: Usage.clock(),
            settings: settings
        )
    }

    /// Certificate, key and authority of the development certificates, for either role.
    static func tls(_ role: TLSContext.Role, certs: String) throws -> TLSContext {
        try TLSContext(
            role: role,
            configuration: TLSConfiguration(
                certificateChainFile: certs + "/node.pem",
                privateKeyFile: certs + "/node.key",
                peerVerification: .required(caFile: certs + "/ca.pem"),
                minimumVersion: .tls13,
                applicationProtocols: .http2
            )
        )
    }

    /// Runs a step of the set-up on the loop and waits for it.
    static func step<Value, Failure: Error>(
        _ eventLoop: any EventLoop,
        _ body: @escaping @Sendable (@escaping (Result<Value, Failure>) -> Void) -> Void
    ) async throws {
        let promise = eventLoop.makePromise(of: Void.self)
        eventLoop.execute {
            body { result in promise.completeWith(result.map { _ in () }.mapError { $0 as any Error }) }
        }
        try await promise.futureResult.get()
    }

    /// A rule of an account's default bus for the benchmark's events, with one target.
    static func putRule(
        _ core: NIOLoopBound<EventRouter>,
        _ eventLoop: any EventLoop,
        of account: AccountID,
        to arn: String
    ) async throws {
        try await step(eventLoop) { done in
            var rule = Rule(name: "bench", createdBy: account)
            rule.pattern = #"{"source":["bench"],"detail":{"kind":["measured"]}}"#
            core.value.catalog.putRule(rule, on: bus(account), completion: done)
        }
        try await step(eventLoop) { done in
            let target: JSONObject = ["Id": "t", "Arn": .string(arn)]
            core.value.putTargets(
                [(id: "t", arn: arn, definition: target)],
                rule: "bench",
                on: bus(account),
                completion: done
            )
        }
    }
}
