import Cluster
import Membership
import SansIO
import Simulation

/// What identities and keys do to a cluster while they change, or are stolen.
struct TrustFigures {
    /// Another certificate with a member's name joins.
    static func stolenName(nodes: Int, seed: UInt64) -> Figure {
        let cluster = BenchmarkCluster(nodes: nodes, seed: seed)
        cluster.settle()
        let before = cluster.running.map { $0.membership?.driver.viewFingerprint }
        var alarms: Set<Int> = []
        var changes = 0
        let thief = cluster.workload.add(to: cluster.world, name: cluster.machines[nodes / 2].name)
        cluster.onEvent = { machine, event in
            guard machine !== thief else { return }
            switch event {
            case .alarm(.nameContested): alarms.insert(machine.index)
            case .died, .changed, .left, .ejected, .suspected: changes += 1
            default: break
            }
        }
        thief.start()
        cluster.world.run(for: .seconds(120))
        let after = cluster.running.filter { $0 !== thief }.map { $0.membership?.driver.viewFingerprint }
        let isUnchanged = before == after && changes == 0
        return Figure(
            measure: "same name with another certificate, for 2 min",
            nodes: nodes,
            seeds: "\(seed)",
            value: isUnchanged ? "no view changed, \(alarms.count) nodes alarmed" : "views changed (\(changes) events)",
            target: "refused, alarmed, no view changes",
            isReached: isUnchanged && !alarms.isEmpty
        )
    }

    /// Every node gets a new sealing key, then a certificate from a new authority, as an operator would go about it.
    static func rotation(nodes: Int, seed: UInt64) -> Figure {
        let cluster = BenchmarkCluster(nodes: nodes, seed: seed)
        cluster.settle()
        var generator = cluster.world.generator(for: "rotation")
        var suspicions = 0
        var others = 0
        cluster.onEvent = { _, event in
            switch event {
            case .suspected: suspicions += 1
            case .died, .ejected, .left: others += 1
            default: break
            }
        }
        /// Each step reaches the nodes one after the other within half a minute, and the next one waits for it.
        func step(_ action: @escaping (Machine) -> Void) {
            for machine in cluster.machines {
                cluster.world.after(.milliseconds(Int.random(in: 0..<30_000, using: &generator))) { action(machine) }
            }
            cluster.world.run(for: .seconds(120))
        }
        let rings = cluster.workload.rings
        let certificates = cluster.world.network.certificates
        step { rings[$0.index].accepted = [1, 2] }
        step { rings[$0.index].primary = 2 }
        step { rings[$0.index].accepted = [2] }
        step { machine in
            machine.trustedAuthorities = [1, 2]
            certificates.changed(machine)
        }
        step { certificates.renew($0, authority: 2) }
        step { machine in
            machine.trustedAuthorities = [2]
            certificates.changed(machine)
        }
        let isConverged = cluster.isConverged
        return Figure(
            measure: "suspicions during the rotation of key ring and CA",
            nodes: nodes,
            seeds: "\(seed)",
            value: "\(suspicions)" + (others > 0 ? ", and \(others) deaths or ejections" : "")
                + (isConverged ? "" : ", views differ"),
            target: "0",
            isReached: suspicions == 0 && others == 0 && isConverged
        )
    }
}
