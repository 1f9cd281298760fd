import EventModel
import Membership
import PeerProtocol
import RetryControl
import SansIO

/// The uplinks that cells which only dial out hold open to this node, and what they host (DESIGN §7, §8).
public final class UplinkRegistry: PeerChannelAcceptor {
    /// A cell's uplink came up or went away.
    public enum Change: Equatable, Sendable {
        /// The node's uplink is up; these accounts are hosted at its other end, and were not before.
        case up(NodeIdentity, accounts: [AccountID])
        /// The node's uplink is gone.
        case down(NodeIdentity)
        /// The node's uplink is up, and it says what gossip is to say of it.
        case presented(NodeIdentity, LeafPresence)
    }

    private struct Uplink {
        /// The channel over which the node greeted last; the one that counts.
        var session: UplinkSession?
        /// Further channels of the node, oldest first. One counts once the node greets over it, so that both sides mean the
        /// same one, however many the node opens and in whatever order they come.
        var newcomers: [UplinkSession] = []
        var accounts: [AccountID] = []
        var presence: LeafPresence?
        /// Whether the other end has said what it hosts.
        var isReady = false
        /// What it said so soon after something else that it has to wait.
        var deferred: UplinkGreeting?
    }

    /// Hears of uplinks that come and go.
    public var onChange: (Change) -> Void = { _ in }
    /// Answers the questions of the other ends.
    public weak var handler: (any PeerFrameHandler)?

    private let trustDomain: String
    private let clock: any ClockPort
    private let settings: UplinkSession.Settings
    private let maximumUplinks: Int
    private var uplinks: [NodeIdentity: Uplink] = [:]
    /// How often nodes greeted lately, over uplinks that are gone too: what follows from a greeting is not free.
    private var greetings: [NodeIdentity: (pacer: Pacer, last: Timestamp)] = [:]
    private static let greetingsAtOnce = 4.0
    private static let greetingInterval = Duration.seconds(1)
    /// Channels of one node over which nothing was said yet; with one more the oldest is closed.
    private static let maximumNewcomers = 8
    /// The nodes that host an account, in order; the first one counts.
    private var hosts: [AccountID: [NodeIdentity]] = [:]

    /// Creates a registry.
    ///
    /// - Parameters:
    ///   - trustDomain: the trust domain, in lower case.
    ///   - clock: time and timers of the shard.
    ///   - settings: how sessions work.
    ///   - maximumUplinks: uplinks at a time; more are refused.
    public init(
        trustDomain: String,
        clock: any ClockPort,
        settings: UplinkSession.Settings = UplinkSession.Settings(),
        maximumUplinks: Int = 65_536
    ) {
        self.trustDomain = trustDomain
        self.clock = clock
        self.settings = settings
        self.maximumUplinks = maximumUplinks
    }

    /// The cell at the other end of an uplink that hosts an account.
    public func cell(hosting account: AccountID) -> CellIdentity? {
        hosts[account]?.first.map { CellIdentity(of: $0) }
    }

    /// The nodes with an uplink, and what they host, in order.
    public var nodes: [(node: NodeIdentity, accounts: [AccountID])] {
        uplinks.filter(\.value.isReady).sorted { $0.key < $1.key }.map { ($0.key, $0.value.accounts) }
    }

    /// What gossip is to say of the nodes with an uplink, in order; those that speak for themselves are left out.
    public var presences: [(node: NodeIdentity, presence: LeafPresence)] {
        uplinks.keys.sorted().compactMap { node in uplinks[node]?.presence.map { (node, $0) } }
    }

    /// Tells a node with an uplink which claim is held of it instead of the one that it presented.
    public func tell(_ node: NodeIdentity, held: LeafPresence) {
        uplinks[node]?.session?.tell(held: held)
    }

    /// The open sessions of a cell's nodes, in order.
    func sessions(of cell: CellIdentity) -> [UplinkSession] {
        guard let nodes = cells[cell] else { return [] }
        // One that has just ended is still listed while its questions are answered.
        return nodes.compactMap { uplinks[$0]?.session }.filter(\.isOpen)
    }

    /// Whether a node of a cell has an uplink here.
    func hasSession(of cell: CellIdentity) -> Bool { cells[cell] != nil }

    /// The nodes of a cell with an uplink, in order.
    private var cells: [CellIdentity: [NodeIdentity]] = [:]

    /// Refuses channels of other paths and of strangers.
    public func refusal(path: String, connection: HTTPConnectionInfo) -> HTTPResponse? {
        guard path == PeerPath.uplink else { return HTTPResponse(status: 404) }
        guard let identity = connection.clientIdentity, node(identity) != nil else {
            return HTTPResponse(status: 403, body: Array("the certificate names no node of the trust domain".utf8))
        }
        guard uplinks.count < maximumUplinks else { return HTTPResponse(status: 503) }
        return nil
    }

    /// Takes an uplink. A node that greets over another one has lost the first; one that closes it again only wanted to know
    /// where an address leads.
    public func accepted(_ channel: any PeerChannel, path: String) {
        guard let node = node(channel.identity) else { return channel.close() }
        let session = UplinkSession(channel, peer: node, clock: clock, settings: settings, handler: handler)
        uplinks[node, default: Uplink()].newcomers.append(session)
        if let waiting = uplinks[node]?.newcomers, waiting.count > Self.maximumNewcomers { waiting[0].close() }
        session.onGreeting = { [weak self, weak session] greeting in
            guard let self, let session else { return }
            greeted(greeting, session)
        }
        session.onEnd = { [weak self, weak session] _ in
            guard let self, let session else { return }
            remove(session)
        }
        session.start()
        _ = clock.schedule(after: settings.greetingTimeout) { [weak self, weak session] in
            guard let self, let session, place(of: session) != nil else { return }
            session.close()
        }
    }

    private func node(_ identity: CertificateIdentity) -> NodeIdentity? {
        NodeIdentity(identity, trustDomain: trustDomain)
    }

    /// Where a session stands among those over which nothing was said; nil when it does not.
    private func place(of session: UplinkSession) -> Int? {
        uplinks[session.peer]?.newcomers.firstIndex { $0 === session }
    }

    /// Takes a few greetings of a node at once and one in a second after that; of those that come sooner, the newest, then.
    private func greeted(_ greeting: UplinkGreeting, _ session: UplinkSession) {
        let node = session.peer
        if let place = place(of: session) {
            uplinks[node]?.newcomers.remove(at: place)
            uplinks[node]?.session?.close()
            uplinks[node, default: Uplink()].session = session
        }
        guard uplinks[node]?.session === session else { return }
        if mayGreet(node) {
            // What waits is older, and would undo this one when its time comes.
            uplinks[node]?.deferred = nil
            return register(greeting, session)
        }
        let isWaiting = uplinks[node]?.deferred != nil
        uplinks[node]?.deferred = greeting
        guard !isWaiting else { return }
        _ = clock.schedule(after: Self.greetingInterval) { [weak self, weak session] in
            guard let self, let session, uplinks[node]?.session === session,
                let greeting = uplinks[node]?.deferred
            else { return }
            uplinks[node]?.deferred = nil
            _ = mayGreet(node)
            register(greeting, session)
        }
    }

    private func mayGreet(_ node: NodeIdentity) -> Bool {
        let now = clock.now
        if greetings.count > 2 * uplinks.count + 64 {
            // Those that were silent for longer may greet as if they never had.
            greetings = greetings.filter { now < $0.value.last + Self.greetingInterval * Int(Self.greetingsAtOnce) }
        }
        var entry = greetings[node] ?? (Pacer(rate: 1, burst: Self.greetingsAtOnce, now: now), now)
        defer { greetings[node] = entry }
        entry.last = now
        return entry.pacer.take(upTo: 1, now: now) > 0
    }

    /// Takes the accounts that the certificate covers; what else is claimed counts for nothing.
    private func register(_ greeting: UplinkGreeting, _ session: UplinkSession) {
        let node = session.peer
        guard let known = uplinks[node], known.session === session else { return }
        let scope = AccountScope(session.identity, trustDomain: trustDomain)
        var claimed: Set<AccountID> = []
        let accounts = greeting.accounts.filter { scope.covers($0) && claimed.insert($0).inserted }
        var presence = greeting.presence
        presence?.accounts = greeting.accounts
        defer { present(presence, of: node) }
        if known.isReady, known.accounts == accounts { return }
        uplinks[node]?.accounts = accounts
        uplinks[node]?.isReady = true
        if !known.isReady { cells[CellIdentity(of: node), default: []].insert(inOrder: node) }
        let former = Set(known.accounts)
        for account in known.accounts where !claimed.contains(account) { withdraw(account, node) }
        for account in accounts where !former.contains(account) { hosts[account, default: []].insert(inOrder: node) }
        onChange(.up(node, accounts: accounts.filter { !former.contains($0) }))
    }

    private func present(_ presence: LeafPresence?, of node: NodeIdentity) {
        uplinks[node]?.presence = presence
        if let presence { onChange(.presented(node, presence)) }
    }

    private func remove(_ session: UplinkSession) {
        if let place = place(of: session) { uplinks[session.peer]?.newcomers.remove(at: place) }
        guard let uplink = uplinks[session.peer] else { return }
        let isOver = uplink.session === session || uplink.session == nil
        if isOver { uplinks[session.peer] = uplink.newcomers.isEmpty ? nil : Uplink(newcomers: uplink.newcomers) }
        guard uplink.session === session, uplink.isReady else { return }
        let cell = CellIdentity(of: session.peer)
        cells[cell]?.removeAll { $0 == session.peer }
        if cells[cell]?.isEmpty == true { cells[cell] = nil }
        for account in uplink.accounts { withdraw(account, session.peer) }
        onChange(.down(session.peer))
    }

    private func withdraw(_ account: AccountID, _ node: NodeIdentity) {
        hosts[account]?.removeAll { $0 == node }
        if hosts[account]?.isEmpty == true { hosts[account] = nil }
    }
}

extension [NodeIdentity] {
    /// Adds a node to nodes that are in order, unless it is there.
    fileprivate mutating func insert(inOrder node: NodeIdentity) {
        let index = firstIndex { $0 >= node } ?? endIndex
        if index == endIndex || self[index] != node { insert(node, at: index) }
    }
}
