import SansIO
import Simulation

/// A small protocol to try the world with: each node tells every other once a second that it is there, and takes one
/// for gone of which it has heard nothing for five seconds.
final class HeartbeatNode: SimulatedNode {
    let machine: Machine
    private let others: () -> [Machine]
    private let remembersDead: Bool
    private var lastHeard: [Int: Timestamp] = [:]
    private(set) var dead: Set<Int> = []
    private(set) var heard = 0

    /// `remembersDead` plants a bug: who was dead once stays dead.
    init(machine: Machine, remembersDead: Bool = false, others: @escaping () -> [Machine]) {
        self.machine = machine
        self.others = others
        self.remembersDead = remembersDead
    }

    func start() {
        machine.datagrams.onReceive = { [unowned self] bytes, _ in
            guard let first = bytes.first, bytes.count == 2, bytes[1] == ~first else { return }
            heard += 1
            lastHeard[Int(first)] = machine.now
            if !remembersDead { dead.remove(Int(first)) }
        }
        beat()
    }

    func leave() {}

    private func beat() {
        for other in others() where other !== machine {
            machine.datagrams.send([UInt8(machine.index), ~UInt8(machine.index)], to: other.endpoint)
            let last = lastHeard[other.index] ?? machine.now
            lastHeard[other.index] = last
            if machine.now - last > .seconds(5) { dead.insert(other.index) }
        }
        _ = machine.schedule(after: .seconds(1)) { [unowned self] in beat() }
    }
}

/// Nodes of that protocol, and the checker that nobody is taken for gone who is there.
final class HeartbeatScenario: Workload, Checker {
    let name = "heartbeats"
    private let plantsBug: Bool
    private(set) var nodes: [Int: HeartbeatNode] = [:]

    init(plantsBug: Bool = false) {
        self.plantsBug = plantsBug
    }

    func prepare(_ world: World, nodes count: Int) {
        for index in 0..<count {
            let machine = world.addMachine(
                name: "n\(index)",
                endpoint: NodeEndpoint(host: "10.0.0.\(index + 1)", port: 7946),
                certificate: world.network.certificates.issue(
                    CertificateIdentity(uris: ["spiffe://example.com/cell/c\(index)/node/n\(index)"], dnsNames: [])
                )
            )
            machine.boot = { [unowned self, unowned world] machine in
                let node = HeartbeatNode(machine: machine, remembersDead: plantsBug) { world.machines }
                self.nodes[machine.index] = node
                return node
            }
            machine.start()
        }
    }

    func begin() {}

    func rest() {}

    func violationsOnceSettled(at world: World) -> [String] {
        nodes.keys.sorted().compactMap { index in
            guard let dead = nodes[index]?.dead, !dead.isEmpty else { return nil }
            return "\(index) takes \(dead.sorted()) for gone"
        }
    }

    static func run(_ options: SimulationOptions, plantsBug: Bool = false) -> SimulationReport {
        SimulationRun(options) { _ in
            let scenario = HeartbeatScenario(plantsBug: plantsBug)
            return Scenario(workload: scenario, checkers: [scenario])
        }.run()
    }
}
