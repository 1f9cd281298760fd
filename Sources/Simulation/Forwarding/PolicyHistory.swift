/// When which route was let in by which node, as those know it who changed the policies.
///
/// A change is under way between its request and its answer; what happens meanwhile may go either way.
struct PolicyHistory {
    /// Whom a node lets in or not.
    struct Pair: Hashable {
        /// The place of the receiving node among the sites.
        var site: Int
        /// The sending cell.
        var sender: Int
        var statement: Route
    }

    private struct Interval {
        var asked: Int64
        var granted: Int64?
        var revoking: Int64?
        var revoked: Int64?
    }

    private var intervals: [Pair: [Interval]] = [:]

    mutating func grantAsked(_ pair: Pair, at time: Int64) {
        // A grant that is asked for again is the same one.
        if let last = intervals[pair]?.last, last.granted == nil, last.revoked == nil { return }
        intervals[pair, default: []].append(Interval(asked: time))
    }

    mutating func granted(_ pair: Pair, at time: Int64) {
        changeLast(pair) { $0.granted = $0.granted ?? time }
    }

    mutating func revocationAsked(_ pair: Pair, at time: Int64) {
        changeLast(pair) { $0.revoking = $0.revoking ?? time }
    }

    mutating func revoked(_ pair: Pair, at time: Int64) {
        changeLast(pair) { $0.revoked = $0.revoked ?? time }
    }

    private mutating func changeLast(_ pair: Pair, _ change: (inout Interval) -> Void) {
        guard let last = intervals[pair]?.indices.last, intervals[pair]?[last].revoked == nil else { return }
        change(&intervals[pair, default: []][last])
    }

    /// Whether the last change let it in.
    func isGranted(_ pair: Pair) -> Bool {
        intervals[pair]?.last.map { $0.granted != nil && $0.revoked == nil } ?? false
    }

    /// Whether it may have been let in at a time.
    func mayBeAllowed(_ pair: Pair, at time: Int64) -> Bool {
        (intervals[pair] ?? []).contains { $0.asked <= time && time <= $0.revoked ?? .max }
    }

    /// Whether it was surely let in all the while.
    func isAllowed(_ pair: Pair, from: Int64, to: Int64) -> Bool {
        (intervals[pair] ?? []).contains { interval in
            guard let granted = interval.granted else { return false }
            return granted <= from && to <= interval.revoking ?? .max
        }
    }
}
