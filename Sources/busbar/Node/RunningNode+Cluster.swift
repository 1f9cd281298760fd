import Logging
import NIOCore
import NIOPosix
import SansIO
import ServiceLifecycle
import Transport

/// Starting and leaving the cluster.
extension RunningNode {
    /// Binds the peer listener and the gossip socket, and begins to talk to other nodes.
    ///
    /// - Returns: the listener, if there is one.
    static func joinCluster(
        _ configuration: NodeConfiguration,
        _ certificates: CertificateStore?,
        _ core: NIOLoopBound<NodeCore>,
        _ group: MultiThreadedEventLoopGroup,
        _ log: Logger
    ) async throws -> HTTPServer? {
        guard let cluster = configuration.cluster, let certificates else { return nil }
        var server: HTTPServer?
        if let listener = cluster.peers.listener {
            let made = try await bindPeers(listener, cluster.peers.limits, certificates, core, group)
            log.info("serving peers", metadata: ["address": "\(made.host):\(made.port)"])
            server = made
        }
        if let gossip = cluster.gossip {
            let socket = try await openSocket(gossip, on: group.next())
            let peerPort = server?.port
            let endpoint = try await group.next().submit {
                guard let cluster = core.value.cluster else { return socket.value.endpoint }
                try cluster.startGossip(gossip, through: socket.value, peerPort: peerPort)
                return socket.value.endpoint
            }.get()
            log.info("gossiping", metadata: ["address": "\(endpoint)", "preset": "\(gossip.preset.rawValue)"])
        }
        try await group.next().submit { core.value.cluster?.start() }.get()
        return server
    }

    private static func bindPeers(
        _ listener: NodeConfiguration.Listener,
        _ limits: HTTPServerConfiguration,
        _ certificates: CertificateStore,
        _ core: NIOLoopBound<NodeCore>,
        _ group: MultiThreadedEventLoopGroup
    ) async throws -> HTTPServer {
        do {
            return try await HTTPServer.start(
                group: group,
                host: listener.host,
                port: listener.port,
                tls: try certificates.makeContext(
                    role: .server,
                    verification: .required,
                    minimumVersion: .tls13,
                    applicationProtocols: .http2
                ),
                configuration: limits,
                makeHandler: { _ in core.value.cluster?.peerHandler() ?? NoPeers() }
            )
        } catch let error as IOError {
            throw StartFailure(description: "cannot listen for peers on \(listener.host):\(listener.port): \(error)")
        }
    }

    private static func openSocket(
        _ gossip: NodeConfiguration.Gossip,
        on eventLoop: any EventLoop
    ) async throws -> NIOLoopBound<UDPPort> {
        do {
            return try await UDPPort.open(on: eventLoop, host: gossip.host, port: gossip.port).get()
        } catch let error as IOError {
            throw StartFailure(description: "cannot gossip on \(gossip.host):\(gossip.port): \(error)")
        }
    }

    /// Tells the other nodes that this one goes, so that they need not find out.
    func leaveCluster(within limit: Duration) async {
        let left = eventLoop.makePromise(of: Void.self)
        eventLoop.execute { [core] in
            guard let cluster = core.value.cluster else { return left.succeed(()) }
            cluster.leave { left.succeed(()) }
        }
        let timer = eventLoop.scheduleTask(in: .milliseconds(limit.milliseconds)) { left.succeed(()) }
        try? await left.futureResult.get()
        timer.cancel()
    }

    /// Reads certificates again at once, for a signal.
    func reloadCertificates() async {
        for store in listenerCertificates {
            let events = try? await NIOThreadPool.singleton.runIfActive { store.reload() }
            for event in events ?? [] { report(event) }
        }
        guard let certificates else { return }
        let events = try? await NIOThreadPool.singleton.runIfActive { certificates.reload() }
        for event in events ?? [] { take(event) }
        try? await eventLoop.submit { [core] in core.value.cluster?.keyRingMayHaveChanged() }.get()
    }

    /// Logs what the store of the peers' certificates tells, and takes new ones up.
    func take(_ event: CertificateEvent) {
        report(event)
        if case .reloaded = event {
            eventLoop.execute { [core] in core.value.cluster?.certificatesReloaded() }
        }
    }

    /// Logs what a certificate store tells.
    func report(_ event: CertificateEvent) {
        let level: Logger.Level =
            switch event.severity {
            case .info: .notice
            case .warning: .warning
            case .error: .error
            }
        log.log(level: level, "certificates", metadata: ["what": "\(event)"])
    }
}

/// Looks at the certificate files now and then, as long as the node runs.
struct CertificateService: Service {
    let store: CertificateStore
    let interval: Duration
    let report: @Sendable (CertificateEvent) -> Void

    func run() async throws {
        await cancelWhenGracefulShutdown {
            await store.watch(every: interval, report: report)
        }
    }
}

/// Answers on a peer listener whose cluster is not there, which does not happen.
private final class NoPeers: HTTPRequestHandler {
    func handle(_ request: HTTPRequest, _ reply: any HTTPReply) {
        reply.send(HTTPResponse(status: 503))
    }
}
