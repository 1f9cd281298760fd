import SansIO

/// One connection between two processes; each direction is in order and loses nothing while the connection lasts.
final class SimulatedConnection {
    let client: Machine
    let server: Machine
    let lives: (client: Int, server: Int)
    let certificates: (client: SimulatedCertificate, server: SimulatedCertificate)
    private(set) var isOpen = true
    /// Half open: each end holds it for open, and nothing comes through any more.
    var isDead = false

    /// One direction.
    private struct Lane {
        var waiting: [(action: () -> Void, onLeave: (() -> Void)?)] = []
        var lastArrival: Int64 = 0
        var isRetrying = false
    }

    private var up = Lane()
    private var down = Lane()
    /// What each end must hear when the connection breaks, by number; a message between the ends does not depend on it.
    private var clientUses: [Int: (PeerLinkError) -> Void] = [:]
    private var serverUses: [Int: (PeerLinkError) -> Void] = [:]
    private var lastUse = 0
    private var silence = 0
    private var idle = 0
    private var world: World { client.world }
    private static let channelTimeout: Int64 = 10_000_000

    private final class Flag {
        var value = false
    }

    init(
        _ client: Machine,
        _ server: Machine,
        lives: (client: Int, server: Int),
        certificates: (client: SimulatedCertificate, server: SimulatedCertificate)
    ) {
        self.client = client
        self.server = server
        self.lives = lives
        self.certificates = certificates
        world.after(.seconds(2)) { [self] in watch() }
    }

    /// Makes a request; the exchange finishes with its answer, or when the connection breaks.
    func request(_ body: [UInt8], path: String, _ exchange: SimulatedExchange) {
        guard isOpen else {
            return exchange.finish(.failure(PeerLinkError(.broken, "the connection broke")))
        }
        let use = nextUse()
        clientUses[use] = { error in exchange.finish(.failure(error)) }
        exchange.isSent = true
        let reply = SimulatedReply { [weak self] response in
            guard let self else { return }
            serverUses[use] = nil
            send(toServer: false) { [weak self] in
                guard let self else { return }
                clientUses[use] = nil
                let identity = certificates.server.identity
                exchange.finish(.success(PeerReply(status: response.status, body: response.body, identity: identity)))
            }
        }
        exchange.onAbandon = { [weak self] in
            self?.clientUses[use] = nil
            self?.send(toServer: true) { reply.cancel() }
        }
        send(toServer: true) { [weak self] in
            guard let self, !reply.isOver, !server.isMute else { return }
            serverUses[use] = { _ in reply.cancel() }
            guard let handler = server.requestHandler else { return reply.send(HTTPResponse(status: 503)) }
            handler.handle(
                HTTPRequest(method: "POST", target: path, headers: [], body: body, connection: connectionInfo),
                reply
            )
        }
    }

    /// Opens a channel; the server's acceptor decides.
    func openChannel(path: String, _ completion: @escaping (Result<any PeerChannel, PeerLinkError>) -> Void) {
        guard isOpen else { return completion(.failure(PeerLinkError(.broken, "the connection broke"))) }
        let use = nextUse()
        let isAnswered = Flag()
        clientUses[use] = { error in completion(.failure(error)) }
        let near = SimulatedChannel(self, use, isClient: true)
        let far = SimulatedChannel(self, use, isClient: false)
        near.other = far
        far.other = near
        // As the transport does.
        client.later(Self.channelTimeout, life: lives.client) { [weak self] in
            guard let self, isOpen, !isAnswered.value else { return }
            clientUses[use] = nil
            isAnswered.value = true
            completion(.failure(PeerLinkError(.timedOut, "the peer does not answer")))
        }
        send(toServer: true) { [weak self] in
            guard let self, !server.isMute else { return }
            let refusal = server.channelAcceptor.map { $0.refusal(path: path, connection: self.connectionInfo) }
            if let acceptor = server.channelAcceptor, refusal == .some(nil) {
                serverUses[use] = { [weak far] error in far?.ended(error) }
                send(toServer: false) { [weak self] in
                    guard !isAnswered.value else { return near.close() }
                    isAnswered.value = true
                    self?.clientUses[use] = { [weak near] error in near?.ended(error) }
                    completion(.success(near))
                }
                acceptor.accepted(far, path: path)
            } else {
                let status = (refusal ?? nil)?.status ?? 503
                send(toServer: false) { [weak self] in
                    guard !isAnswered.value else { return }
                    isAnswered.value = true
                    self?.clientUses[use] = nil
                    completion(.failure(PeerLinkError(.refused, "the peer answers \(status)")))
                }
            }
        }
    }

    /// Runs `action` on the other end's shard, after everything sent before it, and `onLeave` once it is on its way there.
    func send(toServer: Bool, onLeave: (() -> Void)? = nil, _ action: @escaping () -> Void) {
        guard isOpen, !isDead else { return }
        world.network.statistics.linkMessages += 1
        if toServer { up.waiting.append((action, onLeave)) } else { down.waiting.append((action, onLeave)) }
        pump(toServer: toServer)
    }

    /// An end has closed its side of a channel.
    func released(_ use: Int, isClient: Bool) {
        if isClient { clientUses[use] = nil } else { serverUses[use] = nil }
    }

    /// The process at one end is gone. The other end hears of it at once when the machine still answers it.
    func ended(_ machine: Machine) {
        guard isOpen else { return }
        let other = machine === client ? server : client
        if machine === client { clientUses = [:] } else { serverUses = [:] }
        // Else the watch finds out.
        guard !world.network.isBlocked(from: machine, to: other) else { return }
        let delay = world.network.reliableDelay(from: machine, to: other)
        world.after(.microseconds(delay)) { [self] in breakDown(PeerLinkError(.broken, "the peer is gone")) }
    }

    var connectionInfo: HTTPConnectionInfo {
        HTTPConnectionInfo(
            remoteAddress: client.endpoint.host,
            isSecure: true,
            majorVersion: 2,
            clientIdentity: certificates.client.identity
        )
    }

    private func nextUse() -> Int {
        lastUse += 1
        return lastUse
    }

    private func pump(toServer: Bool) {
        let (sender, receiver) = toServer ? (client, server) : (server, client)
        let life = toServer ? lives.server : lives.client
        if toServer ? up.isRetrying : down.isRetrying { return }
        if world.network.isBlocked(from: sender, to: receiver) {
            if toServer { up.isRetrying = true } else { down.isRetrying = true }
            world.after(.milliseconds(500)) { [weak self] in
                guard let self, isOpen else { return }
                if toServer { up.isRetrying = false } else { down.isRetrying = false }
                pump(toServer: toServer)
            }
            return
        }
        var lane = toServer ? up : down
        for (action, onLeave) in lane.waiting {
            onLeave?()
            let arrival = world.time + world.network.reliableDelay(from: sender, to: receiver)
            lane.lastArrival = max(lane.lastArrival, arrival)
            receiver.later(lane.lastArrival - world.time, life: life, action)
        }
        lane.waiting = []
        if toServer { up = lane } else { down = lane }
    }

    /// Pings in both directions, in short: an end that does not answer for ten seconds is given up.
    private func watch() {
        guard isOpen else { return }
        let network = world.network
        let answers =
            !isDead && client.isRunning && server.isRunning
            && client.life == lives.client && server.life == lives.server
            && !network.isBlocked(from: client, to: server) && !network.isBlocked(from: server, to: client)
        silence = answers ? 0 : silence + 1
        idle = clientUses.isEmpty && serverUses.isEmpty ? idle + 1 : 0
        if silence >= 5 {
            breakDown(PeerLinkError(.broken, "no answer for ten seconds", mayHaveArrived: true))
        } else if let reason = certificates.client.refusal(by: server) ?? certificates.server.refusal(by: client) {
            breakDown(PeerLinkError(.handshake, reason, mayHaveArrived: true))
        } else if idle >= 30 {
            breakDown(PeerLinkError(.closed, "idle"))
        } else {
            world.after(.seconds(2)) { [self] in watch() }
        }
    }

    private func breakDown(_ error: PeerLinkError) {
        guard isOpen else { return }
        isOpen = false
        client.links.forget(self)
        var error = error
        error.mayHaveArrived = true
        tell(client, lives.client, clientUses, error)
        tell(server, lives.server, serverUses, error)
        clientUses = [:]
        serverUses = [:]
    }

    private func tell(_ machine: Machine, _ life: Int, _ uses: [Int: (PeerLinkError) -> Void], _ error: PeerLinkError) {
        for key in uses.keys.sorted() {
            guard let use = uses[key] else { continue }
            machine.later(1, life: life) { use(error) }
        }
    }
}
