import Cluster
import Compression
import Delivery
import EventModel
import Logging
import Membership
import NIOCore
import PeerProtocol
import Router
import SansIO
import Transport

/// A node's part in the cluster: what sends events to other cells and takes theirs, on the node's shard.
///
/// It is made and used on that event loop only.
final class ClusterNode {
    let configuration: NodeConfiguration.Cluster
    let certificates: CertificateStore
    let links: PeerLinks
    let forwarder: PeerForwarder
    /// The uplinks of edge cells that end here.
    let uplinks: UplinkRegistry
    let receiver: PeerReceiver
    /// What gossip tells; nil until the socket is open, and without gossip.
    private(set) var gossip: GossipNode?

    let identity: NodeIdentity
    private let router: EventRouter
    private let clock: any ClockPort
    private let log: Logger
    private let learned = GossipDirectory()
    private let cells: StaticDirectory
    private var keeper: UplinkKeeper?
    /// What this node, as an edge, has gossip say of it.
    private var claim: EdgeClaim?
    /// What this node has gossip say of the edges whose uplinks end here.
    private var sponsor: LeafSponsor?
    private var random: SeededGenerator

    /// Builds the drivers; nothing is sent before ``start()``.
    ///
    /// - Throws: what the TLS stack says of the certificates.
    init(
        _ configuration: NodeConfiguration.Cluster,
        certificates: CertificateStore,
        router: EventRouter,
        eventLoop: any EventLoop,
        clock: any ClockPort,
        seed: UInt64,
        log: Logger
    ) throws {
        self.configuration = configuration
        self.certificates = certificates
        self.router = router
        self.clock = clock
        self.log = log
        random = SeededGenerator(seed: seed)
        guard let uri = certificates.ownChain.first?.identity.uris.first, let identity = NodeIdentity(uri: uri) else {
            throw StartFailure(description: "the certificate of peers names no node")
        }
        self.identity = identity
        let tls = try certificates.makeContext(
            role: .client,
            verification: .required,
            minimumVersion: .tls13,
            applicationProtocols: .http2
        )
        links = PeerLinks(eventLoop: eventLoop, tls: tls, seed: random.next())
        cells = StaticDirectory(configuration.routes)
        forwarder = PeerForwarder(
            directory: LayeredDirectory([cells, learned]),
            links: links,
            clock: clock,
            seed: random.next(),
            settings: configuration.forwarderSettings
        )
        uplinks = UplinkRegistry(trustDomain: configuration.trustDomain, clock: clock)
        receiver = PeerReceiver(router: router, settings: configuration.peerSettings)
        receiver.compressor = ZlibCompressor()
        forwarder.compressor = ZlibCompressor()
        uplinks.handler = receiver
        forwarder.uplinks = uplinks
        router.forwarder = forwarder
        router.describeCell = { [weak self] in self?.lines(on: $0) ?? [] }
        uplinks.onChange = { [weak self, log, router] change in
            switch change {
            case .up(let node, let accounts):
                router.retryForwards(to: accounts)
                let names = accounts.prefix(8).map(\.description).joined(separator: " ")
                let text = accounts.count > 8 ? "\(names) and \(accounts.count - 8) more" : names
                log.notice("an uplink ends here", metadata: ["peer": "\(node)", "newAccounts": "\(text)"])
            case .presented(let node, let presence): self?.sponsor?.present(node, presence)
            case .down(let node):
                self?.sponsor?.withdraw(node)
                log.warning("an uplink that ended here is gone", metadata: ["peer": "\(node)"])
            }
        }
        try makeKeeper()
    }

    private func makeKeeper() throws {
        guard let uplink = configuration.uplink else { return }
        let keeper = UplinkKeeper(
            to: uplink.seeds.map { PeerAddress(endpoint: $0, uri: nil) },
            trustDomain: configuration.trustDomain,
            links: links,
            clock: clock,
            seed: random.next(),
            handler: receiver,
            accounts: { [router] in router.catalog.state.accounts.sorted() }
        )
        keeper.onChange = { [weak self, log] change in
            switch change {
            case .up(let address):
                // The link is back, and with it everything that is reached over it.
                if let self { self.router.retryForwards(to: self.knownAccounts) }
                log.notice("the uplink is up", metadata: ["address": "\(address.endpoint)"])
            case .down(let address, let reason):
                log.warning(
                    "the uplink is down",
                    metadata: ["address": "\(address.endpoint)", "reason": "\(reason)"]
                )
            }
        }
        self.keeper = keeper
        // A node that takes part in gossip speaks for itself there.
        guard configuration.gossip == nil else { return }
        let claim = try EdgeClaim(
            identity,
            trustDomain: configuration.trustDomain,
            certificates: certificates,
            clock: clock,
            seed: random.next(),
            log: log
        )
        claim.greet(with: keeper) { [router] in router.catalog.state.accounts.sorted() }
        self.claim = claim
    }

    /// Opens the uplinks. The router has started.
    func start() {
        keeper?.start()
    }

    /// Takes part in gossip through an open socket.
    ///
    /// - Throws: what is wrong with the certificate, the key ring or the node's description of itself.
    func startGossip(_ settings: NodeConfiguration.Gossip, through socket: UDPPort, peerPort: Int?) throws {
        let gossip = try GossipNode(
            GossipNode.Place(identity: identity, cluster: configuration, settings: settings, peerPort: peerPort),
            socket: socket,
            links: links,
            certificates: certificates,
            clock: clock,
            seed: random.next(),
            log: log
        )
        gossip.accounts = router.catalog.state.accounts.sorted()
        gossip.pressure = { [receiver] in receiver.pressure }
        gossip.onRoute = { [router] accounts in router.retryForwards(to: accounts) }
        learned.gossip = gossip
        self.gossip = gossip
        gossip.start()
        let sponsor = LeafSponsor(gossip.driver, clock: clock)
        sponsor.onRefusal = { [log] node in
            // It is reached through its uplink all the same.
            let text = "what an edge says of itself is not believed, so other cells do not hear of it"
            log.warning("\(text)", metadata: ["peer": "\(node)"])
        }
        sponsor.onHeldClaim = { [uplinks] node, held in uplinks.tell(node, held: held) }
        for (node, presence) in uplinks.presences { sponsor.present(node, presence) }
        self.sponsor = sponsor
    }

    /// What the peer listener calls on this loop.
    func peerHandler() -> any HTTPRequestHandler {
        PeerChannelHandler(
            paths: [PeerPath.uplink],
            acceptor: uplinks,
            otherwise: PeerEndpoints(cluster: self),
            clock: clock
        )
    }

    /// Hears that the node hosts other accounts than before.
    func accountsChanged() {
        gossip?.accounts = router.catalog.state.accounts.sorted()
        keeper?.announce()
    }

    /// Hears that certificates were read again.
    func certificatesReloaded() {
        gossip?.certificatesReloaded()
        claim?.certificatesReloaded()
    }

    /// Takes the key ring's file into use again, if it changed.
    func keyRingMayHaveChanged() {
        guard let gossip, let file = configuration.gossip?.keyRing else { return }
        do {
            try gossip.use(try GossipKeyRing.load(file))
        } catch {
            log.error("the key ring is not used; the present one stays", metadata: ["error": "\(error)"])
        }
    }

    /// Tells the other nodes that this one goes; completes when they know, or soon after.
    func leave(completion: @escaping () -> Void) {
        guard let gossip else { return completion() }
        gossip.leave(completion: completion)
    }

    /// Closes uplinks, links and the gossip socket.
    func stop(within limit: Duration) -> EventLoopFuture<Void> {
        keeper?.stop()
        gossip?.stop()
        return links.close(within: limit)
    }
}

extension ClusterNode: AccountLinks {
    var knownAccounts: [AccountID] {
        var accounts = router.catalog.state.accounts
        accounts.formUnion(cells.routes.keys)
        for (_, hosted) in uplinks.nodes { accounts.formUnion(hosted) }
        accounts.formUnion(gossip?.directoryAccounts ?? [])
        return accounts.sorted()
    }

    /// The other cell that an account's events go to.
    func cell(hosting account: AccountID) -> CellIdentity? {
        uplinks.cell(hosting: account) ?? (cells.route(to: account) ?? gossip?.route(to: account))?.cell
    }

    func link(to account: AccountID) -> AccountLink {
        if router.catalog.state.accounts.contains(account) { return .here }
        if let cell = uplinks.cell(hosting: account) {
            let nodes = uplinks.nodes.filter { CellIdentity(of: $0.node) == cell }
            return .cell(name: cell.cell, nodes: nodes.map { "\($0.node.node) through its uplink" })
        }
        if let route = cells.route(to: account) {
            return .cell(name: route.cell.cell, nodes: route.nodes.map { "\($0.identity.node) \($0.endpoint)" })
        }
        return gossip?.link(to: account) ?? .unknown
    }
}

/// Answers the requests of other nodes that are not channels.
private final class PeerEndpoints: HTTPRequestHandler {
    private let cluster: ClusterNode

    init(cluster: ClusterNode) {
        self.cluster = cluster
    }

    func handle(_ request: HTTPRequest, _ reply: any HTTPReply) {
        if let gossip = cluster.gossip, gossip.answer(request, reply) { return }
        cluster.receiver.handle(request, reply)
    }
}

extension NodeConfiguration.Cluster {
    /// The cells of the configuration as routes.
    fileprivate var routes: [AccountID: AccountRoute] {
        var routes: [AccountID: AccountRoute] = [:]
        for cell in cells {
            guard let name = cell.nodes.first.map({ CellIdentity(of: $0.identity) }) else { continue }
            let nodes = cell.nodes.map { PeerNode(identity: $0.identity, endpoint: $0.endpoint) }
            for account in cell.accounts { routes[account] = AccountRoute(cell: name, nodes: nodes) }
        }
        return routes
    }

    /// How events are sent to other cells.
    var forwarderSettings: ForwarderSettings {
        var settings = ForwarderSettings(trustDomain: trustDomain)
        settings.compression = uplink?.queues.compression ?? peers.queues.compression ?? .auto
        return settings
    }

    /// How the router exchanges events with other cells.
    var peerSettings: PeerSettings {
        var settings = PeerSettings(trustDomain: trustDomain)
        settings.retention = peers.retention
        settings.putTimeout = peers.putTimeout
        settings.newAccountTime = peers.newAccountTime
        settings.accountRate = peers.accountEventsPerSecond.map { Double($0) }
        let (own, common) = (uplink?.queues, peers.queues)
        let events = own?.queueEvents ?? common.queueEvents ?? uplink.map { _ in NodeConfiguration.Uplink.queueEvents }
        let megabytes =
            own?.queueMegabytes ?? common.queueMegabytes ?? uplink.map { _ in NodeConfiguration.Uplink.queueMegabytes }
        let rate =
            own?.drainEventsPerSecond ?? common.drainEventsPerSecond
            ?? uplink.map { _ in NodeConfiguration.Uplink.drainEventsPerSecond }
        settings.queues.maximumDeliveries = events.map { UInt64($0) }
        settings.queues.maximumBytes = megabytes.map { UInt64($0) << 20 }
        settings.queues.overflow =
            switch own?.whenFull ?? common.whenFull ?? .refuseNew {
            case .refuseNew: .refuseNew
            case .dropOldest: .dropOldest
            case .dropNewest: .dropNewest
            }
        settings.queues.drainRate = rate.map { Double($0) }
        return settings
    }
}
