import EventModel
import PeerProtocol
import RetryControl
import SansIO

/// Keeps uplinks open from a cell that only dials out, so that the nodes at their other ends can send to it (DESIGN §7).
///
/// A node takes one uplink of another. Addresses that turn out to lead to the same node share one: whichever has it keeps it.
/// The others are dialled again from time to time, as they may lead to another node one day, and closed unused until then.
public final class UplinkKeeper {
    /// An uplink came up or went away.
    public enum Change: Equatable, Sendable {
        /// The uplink to this address is up.
        case up(PeerAddress)
        /// It is gone, or could not be opened; it is tried again.
        case down(PeerAddress, reason: String)
    }

    private final class Uplink {
        let address: PeerAddress
        var session: UplinkSession?
        /// The node that this address led to the last time.
        var peer: NodeIdentity?
        var failures = 0

        init(_ address: PeerAddress) {
            self.address = address
        }

    }

    /// Hears of uplinks that come and go.
    public var onChange: (Change) -> Void = { _ in }
    /// Says what gossip is to say of this node, given the nodes with an open uplink; nil for nothing.
    public var presence: ([NodeIdentity]) -> LeafPresence? = { _ in nil }
    private var presented: LeafPresence?
    private let uplinks: [Uplink]
    private let links: any PeerLinkPort
    private let clock: any ClockPort
    private let trustDomain: String
    private let settings: UplinkSession.Settings
    private let backoff: RetryBackoff
    private let accounts: () -> [AccountID]
    private weak var handler: (any PeerFrameHandler)?
    private var generator: SeededGenerator
    private var isStopped = false

    /// Creates a keeper; call ``start()``.
    ///
    /// - Parameters:
    ///   - addresses: the nodes to dial; each gets an uplink.
    ///   - trustDomain: the trust domain, in lower case.
    ///   - links: connections to other nodes.
    ///   - clock: time and timers of the shard.
    ///   - seed: seeds the delays between attempts.
    ///   - handler: answers what comes over the uplinks.
    ///   - settings: how sessions work.
    ///   - backoff: the delays between attempts.
    ///   - accounts: what this cell hosts.
    public init(
        to addresses: [PeerAddress],
        trustDomain: String,
        links: any PeerLinkPort,
        clock: any ClockPort,
        seed: UInt64,
        handler: any PeerFrameHandler,
        settings: UplinkSession.Settings = UplinkSession.Settings(),
        backoff: RetryBackoff = RetryBackoff(base: .seconds(1), cap: .seconds(60)),
        accounts: @escaping () -> [AccountID]
    ) {
        uplinks = addresses.map(Uplink.init)
        self.trustDomain = trustDomain
        self.links = links
        self.clock = clock
        self.handler = handler
        self.settings = settings
        self.backoff = backoff
        self.accounts = accounts
        generator = SeededGenerator(seed: seed)
    }

    /// Opens the uplinks.
    public func start() {
        for uplink in uplinks { open(uplink) }
    }

    /// Closes the uplinks and opens no further one.
    public func stop() {
        isStopped = true
        for uplink in uplinks { uplink.session?.close() }
    }

    /// Says anew what this cell hosts.
    public func announce() {
        let greeting = greeting()
        for uplink in uplinks { uplink.session?.greet(greeting) }
    }

    private func greeting() -> UplinkGreeting {
        presented = presence(uplinks.compactMap { $0.session?.peer })
        return UplinkGreeting(accounts: accounts(), presence: presented)
    }

    /// The addresses with an open uplink, in the order of configuration.
    public var open: [PeerAddress] { uplinks.filter { $0.session != nil }.map(\.address) }

    private func open(_ uplink: Uplink) {
        guard !isStopped else { return }
        links.openChannel(path: PeerPath.uplink, with: uplink.address) { [weak self] result in
            guard let self else { return }
            switch result {
            case .failure(let error): failed(uplink, error.description)
            case .success(let channel): opened(uplink, channel)
            }
        }
    }

    private func opened(_ uplink: Uplink, _ channel: any PeerChannel) {
        guard !isStopped, let peer = NodeIdentity(channel.identity, trustDomain: trustDomain) else {
            channel.close()
            return failed(uplink, "The certificate of \(uplink.address.endpoint) names no node of the trust domain.")
        }
        let isNews = uplink.peer != peer
        uplink.peer = peer
        if uplinks.contains(where: { $0 !== uplink && $0.session?.peer == peer }) {
            channel.close()
            if isNews { onChange(.down(uplink.address, reason: "Another address leads to \(peer) too.")) }
            return retry(uplink)
        }
        let session = UplinkSession(channel, peer: peer, clock: clock, settings: settings, handler: handler)
        uplink.session = session
        session.onEnd = { [weak self] error in
            uplink.session = nil
            self?.failed(uplink, error?.description ?? "The other side closed it.")
        }
        session.start()
        let before = presented
        session.greet(greeting())
        // Who passes on what the node says of itself must have its newest word, or would stand by an older one.
        if presented != before { announce() }
        onChange(.up(uplink.address))
        // Only an uplink that lasts counts as a success, or a node that accepts and closes would be dialled in a circle.
        _ = clock.schedule(after: settings.pingAfter) { [weak session] in
            if let session, session.isOpen { uplink.failures = 0 }
        }
    }

    private func failed(_ uplink: Uplink, _ reason: String) {
        guard !isStopped else { return }
        onChange(.down(uplink.address, reason: reason))
        retry(uplink)
        // Another one may have to pass on what this node says of itself.
        if let presented, presence(uplinks.compactMap { $0.session?.peer }) != presented { announce() }
    }

    private func retry(_ uplink: Uplink) {
        uplink.failures += 1
        let delay = backoff.delay(beforeRetry: uplink.failures, using: &generator)
        _ = clock.schedule(after: delay) { [weak self] in self?.open(uplink) }
    }
}
