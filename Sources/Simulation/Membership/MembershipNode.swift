import EventModel
import Membership
import SansIO

/// A process that takes part in membership and does nothing else.
public final class MembershipNode: SimulatedNode, HTTPRequestHandler {
    /// The state machine.
    public private(set) var instance: SWIMInstance
    /// What it runs on.
    public unowned let machine: Machine
    /// Hears of every event, before anything else happens on the machine.
    public var onEvent: (MembershipEvent) -> Void = { _ in }

    /// What it signs and checks with.
    public let crypto: SimulatedCrypto
    /// Says which datagrams it does not hear at all: a place for a test to plant a bug.
    public var isDeaf: (([UInt8], NodeEndpoint) -> Bool)?
    private let seeds: [NodeEndpoint]
    private var timer: (token: TimerToken, due: Timestamp)?

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
        self.instance = instance
        self.crypto = crypto
        self.seeds = seeds
    }

    /// Begins to take part.
    public func start() {
        machine.datagrams.onReceive = { [unowned self] bytes, source in
            if let isDeaf, isDeaf(bytes, source) { return }
            perform(instance.receivedDatagram(bytes, from: source, now: machine.now, using: &machine.generator))
        }
        machine.requestHandler = self
        perform(instance.started(seeds: seeds, now: machine.now, using: &machine.generator))
    }

    /// Tells the others that it goes.
    public func leave() {
        perform(instance.leaveRequested(now: machine.now, using: &machine.generator))
    }

    /// Reads certificates and revocations anew.
    public func certificatesChanged() {
        crypto.reload()
        perform(instance.renewedCertificate(now: machine.now))
        perform(instance.changedTrust(now: machine.now, using: &machine.generator))
    }

    /// Says something else about itself from now on.
    public func describe(_ change: (inout NodeDescription) -> Void) {
        var description = instance.own.description
        change(&description)
        perform(instance.changedDescription(description, now: machine.now))
    }

    /// Answers another node's full-state sync.
    public func handle(_ request: HTTPRequest, _ reply: any HTTPReply) {
        guard request.target == MembershipSync.path,
            let peer = request.connection.clientIdentity?.uris.lazy.compactMap({ NodeIdentity(uri: $0) }).first
        else { return reply.send(HTTPResponse(status: 404)) }
        let (answer, actions) = instance.receivedSyncRequest(
            request.body,
            from: peer,
            now: machine.now,
            using: &machine.generator
        )
        reply.send(answer.map { HTTPResponse(status: 200, body: $0) } ?? HTTPResponse(status: 400))
        perform(actions)
    }

    private func perform(_ actions: [MembershipAction]) {
        for action in actions {
            switch action {
            case .send(let bytes, let endpoint): machine.datagrams.send(bytes, to: endpoint)
            case .sync(let sync): synchronise(sync)
            case .event(let event): onEvent(event)
            }
        }
        arm()
    }

    private func synchronise(_ sync: MembershipSync) {
        let number = sync.number
        machine.links.exchange(
            sync.body,
            path: MembershipSync.path,
            with: sync.peer,
            timeout: MembershipSync.timeout
        ) { [unowned self] result in
            if case .success(let reply) = result, reply.status == 200 {
                perform(
                    instance.receivedSyncReply(reply.body, number: number, now: machine.now, using: &machine.generator)
                )
            } else {
                perform(instance.syncFailed(number: number, now: machine.now))
            }
        }
    }

    /// Keeps one timer. One that comes too early is harmless and cheaper than a new one with each call.
    private func arm() {
        let due = instance.nextWakeup
        if let timer {
            guard due < timer.due else { return }
            machine.cancel(timer.token)
        }
        guard due < .distantFuture else {
            timer = nil
            return
        }
        let token = machine.schedule(after: due - machine.now) { [unowned self] in
            timer = nil
            perform(instance.timerFired(now: machine.now, using: &machine.generator))
        }
        timer = (token, due)
    }
}

extension Machine {
    /// The node that the machine's certificate names.
    public var nodeIdentity: NodeIdentity? {
        certificate.identity.uris.lazy.compactMap { NodeIdentity(uri: $0) }.first
    }
}
