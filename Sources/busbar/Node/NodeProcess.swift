import AWSAPI
import Glibc
import Logging
import NIOCore
import NIOPosix
import SansIO
import ServiceLifecycle
import Transport
import UnixSignals

/// A node from start to stop: the shard, the listeners, and the signals that end it.
struct NodeProcess {
    private let configuration: NodeConfiguration
    private let reload: (@Sendable () throws -> NodeConfiguration)?
    private let ready: @Sendable (RunningNode) async -> Void

    /// Creates the process of a node.
    ///
    /// - Parameters:
    ///   - configuration: how to run.
    ///   - reload: reads the configuration again on SIGHUP; nil leaves the signal alone.
    ///   - ready: runs once when the node serves.
    init(
        _ configuration: NodeConfiguration,
        reload: (@Sendable () throws -> NodeConfiguration)? = nil,
        ready: @escaping @Sendable (RunningNode) async -> Void = { _ in }
    ) {
        self.configuration = configuration
        self.reload = reload
        self.ready = ready
    }

    /// Runs until SIGTERM or SIGINT.
    func run() async throws {
        let format = configuration.logFormat
        let level = configuration.logLevel
        var log = Logger(label: "busbar") { _ in LogOutput(format: format, logLevel: level) }
        log[metadataKey: "node"] = "\(configuration.node)"
        FileDescriptorLimit.raise()
        // Trapped before the node starts and says so: a signal that comes earlier would end the process.
        let hangUps = reload == nil ? nil : await UnixSignalsSequence(trapping: .sighup)
        let node = try await RunningNode.start(configuration, log: log)
        let service = NodeService(node: node, ready: ready)
        var services = [ServiceGroupConfiguration.ServiceConfiguration(service: service)]
        if let certificates = node.certificates, let interval = configuration.cluster?.peers.reloadInterval {
            let watch = CertificateService(store: certificates, interval: interval) { node.take($0) }
            services.append(.init(service: watch))
        }
        for store in node.listenerCertificates {
            let interval = ListenerCertificates.lookInterval
            let watch = CertificateService(store: store, interval: interval) { node.report($0) }
            services.append(.init(service: watch))
        }
        if let reload, let hangUps {
            services.append(.init(service: ReloadService(node: node, signals: hangUps, reload: reload, log: log)))
        }
        let group = ServiceGroup(
            configuration: .init(
                services: services,
                gracefulShutdownSignals: [.sigterm, .sigint],
                logger: log
            )
        )
        try await group.run()
    }
}

/// Announces a running node and holds it until the service group asks it to stop. The group traps signals before it starts
/// its services, so whoever hears the announcement may send one.
private struct NodeService: Service {
    let node: RunningNode
    let ready: @Sendable (RunningNode) async -> Void

    func run() async throws {
        await ready(node)
        try? await gracefulShutdown()
        await node.stop()
    }
}

/// Reads accounts, principals and keys again whenever the process gets SIGHUP.
private struct ReloadService: Service {
    let node: RunningNode
    let signals: UnixSignalsSequence
    let reload: @Sendable () throws -> NodeConfiguration
    let log: Logger

    func run() async throws {
        for await _ in signals.cancelOnGracefulShutdown() {
            await node.reloadCertificates()
            do {
                let accounts = try reload().accounts
                try await node.admit(accounts)
                log.notice(
                    "accounts, principals and keys are read again",
                    metadata: [
                        "accounts": "\(accounts.count)", "principals": "\(accounts.flatMap(\.principals).count)",
                    ]
                )
            } catch {
                log.error(
                    "the configuration cannot be read again; the present one stays",
                    metadata: ["error": "\(error)"]
                )
            }
        }
    }
}

/// A node that serves.
final class RunningNode: Sendable {
    let configuration: NodeConfiguration
    /// The API listeners in the order of the configuration.
    let servers: [HTTPServer]
    /// The listener of the admin endpoints, when it is apart.
    let adminServer: HTTPServer?
    /// The listener of other nodes.
    let peerServer: HTTPServer?
    /// What proves the node to others; nil when it stands alone.
    let certificates: CertificateStore?
    /// What the API's listeners show.
    let listenerCertificates: [CertificateStore]
    let core: NIOLoopBound<NodeCore>
    private let group: MultiThreadedEventLoopGroup
    let eventLoop: any EventLoop
    let log: Logger

    private init(
        _ configuration: NodeConfiguration,
        servers: [HTTPServer],
        adminServer: HTTPServer?,
        peers: (server: HTTPServer?, certificates: CertificateStore?),
        listenerCertificates: [CertificateStore],
        core: NIOLoopBound<NodeCore>,
        group: MultiThreadedEventLoopGroup,
        log: Logger
    ) {
        self.configuration = configuration
        self.servers = servers
        self.adminServer = adminServer
        peerServer = peers.server
        certificates = peers.certificates
        self.listenerCertificates = listenerCertificates
        self.core = core
        self.group = group
        eventLoop = group.next()
        self.log = log
    }

    /// Opens the store, recovers, binds the listeners, and joins the cluster.
    static func start(_ configuration: NodeConfiguration, log: Logger) async throws -> RunningNode {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let eventLoop = group.next()
        let certificates = try configuration.cluster.map { cluster in
            try CertificateStore(files: cluster.peers.certificateFiles, policy: cluster.peers.certificatePolicy)
        }
        let core = try await eventLoop.submit {
            let core = try NodeCore(configuration, certificates: certificates, eventLoop: eventLoop, log: log)
            return NIOLoopBound(core, eventLoop: eventLoop)
        }.get()
        let started = eventLoop.makePromise(of: Void.self)
        eventLoop.execute { core.value.start(started) }
        try await started.futureResult.get()
        var servers: [HTTPServer] = []
        var shown = ListenerCertificates()
        for listener in configuration.listeners {
            let tls = try shown.context(for: listener.tls)
            servers.append(try await bind(listener, tls, configuration, group) { _ in core.value.front })
        }
        var adminServer: HTTPServer?
        if let admin = configuration.admin {
            let tls = try shown.context(for: admin.tls)
            adminServer = try await bind(admin, tls, configuration, group) { _ in core.value.admin }
        } else {
            try await eventLoop.submit { core.value.front.fallback = core.value.admin.answer }.get()
        }
        let peerServer = try await joinCluster(configuration, certificates, core, group, log)
        let all = servers + [adminServer].compactMap { $0 }
        let stores = [certificates].compactMap { $0 } + shown.stores
        try await eventLoop.submit { [peerServer] in
            core.value.admin.servers = all
            core.value.admin.certificates = stores
            core.value.admin.peerServer = peerServer
        }.get()
        for (server, listener) in zip(servers, configuration.listeners) {
            log.info(
                "serving the API",
                metadata: [
                    "address": "\(server.host):\(server.port)", "tls": "\(listener.tls != nil)",
                ]
            )
        }
        if let adminServer {
            log.info("serving health and metrics", metadata: ["address": "\(adminServer.host):\(adminServer.port)"])
        }
        log.info("the node serves", metadata: ["cell": "\(configuration.cell)"])
        return RunningNode(
            configuration,
            servers: servers,
            adminServer: adminServer,
            peers: (peerServer, certificates),
            listenerCertificates: shown.stores,
            core: core,
            group: group,
            log: log
        )
    }

    private static func bind(
        _ listener: NodeConfiguration.Listener,
        _ tls: TLSContext?,
        _ configuration: NodeConfiguration,
        _ group: MultiThreadedEventLoopGroup,
        handler: @escaping @Sendable (any EventLoop) -> any HTTPRequestHandler
    ) async throws -> HTTPServer {
        do {
            return try await HTTPServer.start(
                group: group,
                host: listener.host,
                port: listener.port,
                tls: tls,
                configuration: configuration.http,
                makeHandler: handler
            )
        } catch let error as IOError {
            throw StartFailure(description: "cannot listen on \(listener.host):\(listener.port): \(error)")
        }
    }

    /// Lets these accounts and principals in from now on, and nobody else.
    func admit(_ accounts: [NodeConfiguration.Account]) async throws {
        try await eventLoop.submit { [core] in core.value.admit(accounts) }.get()
    }

    /// How long the listener of the admin endpoints, and after it the store, which writes what it has, may take to close.
    private static let adminTimeout = Duration.seconds(1)
    private static let closingTimeout = Duration.seconds(10)

    /// How long ``stop()`` takes at most: each of leaving the cluster and finishing requests has `limit`.
    static func longestStop(_ limit: Duration) -> Duration {
        limit + limit + adminTimeout + closingTimeout
    }

    /// Stops accepting, lets requests in flight finish, and closes the store, which a disk that hangs may prevent.
    func stop() async {
        log.info("stopping")
        let limit = configuration.stopTimeout
        await leaveCluster(within: limit)
        await withTaskGroup(of: Void.self) { tasks in
            for server in servers + [peerServer].compactMap({ $0 }) {
                tasks.addTask { await server.shutdown(within: limit) }
            }
        }
        await adminServer?.shutdown(within: Self.adminTimeout)
        let stopped = eventLoop.makePromise(of: Void.self)
        eventLoop.execute { [core] in core.value.stop(stopped) }
        guard await stopped.futureResult.completes(within: Self.closingTimeout) else {
            // What the store had not written by then is delivered again after the next start, as after a crash.
            log.error("the store did not close, ending without it", metadata: ["waited": "\(Self.closingTimeout)"])
            Self.endWithoutStore()
        }
        log.info("stopped")
    }

    /// Ends the process at once. `exit` would wait for RocksDB's threads, which a disk that hangs holds for good. Log lines
    /// are written as they come, so none is left behind.
    static func endWithoutStore() -> Never {
        _exit(1)
    }
}

/// Why a node did not start.
struct StartFailure: Error, CustomStringConvertible {
    let description: String
}
