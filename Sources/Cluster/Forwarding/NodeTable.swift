import EventModel
import PeerProtocol
import SansIO

/// A way to a cell: one of its nodes that takes connections, or an uplink that one holds open.
protocol PeerWay {
    /// The node at its end.
    var node: NodeIdentity { get }
}

extension PeerNode: PeerWay {
    var node: NodeIdentity { identity }
}

extension UplinkSession: PeerWay {
    var node: NodeIdentity { peer }
}

/// What is known of the nodes of other cells, and which to ask next.
struct NodeTable {
    struct State {
        /// The pressure that the node reported last.
        var pressure: UInt8 = 0
        var reportedAt = Timestamp.zero
        /// Requests under way to it.
        var inFlight = 0
        /// Failures in a row.
        var failures = 0
        /// Passed over until then while another node is there.
        var coolUntil = Timestamp.zero
        /// The version of the protocol to write; nil for this side's newest.
        var version: UInt8?
        /// Whether it said that it takes compressed frames.
        var takesCompressed = false
        /// Whether anything went there since the last look for idle nodes.
        var isTouched = true

        mutating func began() {
            inFlight += 1
            isTouched = true
        }

        mutating func answered(_ pressure: UInt8, isServing: Bool, _ now: Timestamp) {
            self.pressure = pressure
            reportedAt = now
            // One that starts for long is asked more and more seldom, as one that does not answer is.
            guard isServing else { return }
            failures = 0
            coolUntil = .zero
        }
    }

    private var states: [NodeIdentity: State] = [:]
    /// Nodes that are remembered; beyond it idle ones are forgotten.
    private var limit = leastLimit
    private static let leastLimit = 4_096

    var isEmpty: Bool { states.isEmpty }

    func version(_ node: NodeIdentity) -> UInt8? { states[node]?.version }

    func takesCompressed(_ node: NodeIdentity) -> Bool { states[node]?.takesCompressed ?? false }

    /// Chooses a way by two choices: of two drawn at random the one whose node is less busy. Nodes that failed lately are
    /// passed over while another one is there.
    ///
    /// - Parameters:
    ///   - ways: the candidates, in order.
    ///   - avoided: nodes that have just failed.
    ///   - now: the present time.
    ///   - life: how long a reported pressure counts.
    ///   - generator: draws the two.
    /// - Returns: a way; nil when there is none, or only avoided ones.
    func choose<Way: PeerWay>(
        from ways: [Way],
        avoiding avoided: [NodeIdentity] = [],
        now: Timestamp,
        life: Duration,
        using generator: inout some RandomNumberGenerator
    ) -> Way? {
        let candidates = avoided.isEmpty ? ways : ways.filter { !avoided.contains($0.node) }
        guard candidates.count > 1 else { return candidates.first }
        let well = candidates.filter { now >= (states[$0.node]?.coolUntil ?? .zero) }
        guard !well.isEmpty else {
            // All of them failed lately: the one whose time is over first.
            return candidates.min { left, right in
                (states[left.node]?.coolUntil ?? .zero) < (states[right.node]?.coolUntil ?? .zero)
            }
        }
        guard well.count > 1 else { return well[0] }
        let first = Int.random(in: 0..<well.count, using: &generator)
        var second = Int.random(in: 0..<(well.count - 1), using: &generator)
        if second >= first { second += 1 }
        let loads = [first, second].map { load(well[$0].node, now: now, life: life) }
        return loads[1] < loads[0] ? well[second] : well[first]
    }

    /// Reported pressure counts before what this node itself has under way there.
    private func load(_ node: NodeIdentity, now: Timestamp, life: Duration) -> (Int, Int) {
        guard let state = states[node] else { return (0, 0) }
        let isFresh = now - state.reportedAt < life
        return (isFresh ? Int(state.pressure) >> 4 : 0, state.inFlight)
    }

    mutating func began(_ node: NodeIdentity) {
        if states.count >= limit, states[node] == nil {
            states = states.filter { $0.value.inFlight > 0 }
            limit = max(Self.leastLimit, 2 * states.count)
        }
        states[node, default: State()].began()
    }

    /// Forgets the nodes that nothing went to since this was called before.
    mutating func forgetIdle(now: Timestamp) {
        states = states.filter { _, state in state.isTouched || state.inFlight > 0 || now < state.coolUntil }
        for node in states.keys { states[node]?.isTouched = false }
    }

    mutating func ended(_ node: NodeIdentity) {
        states[node]?.inFlight -= 1
    }

    mutating func answered(_ node: NodeIdentity, pressure: UInt8, isServing: Bool, now: Timestamp) {
        states[node]?.answered(pressure, isServing: isServing, now)
    }

    mutating func failed(_ node: NodeIdentity, now: Timestamp, coolDown: Duration) {
        let failures = states[node]?.failures ?? 0
        states[node]?.failures = failures + 1
        states[node]?.coolUntil = now + coolDown * (1 << min(failures, 5))
    }

    mutating func takes(_ node: NodeIdentity, compressed: Bool) {
        states[node]?.takesCompressed = compressed
    }

    mutating func speaks(_ node: NodeIdentity, version: UInt8) {
        states[node]?.version = version
    }
}
