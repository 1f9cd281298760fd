import SansIO
import Simulation

/// Runs that once found a bug, with what was wrong; all of them must be clean.
enum KeptSeeds {
    struct Kept: Sendable, CustomStringConvertible {
        var seed: UInt64
        var nodes: Int
        var minutes: Int
        /// A run is another one with one more kind to choose from, so these are those that there were.
        var faults: [FaultKind] = FaultKind.allCases.filter { $0 != .halfOpen && $0 != .mute }
        var reason: String

        var options: SimulationOptions {
            SimulationOptions(seed: seed, nodes: nodes, duration: .seconds(60 * minutes), faults: faults)
        }

        var description: String { "\(options.summary): \(reason)" }
    }

    static let membership: [Kept] = [
        Kept(seed: 1, nodes: 8, minutes: 30, reason: "groups around different seeds stayed apart"),
        Kept(seed: 77, nodes: 7, minutes: 20, reason: "groups around different seeds stayed apart"),
        Kept(
            seed: 3,
            nodes: 8,
            minutes: 20,
            faults: [.renew, .expire, .revoke],
            reason: "a node with a new certificate stayed ejected"
        ),
        Kept(
            seed: 21,
            nodes: 8,
            minutes: 20,
            faults: [
                .loss, .delay, .duplicate, .reorder, .partition, .oneWay, .pause, .starve, .slow, .skew, .disk, .forge,
            ],
            reason: "none; many kinds of fault at once"
        ),
    ]

    static let forwarding: [Kept] = [
        Kept(
            seed: 564,
            nodes: 3,
            minutes: 7,
            faults: [
                .loss, .delay, .duplicate, .partition, .oneWay, .crash, .move, .renew, .expire, .halfOpen, .mute,
            ],
            reason: "a crash after a retry within the cell took an event in twice"
        )
    ]
}
