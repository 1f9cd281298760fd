import EventModel
import SansIO

@testable import Membership

/// Several instances with a virtual clock and a network between them, driven event by event from one seed.
final class TestCluster {
    final class Node {
        let identity: NodeIdentity
        let crypto: TestCrypto
        var instance: SWIMInstance
        var generator: SeededGenerator
        var isRunning = true
        var events: [MembershipEvent] = []
        var sentBytes = 0
        var sentDatagrams = 0
        /// How far its clock is ahead.
        var clockOffset: Duration = .zero

        init(_ identity: NodeIdentity, _ crypto: TestCrypto, _ instance: SWIMInstance, seed: UInt64) {
            self.identity = identity
            self.crypto = crypto
            self.instance = instance
            generator = SeededGenerator(seed: seed)
        }

        var endpoint: NodeEndpoint { instance.own.description.gossip }

        var alarms: [MembershipAlarm] {
            events.compactMap { if case .alarm(let alarm) = $0 { alarm } else { nil } }
        }

        func deaths(of identity: NodeIdentity? = nil) -> Int {
            events.count { event in
                guard case .died(let member) = event else { return false }
                return identity == nil || member.identity == identity
            }
        }
    }

    enum Arrival {
        case datagram([UInt8], from: NodeEndpoint, to: NodeEndpoint)
        case syncRequest(MembershipSync, from: Int)
        case syncReply([UInt8]?, number: UInt64, to: Int)
    }

    let authority = TestAuthority()
    let configuration: MembershipConfiguration
    var nodes: [Node] = []
    var now = Timestamp(milliseconds: 1_800_000_000_000)
    var generator: SeededGenerator
    /// Share of datagrams that are lost.
    var loss = 0.0
    /// Whether something can pass between two nodes.
    var canPass: (Int, Int) -> Bool = { _, _ in true }
    /// Whether one node reaches another over a link.
    var canLink: (Int, Int) -> Bool = { _, _ in true }
    /// Nobody reaches anybody over a link.
    var areLinksBroken = false
    /// Changes what a node answers to a sync; what its peers get instead.
    var falsify: ((Int, [UInt8]?) -> [UInt8]?)?
    /// Sees every datagram that is sent.
    var tap: (([UInt8], NodeEndpoint, NodeEndpoint) -> Void)?
    private var arrivals: [Int64: [Arrival]] = [:]
    private var byEndpoint: [NodeEndpoint: Int] = [:]

    init(_ count: Int, seed: UInt64 = 1, configuration: MembershipConfiguration = .lan) {
        self.configuration = configuration
        generator = SeededGenerator(seed: seed)
        for number in 0..<count { add(name: "n\(number)") }
    }

    @discardableResult
    func add(
        name: String,
        cell: String? = nil,
        certificate: TestAuthority.Certificate? = nil,
        accounts: [AccountID] = [],
        role: NodeDescription.Role = .core
    ) -> Node {
        let number = nodes.count
        let port = UInt16(10_000 + number)
        let identity = Self.identity(name, cell: cell)
        let certificate = certificate ?? authority.issue(identity)
        let crypto = TestCrypto(authority, own: certificate)
        let description = NodeDescription(
            gossip: NodeEndpoint(host: "10.0.0.1", port: port),
            peer: NodeEndpoint(host: "10.0.0.1", port: port),
            role: role,
            accounts: accounts
        )
        let instance = Self.instance(identity, description, configuration, crypto, now)
        let node = Node(identity, crypto, instance, seed: generator.next())
        nodes.append(node)
        byEndpoint[node.endpoint] = number
        return node
    }

    static func identity(_ name: String, cell: String? = nil) -> NodeIdentity {
        guard let identity = NodeIdentity(authority: "example.com", cell: cell ?? "cell-\(name)", node: name) else {
            preconditionFailure("no identity \(name)")
        }
        return identity
    }

    static func instance(
        _ identity: NodeIdentity,
        _ description: NodeDescription,
        _ configuration: MembershipConfiguration,
        _ crypto: TestCrypto,
        _ now: Timestamp
    ) -> SWIMInstance {
        guard
            let instance = SWIMInstance(
                identity: identity,
                description: description,
                trustDomain: "example.com",
                configuration: configuration,
                crypto: crypto,
                now: now
            )
        else { preconditionFailure("no instance for \(identity)") }
        return instance
    }

    /// Starts every node; all but the first join through the first.
    func start() {
        for index in nodes.indices { start(index) }
    }

    func time(_ index: Int) -> Timestamp { now + nodes[index].clockOffset }

    func start(_ index: Int, seed: Int = 0) {
        let seeds = index == seed ? [] : [nodes[seed].instance.own.description.peer]
        perform(nodes[index].instance.started(seeds: seeds, now: time(index), using: &nodes[index].generator), index)
    }

    func perform(_ actions: [MembershipAction], _ index: Int) {
        for action in actions {
            switch action {
            case .send(let bytes, let to):
                nodes[index].sentBytes += bytes.count + 28
                nodes[index].sentDatagrams += 1
                tap?(bytes, nodes[index].endpoint, to)
                deliver(bytes, from: nodes[index].endpoint, to: to)
            case .sync(let sync):
                arrive(.syncRequest(sync, from: index), after: 3)
            case .event(let event):
                nodes[index].events.append(event)
            }
        }
    }

    func deliver(_ bytes: [UInt8], from: NodeEndpoint, to: NodeEndpoint) {
        guard Double.random(in: 0..<1, using: &generator) >= loss else { return }
        if let sender = byEndpoint[from], let receiver = byEndpoint[to], !canPass(sender, receiver) { return }
        arrive(.datagram(bytes, from: from, to: to), after: Int64.random(in: 1...3, using: &generator))
    }

    private func arrive(_ arrival: Arrival, after: Int64) {
        arrivals[now.milliseconds + after, default: []].append(arrival)
    }

    /// Lets time pass, a millisecond a step.
    func run(_ duration: Duration) {
        _ = run(atMost: duration) { false }
    }

    /// Lets time pass until something holds; nil when it never did.
    func run(atMost limit: Duration, until isDone: () -> Bool) -> Duration? {
        let start = now
        while now - start < limit {
            if isDone() { return now - start }
            now = now + .milliseconds(1)
            for arrival in arrivals.removeValue(forKey: now.milliseconds) ?? [] { take(arrival) }
            for index in nodes.indices where nodes[index].isRunning && nodes[index].instance.nextWakeup <= time(index) {
                perform(nodes[index].instance.timerFired(now: time(index), using: &nodes[index].generator), index)
            }
        }
        return isDone() ? limit : nil
    }

    private func take(_ arrival: Arrival) {
        switch arrival {
        case .datagram(let bytes, let from, let to):
            guard let index = byEndpoint[to], nodes[index].isRunning else { return }
            perform(
                nodes[index].instance
                    .receivedDatagram(bytes, from: from, now: time(index), using: &nodes[index].generator),
                index
            )
        case .syncRequest(let sync, let from):
            guard let index = byEndpoint[sync.peer.endpoint], nodes[index].isRunning, canPass(from, index),
                !areLinksBroken, canLink(from, index),
                sync.peer.uri == nil || sync.peer.uri == nodes[index].identity.uri
            else {
                arrive(.syncReply(nil, number: sync.number, to: from), after: 3)
                return
            }
            let (answer, actions) = nodes[index].instance.receivedSyncRequest(
                sync.body,
                from: nodes[from].identity,
                now: time(index),
                using: &nodes[index].generator
            )
            perform(actions, index)
            arrive(.syncReply(falsify?(index, answer) ?? answer, number: sync.number, to: from), after: 3)
        case .syncReply(let body, let number, let index):
            guard nodes[index].isRunning else { return }
            guard let body else {
                perform(nodes[index].instance.syncFailed(number: number, now: time(index)), index)
                return
            }
            let actions = nodes[index].instance.receivedSyncReply(
                body,
                number: number,
                now: time(index),
                using: &nodes[index].generator
            )
            perform(actions, index)
        }
    }

    /// Replaces a node's process: all memory is lost, the certificate stays.
    func restart(
        _ index: Int,
        description: NodeDescription? = nil,
        certificate: TestAuthority.Certificate? = nil,
        clockOffset: Duration = .zero
    ) {
        let old = nodes[index]
        let crypto = TestCrypto(authority, own: certificate ?? old.crypto.own)
        var description = description ?? old.instance.own.description
        description.sponsors = []
        nodes[index] = Node(
            old.identity,
            crypto,
            Self.instance(old.identity, description, configuration, crypto, now + clockOffset),
            seed: generator.next()
        )
        nodes[index].clockOffset = clockOffset
        byEndpoint[nodes[index].endpoint] = index
        start(index, seed: index == 0 ? 1 : 0)
    }

    /// Whether every running node sees exactly the running nodes.
    var isConverged: Bool {
        let running = nodes.filter(\.isRunning)
        guard let first = running.first else { return true }
        return running.allSatisfy {
            $0.instance.presentCount == running.count && $0.instance.viewFingerprint == first.instance.viewFingerprint
        }
    }

    func state(of index: Int, at observer: Int) -> Member.State? {
        nodes[observer].instance.member(nodes[index].instance.own.key)?.state
    }
}

extension TestCluster {
    static let anyAccount: AccountID = {
        guard let account = AccountID("123456789012") else { preconditionFailure("twelve digits") }
        return account
    }()
}

extension SWIMInstance {
    /// The certificate of the claim that is held of a leaf.
    func certificate(ofLeaf key: NodeKey) -> CertificateFingerprint? {
        leaves.place(key).map { leaves.leaves[$0].claim.certificate }
    }

    /// Whether any sponsor's word for a leaf holds.
    func isAttached(_ place: Int) -> Bool { !standing(place).isEmpty }
}
