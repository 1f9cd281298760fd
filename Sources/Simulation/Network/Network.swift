import SansIO

/// The network between the machines of a world. All chance comes from the world's seed.
public final class Network {
    /// How it treats every datagram.
    public var conditions = LinkConditions.lan {
        didSet { prepared = Prepared(conditions) }
    }
    /// What has happened so far.
    public internal(set) var statistics = NetworkStatistics()
    /// Hears of every datagram as it is sent, before chance has its way: an eavesdropper, or a measurement.
    public typealias Observer = (_ sender: Machine, _ bytes: [UInt8], _ receiver: NodeEndpoint) -> Void

    /// Conditions in microseconds, ready for use.
    private struct Prepared {
        var conditions: LinkConditions
        var minimum: Int64
        var jitter: Double

        init(_ conditions: LinkConditions) {
            self.conditions = conditions
            minimum = conditions.delay.minimum.microseconds
            jitter = Double(conditions.delay.jitter.microseconds)
        }
    }

    /// Who signs and revokes the machines' certificates.
    public private(set) lazy var certificates = CertificateRegistry(world: world)

    unowned let world: World
    private var observers: [Observer] = []
    private var prepared = Prepared(.lan)
    private var addresses: [NodeEndpoint: Int] = [:]
    private var special: [Int: LinkConditions] = [:]
    /// How many partitions keep datagrams of a machine (row) from another (column).
    private var blocks: [[UInt8]] = []
    private var generator: SeededGenerator

    init(world: World) {
        self.world = world
        generator = world.generator(for: "network")
    }

    func joined(_ machine: Machine) {
        precondition(addresses[machine.endpoint] == nil, "\(machine.endpoint) is taken")
        addresses[machine.endpoint] = machine.index
        for row in blocks.indices { blocks[row].append(0) }
        blocks.append([UInt8](repeating: 0, count: machine.index + 1))
    }

    func moved(_ machine: Machine, from old: NodeEndpoint, to new: NodeEndpoint) {
        precondition(addresses[new] == nil, "\(new) is taken")
        addresses[old] = nil
        addresses[new] = machine.index
    }

    func ended(_ machine: Machine) {
        for other in world.machines { other.links.ended(machine) }
    }

    /// Adds an observer; it stays.
    public func observe(_ observer: @escaping Observer) {
        observers.append(observer)
    }

    /// The machine at an address.
    public func machine(at endpoint: NodeEndpoint) -> Machine? {
        addresses[endpoint].map { world.machines[$0] }
    }

    /// Adds conditions to what a machine sends and receives; nil takes them away again.
    public func setConditions(_ conditions: LinkConditions?, of machine: Machine) {
        special[machine.index] = conditions
    }

    /// Stops everything from each machine of `senders` to each of `receivers`, in that direction only. Blocks count:
    /// each is taken away by ``unblock(from:to:)`` with the same machines.
    public func block(from senders: [Machine], to receivers: [Machine]) {
        change(senders, receivers) { $0 + 1 }
    }

    /// Takes back one ``block(from:to:)``.
    public func unblock(from senders: [Machine], to receivers: [Machine]) {
        change(senders, receivers) { $0 - min(1, $0) }
    }

    /// Parts the machines into two sides that do not hear each other.
    public func part(_ left: [Machine], _ right: [Machine]) {
        block(from: left, to: right)
        block(from: right, to: left)
    }

    /// Takes back one ``part(_:_:)``.
    public func heal(_ left: [Machine], _ right: [Machine]) {
        unblock(from: left, to: right)
        unblock(from: right, to: left)
    }

    private func change(_ senders: [Machine], _ receivers: [Machine], _ next: (UInt8) -> UInt8) {
        for sender in senders {
            for receiver in receivers where receiver !== sender {
                blocks[sender.index][receiver.index] = next(blocks[sender.index][receiver.index])
            }
        }
    }

    /// Whether a partition keeps what a machine sends from another.
    public func isBlocked(from sender: Machine, to receiver: Machine) -> Bool {
        blocks[sender.index][receiver.index] > 0
    }

    /// Sends a datagram as `source`, which is the sender's own address unless it lies.
    public func send(_ bytes: [UInt8], from sender: Machine, as source: NodeEndpoint, to endpoint: NodeEndpoint) {
        statistics.sent += 1
        statistics.sentBytes += UInt64(bytes.count)
        for observe in observers { observe(sender, bytes, endpoint) }
        guard let receiver = addresses[endpoint] else {
            statistics.unaddressed += 1
            return
        }
        guard blocks[sender.index][receiver] == 0 else {
            statistics.blocked += 1
            return
        }
        let link = special.isEmpty ? prepared : link(sender.index, receiver)
        guard !generator.chance(link.conditions.loss) else {
            statistics.lost += 1
            return
        }
        deliver(bytes, source, receiver, link)
        if generator.chance(link.conditions.duplication) {
            statistics.duplicated += 1
            deliver(bytes, source, receiver, link)
        }
    }

    /// Brings a datagram to a machine from outside, past every condition and partition, as if it came from `source`.
    public func inject(_ bytes: [UInt8], as source: NodeEndpoint, to receiver: Machine) {
        world.schedule(.datagram(machine: receiver.index, bytes, source: source), after: 0)
    }

    private func link(_ sender: Int, _ receiver: Int) -> Prepared {
        guard special[sender] != nil || special[receiver] != nil else { return prepared }
        var conditions = prepared.conditions
        if let more = special[sender] { conditions = conditions.and(more) }
        if let more = special[receiver] { conditions = conditions.and(more) }
        return Prepared(conditions)
    }

    private func deliver(_ bytes: [UInt8], _ source: NodeEndpoint, _ receiver: Int, _ link: Prepared) {
        var delay = link.minimum + Int64(generator.exponential(mean: link.jitter))
        if generator.chance(link.conditions.reordering) {
            statistics.reordered += 1
            delay += 2000 + Int64(generator.below(48_000))
        }
        world.schedule(.datagram(machine: receiver, bytes, source: source), after: delay)
    }

    /// How long a message of a reliable connection takes now: loss costs retransmissions, 200 ms and doubling.
    func reliableDelay(from sender: Machine, to receiver: Machine) -> Int64 {
        let link = special.isEmpty ? prepared : link(sender.index, receiver.index)
        var delay = link.minimum + Int64(generator.exponential(mean: link.jitter))
        var wait: Int64 = 200_000
        while wait < 10_000_000, generator.chance(link.conditions.loss) {
            delay += wait
            wait *= 2
        }
        return delay
    }
}
