import Cluster
import EventModel
import Membership
import SansIO

/// A process that takes part in membership, passes on what leaves say that dial it, and does nothing else.
public final class MembershipNode: SimulatedNode, HTTPRequestHandler {
    /// Runs the protocol; the same code as in production.
    public let driver: MembershipDriver
    /// What it runs on.
    public unowned let machine: Machine
    /// What it signs and checks with.
    public let crypto: SimulatedCrypto
    /// Hears of every event, before anything else happens on the machine.
    public var onEvent: (MembershipEvent) -> Void = { _ in }
    /// Says which datagrams it does not hear at all: a place for a test to plant a bug.
    public var isDeaf: (([UInt8], NodeEndpoint) -> Bool)?
    /// Says which news of uplinks it does not hear: another such place.
    public var isDeafToUplinks: ((UplinkRegistry.Change) -> Bool)?

    /// What its cell hosts.
    public let accounts: [AccountID]
    private let seeds: [NodeEndpoint]
    private let uplinks: UplinkRegistry
    private let sponsor: LeafSponsor

    /// Creates a process that has not begun; nil when the machine's certificate names no node.
    ///
    /// - Parameters:
    ///   - machine: what it runs on.
    ///   - accounts: what its cell hosts.
    ///   - seeds: where it finds others.
    ///   - configuration: the protocol's knobs.
    ///   - crypto: made for this process.
    ///   - trustDomain: of every node.
    public init?(
        machine: Machine,
        accounts: [AccountID],
        seeds: [NodeEndpoint],
        configuration: MembershipConfiguration,
        crypto: SimulatedCrypto,
        trustDomain: String
    ) {
        guard let identity = machine.nodeIdentity,
            let instance = SWIMInstance(
                identity: identity,
                description: NodeDescription(
                    gossip: machine.endpoint,
                    peer: machine.endpoint,
                    version: "1.0.0",
                    accounts: accounts
                ),
                trustDomain: trustDomain,
                configuration: configuration,
                crypto: crypto,
                now: machine.now
            )
        else { return nil }
        self.machine = machine
        self.crypto = crypto
        self.seeds = seeds
        self.accounts = accounts
        driver = MembershipDriver(
            instance: instance,
            clock: machine,
            datagrams: machine.datagrams,
            links: machine.links,
            seed: machine.generator.next()
        )
        uplinks = UplinkRegistry(trustDomain: trustDomain, clock: machine)
        sponsor = LeafSponsor(driver, clock: machine)
        sponsor.onHeldClaim = { [uplinks] node, held in uplinks.tell(node, held: held) }
        uplinks.onChange = { [weak self] change in
            guard let self, isDeafToUplinks?(change) != true else { return }
            switch change {
            case .up: break
            case .presented(let node, let presence): sponsor.present(node, presence)
            case .down(let node): sponsor.withdraw(node)
            }
        }
    }

    /// Begins to take part.
    public func start() {
        machine.requestHandler = self
        machine.channelAcceptor = uplinks
        _ = driver.observe { [unowned self] event in onEvent(event) }
        driver.start(seeds: seeds)
        guard isDeaf != nil, let hear = machine.datagrams.onReceive else { return }
        machine.datagrams.onReceive = { [unowned self] bytes, source in
            if isDeaf?(bytes, source) != true { hear(bytes, source) }
        }
    }

    /// Tells the others that it goes.
    public func leave() {
        driver.leave {}
    }

    /// Reads certificates and revocations anew.
    public func certificatesChanged() {
        crypto.reload()
        driver.certificateRenewed()
        driver.trustChanged()
    }

    /// Answers another node's full-state sync.
    public func handle(_ request: HTTPRequest, _ reply: any HTTPReply) {
        guard request.target == MembershipSync.path, let peer = request.connection.clientIdentity else {
            return reply.send(HTTPResponse(status: 404))
        }
        switch driver.answerSync(request.body, from: peer) {
        case .answer(let body): reply.send(HTTPResponse(status: 200, body: body))
        case .notANode: reply.send(HTTPResponse(status: 403))
        case .refused: reply.send(HTTPResponse(status: 400))
        }
    }
}

extension Machine {
    /// The node that the machine's certificate names.
    public var nodeIdentity: NodeIdentity? {
        certificate.identity.uris.lazy.compactMap { NodeIdentity(uri: $0) }.first
    }
}
