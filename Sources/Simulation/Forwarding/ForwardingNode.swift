import Cluster
import EventModel
import PeerProtocol
import Router
import SansIO

/// A cell of one node: everything of a node but sockets, the API and gossip.
public final class ForwardingNode: SimulatedNode {
    /// What a node is made of.
    public struct Plan {
        /// The accounts that the cell hosts.
        public var accounts: Set<AccountID>
        /// How its router works; `peers` says how it exchanges events with other cells.
        public var router = RouterSettings()
        /// How it sends to other cells.
        public var forwarder: ForwarderSettings
        /// The nodes that it dials when it takes no connections itself.
        public var uplinks: [PeerAddress] = []
        /// Compresses what it sends and takes compressed frames; nil does neither.
        public var compressor: (any CompressionPort)?

        /// A cell of a trust domain.
        public init(hosting accounts: Set<AccountID>, trustDomain: String) {
            self.accounts = accounts
            router.peers = PeerSettings(trustDomain: trustDomain)
            forwarder = ForwarderSettings(trustDomain: trustDomain)
        }
    }

    /// The cell's router.
    public let router: EventRouter
    /// What sends to other cells.
    public let forwarder: PeerForwarder
    /// What takes in from other cells.
    public let receiver: PeerReceiver
    /// The uplinks that others hold open.
    public let registry: UplinkRegistry
    /// The uplinks that this cell holds open; nil when it has none.
    public private(set) var keeper: UplinkKeeper?
    /// Whether the store was read and the node serves.
    public private(set) var isReady = false
    /// Hears when the store cannot be read at the start.
    public var onFailedStart: () -> Void = {}

    /// Builds a node on a machine.
    public init(_ machine: Machine, _ plan: Plan, directory: any RouteDirectory) {
        let peers = plan.router.peers ?? PeerSettings(trustDomain: plan.forwarder.trustDomain)
        router = EventRouter(
            accounts: plan.accounts,
            store: machine.store,
            clock: machine,
            decider: PolicyDecider(clock: machine),
            seed: machine.generator.next(),
            settings: plan.router
        )
        forwarder = PeerForwarder(
            directory: directory,
            links: machine.links,
            clock: machine,
            seed: machine.generator.next(),
            settings: plan.forwarder
        )
        receiver = PeerReceiver(router: router, settings: peers)
        receiver.compressor = plan.compressor
        forwarder.compressor = plan.compressor
        registry = UplinkRegistry(trustDomain: peers.trustDomain, clock: machine)
        registry.handler = receiver
        registry.onChange = { [weak router] change in
            if case .up(_, let accounts) = change { router?.retryForwards(to: accounts) }
        }
        forwarder.uplinks = registry
        router.forwarder = forwarder
        guard !plan.uplinks.isEmpty else {
            machine.requestHandler = receiver
            machine.channelAcceptor = registry
            return
        }
        keeper = UplinkKeeper(
            to: plan.uplinks,
            trustDomain: peers.trustDomain,
            links: machine.links,
            clock: machine,
            seed: machine.generator.next(),
            handler: receiver,
            accounts: { [weak router] in router?.catalog.state.accounts.sorted() ?? [] }
        )
    }

    /// Reads the store and serves.
    public func start() {
        router.start { [weak self] result in
            guard let self else { return }
            guard case .success = result else { return onFailedStart() }
            isReady = true
            keeper?.start()
        }
    }

    /// Attempts nothing further.
    public func leave() {
        isReady = false
        keeper?.stop()
        router.stop()
    }
}
