import SansIO
import Simulation

/// Runs that once found a bug, with what was wrong; all of them must be clean.
enum KeptSeeds {
    struct Kept: Sendable, CustomStringConvertible {
        var seed: UInt64
        var nodes: Int
        var leaves = 0
        var minutes: Int
        /// A run is another one with one more kind to choose from, so these are those that there were.
        var faults = KeptSeeds.firstKinds
        var reason: String

        var options: SimulationOptions {
            var options = SimulationOptions(
                seed: seed,
                nodes: nodes,
                duration: .seconds(60 * minutes),
                faults: faults
            )
            options.leaves = leaves
            return options
        }

        var description: String { "\(options.summary): \(reason)" }
    }

    /// The kinds that there were at first, and those two more that came next.
    static let firstKinds: [FaultKind] = [
        .loss, .delay, .duplicate, .reorder, .partition, .oneWay, .pause, .starve, .slow, .crash, .leave, .skew, .disk,
        .move, .renew, .expire, .revoke, .forge,
    ]
    static let nextKinds = FaultKind.allCases.filter { firstKinds.contains($0) || $0 == .halfOpen || $0 == .mute }

    private static let leafStayedAway = "a leaf whose certificate was revoked or had expired stayed away under its next"

    private static let wordsLookedEqual = "a sync took two sponsors' words of the same number for one"

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
        Kept(
            seed: 403,
            nodes: 26,
            leaves: 3,
            minutes: 17,
            faults: [.delay, .duplicate, .reorder, .oneWay, .leave, .move, .renew, .revoke, .forge],
            reason: leafStayedAway
        ),
        Kept(seed: 436, nodes: 7, leaves: 2, minutes: 59, faults: nextKinds, reason: leafStayedAway),
        Kept(
            seed: 486,
            nodes: 10,
            leaves: 3,
            minutes: 26,
            faults: [.delay, .starve, .slow, .move, .expire, .halfOpen],
            reason: leafStayedAway
        ),
        Kept(
            seed: 3,
            nodes: 8,
            leaves: 2,
            minutes: 31,
            faults: [.keys],
            reason: "a word about a leaf that a node had missed waited for a sync of two minutes later"
        ),
        Kept(
            seed: 4,
            nodes: 8,
            leaves: 2,
            minutes: 60,
            faults: [.leap],
            reason: "nobody vouched for a leaf again whose claim its sponsors had forgotten"
        ),
        Kept(seed: 8, nodes: 8, leaves: 2, minutes: 10, faults: [.leap], reason: wordsLookedEqual),
        Kept(seed: 20, nodes: 8, leaves: 2, minutes: 20, faults: [.rush], reason: wordsLookedEqual),
        Kept(
            seed: 535,
            nodes: 3,
            leaves: 3,
            minutes: 17,
            faults: [.delay, .starve, .slow, .leave, .move, .expire, .revoke, .mute, .leap, .roots],
            reason: "a word of a time with the clock ahead outranked what its sponsor's next process said"
        ),
        Kept(
            seed: 121,
            nodes: 7,
            leaves: 5,
            minutes: 54,
            faults: FaultKind.allCases,
            reason: "who missed two renewals of a leaf did not hear that a sponsor of the first claim had let go of it"
        ),
        Kept(
            seed: 1137,
            nodes: 14,
            leaves: 4,
            minutes: 15,
            faults: [
                .duplicate, .reorder, .pause, .slow, .move, .renew, .expire, .halfOpen, .mute, .forge, .leap,
            ],
            reason: "simulated machines that were mute lost what came over channels that stayed open"
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
        ),
        Kept(
            seed: 1086,
            nodes: 6,
            minutes: 11,
            faults: nextKinds,
            reason: "rows of ids were forgotten that stood in the store behind one made while the clock was ahead"
        ),
        Kept(
            seed: 267,
            nodes: 3,
            minutes: 53,
            faults: nextKinds,
            reason: "the checker did not count deliveries that a crash had brought back among those that waited"
        ),
    ]
}
