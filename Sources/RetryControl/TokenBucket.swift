import SansIO

/// Tokens that accrue with time, in millionths so that no rounding adds up.
struct TokenBucket: Hashable, Sendable {
    static let unit: Int64 = 1_000_000

    /// The most that the bucket holds.
    private(set) var capacity: Int64
    /// What accrues in a millisecond.
    private(set) var perMillisecond: Int64
    /// What is there. Negative while a take beyond the capacity is paid off.
    private(set) var available: Int64
    private var updatedAt: Timestamp

    /// - Parameters:
    ///   - rate: tokens per second; from 0.001, or 0 for none.
    ///   - burst: the capacity in tokens.
    ///   - available: the tokens at the start.
    ///   - now: the time of the start.
    init(rate: Double, burst: Double, available: Double, now: Timestamp) {
        capacity = Self.units(burst)
        perMillisecond = Self.units(rate / 1000)
        self.available = min(Self.units(available), capacity)
        updatedAt = now
    }

    /// Saturates, because rates come from configuration.
    static func units(_ tokens: Double) -> Int64 {
        let units = (tokens * Double(unit)).rounded()
        guard units > 0 else { return 0 }
        return units < Double(1 << 60) ? Int64(units) : 1 << 60
    }

    /// Adds what accrued since the last call. A clock that was set back adds nothing and starts anew from there.
    mutating func refill(_ now: Timestamp) {
        guard now > updatedAt else {
            updatedAt = now
            return
        }
        let (elapsed, wide) = now.milliseconds.subtractingReportingOverflow(updatedAt.milliseconds)
        let (accrued, over) = elapsed.multipliedReportingOverflow(by: perMillisecond)
        updatedAt = now
        add(wide || over ? .max : accrued)
    }

    /// Adds units up to the capacity.
    mutating func add(_ units: Int64) {
        let (sum, over) = available.addingReportingOverflow(units)
        available = over ? capacity : min(sum, capacity)
    }

    /// Takes this many units if they are there; more than the capacity as soon as the bucket is full, leaving a debt.
    mutating func take(_ units: Int64) -> Bool {
        guard available >= min(units, capacity) else { return false }
        available -= units
        return true
    }

    /// When this many units will be there, or nil when they never accrue. Call after ``refill(_:)``.
    func time(of units: Int64) -> Timestamp? {
        let missing = min(units, capacity) - available
        guard missing > 0 else { return updatedAt }
        guard perMillisecond > 0 else { return nil }
        let whole = missing / perMillisecond + (missing % perMillisecond == 0 ? 0 : 1)
        return updatedAt + .milliseconds(whole)
    }

    /// Changes rate and capacity from `now` on.
    mutating func change(rate: Double, burst: Double, now: Timestamp) {
        refill(now)
        capacity = Self.units(burst)
        perMillisecond = Self.units(rate / 1000)
        available = min(available, capacity)
    }
}
