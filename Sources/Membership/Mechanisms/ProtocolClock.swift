import SansIO

/// Protocol time in milliseconds: wall-clock time without the jumps.
///
/// It never goes back when the wall clock is set back. And it does not count time in which this node did not run: when a
/// wake-up comes much later than planned (a suspended process, a starved machine, a clock set forward), the excess is left
/// out, so that nobody is held dead for answers that wait unread in this node's own queue.
struct ProtocolClock: Equatable, Sendable {
    private(set) var now: Int64
    private(set) var wall: Timestamp
    private var offset: Int64 = 0

    init(_ wall: Timestamp) {
        self.wall = wall
        now = wall.milliseconds
    }

    /// Moves to a wall-clock time.
    ///
    /// - Parameters:
    ///   - wall: the wall clock's time.
    ///   - expected: by when this was to be called, in protocol time; nil leaves nothing out.
    ///   - slack: how late is still punctual.
    /// - Returns: how many milliseconds were left out.
    mutating func advance(to wall: Timestamp, expected: Int64?, slack: Int64) -> Int64 {
        self.wall = wall
        var next = wall.milliseconds &+ offset
        if next < now {
            offset &+= now - next
            next = now
        }
        var excess: Int64 = 0
        if let expected, next > max(expected, now) + slack {
            excess = next - (max(expected, now) + slack)
            offset &-= excess
            next -= excess
        }
        now = next
        return excess
    }

    /// The wall-clock time of a protocol time, if the clocks run on as they do.
    func wallTime(of time: Int64) -> Timestamp { Timestamp(milliseconds: time &- offset) }
}
