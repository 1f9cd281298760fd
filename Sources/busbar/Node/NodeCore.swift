import AWSAPI
import EmbeddedStore
import EventModel
import Logging
import NIOCore
import Router
import SansIO
import SigV4
import Transport

/// The drivers of a node with their adapters: everything that lives on the node's one shard.
///
/// It is made and used on that event loop only.
final class NodeCore {
    let configuration: NodeConfiguration
    let store: EmbeddedStore
    let router: EventRouter
    let front: APIFront
    let admin: AdminEndpoints
    /// The node's part in the cluster; nil when it stands alone.
    let cluster: ClusterNode?
    private let clock: EventLoopClock
    private let log: Logger
    private let decider: PolicyDecider

    /// Opens the store and builds the drivers. Blocks the loop while the store opens; nothing else runs on it yet.
    ///
    /// - Parameters:
    ///   - configuration: how to run.
    ///   - certificates: what proves the node to others; nil when it stands alone.
    ///   - eventLoop: the shard.
    ///   - log: where to log.
    /// - Throws: what the store, the certificates or the key ring say.
    init(
        _ configuration: NodeConfiguration,
        certificates: CertificateStore?,
        eventLoop: any EventLoop,
        log: Logger
    ) throws {
        self.configuration = configuration
        self.log = log
        clock = EventLoopClock(eventLoop: eventLoop)
        store = try EmbeddedStore.open(configuration: configuration.store) { work in eventLoop.execute(work) }
        var random = SystemRandomNumberGenerator()
        var settings = RouterSettings()
        settings.quotas = configuration.quotas
        settings.regions = Set(configuration.regions)
        settings.strictCompatibility = configuration.strictCompatibility
        settings.maximumHops = configuration.maximumHops
        settings.peers = configuration.cluster?.peerSettings
        decider = PolicyDecider(clock: clock)
        decider.onUnreadablePolicy = { fault in
            log.error("a stored policy cannot be read; it denies everything", metadata: ["fault": "\(fault)"])
        }
        router = EventRouter(
            accounts: Set(configuration.accounts.map(\.id)),
            store: store,
            clock: clock,
            decider: decider,
            seed: random.next(),
            settings: settings
        )
        cluster = try Self.cluster(configuration, certificates, router, eventLoop, clock, seed: random.next(), log: log)
        front = APIFront(
            keys: AccessKeys(),
            clock: clock,
            digest: OpenSSLDigest(),
            seed: random.next(),
            verifier: SigV4Verifier(validRegions: configuration.regions)
        )
        front.serveEvents(EventService(router: router))
        let queues = QueueService(driver: router.queues, access: decider, quotas: configuration.quotas)
        queues.onDoubtfulPolicy = { queue, warning in
            RouterLog.write(.doubtfulPolicy(resource: queue, warning: warning), to: log)
        }
        front.serveQueues(queues)
        front.serveIdentity(IdentityService())
        admin = AdminEndpoints(router: router, store: store)
        admin.questions = PolicyEndpoints(router: router)
        admin.join(cluster)
        front.observer = { [admin] service, operation, status, error in
            admin.count(service: service, operation: operation, status: status, error: error)
        }
        let notices = RouterLog(log: log, clock: clock)
        router.notice = { notice in notices.write(notice) }
        admit(configuration.accounts)
    }

    private static func cluster(
        _ configuration: NodeConfiguration,
        _ certificates: CertificateStore?,
        _ router: EventRouter,
        _ eventLoop: any EventLoop,
        _ clock: any ClockPort,
        seed: UInt64,
        log: Logger
    ) throws -> ClusterNode? {
        guard let cluster = configuration.cluster, let certificates else { return nil }
        return try ClusterNode(
            cluster,
            certificates: certificates,
            router: router,
            eventLoop: eventLoop,
            clock: clock,
            seed: seed,
            log: log
        )
    }

    /// Lets these accounts and principals in, and nobody else.
    func admit(_ accounts: [NodeConfiguration.Account]) {
        front.keys = Self.keys(accounts)
        decider.directory = IdentityDirectory(accounts.map(\.declaration))
        router.host(Set(accounts.map(\.id)))
        cluster?.accountsChanged()
        for fault in decider.directory.faults {
            log.error("a policy cannot be read; whom it is for is refused everything", metadata: ["fault": "\(fault)"])
        }
    }

    private static func keys(_ accounts: [NodeConfiguration.Account]) -> AccessKeys {
        var keys = AccessKeys()
        for account in accounts {
            for key in account.keys {
                keys[key.id] = AccessKeys.Key(
                    credential: .init(secret: key.secret),
                    caller: .root(of: account.id)
                )
            }
            for principal in account.principals where principal.declaration.kind == .user {
                let user = principal.declaration
                for key in principal.keys {
                    keys[key.id] = AccessKeys.Key(
                        credential: .init(secret: key.secret),
                        caller: .user(user.arn(in: account.id), name: user.name, of: account.id)
                    )
                }
            }
        }
        return keys
    }

    /// Recovers and takes delivery up again; succeeds when the node may serve.
    func start(_ promise: EventLoopPromise<Void>) {
        router.start { [self] result in
            switch result {
            case .failure(let error): promise.fail(error)
            case .success(let report):
                tell(report)
                admin.isReady = true
                promise.succeed(())
            }
        }
    }

    private func tell(_ report: EventRouter.StartReport) {
        for line in report.damage {
            log.error("the intake journal is damaged", metadata: ["damage": "\(line)"])
        }
        for key in report.unreadableEntries {
            log.error("a catalog entry cannot be read and is left alone", metadata: ["key": "\(key)"])
        }
        log.info(
            "the store is open",
            metadata: [
                "recovered": "\(report.recoveredRecords)", "parked": "\(report.parkedDeliveries)",
                "directory": "\(configuration.store.directory)",
            ]
        )
    }

    /// Stops the drivers and closes the store.
    func stop(_ promise: EventLoopPromise<Void>) {
        admin.isReady = false
        router.stop()
        let closeStore = { [store] in store.close { promise.succeed(()) } }
        guard let cluster else { return closeStore() }
        cluster.stop(within: .seconds(1)).assumeIsolated().whenComplete { _ in closeStore() }
    }
}

extension NodeConfiguration.Account {
    /// What policies know of the account.
    fileprivate var declaration: AccountDeclaration {
        var declaration = AccountDeclaration(account: id)
        declaration.organizationID = organizationID
        declaration.organizationPaths = organizationPaths
        declaration.principals = principals.map(\.declaration)
        return declaration
    }
}
