import SansIO
import Simulation

/// Runs that once found a bug, with what was wrong; all of them must be clean.
enum KeptSeeds {
    struct Kept: Sendable, CustomStringConvertible {
        var seed: UInt64
        var nodes: Int
        var minutes: Int
        var faults: [FaultKind] = FaultKind.allCases
        var reason: String

        var options: SimulationOptions {
            SimulationOptions(seed: seed, nodes: nodes, duration: .seconds(60 * minutes), faults: faults)
        }

        var description: String { "\(options.summary): \(reason)" }
    }

    static let membership: [Kept] = [
        Kept(
            seed: 21,
            nodes: 8,
            minutes: 20,
            faults: [
                .loss, .delay, .duplicate, .reorder, .partition, .oneWay, .pause, .starve, .slow, .skew, .disk, .forge,
            ],
            reason: "none; many kinds of fault at once"
        )
    ]
}
