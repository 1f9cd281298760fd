import COpenSSL

/// The value of the `date` field (RFC 9110 §5.6.7), formatted once a second.
struct DateCache {
    private var second: Int64 = .min
    private(set) var bytes: [UInt8] = []

    /// Formats again when the second has changed.
    ///
    /// - Parameter second: seconds since the Unix epoch.
    mutating func update(to second: Int64) {
        if second == self.second { return }
        self.second = second
        bytes = Self.format(second)
    }

    /// `Sun, 06 Nov 1994 08:49:37 GMT` for 784111777.
    static func format(_ second: Int64) -> [UInt8] {
        let days = second >= 0 ? second / 86_400 : (second - 86_399) / 86_400
        let time = Int(second - days * 86_400)
        let (year, month, day) = civil(days)
        let weekdays: [StaticString] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"]
        let months: [StaticString] = [
            "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
        ]
        let weekday = Int((days % 7 + 7) % 7)
        var text: [UInt8] = []
        text.append(static: weekdays[weekday])
        text.append(static: ", ")
        text.appendPadded(day)
        text.append(static: " ")
        text.append(static: months[month - 1])
        text.append(static: " ")
        if year < 1000 { text.append(static: "0") }
        text.appendDecimal(max(0, year))
        text.append(static: " ")
        text.appendPadded(time / 3600)
        text.append(static: ":")
        text.appendPadded(time / 60 % 60)
        text.append(static: ":")
        text.appendPadded(time % 60)
        text.append(static: " GMT")
        return text
    }

    /// The Gregorian date of a number of days since 1970-01-01, by counting in eras of 400 years from a first of March.
    private static func civil(_ days: Int64) -> (year: Int, month: Int, day: Int) {
        let shifted = days + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let marchMonth = (5 * dayOfYear + 2) / 153
        let day = dayOfYear - (153 * marchMonth + 2) / 5 + 1
        let month = marchMonth < 10 ? marchMonth + 3 : marchMonth - 9
        return (Int(yearOfEra + era * 400) + (month <= 2 ? 1 : 0), Int(month), Int(day))
    }
}

extension [UInt8] {
    /// Appends a literal's bytes.
    mutating func append(static text: StaticString) {
        append(contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    /// Appends a number below 100 as two digits.
    mutating func appendPadded(_ number: Int) {
        append(UInt8(ascii: "0") + UInt8(number / 10 % 10))
        append(UInt8(ascii: "0") + UInt8(number % 10))
    }
}

/// The wall clock.
enum WallClock {
    /// Milliseconds since the Unix epoch.
    static func milliseconds() -> Int64 {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
    }
}
