import SansIO

/// UTC calendar time, computed without any library (proleptic Gregorian calendar).
public struct CivilTime: Hashable, Sendable {
    /// The year.
    public var year: Int
    /// 1...12
    public var month: Int
    /// 1...31
    public var day: Int
    /// 0...23
    public var hour: Int
    /// 0...59
    public var minute: Int
    /// 0...59
    public var second: Int
    /// 0...999
    public var millisecond: Int

    /// The calendar time of an instant.
    public init(_ timestamp: Timestamp) {
        let seconds = Int(timestamp.seconds)
        millisecond = Int(timestamp.milliseconds) - seconds * 1000
        let days = seconds >= 0 ? seconds / 86_400 : (seconds - 86_399) / 86_400
        let inDay = seconds - days * 86_400
        hour = inDay / 3_600
        minute = inDay % 3_600 / 60
        second = inDay % 60
        // Days are counted from 0000-03-01 in eras of 400 years, so that leap days fall at the end of a year.
        let shifted = days + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let monthFromMarch = (5 * dayOfYear + 2) / 153
        day = dayOfYear - (153 * monthFromMarch + 2) / 5 + 1
        month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
        year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
    }

    /// `YYYY-MM-DDTHH:MM:SSZ` (spec: patterns §1.1).
    public var iso8601: String {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(20)
        appendISO8601(to: &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Appends what ``iso8601`` gives.
    func appendISO8601(to bytes: inout [UInt8]) {
        bytes.appendDigits(year, atLeast: 4)
        // Every event carries one, so its parts go into the array in one piece.
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 16) { parts in
            func write(_ mark: UInt8, _ value: Int, at place: Int) {
                parts[place] = mark
                parts[place + 1] = 0x30 + UInt8(truncatingIfNeeded: value / 10)
                parts[place + 2] = 0x30 + UInt8(truncatingIfNeeded: value % 10)
            }
            write(UInt8(ascii: "-"), month, at: 0)
            write(UInt8(ascii: "-"), day, at: 3)
            write(UInt8(ascii: "T"), hour, at: 6)
            write(UInt8(ascii: ":"), minute, at: 9)
            write(UInt8(ascii: ":"), second, at: 12)
            parts[15] = UInt8(ascii: "Z")
            bytes.append(contentsOf: parts)
        }
    }

    /// `YYYY-MM-DDTHH:MM:SS.mmmZ` (spec: patterns §4.4).
    public var iso8601Milliseconds: String {
        String(iso8601.dropLast()) + "." + Self.pad(millisecond, 3) + "Z"
    }

    private static func pad(_ value: Int, _ width: Int) -> String {
        let digits = String(value)
        return String(repeating: "0", count: max(0, width - digits.utf8.count)) + digits
    }

    /// Days from the Unix epoch to a calendar date.
    public static func days(year: Int, month: Int, day: Int) -> Int {
        let shiftedYear = month <= 2 ? year - 1 : year
        let era = (shiftedYear >= 0 ? shiftedYear : shiftedYear - 399) / 400
        let yearOfEra = shiftedYear - era * 400
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        return era * 146_097 + dayOfEra - 719_468
    }
}

extension [UInt8] {
    /// Appends a number in decimal, with zeros before it up to `width` characters.
    mutating func appendDigits(_ value: Int, atLeast width: Int) {
        guard value >= 0, width <= 20 else {
            // A sign counts as a character, as in the text of the number.
            let digits = String(value)
            append(contentsOf: String(repeating: "0", count: Swift.max(0, width - digits.utf8.count)).utf8)
            return append(contentsOf: digits.utf8)
        }
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 20) { digits in
            var rest = UInt(value)
            var first = digits.count
            repeat {
                first -= 1
                digits[first] = 0x30 + UInt8(truncatingIfNeeded: rest % 10)
                rest /= 10
            } while rest > 0 || digits.count - first < width
            append(contentsOf: digits[first...])
        }
    }
}
