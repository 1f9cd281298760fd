/// Nodes whose claims lie so far ahead of this node's clock that they are not believed: either their clocks are wrong, or this
/// node's own is.
struct ClockDoubts: Sendable {
    /// How long a node is remembered, in milliseconds.
    private static let memory: Int64 = 600_000
    /// Nodes that are remembered at most.
    private static let limit = 64

    private var nodes: [(key: NodeKey, at: Int64)] = []
    /// Claims that are verified to find out who speaks.
    var checks = Allowance()
    var alarms = Allowance()

    mutating func note(_ key: NodeKey, now: Int64) {
        nodes.removeAll { $0.key == key || now - $0.at > Self.memory }
        if nodes.count >= Self.limit { nodes.removeFirst() }
        nodes.append((key, now))
    }

    /// How many nodes were ahead lately.
    func count(now: Int64) -> Int { nodes.count { now - $0.at <= Self.memory } }
}
