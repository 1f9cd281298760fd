import EventModel
import PeerProtocol
import SansIO

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
    }

    private var states: [NodeIdentity: State] = [:]
    /// Nodes that are remembered; beyond it idle ones are forgotten.
    private static let limit = 4_096

    func version(_ node: NodeIdentity) -> UInt8? { states[node]?.version }

    /// Chooses a node by two choices: of two drawn at random the one that is less busy. Nodes that failed lately are
    /// passed over while another one is there.
    ///
    /// - Parameters:
    ///   - nodes: the candidates, in order.
    ///   - avoided: a node that has just failed.
    ///   - now: the present time.
    ///   - life: how long a reported pressure counts.
    ///   - generator: draws the two.
    /// - Returns: a node; nil when there is none, or only the avoided one.
    func choose(
        from nodes: [PeerNode],
        avoiding avoided: NodeIdentity? = nil,
        now: Timestamp,
        life: Duration,
        using generator: inout some RandomNumberGenerator
    ) -> PeerNode? {
        let candidates = avoided == nil ? nodes : nodes.filter { $0.identity != avoided }
        guard candidates.count > 1 else { return candidates.first }
        let well = candidates.filter { now >= (states[$0.identity]?.coolUntil ?? .zero) }
        guard !well.isEmpty else {
            // All of them failed lately: the one whose time is over first.
            return candidates.min { left, right in
                (states[left.identity]?.coolUntil ?? .zero) < (states[right.identity]?.coolUntil ?? .zero)
            }
        }
        guard well.count > 1 else { return well[0] }
        let first = Int.random(in: 0..<well.count, using: &generator)
        var second = Int.random(in: 0..<(well.count - 1), using: &generator)
        if second >= first { second += 1 }
        let loads = [first, second].map { load(well[$0].identity, now: now, life: life) }
        return loads[1] < loads[0] ? well[second] : well[first]
    }

    /// Reported pressure counts before what this node itself has under way there.
    private func load(_ node: NodeIdentity, now: Timestamp, life: Duration) -> (Int, Int) {
        guard let state = states[node] else { return (0, 0) }
        let isFresh = now - state.reportedAt < life
        return (isFresh ? Int(state.pressure) >> 4 : 0, state.inFlight)
    }

    mutating func began(_ node: NodeIdentity) {
        if states.count >= Self.limit, states[node] == nil { states = states.filter { $0.value.inFlight > 0 } }
        states[node, default: State()].inFlight += 1
    }

    mutating func ended(_ node: NodeIdentity) {
        states[node]?.inFlight -= 1
    }

    mutating func answered(_ node: NodeIdentity, pressure: UInt8, now: Timestamp) {
        states[node]?.pressure = pressure
        states[node]?.reportedAt = now
        states[node]?.failures = 0
        states[node]?.coolUntil = .zero
    }

    mutating func failed(_ node: NodeIdentity, now: Timestamp, coolDown: Duration) {
        let failures = states[node]?.failures ?? 0
        states[node]?.failures = failures + 1
        states[node]?.coolUntil = now + coolDown * (1 << min(failures, 5))
    }

    mutating func speaks(_ node: NodeIdentity, version: UInt8) {
        states[node]?.version = version
    }
}
