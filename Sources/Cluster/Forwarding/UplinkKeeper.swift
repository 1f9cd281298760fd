import EventModel
import PeerProtocol
import RetryControl
import SansIO

/// Keeps uplinks open from a cell that only dials out, so that the nodes at their other ends can send to it (DESIGN §7).
///
/// A node takes one uplink of another. Addresses that turn out to lead to the same node share one: whichever has it keeps it.
/// The others are dialled again from time to time, as they may lead to another node one day, and closed unused until then. A node
/// of an earlier release takes each further channel for the uplink and closes the one before; that is noticed, and such a
/// node is seldom dialled by another address while it has an uplink.
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
        /// When it was dialled last, or the node closed its uplink.
        var dialled = Timestamp.zero
        /// A channel to a node that has an uplink by another address, for a moment.
        var spare: (any PeerChannel)?

        init(_ address: PeerAddress) {
            self.address = address
        }
    }

    /// Hears of uplinks that come and go.
    public var onChange: (Change) -> Void = { _ in }
    /// Says what gossip is to say of this node, given the nodes with an open uplink; nil for nothing.
    public var presence: ([NodeIdentity]) -> LeafPresence? = { _ in nil }
    /// Hears of the claim that a node at the other end of an uplink holds of this one instead of what was presented.
    public var onHeldClaim: (LeafPresence) -> Void = { _ in }
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
    /// Nodes that closed an uplink for a further channel.
    private var preferLast: Set<NodeIdentity> = []
    /// When a node closed an uplink last.
    private var endings: [NodeIdentity: Timestamp] = [:]
    /// How long a further channel stays open unused: the end of the uplink that it has cost may come behind it.
    private static let spareTime = Duration.seconds(1)
    /// How often an address of such a node is dialled that has no uplink. It may lead to another node one day.
    private static let seldom = Duration.seconds(600)

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
        for uplink in uplinks {
            uplink.session?.close()
            takeSpare(of: uplink)?.close()
        }
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
        if let peer = uplink.peer, preferLast.contains(peer), hasUplink(of: peer),
            clock.now < uplink.dialled + Self.seldom
        {
            return retry(uplink)
        }
        uplink.dialled = clock.now
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
        guard !hasUplink(of: peer) else {
            if isNews { onChange(.down(uplink.address, reason: "Another address leads to \(peer) too.")) }
            return spare(channel, of: uplink)
        }
        // The node closed the other one while this one was under way.
        if let end = endings[peer], uplink.dialled <= end { preferLast.insert(peer) }
        begin(uplink, channel, with: peer)
    }

    private func hasUplink(of peer: NodeIdentity) -> Bool { uplinks.contains { $0.session?.peer == peer } }

    /// Keeps a further channel for a moment and then closes it unused.
    private func spare(_ channel: any PeerChannel, of uplink: Uplink) {
        uplink.spare = channel
        let end = { [weak self, weak uplink, weak channel] in
            guard let self, let uplink, let channel, uplink.spare === channel else { return }
            takeSpare(of: uplink)
            channel.close()
            retry(uplink)
        }
        channel.onClose = { _ in end() }
        _ = clock.schedule(after: Self.spareTime, end)
    }

    @discardableResult
    private func takeSpare(of uplink: Uplink) -> (any PeerChannel)? {
        let channel = uplink.spare
        channel?.onClose = nil
        uplink.spare = nil
        return channel
    }

    private func begin(_ uplink: Uplink, _ channel: any PeerChannel, with peer: NodeIdentity) {
        let session = UplinkSession(channel, peer: peer, clock: clock, settings: settings, handler: handler)
        uplink.session = session
        session.onEnd = { [weak self] error in
            uplink.session = nil
            self?.ended(uplink, peer, error)
        }
        session.onHeldClaim = { [weak self] in self?.onHeldClaim($0) }
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

    /// An uplink is gone. A further channel takes its place; if the node closed the uplink, as one of an earlier release does for
    /// a further channel, it was for that one.
    private func ended(_ uplink: Uplink, _ peer: NodeIdentity, _ error: PeerLinkError?) {
        preferLast.remove(peer)
        endings[peer] = error == nil ? clock.now : nil
        if error == nil { uplink.dialled = clock.now }
        if !isStopped, let heir = uplinks.first(where: { $0.spare != nil && $0.peer == peer }),
            let channel = takeSpare(of: heir)
        {
            if error == nil { preferLast.insert(peer) }
            begin(heir, channel, with: peer)
        }
        failed(uplink, error?.description ?? "The other side closed it.")
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
