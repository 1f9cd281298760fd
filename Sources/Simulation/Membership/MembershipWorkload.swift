import EventModel
import Membership
import SansIO

/// Nodes that find each other, each a cell of its own: most with two accounts, every fifth with more than a claim carries.
public final class MembershipWorkload: Workload {
    /// Accounts of every fifth node.
    public static let manyAccounts = 150
    /// The trust domain of every node.
    public static let trustDomain = "example.com"

    /// So many machines, the first ones, are in every node's configuration.
    private static let seedCount = 3

    /// The protocol's knobs, taken at each start of a process.
    public var configuration: MembershipConfiguration
    /// Hears of every event of every process.
    public var onEvent: (Machine, MembershipEvent) -> Void = { _, _ in }
    /// Changes each process before it starts; a test plants its bugs here.
    public var adjust: (MembershipNode) -> Void = { _ in }
    /// So many machines more only dial out; the first nodes pass on what they say of themselves.
    public var leaves = 0
    /// While the world is calm, so many machines stay down that all others must know to be gone.
    public var absentees = 1
    /// The cluster's keys as each machine has them, by index.
    public private(set) var rings: [SimulatedKeyRing] = []

    private var world: World?
    private var authority: SimulatedAuthority?
    private var generator = SeededGenerator(seed: 0)
    private var absent: [Machine] = []
    private var leafIndices: Set<Int> = []
    private var liars: Set<Int> = []
    /// The key that seals, and whether it is being replaced.
    private var key: UInt8 = 1
    private var isRotating = false

    /// Creates a workload.
    public init(configuration: MembershipConfiguration = .lan) {
        self.configuration = configuration
    }

    /// Adds machines and starts them within a second.
    public func prepare(_ world: World, nodes count: Int) {
        self.world = world
        authority = SimulatedAuthority(world: world, trustDomain: Self.trustDomain)
        generator = world.generator(for: "membership")
        for _ in 0..<count {
            let machine = add(to: world)
            machine.hasFixedAddress = machine.index < Self.seedCount
            world.after(.milliseconds(generator.below(1000))) { machine.start() }
        }
        for _ in 0..<leaves {
            let machine = add(to: world, isLeaf: true)
            world.after(.milliseconds(generator.below(1000))) { machine.start() }
        }
    }

    /// Adds one machine, which is not started.
    ///
    /// - Parameters:
    ///   - world: the world of ``prepare(_:nodes:)``.
    ///   - name: the node's name, which its cell has too; by default a new one.
    ///   - isLeaf: whether it only dials out.
    /// - Returns: the machine.
    @discardableResult
    public func add(to world: World, name: String? = nil, isLeaf: Bool = false) -> Machine {
        let index = world.machines.count
        let name = name ?? "n\(index)"
        let count = index % 5 == 4 ? Self.manyAccounts : 2
        let accounts = (0..<count).map { "\(100_000_000_000 + index * 1000 + $0)" }
        let machine = world.addMachine(
            name: name,
            endpoint: NodeEndpoint(host: "10.\(index / 65_536).\(index / 256 % 256).\(index % 256)", port: 7946),
            certificate: world.network.certificates.issue(
                CertificateIdentity(
                    uris: ["spiffe://\(Self.trustDomain)/cell/\(name)/node/\(name)"],
                    dnsNames: accounts.map { "\($0).account.\(Self.trustDomain)" }
                )
            )
        )
        rings.append(SimulatedKeyRing(world: world))
        machine.boot = { [unowned self, unowned world] machine in
            let accounts = accounts.compactMap { AccountID($0) }
            return isLeaf
                ? leaf(on: machine, in: world, accounts: accounts) : node(on: machine, in: world, accounts: accounts)
        }
        if isLeaf { leafIndices.insert(index) }
        return machine
    }

    /// Whether a machine only dials out.
    public func isLeaf(_ machine: Machine) -> Bool { leafIndices.contains(machine.index) }

    private func leaf(on machine: Machine, in world: World, accounts: [AccountID]) -> any SimulatedNode {
        guard let authority else { preconditionFailure("the world is not prepared") }
        let leaf = LeafNode(
            machine: machine,
            accounts: accounts,
            dials: world.machines.prefix(Self.seedCount).filter { !isLeaf($0) }.map(\.endpoint),
            crypto: SimulatedCrypto(machine: machine, authority: authority, ring: rings[machine.index]),
            trustDomain: Self.trustDomain
        )
        guard let leaf else { preconditionFailure("\(machine.name) has no certificate of a node") }
        return leaf
    }

    private func node(on machine: Machine, in world: World, accounts: [AccountID]) -> any SimulatedNode {
        guard let authority else { preconditionFailure("the world is not prepared") }
        let seeds = world.machines.prefix(Self.seedCount).map(\.endpoint).filter { $0 != machine.endpoint }
        let node = MembershipNode(
            machine: machine,
            accounts: accounts,
            seeds: seeds,
            configuration: configuration,
            crypto: SimulatedCrypto(machine: machine, authority: authority, ring: rings[machine.index]),
            trustDomain: Self.trustDomain
        )
        guard let node else { preconditionFailure("\(machine.name) has no certificate of a node") }
        node.onEvent = { [unowned self, unowned machine] event in onEvent(machine, event) }
        adjust(node)
        return node
    }

    /// Starts what was down in the calm.
    public func begin() {
        for machine in absent { machine.start() }
        absent = []
    }

    /// Ends some processes, so that the calm shows whether the others notice.
    public func rest() {
        guard let world else { return }
        var candidates = world.machines.filter(\.isUp)
        // The seeds stay: a node that starts anew when none of them is there finds nobody.
        candidates.removeAll { $0.index < Self.seedCount }
        // The others must also notice that a leaf is gone.
        if let leaf = generator.pick(candidates.filter(isLeaf)), generator.chance(0.5) {
            leaf.crash()
            absent.append(leaf)
        }
        candidates.removeAll(where: isLeaf)
        for _ in 0..<min(absentees, candidates.count) {
            let machine = candidates.remove(at: generator.below(candidates.count))
            machine.crash()
            absent.append(machine)
        }
    }
}

/// Faults of membership alone.
extension MembershipWorkload {
    /// A member lies, or the key ring gets another key.
    public func fail(_ kind: FaultKind, lasting duration: Duration, by injector: FaultInjector) {
        switch kind {
        case .lie: lie(lasting: duration, by: injector)
        case .keys: rotateKeys(by: injector)
        default: break
        }
    }

    private func lie(lasting duration: Duration, by injector: FaultInjector) {
        guard let machine = injector.victims(atMost: 1).first, !liars.contains(machine.index),
            let liar = Liar(machine, self, seed: injector.generator.next())
        else { return }
        liars.insert(machine.index)
        liar.begin()
        injector.activate(lasting: duration) { [self] in
            liar.end()
            liars.remove(machine.index)
        }
    }

    /// Every machine accepts the next key, then uses it, then accepts the former one no more. Each step reaches them one after the
    /// other within half a minute.
    private func rotateKeys(by injector: FaultInjector) {
        guard !isRotating, key < .max else { return }
        isRotating = true
        let former = key
        key += 1
        let next = key
        var isOver = false
        let rings = rings
        func step(_ number: Int, _ change: @escaping (SimulatedKeyRing) -> Void) {
            for ring in rings {
                let delay = Duration.seconds(60 * number) + .milliseconds(injector.generator.below(30_000))
                injector.world.after(delay) { if !isOver { change(ring) } }
            }
        }
        step(0) { $0.accepted = [former, next] }
        step(1) { $0.primary = next }
        step(2) { $0.accepted = [next] }
        injector.activate(lasting: .seconds(180)) { [self] in
            isOver = true
            isRotating = false
            for ring in rings {
                ring.primary = next
                ring.accepted = [next]
            }
        }
    }
}

extension Machine {
    /// The process on it, when it takes part in membership.
    public var membership: MembershipNode? { node as? MembershipNode }

    /// The process on it, when it only dials out.
    public var leaf: LeafNode? { node as? LeafNode }
}
