import SansIO

/// A time zone as data: from which instant on its clocks are how far ahead of UTC.
///
/// Whoever reads a time-zone database expands its recurring rules into transitions as far ahead as schedules may reach.
public struct ZoneTransitions: Sendable, Hashable {
    /// A change of the offset.
    public struct Transition: Sendable, Hashable {
        /// The first second of the new offset, in seconds since the Unix epoch.
        public var seconds: Int
        /// Seconds that local clocks are ahead of UTC from then on.
        public var offset: Int

        /// Creates a transition.
        public init(seconds: Int, offset: Int) {
            self.seconds = seconds
            self.offset = offset
        }
    }

    /// The largest distance from UTC, either way, in seconds.
    public static let maximumOffset = 26 * 3_600

    /// UTC itself.
    public static let utc = ZoneTransitions(initialOffset: 0, transitions: [])

    private let initialOffset: Int
    private let transitions: [Transition]

    /// Creates a zone.
    ///
    /// - Parameters:
    ///   - initialOffset: the offset before the first transition, in seconds.
    ///   - transitions: in ascending order of time.
    /// - Precondition: the order holds and no offset is beyond ``maximumOffset``.
    public init(initialOffset: Int, transitions: [Transition]) {
        precondition(
            zip(transitions, transitions.dropFirst()).allSatisfy { $0.seconds < $1.seconds },
            "transitions must ascend"
        )
        precondition(
            abs(initialOffset) <= Self.maximumOffset && transitions.allSatisfy { abs($0.offset) <= Self.maximumOffset },
            "offset beyond \(Self.maximumOffset) seconds"
        )
        self.initialOffset = initialOffset
        self.transitions = transitions
    }

    /// Seconds that local clocks are ahead of UTC at an instant given in seconds since the Unix epoch.
    public func offset(atSeconds seconds: Int) -> Int {
        offset(ofPeriod: period(at: seconds))
    }

    /// The instant at which local clocks show a time, given as seconds from 1970-01-01T00:00:00 on that clock.
    ///
    /// - Returns: the first such instant when clocks show the time twice, nil when they skip it (spec: patterns §8.6).
    public func instant(ofLocalSeconds local: Int) -> Timestamp? {
        var period = period(at: local - Self.maximumOffset)
        while true {
            let seconds = local - offset(ofPeriod: period)
            let begins = period == 0 || transitions[period - 1].seconds <= seconds
            let ends = period < transitions.count && transitions[period].seconds <= seconds
            if begins, !ends { return Timestamp(milliseconds: Int64(seconds) * 1000) }
            guard period < transitions.count, transitions[period].seconds <= local + Self.maximumOffset else {
                return nil
            }
            period += 1
        }
    }

    /// How many transitions have happened by then.
    private func period(at seconds: Int) -> Int {
        var low = 0
        var high = transitions.count
        while low < high {
            let middle = (low + high) / 2
            if transitions[middle].seconds <= seconds { low = middle + 1 } else { high = middle }
        }
        return low
    }

    private func offset(ofPeriod period: Int) -> Int {
        period == 0 ? initialOffset : transitions[period - 1].offset
    }
}
