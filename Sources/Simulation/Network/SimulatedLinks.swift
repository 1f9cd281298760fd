import SansIO

/// A process's links to other nodes: reliable connections with certificates on both ends, as the transport offers them.
///
/// A connection costs two round trips, carries messages in order, holds up while a partition lasts, and breaks when an end
/// crashes, when nothing has come through for ten seconds, or when an end refuses the other's certificate by now.
public final class SimulatedLinks: PeerLinkPort {
    /// Requests to one peer at a time; more are refused as overloaded.
    public static let maximumExchanges = 1000

    unowned let machine: Machine
    private var world: World { machine.world }
    /// Connections that this machine opened, by the index of the other machine.
    private var connections: [Int: SimulatedConnection] = [:]
    private var connecting: [Int: [(Result<SimulatedConnection, PeerLinkError>) -> Void]] = [:]
    private var exchanges: [Int: Int] = [:]

    init(machine: Machine) {
        self.machine = machine
    }

    /// Makes one request and completes with the whole answer.
    public func exchange(
        _ body: [UInt8],
        path: String,
        with peer: PeerAddress,
        timeout: Duration,
        completion: @escaping (Result<PeerReply, PeerLinkError>) -> Void
    ) {
        let target = world.network.machine(at: peer.endpoint)?.index ?? -1
        guard exchanges[target, default: 0] < Self.maximumExchanges else {
            machine.later(1) { completion(.failure(PeerLinkError(.overloaded, "too many requests wait"))) }
            return
        }
        exchanges[target, default: 0] += 1
        let exchange = SimulatedExchange { [self] result in
            exchanges[target, default: 1] -= 1
            completion(result)
        }
        exchange.timer = machine.schedule(after: timeout) {
            let message = "no answer within \(timeout)"
            exchange.finish(.failure(PeerLinkError(.timedOut, message, mayHaveArrived: exchange.isSent)))
        }
        exchange.clock = machine
        connect(to: peer) { result in
            switch result {
            case .failure(let error): exchange.finish(.failure(error))
            case .success(let connection):
                guard !exchange.isFinished else { return }
                connection.request(body, path: path, exchange)
            }
        }
    }

    /// Opens a channel of messages in both directions.
    public func openChannel(
        path: String,
        with peer: PeerAddress,
        completion: @escaping (Result<any PeerChannel, PeerLinkError>) -> Void
    ) {
        connect(to: peer) { result in
            switch result {
            case .failure(let error): completion(.failure(error))
            case .success(let connection): connection.openChannel(path: path, completion)
            }
        }
    }

    /// A process has ended: its own connections vanish, and those to it break.
    func ended(_ other: Machine) {
        if other === machine {
            for key in connections.keys.sorted() { connections[key]?.ended(machine) }
            connections = [:]
            connecting = [:]
            exchanges = [:]
        } else {
            connections[other.index]?.ended(other)
        }
    }

    /// Lets go of everything.
    func dispose() {
        connections = [:]
        connecting = [:]
        exchanges = [:]
    }

    /// Makes connections half open, as when a NAT forgets them: nothing comes through, and no end hears why.
    ///
    /// - Parameter isMeant: tells by the machine at the other end whether a connection is meant.
    func loseConnections(_ isMeant: (Machine) -> Bool) {
        for key in connections.keys.sorted() {
            guard let connection = connections[key], isMeant(connection.server) else { continue }
            connection.isDead = true
        }
    }

    /// Forgets a connection that is broken.
    func forget(_ connection: SimulatedConnection) {
        if connections[connection.server.index] === connection { connections[connection.server.index] = nil }
    }

    private func connect(
        to peer: PeerAddress,
        _ completion: @escaping (Result<SimulatedConnection, PeerLinkError>) -> Void
    ) {
        let checked: (Result<SimulatedConnection, PeerLinkError>) -> Void = { result in
            if case .success(let connection) = result, let uri = peer.uri,
                !connection.certificates.server.identity.uris.contains(uri)
            {
                completion(.failure(PeerLinkError(.wrongIdentity, "the peer is not \(uri)")))
            } else {
                completion(result)
            }
        }
        guard let server = world.network.machine(at: peer.endpoint), server !== machine else {
            machine.later(1_000_000) { checked(.failure(PeerLinkError(.unreachable, "no node at \(peer.endpoint)"))) }
            return
        }
        if let connection = connections[server.index], connection.isOpen {
            machine.later(1) { checked(.success(connection)) }
            return
        }
        connecting[server.index, default: []].append(checked)
        if connecting[server.index]?.count == 1 { greet(server, attempts: 0) }
    }

    /// The first trips of a connection. While a partition keeps them they are tried again after 1, 2 and 4 s, as TCP does.
    private func greet(_ server: Machine, attempts: Int) {
        let network = world.network
        guard !network.isBlocked(from: machine, to: server), !network.isBlocked(from: server, to: machine) else {
            guard attempts < 3 else {
                machine.later(3_000_000) { [self] in
                    connected(server, .failure(PeerLinkError(.unreachable, "no answer")))
                }
                return
            }
            machine.later(1_000_000 << Int64(attempts)) { [self] in greet(server, attempts: attempts + 1) }
            return
        }
        var delay = network.reliableDelay(from: machine, to: server)
        guard server.isUp else {
            machine.later(2 * delay) { [self] in
                connected(server, .failure(PeerLinkError(.unreachable, "connection refused")))
            }
            return
        }
        delay += network.reliableDelay(from: server, to: machine) + network.reliableDelay(from: machine, to: server)
        let lives = (client: machine.life, server: server.life)
        let certificates = (client: machine.certificate, server: server.certificate)
        // The server's part runs on its own shard, so a paused server keeps its client waiting.
        server.later(delay) { [self, machine] in
            let refusal = certificates.client.refusal(by: server)
            let back = network.reliableDelay(from: server, to: machine)
            machine.later(back, life: lives.client) { [self] in
                if let reason = refusal ?? certificates.server.refusal(by: machine) {
                    return connected(server, .failure(PeerLinkError(.handshake, reason)))
                }
                let connection = SimulatedConnection(machine, server, lives: lives, certificates: certificates)
                connections[server.index] = connection
                connected(server, .success(connection))
            }
        }
        let limit = machine.life
        machine.later(10_000_000, life: limit) { [self] in
            guard connecting[server.index] != nil, connections[server.index] == nil else { return }
            connected(server, .failure(PeerLinkError(.unreachable, "no answer")))
        }
    }

    private func connected(_ server: Machine, _ result: Result<SimulatedConnection, PeerLinkError>) {
        for completion in connecting.removeValue(forKey: server.index) ?? [] { completion(result) }
    }
}

/// One request that waits for its answer.
final class SimulatedExchange {
    var timer: TimerToken?
    weak var clock: Machine?
    /// Set once the request is on its way.
    var isSent = false
    /// Tells the server that nobody waits any more.
    var onAbandon: (() -> Void)?
    private var completion: ((Result<PeerReply, PeerLinkError>) -> Void)?

    init(_ completion: @escaping (Result<PeerReply, PeerLinkError>) -> Void) {
        self.completion = completion
    }

    var isFinished: Bool { completion == nil }

    func finish(_ result: Result<PeerReply, PeerLinkError>) {
        guard let completion else { return }
        self.completion = nil
        if let timer { clock?.cancel(timer) }
        if case .failure = result { onAbandon?() }
        onAbandon = nil
        completion(result)
    }
}
