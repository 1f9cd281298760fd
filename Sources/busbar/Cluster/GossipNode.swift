import Cluster
import EventModel
import Logging
import Membership
import SansIO
import Transport

/// A node's part in gossip: the membership protocol over the gossip socket and the peer links, on the node's shard.
///
/// What it learns feeds the directory of accounts. It never decides whether this node is ready, and never closes a link.
final class GossipNode {
    /// Where a node stands in the cluster.
    struct Place {
        var identity: NodeIdentity
        var cluster: NodeConfiguration.Cluster
        var settings: NodeConfiguration.Gossip
        /// The port that the peer listener is bound to.
        var peerPort: Int?
    }

    let driver: MembershipDriver
    let credentials: NodeCredentials
    let sealer: GossipSealer
    let socket: UDPPort
    let recent: ClusterLog
    /// Hears of accounts for which there is a way now, or a better one.
    var onRoute: ([AccountID]) -> Void = { _ in }
    /// How loaded this node is, 0 to 255.
    var pressure: () -> UInt8 = { 0 }

    private let place: Place
    private let clock: any ClockPort
    private let log: Logger
    private var routes: [AccountID: AccountRoute] = [:]
    private var announcedPressure: UInt8 = 0
    private var timer: TimerToken?
    /// How often the pressure is looked at. Each change is told to everybody, so it is told in few steps.
    private static let pressurePeriod = Duration.seconds(2)
    private static let pressureStep: UInt8 = 64
    /// Whoever puts events chooses the accounts that are asked for, so what is kept of the answers has an end.
    private static let maximumRoutes = 4_096
    static let version = "busbar/0.1.0"

    /// Prepares everything; nothing is sent before ``start()``.
    ///
    /// - Throws: what is wrong with the certificate, the key ring or what the node would say of itself.
    init(
        _ place: Place,
        socket: UDPPort,
        links: any PeerLinkPort,
        certificates: CertificateStore,
        clock: any ClockPort,
        seed: UInt64,
        log: Logger
    ) throws {
        self.place = place
        self.socket = socket
        self.clock = clock
        self.log = log
        recent = ClusterLog(log: log)
        guard let sealer = GossipSealer(try GossipKeyRing.load(place.settings.keyRing)) else {
            throw StartFailure(description: "the key ring cannot be prepared")
        }
        self.sealer = sealer
        credentials = try NodeCredentials(
            store: certificates,
            sealer: sealer,
            trustDomain: place.cluster.trustDomain,
            clock: clock
        )
        let description = try place.description(socket: socket.endpoint)
        guard
            let instance = SWIMInstance(
                identity: place.identity,
                description: description,
                trustDomain: place.cluster.trustDomain,
                configuration: place.settings.preset.configuration(datagramBytes: socket.maximumBytes),
                crypto: credentials,
                now: clock.now
            )
        else { throw StartFailure(description: "the certificate does not entitle this node to take part in gossip") }
        driver = MembershipDriver(instance: instance, clock: clock, datagrams: socket, links: links, seed: seed)
    }

    /// The accounts that this node hosts; a change is told to the others.
    var accounts: [AccountID] = [] {
        didSet {
            let told = Array(accounts.prefix(MembershipLimits.accountsPerNode))
            if told.count < accounts.count {
                log.error(
                    "too many accounts to announce; events of other cells find the first ones only",
                    metadata: ["accounts": "\(accounts.count)", "announced": "\(told.count)"]
                )
            }
            driver.describe { $0.accounts = told }
        }
    }

    /// Begins to take part.
    func start() {
        _ = driver.observe { [unowned self] event in
            routes = [:]
            recent.write(event, now: clock.now)
            switch event {
            case .directory(let change): onRoute(driver.reachable(change.hosted))
            case .recovered(let member), .joined(let member): onRoute(member.description.accounts)
            default: break
            }
        }
        driver.start(seeds: place.settings.seeds)
        watchPressure()
    }

    private func watchPressure() {
        timer = clock.schedule(after: Self.pressurePeriod) { [weak self] in
            guard let self else { return }
            let step = pressure() / Self.pressureStep * Self.pressureStep
            if step != announcedPressure {
                announcedPressure = step
                driver.describe { $0.pressure = step }
            }
            watchPressure()
        }
    }

    /// Tells the others that this node goes.
    func leave(completion: @escaping () -> Void) {
        driver.leave(completion: completion)
    }

    /// Stops at once and closes the socket.
    func stop() {
        if let timer { clock.cancel(timer) }
        timer = nil
        driver.stop()
        _ = socket.close()
    }

    /// Takes up certificates that were read again.
    func certificatesReloaded() {
        let before = credentials.ownCertificate
        do {
            try credentials.reloaded()
        } catch {
            log.error("the new certificate is not used for gossip", metadata: ["error": "\(error)"])
            return
        }
        if credentials.ownCertificate != before { driver.certificateRenewed() }
        driver.trustChanged()
    }

    /// Takes another key ring into use.
    func use(_ ring: GossipKeyRing) throws {
        guard sealer.replace(ring) else {
            throw StartFailure(description: "the key ring cannot be prepared")
        }
    }

    /// Answers a full-state sync; false for any other request.
    func answer(_ request: HTTPRequest, _ reply: any HTTPReply) -> Bool {
        guard request.target == MembershipSync.path else { return false }
        guard request.method == "POST", request.fault == nil, let identity = request.connection.clientIdentity else {
            reply.send(HTTPResponse(status: 400))
            return true
        }
        switch driver.answerSync(request.body, from: identity) {
        case .answer(let body):
            let type = HTTPField("content-type", "application/octet-stream")
            reply.send(HTTPResponse(status: 200, headers: [type], body: body))
        case .notANode: reply.send(HTTPResponse(status: 403))
        case .refused: reply.send(HTTPResponse(status: 400))
        }
        return true
    }

    /// Every account that some cell hosts.
    var directoryAccounts: [AccountID] { driver.directory.accounts }

    /// The route to an account; one that is there is kept until the next event.
    func route(to account: AccountID) -> AccountRoute? {
        if let known = routes[account] { return known }
        guard let route = driver.route(to: account) else { return nil }
        if routes.count >= Self.maximumRoutes { routes.removeAll(keepingCapacity: true) }
        routes[account] = route
        return route
    }

    /// How an account is reached, for the map.
    func link(to account: AccountID) -> AccountLink {
        guard let (entry, isHeldDead) = driver.host(of: account) else { return .unknown }
        return .cell(
            name: entry.cell.cell,
            nodes: entry.nodes.map { node in
                guard node.role == .leaf else {
                    let state = isHeldDead ? "held dead, asked all the same" : node.isSuspect ? "suspect" : "alive"
                    return "\(node.identity.node) \(node.endpoint) \(state)"
                }
                let sponsors = node.sponsors.map { "\($0.node) of cell \($0.cell)" }.joined(separator: " and ")
                return "\(node.identity.node), reached only through \(sponsors)"
            }
        )
    }
}

/// The directory that gossip fills; empty until there is gossip.
final class GossipDirectory: RouteDirectory {
    weak var gossip: GossipNode?

    func route(to account: AccountID) -> AccountRoute? { gossip?.route(to: account) }
}

extension GossipNode.Place {
    /// What the node says about itself.
    fileprivate func description(socket: NodeEndpoint) throws -> NodeDescription {
        let host = cluster.peers.advertiseHost ?? cluster.peers.listener?.host ?? socket.host
        let description = NodeDescription(
            gossip: NodeEndpoint(
                host: settings.advertiseHost ?? socket.host,
                port: settings.advertisePort.map { UInt16(clamping: $0) } ?? socket.port
            ),
            peer: NodeEndpoint(host: host, port: UInt16(clamping: cluster.peers.advertisePort ?? peerPort ?? 0)),
            version: GossipNode.version
        )
        let problems = description.problems()
        guard problems.isEmpty else {
            throw StartFailure(description: "the node cannot describe itself: \(problems.joined(separator: "; "))")
        }
        return description
    }
}

extension NodeConfiguration.Gossip.Preset {
    /// The protocol's knobs for such a network.
    fileprivate func configuration(datagramBytes: Int) -> MembershipConfiguration {
        var configuration: MembershipConfiguration =
            switch self {
            case .lan: .lan
            case .wan: .wan
            case .local: .local
            }
        configuration.datagramBytes = datagramBytes
        return configuration
    }
}
