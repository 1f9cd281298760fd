import SansIO

/// `rate(<n> <unit>)` (spec: patterns §8.2).
public struct RateExpression: Sendable, Hashable {
    /// The interval in milliseconds; positive.
    public let milliseconds: Int64

    /// The interval.
    public var interval: Duration { .milliseconds(milliseconds) }

    /// Parses what stands between the parentheses.
    init(_ content: ArraySlice<UInt8>, isStrict: Bool) throws(ScheduleError) {
        guard let space = content.firstIndex(of: UInt8(ascii: " ")),
            let number = Digits.value(content[..<space]), number > 0
        else { throw ScheduleError(.invalidRate) }
        let unit: Int64
        let isSingular: Bool
        switch String(decoding: content[(space + 1)...], as: UTF8.self) {
        case "minute": (unit, isSingular) = (60_000, true)
        case "minutes": (unit, isSingular) = (60_000, false)
        case "hour": (unit, isSingular) = (3_600_000, true)
        case "hours": (unit, isSingular) = (3_600_000, false)
        case "day": (unit, isSingular) = (86_400_000, true)
        case "days": (unit, isSingular) = (86_400_000, false)
        default: throw ScheduleError(.invalidRate)
        }
        guard !isStrict || isSingular == (number == 1) else { throw ScheduleError(.unitDisagrees) }
        let (product, overflow) = Int64(number).multipliedReportingOverflow(by: unit)
        guard !overflow else { throw ScheduleError(.invalidRate) }
        milliseconds = product
    }

    /// The first of `anchor` + interval, `anchor` + 2 intervals, … that is later than `after`; nil behind the end of time.
    public func next(after: Timestamp, anchor: Timestamp) -> Timestamp? {
        var steps: Int64 = 1
        if after >= anchor {
            let (passed, overflow) = after.milliseconds.subtractingReportingOverflow(anchor.milliseconds)
            guard !overflow else { return nil }
            steps = passed / milliseconds + 1
        }
        let (offset, tooFar) = milliseconds.multipliedReportingOverflow(by: steps)
        let (sum, tooLate) = anchor.milliseconds.addingReportingOverflow(offset)
        return tooFar || tooLate ? nil : Timestamp(milliseconds: sum)
    }
}

/// Unsigned decimal numbers in expressions.
enum Digits {
    /// The value of one or more digits; nil for anything else and for what does not fit.
    static func value(_ bytes: ArraySlice<UInt8>) -> Int? {
        guard !bytes.isEmpty else { return nil }
        var value = 0
        for byte in bytes {
            let digit = byte &- 0x30
            guard digit < 10 else { return nil }
            let (product, overflow) = value.multipliedReportingOverflow(by: 10)
            let (sum, carried) = product.addingReportingOverflow(Int(digit))
            guard !overflow, !carried else { return nil }
            value = sum
        }
        return value
    }
}
